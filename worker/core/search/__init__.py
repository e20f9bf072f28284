"""Which tile is nearest to a cell."""
