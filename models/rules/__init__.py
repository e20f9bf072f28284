"""What needs the standard library only: orders, limits, names, states."""
