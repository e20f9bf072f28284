"""Chooses a tile for every cell where rules limit how often, and how near to itself, a tile may be used."""
