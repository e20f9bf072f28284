"""Rules that need the standard library only: orders, limits, names, states."""
