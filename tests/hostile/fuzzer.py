"""Sound files with a few bytes wrong, and what our doors make of them.

`python tests/hostile/fuzzer.py KIND SEED FIRST LAST` spoils a file of each kind that begins so, from round FIRST to
before LAST.
A round depends on its seed and number alone, so any can be repeated. The number of each is printed before it begins.
"""

import gc
import io
import json
import resource
import signal
import sys
import warnings
import zipfile
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

from models.errors import BadArchive, DamagedPicture, TesseraError, TooLarge, UnreadCompression, UnusablePicture
from models.rules import zip_files
from models.rules.lattices import Effort
from models.rules.orders import MosaicOrder
from models.rules.repeats import QUICK
from web import precheck
from worker.core.windows import WHOLE
from worker.decoding import headers, images

MOST_BYTES = 3 << 30
ROUND_SECONDS = 60
"""How long one round may take before the process is ended: nothing here may go round in circles."""
DECODED_PIXELS = 2_000_000
CUTS = 8
EXTREMES = np.array([0, 1, 0x7F, 0x80, 0xFE, 0xFF], np.uint8)


def sound(form: str, mode: str = "RGB", *, with_metadata: bool = False, **options: object) -> bytes:
    """Return a small valid picture; with Exif, a profile and XMP if asked for."""
    pixels = np.random.default_rng(1).integers(0, 256, (12, 16, 4), dtype=np.uint8)
    picture = Image.fromarray(pixels[..., :3]).convert(mode)
    if with_metadata:
        exif = Image.Exif()
        exif[0x0112], exif[0x010F] = 6, "Maker"
        exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
        options |= {
            "exif": exif.tobytes() if form == "HEIF" else exif,
            "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        }
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def animated(form: str) -> bytes:
    """Return two frames."""
    file = io.BytesIO()
    Image.new("RGB", (16, 12), "red").save(
        file, form, save_all=True, append_images=[Image.new("RGB", (16, 12), "lime")]
    )
    return file.getvalue()


def zipped() -> bytes:
    """Return a zip of stored and deflated files, one of them with fields of 64 bits."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/b.png", bytes(range(100)), zipfile.ZIP_STORED)
        archive.writestr("c.png", bytes(500), zipfile.ZIP_DEFLATED)
        with archive.open("d.png", "w", force_zip64=True) as entry:
            entry.write(b"pixels")
    return file.getvalue()


KINDS: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: sound("JPEG"),
    "jpeg-with-metadata": lambda: sound("JPEG", with_metadata=True, xmp=b"<x:xmpmeta/>"),
    "jpeg-progressive": lambda: sound("JPEG", progressive=True),
    "jpeg-inks": lambda: sound("JPEG", "CMYK"),
    "jpeg-several": lambda: animated("MPO"),
    "png": lambda: sound("PNG"),
    "png-with-metadata": lambda: sound("PNG", with_metadata=True),
    "png-palette": lambda: sound("PNG", "P", transparency=bytes(range(256))),
    "png-grey": lambda: sound("PNG", "I;16"),
    "webp": lambda: sound("WEBP"),
    "webp-with-metadata": lambda: sound("WEBP", with_metadata=True, lossless=True),
    "webp-animated": lambda: animated("WEBP"),
    "gif": lambda: sound("GIF"),
    "gif-animated": lambda: animated("GIF"),
    "tiff": lambda: sound("TIFF"),
    "tiff-with-metadata": lambda: sound("TIFF", with_metadata=True, compression="tiff_lzw"),
    "tiff-jpeg": lambda: sound("TIFF", compression="jpeg"),
    "tiff-big": lambda: sound("TIFF", big_tiff=True),
    "bmp": lambda: sound("BMP"),
    "avif": lambda: sound("AVIF"),
    "avif-with-metadata": lambda: sound(
        "AVIF", with_metadata=True, quality=100, subsampling="4:4:4", xmp=b"<x:xmpmeta/>"
    ),
    "avif-alpha": lambda: sound("AVIF", "RGBA"),
    "avif-grey": lambda: sound("AVIF", "L"),
    "avif-animated": lambda: animated("AVIF"),
    "heif": lambda: sound("HEIF"),
    "heif-with-metadata": lambda: sound("HEIF", with_metadata=True, xmp=b"<x:xmpmeta/>"),
    "heif-alpha": lambda: sound("HEIF", "RGBA", quality=-1, chroma=444),
    "heif-grey": lambda: sound("HEIF", "L"),
    "heif-parts": lambda: sound("HEIF", tile_size=8, thumbnails=[8]),
    "heif-several": lambda: animated("HEIF"),
    "jp2": lambda: sound("JPEG2000"),
    "jp2-bare": lambda: sound("JPEG2000", no_jp2=True),
    "jp2-alpha": lambda: sound("JPEG2000", "RGBA"),
    "jp2-grey": lambda: sound("JPEG2000", "I;16"),
    "jp2-lossy": lambda: sound("JPEG2000", irreversible=True, quality_layers=[20, 5], tile_size=(8, 8)),
    "zip": zipped,
}


def spoiled(data: bytes, dice: np.random.Generator) -> bytes:
    """Return a file with up to eight places changed: turned, set, put in, taken out, moved, or cut off."""
    spoilt = np.frombuffer(data, np.uint8).copy()
    for _ in range(int(dice.integers(1, CUTS + 1))):
        if not len(spoilt):
            break
        # Headers are short and tell most: half of all blows fall into the first hundred bytes.
        reach = len(spoilt) if dice.integers(2) else min(len(spoilt), 100)
        at, length = int(dice.integers(reach)), int(dice.integers(1, 9))
        match int(dice.integers(6)):
            case 0:
                spoilt[at] ^= np.uint8(1 << int(dice.integers(8)))
            case 1:
                spoilt[at : at + length] = dice.choice(EXTREMES)
            case 2:
                spoilt = np.insert(spoilt, at, dice.integers(0, 256, length, dtype=np.uint8))
            case 3:
                spoilt = np.delete(spoilt, slice(at, at + length))
            case 4:
                source = int(dice.integers(len(spoilt)))
                piece = spoilt[source : source + length].copy()
                spoilt[at : at + len(piece)] = piece[: len(spoilt) - at]
            case _:
                if not dice.integers(4):
                    spoilt = spoilt[: int(dice.integers(len(spoilt)))]
    return spoilt.tobytes()


def picture(data: bytes) -> None:
    """Ask every door for pictures; only UnusablePicture may come back, or what was promised."""
    order = MosaicOrder(cells_across=2)
    try:
        precheck.judge(io.BytesIO(data), "photo", 1 << 20, order, 10, Effort(QUICK))
    except TesseraError as error:
        said(error)
    for way in (
        lambda: images.decode(data, max_pixels=DECODED_PIXELS),
        lambda: images.tiles(data, 5, 4, [WHOLE])[0],
        lambda: images.thumb(data, 4)[0],
        lambda: images.prepared(data, 4, 8).thumb,
        lambda: np.broadcast_to(np.uint8(0), (*images.size(data)[::-1], 3)),
    ):
        try:
            pixels = way()
        except UnusablePicture as error:
            said(error)
        else:
            assert pixels.dtype == np.uint8, pixels.dtype
            assert pixels.ndim == 3, pixels.shape
            assert pixels.shape[2] == 3, pixels.shape
            assert pixels.size, pixels.shape


def archive(data: bytes) -> None:
    """Open, judge and read a zip; a file of one that passes is read within its limit or called damaged."""
    try:
        with zip_files.opened(io.BytesIO(data)) as one:
            one.check(100, 1 << 20)
            for number in range(len(one.names)):
                try:
                    assert len(one.read(number, 200)) <= 200
                except (DamagedPicture, UnreadCompression) as error:
                    said(error)
    except (BadArchive, TooLarge) as error:
        said(error)


def said(error: TesseraError) -> None:
    """Hold a refusal to what every refusal has: a code, and a sentence."""
    assert type(error).code != TesseraError.code, repr(error)
    assert str(error).endswith("."), repr(error)


def main() -> None:
    """Run the rounds."""
    word, seed, first, last = sys.argv[1], *map(int, sys.argv[2:5])
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    gc.set_threshold(1)  # whatever is freed, is freed at the worst moment
    headers.load_plugins()
    for kind in (each for each in KINDS if each.startswith(word)):
        data, door = KINDS[kind](), archive if kind == "zip" else picture
        door(data)
        for number in range(first, last):
            print(json.dumps([kind, seed, number]), flush=True)
            signal.alarm(ROUND_SECONDS)
            door(spoiled(data, np.random.default_rng((seed, number))))


if __name__ == "__main__":
    main()
