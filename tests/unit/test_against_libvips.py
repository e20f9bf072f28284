"""A seeded corpus that Pillow and libvips write, as we decode it and as libvips does: the same, or refused."""

import itertools
import os
from io import BytesIO

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from models.errors import KindNotRead
from worker.decoding import cicp, images

SEED = int(os.environ.get("TESSERA_FUZZ_SEED", "1"))
SIZES = [(33, 21)] if "TESSERA_FUZZ_ROUNDS" not in os.environ else [(33, 21), (1, 1), (16, 16), (257, 3), (130, 90)]
MEAN_LEVELS = 1.5
"""How far two decoders may be apart in the mean: by their rounding, not by what they see."""
PROFILES = {
    "none": lambda _: None,
    "sRGB": lambda _: ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    "Adobe RGB": lambda _: cicp.adobe_rgb(),
    "linear": lambda mode: cicp.icc_profile(1, 8, grey=mode in {"L", "LA"}),
    "P3": lambda mode: cicp.icc_profile(12, 13, grey=mode in {"L", "LA"}),
    "broken": lambda _: b"no profile at all",
}
BY_PILLOW = {
    "PNG": ({}, ("1", "L", "LA", "P", "RGB", "RGBA")),
    "TIFF": ({}, ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK")),
    "TIFF lzw": ({"compression": "tiff_lzw"}, ("1", "L", "P", "RGB", "RGBA", "CMYK")),
    "TIFF deflate": ({"compression": "tiff_adobe_deflate"}, ("L", "RGB", "CMYK")),
    "TIFF big": ({"big_tiff": True}, ("L", "RGB")),
    "TIFF fax": ({"compression": "group4"}, ("1",)),
    "TIFF jpeg": ({"compression": "jpeg", "quality": 95}, ("L", "RGB")),
    "JPEG": ({"quality": 95}, ("L", "RGB")),
    "JPEG progressive": ({"quality": 90, "progressive": True}, ("L", "RGB")),
    "JPEG as RGB": ({"quality": 95, "keep_rgb": True}, ("RGB",)),
    "WEBP": ({"quality": 90}, ("RGB", "RGBA")),
    "WEBP lossless": ({"lossless": True, "exact": True}, ("RGB", "RGBA")),
    "GIF": ({}, ("L", "P", "RGB")),
    "AVIF": ({"quality": 90, "speed": 10, "subsampling": "4:4:4"}, ("RGB", "RGBA")),
}
COLOURS, ALL, EVERY_DEPTH = ("L", "RGB"), ("L", "LA", "RGB", "RGBA"), ("uchar", "ushort", "float")
TILES = {"tile": True, "tile_width": 16, "tile_height": 16}
BY_VIPS = {
    "png 1 bit": ("png", {"bitdepth": 1}, ("L",), ("uchar",)),
    "png 2 bits": ("png", {"bitdepth": 2}, ("L",), ("uchar",)),
    "png 4 bits": ("png", {"bitdepth": 4}, ("L",), ("uchar",)),
    "png interlaced": ("png", {"interlace": True}, ALL, ("uchar", "ushort")),
    "tiff": ("tiff", {}, ALL, EVERY_DEPTH),
    "tiff tiles": ("tiff", TILES, ALL, EVERY_DEPTH),
    "tiff big": ("tiff", {"bigtiff": True}, ALL, EVERY_DEPTH),
    "tiff pyramid": ("tiff", TILES | {"pyramid": True}, COLOURS, ("uchar", "ushort")),
    "tiff webp": ("tiff", {"compression": "webp", "lossless": True}, ("RGB", "RGBA"), ("uchar",)),
    "tiff jpeg": ("tiff", {"compression": "jpeg", "Q": 95}, COLOURS, ("uchar",)),
    "jpeg": ("jpeg", {"Q": 95, "subsample_mode": "off"}, COLOURS, ("uchar",)),
}
DEPTHS = {"uchar": 1, "ushort": 257, "float": 1 / 255}


def by_libvips(data):
    """What libvips sees: over white, in sRGB; grey of sixteen bits by its profile is more than it can."""
    image = pyvips.Image.new_from_buffer(data, "", fail_on="error").autorot()
    if image.format == "ushort" and image.interpretation == "grey16":
        image = (image / 257).cast("uchar").copy(interpretation="b-w")
    if image.format == "float" and image.bands < 3:
        image = (image * 255).cast("uchar").copy(interpretation="b-w")
    if image.get_typeof("icc-profile-data"):
        try:
            image = image.icc_transform("srgb", embedded=True, intent="perceptual").copy_memory()
        except pyvips.Error:
            image = image.copy()
            image.remove("icc-profile-data")
    if image.interpretation == "cmyk":  # as inks without a profile are taken here; libvips would bring its own
        inks = image.numpy() / 255
        return 255 * (1 - inks[:, :, :3]) * (1 - inks[:, :, 3:])
    image = image.colourspace("srgb")
    if image.hasalpha():
        image = image.flatten(background=255)
    return image.cast("uchar").numpy().reshape(image.height, image.width, -1).astype(float)


def apart(data):
    """How far our decoding is from libvips' in the mean; 0 where the kind is refused."""
    try:
        ours = images.decode(data).astype(float)
    except KindNotRead:
        return 0.0
    theirs = by_libvips(data)
    assert ours.shape[:2] == theirs.shape[:2]
    return np.abs(ours - theirs).mean()


def drawn(mode, size):
    """A soft picture with some noise in it, in a mode of Pillow."""
    dice = np.random.default_rng(SEED)
    rgba = dice.integers(0, 256, (4, 3, 4), dtype=np.uint8)
    picture = Image.fromarray(rgba).resize(size, Image.Resampling.BICUBIC)
    if mode == "CMYK":
        return Image.frombytes("CMYK", size, picture.tobytes())
    if mode in {"LA", "RGBA"}:
        return picture.convert(mode)
    return picture.convert("RGB").convert(mode)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("form", "mode"), [(form, mode) for form, (_, modes) in BY_PILLOW.items() for mode in modes])
def test_what_pillow_writes_is_what_libvips_sees(form, mode, profile, size):
    options = dict(BY_PILLOW[form][0])
    found = PROFILES[profile](mode)
    if found is not None and form != "GIF" and mode != "CMYK":  # of inks by a profile, libvips has another view
        options["icc_profile"] = found
    file = BytesIO()
    drawn(mode, size).save(file, form.partition(" ")[0], **options)
    assert apart(file.getvalue()) < MEAN_LEVELS


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(
    ("form", "mode", "depth"),
    [(form, *each) for form, (_, _, modes, depths) in BY_VIPS.items() for each in itertools.product(modes, depths)],
)
def test_what_libvips_writes_is_what_it_sees_again(form, mode, depth, profile, size):
    saver, options, _, _ = BY_VIPS[form]
    pixels = np.asarray(drawn(mode, size)).reshape(size[1], size[0], -1)
    samples = (pixels * np.float64(DEPTHS[depth])).astype({"uchar": "u1", "ushort": "u2", "float": "f4"}[depth])
    kinds = {"uchar": ("b-w", "srgb"), "ushort": ("grey16", "rgb16"), "float": ("b-w", "scrgb")}[depth]
    image = pyvips.Image.new_from_array(samples, interpretation=kinds[mode.startswith("RGB")]).copy()
    if (found := PROFILES[profile](mode)) is not None and depth != "float":
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", found)
    assert apart(getattr(image, f"{saver}save_buffer")(**options)) < MEAN_LEVELS
