"""The index itself: what it keeps of a photo, and the file that it lies in."""
