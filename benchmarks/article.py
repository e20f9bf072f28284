"""The method of many an article on photographic mosaics, as naively as its forty lines.

Called as `article.py TARGET FOLDER CELLS TILE OUT`. Every photo is decoded in full, a tile is known by its mean
colour, every cell is compared with every tile, and the tiles are pasted into one image in memory.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image


def main(target: Path, folder: Path, cells: int, size: int, out: Path) -> None:
    """Write a mosaic."""
    tiles = []
    colours = []
    for path in sorted(folder.iterdir()):
        photo = Image.open(path).convert("RGB")
        colours.append(np.array(photo).mean(axis=(0, 1)))
        tiles.append(photo.resize((size, size)))
    average = np.array(colours)

    picture = np.array(Image.open(target).convert("RGB"))
    cell = picture.shape[1] // cells
    rows = picture.shape[0] // cell
    mosaic = Image.new("RGB", (cells * size, rows * size))
    for row in range(rows):
        for column in range(cells):
            part = picture[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell]
            distances = np.sqrt(((average - part.mean(axis=(0, 1))) ** 2).sum(axis=1))
            mosaic.paste(tiles[distances.argmin()], (column * size, row * size))
    mosaic.save(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
