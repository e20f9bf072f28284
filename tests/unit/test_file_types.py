"""What a file is by its first bytes."""

import pytest

from models.rules import file_types

PILLOW = {"WebP": "WEBP", "HEIC": "HEIF", "JPEG 2000": "JPEG2000"}


def ftyp(major, *compatible):
    """The first box of a film or a picture. Source: ISO/IEC 14496-12, 4.3."""
    body = b"ftyp" + major + b"\0\0\0\0" + b"".join(compatible)
    return (4 + len(body)).to_bytes(4, "big") + body


@pytest.mark.parametrize("name", file_types.READ)
def test_a_file_of_every_format_that_is_read_is_known(encoded, noise, name):
    data = encoded(noise(9, 9), PILLOW.get(name, name))
    assert file_types.kind(data[: file_types.HEAD_BYTES]) == name
    assert file_types.other(data[: file_types.HEAD_BYTES]) is None


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"MM\0*\0\0\0\x08", "TIFF"),
        (b"MM\0+\0\x08\0\0", "TIFF"),
        (b"\xff\x4f\xff\x51\0\x2f", "JPEG 2000"),
        (ftyp(b"avis", b"msf1"), "AVIF"),
        (ftyp(b"heix", b"mif1"), "HEIC"),
        (ftyp(b"hevc", b"msf1"), "HEIC"),
        (ftyp(b"mif1", b"heic"), "HEIC"),
        (ftyp(b"mif1", b"miaf", b"avif"), "AVIF"),
        (ftyp(b"mif1") + b"avif", "HEIC"),
    ],
)
def test_less_usual_beginnings_are_known(head, name):
    assert file_types.kind(head) == name


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"\xff\x0a\xfa\x7f", "a JPEG XL picture"),
        (b"\0\0\0\x0cJXL \r\n\x87\n\0\0", "a JPEG XL picture"),
        (b"\xff\xd8\xff\xf7\0\x0b", "a JPEG-LS picture"),
        (b"II\xbc\1", "a JPEG XR picture"),
        (b"8BPS\0\1", "a Photoshop picture (PSD)"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a PostScript drawing (EPS)"),
        (b"\xc5\xd0\xd3\xc6\x20", "a PostScript drawing (EPS)"),
        (b"II*\0\x10\0\0\0CR\2\0", "a camera's raw photo"),
        (b"II\x1a\0\0\0HEAPCCDR", "a camera's raw photo"),
        (b"FUJIFILMCCD-RAW 0201", "a camera's raw photo"),
        (b"IIRO\x08\0", "a camera's raw photo"),
        (b"IIU\0\x18\0", "a camera's raw photo"),
        (ftyp(b"crx ", b"isom"), "a camera's raw photo"),
        (ftyp(b"isom", b"mp42"), "a film (MP4, MOV or the like)"),
        (ftyp(b"qt  "), "a film (MP4, MOV or the like)"),
        (b"\x1a\x45\xdf\xa3\x01", "a film (MP4, MOV or the like)"),
        (b"RIFF\0\0\0\0AVI LIST", "a film (MP4, MOV or the like)"),
        (ftyp(b"avci", b"mif1"), "a HEIF picture of another coding than HEVC"),
        (ftyp(b"mif3", b"avif"), "an AVIF or HEIC picture in the short form of the format"),
        (b"PK\3\4\x14", "a zip"),
        (b"\x1f\x8b\x08", "a gzip file"),
        (b"<!DOCTYPE html><title>Not found</title>", "a web page"),
        (b"\xef\xbb\xbf\r\n<HTML>", "a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"<?xml version='1.0'?>\n<!-- made by hand -->\n<svg>", "an SVG drawing"),
    ],
)
def test_what_is_known_but_not_read_is_named(head, what):
    assert file_types.other(head) == what
    assert file_types.kind(head) is None
    sentence = str(file_types.refusal("photo.x", what))
    assert sentence.startswith(f"photo.x is {what}, which Tessera does not read; it reads JPEG, PNG, ")
    assert sentence.endswith("HEIC and JPEG 2000.")


@pytest.mark.parametrize(
    "head", [b"", b"\xff\xd8", b"Dear reader", bytes(512), b"RIFF\0\0\0\0WAVE", b"<?xml version"]
)
def test_anything_else_is_nothing_that_is_known(head):
    assert (file_types.kind(head), file_types.other(head)) == (None, None)
    assert "is not a picture in a format that Tessera reads (JPEG, " in str(file_types.refusal("photo", None))
