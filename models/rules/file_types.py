"""The type of a file, by its first bytes: a picture that Tessera reads, something that it does not, or unknown."""

import zlib
from collections.abc import Iterator

from models.errors import NotAPicture, OwnMosaic

HEAD_BYTES = 512
"""How many bytes of a file's beginning are looked at."""
READ = ("JPEG", "PNG", "WebP", "GIF", "TIFF", "BMP", "AVIF", "HEIC", "JPEG 2000")
"""The formats that Tessera reads, as people call them."""
FILES = "image/*,.avif,.heic,.heif,.jp2,.j2k"
"""What a browser should offer; the endings are for systems that do not know these files to be pictures."""

MAKER = "Tessera"
XMP = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="Tessera"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
"""The mark in our pictures, except PNG, which has a keyword for it. Source: ISO 16684-1, 7.3 and 8.2.2.1."""
MARK_BYTES = 4_096
"""The mark is within so many bytes of a file's beginning or end."""
_MARKS = (b'CreatorTool="Tessera"', b"tEXtSoftware\0Tessera")
_PACKED = b"zTXtSoftware\0\0"
"""Source: PNG (3rd edition), 11.3.3."""

_READ = {
    b"\xff\xd8\xff": "JPEG",  # T.81, B.1.1.3
    b"\x89PNG\r\n\x1a\n": "PNG",  # PNG (3rd edition), 5.2
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",  # TIFF 6.0, section 2
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",  # BigTIFF
    b"MM\0+": "TIFF",
    b"BM": "BMP",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG 2000",  # T.800, I.5.1
    b"\xff\x4f\xff\x51": "JPEG 2000",  # T.800, A.4.1 and A.5.1: a bare code stream
}
_AVIF_BRANDS = {b"avif", b"avis"}  # AV1 Image File Format, 6
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}  # ISO/IEC 23008-12, B.4
_STRUCTURE_BRANDS = {b"mif1", b"msf1"}  # ISO/IEC 23008-12, 10.2: the pictures may be of any coding
RAW = "a camera's raw photo"
_FILM, _DRAWING = "a film (MP4, MOV or the like)", "a PostScript drawing (EPS)"
_OTHER_CODINGS = {b"avci", b"avcs", b"jpeg", b"jpgs", b"j2ki", b"j2is", b"vvic", b"vvis", b"evbi", b"evmi", b"unif"}
_OTHERS = (
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
    (0, b"II\xbc", "a JPEG XR picture"),
    (0, b"\xff\xd8\xff\xf7", "a JPEG-LS picture"),
    (0, b"8BPS", "a Photoshop picture (PSD)"),
    (0, b"%PDF-", "a PDF document"),
    (0, b"%!PS", _DRAWING),
    (0, b"\xc5\xd0\xd3\xc6", _DRAWING),
    (8, b"CR\x02", RAW),  # Canon's CR2, inside a TIFF's first bytes
    (6, b"HEAPCCDR", RAW),
    (0, b"FUJIFILMCCD-RAW", RAW),
    (0, b"IIRO", RAW),
    (0, b"IIRS", RAW),
    (0, b"MMOR", RAW),
    (0, b"IIU\0", RAW),
    (0, b"\x1a\x45\xdf\xa3", _FILM),  # Matroska and WebM
    (8, b"AVI LIST", _FILM),
    (0, b"\0\0\x01\xba", _FILM),
    (0, b"PK\3\4", "a zip"),
    (0, b"\x1f\x8b", "a gzip file"),
)


def kind(head: bytes) -> str | None:
    """Return which of `READ` a file is, by its beginning; None if it is none of them."""
    if other(head) is not None:
        return None
    if head[4:8] == b"ftyp":
        return _coding(head)
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WebP"
    return next((name for mark, name in _READ.items() if head.startswith(mark)), None)


def other(head: bytes) -> str | None:
    """Return what kind of file this is, by its beginning, if Tessera knows but does not read it; else None."""
    for at, mark, name in _OTHERS:
        if head[at:].startswith(mark):
            return name
    if head[4:8] == b"ftyp" and _coding(head) is None:
        major = head[8:12]
        if major == b"mif3":  # ISO/IEC 23008-12, amendment 2
            return "an AVIF or HEIC picture in the short form of the format"
        if major in _OTHER_CODINGS:
            return "a HEIF picture of another coding than HEVC"
        return RAW if major == b"crx " else _FILM
    return _written(head)


def made_here(data: bytes) -> bool:
    """Whether Tessera itself wrote a picture; the two ends of the file are enough.

    Example:
        >>> made_here(b"..." + XMP), made_here(b"a holiday")
        (True, False)
    """
    for end in (data[:MARK_BYTES], data[-MARK_BYTES:]):
        if any(mark in end for mark in _MARKS):
            return True
        _, found, packed = end.partition(_PACKED)
        if found and _unpacked(packed) == MAKER.encode():
            return True
    return False


def refuse_ours(data: bytes) -> None:
    """Refuse a picture that Tessera wrote where a photo is wanted.

    Raises:
        OwnMosaic: it is one.
    """
    if made_here(data):
        raise OwnMosaic("Tessera made this picture, so it is left out of mosaics.")


def refusal(name: str, known: str | None) -> NotAPicture:
    """Return the error for a file that is not read: what it is, if that is known, and what Tessera reads."""
    formats = f"{', '.join(READ[:-1])} and {READ[-1]}"
    if known is None:
        return NotAPicture(f"{name} is not a picture in a format that Tessera reads ({formats}).")
    return NotAPicture(f"{name} is {known}, which Tessera does not read; it reads {formats}.")


def _coding(head: bytes) -> str | None:
    """Return whether a file made of boxes is AVIF or HEIC; None if neither. Source: ISO/IEC 14496-12, 4.3."""
    major = head[8:12]
    if major in _STRUCTURE_BRANDS:
        return "AVIF" if _AVIF_BRANDS & set(_compatible(head)) else "HEIC"
    return "AVIF" if major in _AVIF_BRANDS else "HEIC" if major in _HEIC_BRANDS else None


def _compatible(head: bytes) -> Iterator[bytes]:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return (head[at : at + 4] for at in range(16, end, 4))


def _written(head: bytes) -> str | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!doctype", b"<!--")) and b"<svg" in text):
        return "an SVG drawing"
    return None


def _unpacked(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, len(MAKER))
    except zlib.error:
        return b""
