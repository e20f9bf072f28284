"""Exact searches for the tile that is nearest to each cell."""
