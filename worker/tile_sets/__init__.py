"""What indexing and rendering read of a tile set."""
