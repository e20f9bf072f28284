"""No one in: whatever strangers send, each answer is clear, no process dies, memory stays, and orders go on."""

import io
import select
import socket
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import ExifTags, Image, ImageCms
from pypdfium2 import PdfDocument

from models.errors import UnusablePicture
from models.rules import file_types
from models.rules.formats import Format
from models.rules.lifecycle import Lane

ORDER = {"cells_across": "12", "tile_size": "8"}
GROWTH_MEBIBYTES = 300
"""How far any process may rise above what it was after its first order, over all that is sent here."""
CODES = {"invalid_order", *(kind.code for kind in (UnusablePicture, *UnusablePicture.__subclasses__()))}
SECRETS = (b"SECRET-MAKE", b"SECRET-XMP", b"SECRET-COMMENT", b"SECRET-FOLDER")


# What a whole installation is like before, and must be like after


def resident(pid: int, line: str) -> float:
    """Return a line of a process's status in MiB: VmRSS now, VmHWM at its highest."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(each for each in status if each.startswith(f"{line}:")).split()[1]) / 1024


def lasting(installation: Any) -> dict[int, str]:
    """Return every process that should live as long as the service, by number; decoders come and go."""
    found = {}
    for name, process in installation.processes.items():
        for each in (psutil.Process(process.pid), *installation.children(name)):
            with suppress(psutil.NoSuchProcess):
                if "worker.decoding.sandbox_process" not in " ".join(each.cmdline()):
                    found[each.pid] = name
    return found


@dataclass(frozen=True)
class Before:
    """The processes of a service that has done its first order, and how much memory each had."""

    tile_set: dict[str, Any]
    names: dict[int, str]
    mebibytes: dict[int, float]


@pytest.fixture(scope="module")
def before(installation: Any, photos: dict[str, bytes], target: bytes) -> Before:
    tile_set = installation.tile_set(photos)
    assert tile_set["job"]["state"] == "succeeded"
    assert installation.final(installation.order(tile_set, target, **ORDER)["url"])["job"]["state"] == "succeeded"
    names = lasting(installation)
    mebibytes = {pid: resident(pid, "VmRSS") for pid in names}
    for pid in names:
        # 5 sets the high-water mark back. Source: proc_pid_clear_refs(5).
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    return Before(tile_set, names, mebibytes)


# Pictures


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, pixels: bytes, more: bytes = b"", *, colour: int = 2, bits: int = 8) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header) + more + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def small(form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(
        file, form, **options
    )
    return file.getvalue()


def changed(data: bytes, at: int, layout: str, *values: int) -> bytes:
    room = bytearray(data)
    struct.pack_into(layout, room, at, *values)
    return bytes(room)


def tiff(**tags: int) -> bytes:
    """A TIFF of 40 x 30 pixels, whose tags can be others; the names are their numbers with a `t` before."""
    wanted = {256: 40, 257: 30, 258: 8, 259: 1, 262: 1, 277: 1} | {
        int(name[1:]): value for name, value in tags.items()
    }
    table = b"".join(struct.pack("<HHII", number, 4, 1, value) for number, value in sorted(wanted.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(wanted)) + table + b"\0" * 4 + bytes(1_200)


PICTURES = {
    "png-bomb": png(65_500, 65_500, b""),
    "png-bits": png(40_000, 40_000, bytes(10_000_000), colour=0, bits=1),
    "png-text": png(40, 30, bytes(30 * 121), chunk(b"zTXt", b"t\0\0" + zlib.compress(bytes(50_000_000)))),
    "png-short": png(4_000, 3_000, bytes(99)),
    "png-thin": png(60_000, 1, bytes(180_001)),
    "jpeg-bomb": changed(small("JPEG"), small("JPEG").index(b"\xff\xc0") + 5, ">HH", 65_500, 65_500),
    "gif-bomb": changed(small("GIF"), 6, "<HH", 65_500, 65_500),
    "gif-frame": changed(small("GIF"), small("GIF").index(b",\0\0\0\0") + 5, "<HH", 65_500, 65_500),
    "bmp-bomb": changed(small("BMP"), 18, "<ii", 65_500, 65_500),
    "tiff-bomb": tiff(t256=65_500, t257=65_500),
    "tiff-tile": tiff(t259=8, t322=30_000, t323=30_000, t324=100, t325=1_000),
    "tiff-rows": tiff(t273=100, t278=2**32 - 1, t279=2**32 - 1),
    "webp-bomb": changed(small("WEBP"), small("WEBP").index(b"\x9d\x01\x2a") + 3, "<HH", 16_383, 16_383),
    "webp-cut": small("WEBP")[:200],
    "jpeg-cut": small("JPEG")[:500],
    "signature-alone": b"\x89PNG\r\n\x1a\n",
    "html": b"\xff\xd8\xff<script>alert(1)</script>",
    "zip": b"PK\x03\x04" + bytes(100),
    "nothing": b"",
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_hostile_target_is_refused_or_fails_with_a_code(installation: Any, before: Before, name: str) -> None:
    made = installation.post(
        "/api/v1/mosaics", data={"tile_set": before.tile_set["id"], **ORDER}, files={"target": (name, PICTURES[name])}
    )
    if made.status_code == 202:
        job = installation.final(made.json()["url"])["job"]
        assert job["attempt"] == 1
        assert job["state"] == "succeeded" or job["error"]["code"] in CODES
    else:
        assert (made.status_code, made.json()["code"] in CODES) == (422, True), made.text


def test_hostile_photos_in_a_zip_are_lines_in_a_report_and_the_good_ones_are_tiles(
    installation: Any, before: Before, photos: dict[str, bytes]
) -> None:
    good = dict(list(photos.items())[:5])
    hostile = {f"{name}.jpg": data for name, data in PICTURES.items()}
    done = installation.tile_set(good | hostile)
    assert (done["job"]["state"], done["job"]["attempt"]) == ("succeeded", 1)
    said = {line["name"]: line["code"] for line in done["skipped"]}
    assert set(said) <= set(hostile)
    assert set(said.values()) <= CODES
    # Long thin pictures are strange, not hostile, and a text is left out unread; everything else is refused.
    assert done["tile_count"] == len(good) + len(hostile) - len(said)
    assert {"png-bomb.jpg", "tiff-tile.jpg", "gif-frame.jpg", "html.jpg"} <= set(said)
    assert "png-text.jpg" not in said


# Zips


def local(name: bytes, data: bytes, size: int | None = None) -> bytes:
    sizes = len(data), len(data) if size is None else size
    return struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 0, zlib.crc32(data), *sizes, len(name), 0) + name + data


def entry(name: bytes, data: bytes, at: int = 0, size: int | None = None, flags: int = 0, mode: int = 0) -> bytes:
    sizes = len(data), len(data) if size is None else size
    numbers = (20, 20, flags, 0, 0, 0, zlib.crc32(data), *sizes, len(name), 0, 0, 0, 0, mode << 16, at)
    return struct.pack("<4s6H3L5H2L", b"PK\1\2", *numbers) + name


def archive(files: bytes, *entries: bytes) -> bytes:
    directory = b"".join(entries)
    count = min(len(entries), 0xFFFF)
    return files + directory + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), len(files), 0)


ONE = local(b"a.png", b"pixels")
ZIPS = {
    "outside": archive(local(b"../a.png", b"x"), entry(b"../a.png", b"x")),
    "absolute": archive(local(b"/etc/passwd", b"x"), entry(b"/etc/passwd", b"x")),
    "windows": archive(local(b"C:\\a.png", b"x"), entry(b"C:\\a.png", b"x")),
    "link": archive(ONE, entry(b"a.png", b"pixels", mode=0o120777)),
    "device": archive(ONE, entry(b"a.png", b"pixels", mode=0o020666)),
    "encrypted": archive(ONE, entry(b"a.png", b"pixels", flags=1)),
    "no-unicode": archive(local(b"\xff.png", b"x"), entry(b"\xff.png", b"x", flags=0x800)),
    "told-4-gigabytes": archive(ONE, entry(b"a.png", b"pixels", size=0xFFFFFFFE)),
    "one-file-a-hundred-thousand-times": archive(ONE, *[entry(b"a.png", b"pixels")] * 100_001),
    "a-million-entries": ONE + entry(b"a", b"") * 700_000
    + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 47 * 700_000, len(ONE), 0),
    "cut": archive(ONE, entry(b"a.png", b"pixels"))[:-9],
    "nothing": b"",
    "empty": archive(b""),
}  # fmt: skip


@pytest.mark.parametrize("path", ["/api/v1/tile-sets", "/api/v1/batches"])
@pytest.mark.parametrize("name", ZIPS)
def test_a_hostile_zip_is_refused_at_the_door(installation: Any, before: Before, path: str, name: str) -> None:
    data = {"tile_set": before.tile_set["id"]} if path.endswith("batches") else {}
    answer = installation.post(path, data=data, files={"archive": ("photos.zip", ZIPS[name])})
    assert answer.status_code in {413, 422}, answer.text
    assert answer.json()["code"] in {"bad_archive", "too_large"}


def test_a_zip_that_lies_about_its_files_gives_a_set_without_them(
    installation: Any, photos: dict[str, bytes]
) -> None:
    name, photo = next(iter(photos.items()))
    files = local(name.encode(), photo)
    wrong, bomb = local(b"sum.png", b"other"), local(b"told.png", bytes(1_000), 5)
    entries = [entry(name.encode(), photo), entry(b"sum.png", b"pixel", len(files))]
    entries += [entry(b"told.png", bytes(1_000), len(files + wrong), 5), entry(b"nowhere.png", b"x", 0x7FFFFFFF)]
    made = installation.post(
        "/api/v1/tile-sets", files={"archive": ("lies.zip", archive(files + wrong + bomb, *entries))}
    )
    assert made.status_code == 202, made.text
    done = installation.final(made.json()["url"])
    assert (done["job"]["state"], done["tile_count"]) == ("succeeded", 1)
    assert {line["name"] for line in done["skipped"]} == {"sum.png", "told.png", "nowhere.png"}


# Requests that no browser sends


def heading(installation: Any, path: str = "/api/v1/mosaics", **more: str) -> bytes:
    """The first lines of a request, with the access token where one is needed."""
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{installation.port}"]
    said = {"Authorization": f"Bearer {installation.settings['ACCESS_TOKEN']}"} | more
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in said.items()]
    return "\r\n".join(lines).encode() + b"\r\n"


def talk(installation: Any, pieces: Iterator[bytes]) -> tuple[int | None, int]:
    """Send a request until the server has answered; return the status, None if it hung up, and the bytes sent."""
    sent = 0
    with socket.create_connection(("127.0.0.1", installation.port), timeout=60) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                connection.sendall(piece)
                sent += len(piece)
                if select.select([connection], [], [], 0)[0]:
                    break
            else:
                connection.shutdown(socket.SHUT_WR)
        answer = b""
        with suppress(ConnectionResetError):
            while b"\r\n" not in answer and (read := connection.recv(4_096)):
                answer += read
    return (int(answer.split()[1]) if answer.startswith(b"HTTP/1.") else None), sent


FORM = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="target"; filename="t.png"\r\n\r\n'
ENDLESS_BYTES = 400 << 20
"""Where a test that sends without end gives up; the tests' installation takes 64 MiB."""


