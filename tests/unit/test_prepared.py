"""What is kept of a photo: a thumb, a normalised tile and a preview, from one decoding."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from models.errors import EmptyFile, NotAPicture
from worker.decoding import images
from worker.decoding.sandbox import Sandbox

ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def box():
    made = Sandbox(30, 512 << 20)
    yield made
    made.close()


def opened(data):
    image = Image.open(BytesIO(data))
    image.load()
    return image


def smooth(width, height):
    """A picture without noise, which JPEG keeps well: red grows to the right, green downwards."""
    down, across = np.mgrid[0:height, 0:width]
    return np.stack([across * 255 // width, down * 255 // height, np.full_like(down, 80)], axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    ("form", "options"),
    [("PNG", {}), ("GIF", {}), ("BMP", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}),
     ("WEBP", {"lossless": True})],
)  # fmt: skip
def test_a_small_photo_of_a_lossless_file_is_kept_exactly(encoded, noise, form, options):
    photo = Image.fromarray(noise(30, 40))
    if form == "GIF":
        photo = photo.quantize(200)
    tile = images.prepared(encoded(photo, form, **options), 8, 40).tile
    assert opened(tile).format == "PNG"
    np.testing.assert_array_equal(np.asarray(opened(tile)), np.asarray(photo.convert("RGB")))


@pytest.mark.parametrize(
    ("form", "options"),
    [("JPEG", {}), ("WEBP", {}), ("TIFF", {"compression": "jpeg"}), ("MPO", {}), ("AVIF", {}), ("HEIF", {}),
     ("JPEG2000", {})],
)  # fmt: skip
def test_a_small_photo_of_a_lossy_file_is_kept_as_a_jpeg_with_whole_chroma(encoded, form, options):
    photo = smooth(40, 30)
    kept = opened(images.prepared(encoded(photo, form, **options), 8, 1_024).tile)
    assert (kept.format, kept.size) == ("JPEG", (40, 30))
    # Every component is sampled as often as every other. Source: T.81, B.2.2.
    assert {layer[1:3] for layer in kept.layer} == {(1, 1)}
    np.testing.assert_allclose(np.asarray(kept), photo, atol=16)


def test_a_lossless_webp_that_tells_of_itself_is_kept_exactly(encoded, noise):
    data = encoded(noise(30, 40), "WEBP", lossless=True, xmp=b"<x:xmpmeta/>")
    assert data[12:16] == b"VP8X"
    np.testing.assert_array_equal(np.asarray(opened(images.prepared(data, 8, 40).tile)), noise(30, 40))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "AVIF", "HEIF", "JPEG2000"])
def test_a_large_photo_is_kept_with_its_long_side_at_the_edge(encoded, form):
    kept = opened(images.prepared(encoded(smooth(900, 600), form), 8, 300).tile)
    assert (kept.format, kept.size) == ("JPEG", (300, 200))
    np.testing.assert_allclose(np.asarray(kept), smooth(300, 200), atol=6)


@pytest.mark.parametrize("size", [(900, 3), (3, 900)])
def test_a_thin_photo_keeps_a_pixel_of_its_short_side(encoded, size):
    kept = opened(images.prepared(encoded(smooth(*size)), 8, 90).tile)
    assert kept.size == (max(1, size[0] // 10), max(1, size[1] // 10))


def test_no_tile_is_made_where_none_was_asked_for(encoded, noise):
    data = encoded(noise(300, 200), "JPEG")
    kept = images.prepared(data, 8, 0)
    assert kept.tile is None
    np.testing.assert_array_equal(kept.thumb, images.thumb(data, 8)[0])
    assert kept.size == images.thumb(data, 8)[1]


def test_the_thumb_of_a_lossless_photo_is_its_area_averages(encoded, noise):
    photo = noise(64, 96)
    blocks = photo.reshape(8, 8, 8, 12, 3).mean(axis=(1, 3))
    kept = images.prepared(encoded(photo), 8, 50)
    np.testing.assert_allclose(kept.thumb, blocks, atol=1)  # Pillow rounds twice, once across and once down
    assert kept.size == (96, 64)


@pytest.mark.parametrize(
    ("edge", "size"),
    # A half of 800 x 600 still has 400 pixels, a quarter does not; for 8 x 8 thumbs an eighth would do.
    [(400, (400, 300)), (401, (800, 600)), (100, (100, 75)), (0, (100, 75))],
)
def test_a_jpeg_is_decoded_at_the_smallest_scale_that_suffices(encoded, edge, size):
    data = encoded(smooth(800, 600), "JPEG")
    with Image.open(BytesIO(data)) as image:
        image.draft(None, size)
        assert image.size == size
        reduced = np.asarray(image.resize((8, 8), Image.Resampling.BOX))
    np.testing.assert_array_equal(images.prepared(data, 8, edge).thumb, reduced)


ON_SIDE = Image.Exif()
ON_SIDE[ORIENTATION] = 6


@pytest.mark.parametrize("edge", [0, 100])
@pytest.mark.parametrize(
    ("form", "options", "size"),
    [
        ("JPEG", {}, (800, 600)), ("JPEG", {"exif": ON_SIDE.tobytes()}, (600, 800)), ("MPO", {}, (800, 600)),
        ("PNG", {}, (800, 600)),
        ("PNG", {"exif": ON_SIDE.tobytes()}, (600, 800)), ("WEBP", {}, (800, 600)),
        ("WEBP", {"exif": ON_SIDE}, (600, 800)),
        ("TIFF", {}, (800, 600)), ("TIFF", {"tiffinfo": {ORIENTATION: 6}}, (600, 800)), ("AVIF", {}, (800, 600)),
        ("AVIF", {"exif": ON_SIDE.tobytes()}, (600, 800)), ("HEIF", {}, (800, 600)), ("JPEG2000", {}, (800, 600)),
        ("GIF", {}, (800, 600)), ("BMP", {}, (800, 600)),
    ],
)  # fmt: skip
def test_the_size_is_that_of_the_photo_in_its_file_upright(encoded, form, options, size, edge):
    data = encoded(smooth(800, 600), form, **options)
    assert images.prepared(data, 8, edge).size == size
    assert images.thumb(data, 8)[1] == size


@pytest.mark.parametrize(
    ("size", "expected"), [((640, 320), (160, 80)), ((100, 160), (100, 160)), ((30, 20), (30, 20))]
)
@pytest.mark.parametrize("edge", [0, 200])
def test_a_preview_is_a_jpeg_of_at_most_160_pixels_a_side(encoded, size, expected, edge):
    preview = opened(images.prepared(encoded(smooth(*size)), 8, edge).preview)
    assert (preview.format, preview.size) == ("JPEG", expected)
    assert np.abs(np.asarray(preview).astype(int) - smooth(*expected)).mean() < 4


def test_what_is_kept_is_upright(encoded):
    # Orientation 6 is stored turned a quarter to the left. Source: CIPA DC-008 (Exif 3.0), 4.6.5.1.6.
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    kept = images.prepared(encoded(np.ascontiguousarray(np.rot90(smooth(60, 40))), "JPEG", exif=exif), 8, 1_024)
    assert kept.size == (60, 40)
    for file in (kept.tile, kept.preview):
        np.testing.assert_allclose(np.asarray(opened(file)), smooth(60, 40), atol=16)


SECRETS = (b"SECRET-MAKE", b"SECRET-GPS", b"SECRET-XMP", b"SECRET-COMMENT", b"SECRET-ICC", b"SECRET-CHUNK")


def secretive(encoded, form):
    """A photo that says all that its format can say, and which of the secrets that is."""
    exif = Image.Exif()
    exif[0x010F] = "SECRET-MAKE"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 29: "SECRET-GPS"})
    more = {
        "exif": exif.tobytes(),
        "xmp": b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>SECRET-XMP</x:xmpmeta>",
        "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + b"SECRET-ICC",
        "comment": b"SECRET-COMMENT",
    }
    if form == "PNG":
        metadata = more["pnginfo"] = PngInfo()
        metadata.add(b"tEXt", b"Comment\0SECRET-COMMENT")
        metadata.add(b"prVt", b"SECRET-CHUNK", after_idat=True)
    if form == "WEBP":
        more["lossless"] = True
    return encoded(smooth(60, 40), form, **more)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF", "HEIF", "JPEG2000"])
@pytest.mark.parametrize("edge", [20, 1_024])
def test_what_is_kept_tells_nothing_of_what_the_photo_told(encoded, form, edge):
    photo = secretive(encoded, form)
    assert [secret for secret in SECRETS if secret in photo] or form == "PNG"  # where it is squeezed
    kept = images.prepared(photo, 8, edge)
    for file in (kept.tile, kept.preview):
        assert [secret for secret in (*SECRETS, b"Exif", b"xmpmeta", b"ICC") if secret in file] == []
        assert set(opened(file).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize("form", ["PNG", "JPEG", "HEIF", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("edge", [0, 50, 500])
def test_what_comes_out_of_the_box_is_what_is_made_here(box, encoded, noise, form, edge):
    data = encoded(noise(150, 100), form)
    boxed, plain = box.prepared(data, 16, edge), images.prepared(data, 16, edge)
    np.testing.assert_array_equal(boxed.thumb, plain.thumb)
    assert (boxed.size, boxed.tile, boxed.preview) == (plain.size, plain.tile, plain.preview)


def test_the_largest_file_of_noise_comes_out_of_the_box(box, noise, encoded):
    kept = box.prepared(encoded(noise(1_024, 1_024)), 32, 1_024)
    np.testing.assert_array_equal(np.asarray(opened(kept.tile)), noise(1_024, 1_024))


@pytest.mark.parametrize(("data", "kind"), [(b"", EmptyFile), (b"not a picture", NotAPicture)])
def test_a_refusal_comes_out_of_the_box_as_itself(box, data, kind):
    with pytest.raises(kind) as boxed:
        box.prepared(data, 8, 8)
    with pytest.raises(kind) as plain:
        images.prepared(data, 8, 8)
    assert str(boxed.value) == str(plain.value)
