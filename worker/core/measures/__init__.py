"""How good a finished mosaic is."""