def whole(installation: Any, body: bytes, **more: str) -> Iterator[bytes]:
    yield heading(installation, Content_Type=FORM, Content_Length=str(len(body)), **more) + b"\r\n"
    for at in range(0, len(body), 1 << 16):
        yield body[at : at + (1 << 16)]


def many_parts(installation: Any) -> Iterator[bytes]:
    return whole(installation, PART % (b"a", b"") * 100_000 + b"--b--\r\n")


def many_files(installation: Any) -> Iterator[bytes]:
    return whole(installation, (FILE + b"\r\n") * 100_000 + b"--b--\r\n", path="/api/v1/tile-sets")


def long_field(installation: Any) -> Iterator[bytes]:
    return whole(installation, PART % (b"tile_set", b"x" * 50_000_000) + b"--b--\r\n")


def no_end(installation: Any) -> Iterator[bytes]:
    return whole(installation, FILE + b"x" * 1_000)


def no_header_end(installation: Any) -> Iterator[bytes]:
    return whole(installation, b"--b\r\nContent-Disposition: form-data; " + b"x" * 5_000_000)


def many_part_headers(installation: Any) -> Iterator[bytes]:
    return whole(installation, b"--b\r\n" + b"X-A: b\r\n" * 500_000 + b"\r\nx\r\n--b--\r\n")


