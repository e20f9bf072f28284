"""Decodes strangers' bytes to pixels: the door to Pillow, and to libvips as a reader."""
