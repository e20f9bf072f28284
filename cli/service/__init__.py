"""The commands that run a service, or ask one."""