def no_boundary(installation: Any) -> Iterator[bytes]:
    return iter([heading(installation, Content_Type="multipart/form-data", Content_Length="9") + b"\r\nsome text"])


def urlencoded(installation: Any) -> Iterator[bytes]:
    body = b"a=b&" * 12_000_000
    more = {"Content_Type": "application/x-www-form-urlencoded", "Content_Length": str(len(body))}
    yield heading(installation, **more) + b"\r\n"
    yield from (body[at : at + (1 << 16)] for at in range(0, len(body), 1 << 16))


def long_header(installation: Any) -> Iterator[bytes]:
    return iter([heading(installation), b"X-Long: " + b"x" * (1 << 20), b"\r\n\r\n"])


def many_headers(installation: Any) -> Iterator[bytes]:
    return iter([heading(installation), b"".join(b"X-%d: y\r\n" % number for number in range(10_000)), b"\r\n"])


def long_path(installation: Any) -> Iterator[bytes]:
    return iter([heading(installation, "/" + "x" * 100_000) + b"\r\n"])


def endless(installation: Any, head: bytes) -> Iterator[bytes]:
    yield head + b"\r\n"
    piece = b"%x\r\n" % (1 << 16) + b"x" * (1 << 16) + b"\r\n"
    for _ in range(ENDLESS_BYTES >> 16):
        yield piece


