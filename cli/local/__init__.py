"""The commands that need no service."""
