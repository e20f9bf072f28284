"""From a target and an index to a mosaic."""