def endless_form(installation: Any) -> Iterator[bytes]:
    pieces = endless(installation, heading(installation, Content_Type=FORM, Transfer_Encoding="chunked"))
    yield next(pieces)
    yield b"%x\r\n" % len(FILE) + FILE + b"\r\n"
    yield from pieces


def endless_text(installation: Any) -> Iterator[bytes]:
    return endless(installation, heading(installation, Content_Type="text/plain", Transfer_Encoding="chunked"))


def endless_nowhere(installation: Any) -> Iterator[bytes]:
    return endless(installation, heading(installation, "/api/v1/nowhere", Transfer_Encoding="chunked"))


def too_short(installation: Any) -> Iterator[bytes]:
    return iter([heading(installation, Content_Type=FORM, Content_Length="1000000") + b"\r\n" + FILE])


def too_long(installation: Any) -> Iterator[bytes]:
    return iter([heading(installation, Content_Type=FORM, Content_Length="5") + b"\r\n" + FILE + b"x" * 1_000])


def beyond(installation: Any) -> Iterator[bytes]:
    return iter([heading(installation, Content_Type=FORM, Content_Length=str(2**63)) + b"\r\n" + FILE])


def negative(installation: Any) -> Iterator[bytes]:
    return iter([heading(installation, Content_Type=FORM, Content_Length="-5") + b"\r\n" + FILE])


def two_lengths(installation: Any) -> Iterator[bytes]:
    return iter(
        [heading(installation, Content_Type=FORM, Content_Length="5") + b"Content-Length: 9\r\n\r\nxxxxxxxxx"]
    )


def two_framings(installation: Any) -> Iterator[bytes]:
    more = {"Content_Length": "5", "Transfer_Encoding": "chunked"}
    return iter([heading(installation, Content_Type=FORM, **more) + b"\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"])


def bad_chunk(installation: Any) -> Iterator[bytes]:
    return iter([heading(installation, Content_Type=FORM, Transfer_Encoding="chunked") + b"\r\n-5\r\nxxxxx\r\n"])


def no_http(installation: Any) -> Iterator[bytes]:
    return iter([b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(500), b"\r\n\r\n"])


REQUESTS = [many_parts, many_files, long_field, no_end, no_header_end, many_part_headers, no_boundary, urlencoded,
            long_header, many_headers, long_path, endless_form, endless_text, endless_nowhere, too_short, too_long,
            beyond, negative, two_lengths, two_framings, bad_chunk, no_http]  # fmt: skip


