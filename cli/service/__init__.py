"""The commands that run a service, or use one."""
