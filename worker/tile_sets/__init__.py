"""Reads the photos and the index of a tile set, for indexing and rendering."""
