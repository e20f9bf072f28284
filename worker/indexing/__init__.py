"""A tile set is indexed, in parts, by as many workers as there are."""
