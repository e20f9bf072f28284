"""What a placement costs beyond its cells: how it looks from afar, and how near equal photos lie."""
