"""Which tile lies in which cell where rules bound its uses."""