@pytest.mark.parametrize("request_of", REQUESTS, ids=lambda made: made.__name__)
def test_a_request_that_no_browser_sends_is_refused_or_hung_up_on(
    installation: Any, before: Before, request_of: Callable[[Any], Iterator[bytes]]
) -> None:
    status, sent = talk(installation, request_of(installation))
    assert status is None or 400 <= status < 500
    assert sent < ENDLESS_BYTES
    assert installation.get("/livez").status_code == 200


@pytest.mark.parametrize("kind", [FORM, "application/x-www-form-urlencoded", "application/json", "text/plain"])
def test_the_door_takes_no_more_than_a_token(installation: Any, before: Before, kind: str) -> None:
    head = heading(installation, "/login", Content_Type=kind, Content_Length="5000000")
    status, _ = talk(installation, iter([head + b"\r\n" + FILE + b"x" * 4_000_000]))
    assert status == 413


@pytest.mark.parametrize(
    "path",
    [
        "/%00", "/%ff%fe", "/..%2f..%2fetc/passwd", "/static/..%2f..%2fapp.py", "/static/../app.py",
        "/api/v1/mosaics/%00", "/mosaics/..%2f..", "/api/v1/mosaics?" + "a=b&" * 800, "/\u202e", "//evil.example/",
    ],
)  # fmt: skip
def test_a_path_that_leads_nowhere_leads_nowhere(installation: Any, before: Before, path: str) -> None:
    answer = installation.get(path, allow_redirects=False)
    assert answer.status_code < 500
    assert "root:" not in answer.text
    assert not answer.headers.get("Location", "/").startswith("//")


@pytest.mark.parametrize(
    "header",
    [
        {"Range": "bytes=" + ",".join(f"{n}-" for n in range(500))},
        {"Range": "bytes=-99999999999999999999"},
        {"If-None-Match": "W/" * 3_000},
        {"Accept": "*/*;q=" + "9" * 5_000},
        {"Cookie": "tessera=" + "." * 4_000},
        {"X-Request-ID": "\x7f<script>" * 300},
        {"X-Forwarded-For": "1.2.3.4, " * 500},
        {"Content-Type": "multipart/form-data; boundary=" + "b" * 5_000},
    ],
    ids="-".join,
)
def test_a_header_that_makes_no_sense_is_passed_over_or_refused(
    installation: Any, before: Before, header: dict[str, str]
) -> None:
    for path in ("/", "/api/v1/mosaics", f"/api/v1/tile-sets/{before.tile_set['id']}", "/static/style.css"):
        assert installation.get(path, headers=header).status_code < 500


NAMES = [
    b"<b onclick=alert(1)>.png",
    b"a\0b.png",
    b"\x1b[2J\x07.png",
    b"\xff\xfe.png",
    b"\xed\xa0\x80.png",
    b"x" * 10_000 + b".png",
    b"/etc/SECRET-FOLDER/a.png",
    b"C:\\\\SECRET-FOLDER\\\\a.png",
    b"../../SECRET-FOLDER/a.png",
    "\u202egnp.exe".encode(),
    b"{{ 7 * 7 }}.png",
    b"a%0d%0aSet-Cookie: x=y.png",
    b".png",
    b" ",
]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_files_name_is_only_a_label(installation: Any, before: Before, target: bytes, name: bytes) -> None:
    body = PART % (b"tile_set", before.tile_set["id"].encode()) + PART % (b"cells_across", b"6")
    body += PART % (b"tile_size", b"4") + FILE.replace(b"t.png", name) + target + b"\r\n--b--\r\n"
    answer = installation.post("/api/v1/mosaics", data=body, headers={"Content-Type": FORM})
    assert answer.status_code in {202, 400, 413, 422}, answer.text
    if answer.status_code == 202:
        done = installation.final(answer.json()["url"])
        assert done["job"]["state"] == "succeeded"
        assert len(done["target_name"]) <= 200
        assert done["target_name"].isprintable()
        page = browsed(installation, done["url"].removeprefix("/api/v1"))
        assert "<b onclick" not in page
        assert "SECRET-FOLDER" not in page + answer.text


