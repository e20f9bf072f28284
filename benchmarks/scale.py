"""Writes a picture in another size: `scale.py PICTURE WIDTH HEIGHT OUT`."""

import sys
from pathlib import Path

from PIL import Image

from worker.core.fitted import Fitted
from worker.decoding import images

if __name__ == "__main__":
    picture, width, height, out = sys.argv[1:]
    target = Fitted.whole(images.decode(Path(picture).read_bytes()))
    Image.fromarray(images.resized(target, int(width), int(height))).save(out)
