"""Writes a picture in another size: `scale.py PICTURE WIDTH HEIGHT OUT`."""

import sys
from pathlib import Path

from PIL import Image

from worker import images

if __name__ == "__main__":
    picture, width, height, out = sys.argv[1:]
    pixels = images.decode(Path(picture).read_bytes())
    Image.fromarray(images.resized(pixels, int(width), int(height))).save(out)
