"""The index itself: what it has of each photo, and the file that it is in."""
