"""Indexes a tile set, in parts, by as many workers as there are."""