def browsed(installation: Any, path: str) -> str:
    """Return a page as somebody sees it who is let in."""
    if installation.mode == "server":
        token = installation.settings["ACCESS_TOKEN"]
        door = installation.get("/login").text
        csrf = door.partition('name="csrf_token" value="')[2].partition('"')[0]
        installation.post("/login", data={"csrf_token": csrf, "token": token})
    answer = installation.get(path)
    assert answer.status_code == 200
    return str(answer.text)


def secretive(photo: bytes) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "SECRET-MAKE"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    file = io.BytesIO()
    Image.open(io.BytesIO(photo)).convert("RGB").save(
        file, "JPEG", exif=exif, comment="SECRET-COMMENT", xmp=b"<x:xmpmeta>SECRET-XMP</x:xmpmeta>"
    )
    return file.getvalue()


@pytest.mark.parametrize("form", [form for form in Format if form is not Format.PYRAMID])
def test_what_pictures_tell_of_their_makers_reaches_no_page_and_no_download(
    installation: Any, photos: dict[str, bytes], target: bytes, form: str
) -> None:
    said = {f"SECRET-FOLDER/{n}.jpg": secretive(data) for n, data in enumerate(list(photos.values())[:20])}
    sent = b"".join(said.values()) + secretive(target)
    assert [secret for secret in SECRETS[:3] if secret not in sent] == []
    tile_set = installation.tile_set(said)
    done = installation.final(installation.order(tile_set, secretive(target), format=form, **ORDER)["url"])
    page = done["url"].removeprefix("/api/v1")
    seen = [installation.get(done["picture"]).content, installation.get(done["url"]).content]
    # Photos have the names that their owner gave them.
    pages = (browsed(installation, path) for path in (page, f"/tile-sets/{tile_set['id']}", "/"))
    seen += [installation.get(f"{page}/preview").content]
    seen += [shown.replace("SECRET-FOLDER/", "").encode() for shown in pages]
    store = str(installation.services().store.folder).encode()
    assert [secret for secret in (*SECRETS, store) for each in seen if secret in each] == []
    if form is Format.PDF:
        (picture,) = PdfDocument(seen[0])[0].get_objects()
        seen[0] = bytes(picture.get_data(decode_simple=False))
    for data in (seen[0], seen[2]):
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            told = [*image.getexif().values(), *image.getexif().get_ifd(ExifTags.IFD.Exif).values()]
            assert image.format == "TIFF" or not any(isinstance(value, str) for value in told)
            assert image.info.pop("xmp", file_types.XMP) == file_types.XMP
            if "srgb" not in image.info:
                profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
                assert ImageCms.getProfileDescription(profile).strip() == "sRGB"
            assert not image.info.keys() & {"comment", "XML:com.adobe.xmp"}


# Afterwards


def test_after_all_of_it_every_process_is_the_one_it_was_and_an_order_succeeds(
    installation: Any, before: Before, target: bytes
) -> None:
    assert installation.get("/livez").status_code == 200
    done = installation.final(installation.order(before.tile_set, target, **ORDER)["url"])
    assert (done["job"]["state"], done["job"]["attempt"]) == ("succeeded", 1)
    assert before.names.items() <= lasting(installation).items()


def test_after_all_of_it_no_process_has_taken_much_memory(
    installation: Any, before: Before, record_property: Callable[[str, object], None]
) -> None:
    growth = {
        f"{name} {pid}": round(resident(pid, "VmHWM") - before.mebibytes[pid]) for pid, name in before.names.items()
    }
    record_property("growth", growth)
    assert max(growth.values()) < GROWTH_MEBIBYTES, growth


def test_after_all_of_it_nothing_that_nobody_foresaw_is_in_the_log(installation: Any, before: Before) -> None:
    logs = {path.name: path.read_text(errors="replace") for path in installation.folder.glob("*.log")}
    assert set(logs) >= {"web.log", *(f"{lane.value}-worker.log" for lane in Lane)}
    assert [name for name, text in logs.items() if "nobody foresaw" in text or "Traceback" in text] == []
