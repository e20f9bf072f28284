"""Zips made to do harm: what comes out is what went in, or a clear refusal, in little memory.

Names that lead outside, links, devices and plain bombs are in `tests/unit/test_zip_files.py`; here are lies.
"""

import io
import json
import struct
import unicodedata
import zipfile
import zlib

import pytest

from models.errors import BadArchive, DamagedPicture, TooLarge
from models.rules import zip_files

MANY, LARGE = 100_000, 4 << 30
CHILD_MEBIBYTES = 100
"""What a process may take, all in all, to refuse a directory of a million entries."""


# Zips made by hand. Source of the layouts: PKWARE APPNOTE, 4.3.7, 4.3.12 and 4.3.14 to 4.3.16.


def local(name, data, size=None, crc=None, method=0, flags=0):
    crc = zlib.crc32(data) if crc is None else crc
    sizes = len(data), len(data) if size is None else size
    return struct.pack("<4s5H3L2H", b"PK\3\4", 20, flags, method, 0, 0, crc, *sizes, len(name), 0) + name + data


def entry(name, data, at=0, *, size=None, crc=None, method=0, extra=b"", flags=0):
    crc = zlib.crc32(data) if crc is None else crc
    sizes = len(data), len(data) if size is None else size
    numbers = (20, 20, flags, method, 0, 0, crc, *sizes, len(name), len(extra), 0, 0, 0, 0, at)
    return struct.pack("<4s6H3L5H2L", b"PK\1\2", *numbers) + name + extra


def end(count, length, at):
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), length, at, 0)


def record(count, length, at, signature=b"PK\6\6"):
    return struct.pack("<4sQ2H2L4Q", signature, 44, 45, 45, 0, 0, count, count, length, at)


def locator(where):
    return struct.pack("<4sLQL", b"PK\6\7", 0, where, 1)


def archive(files, *entries):
    """Local files in front, then the directory as it is given."""
    directory = b"".join(entries)
    return files + directory + end(len(entries), len(directory), len(files))


def deflated(data):
    press = zlib.compressobj(9, wbits=-15)
    return press.compress(data) + press.flush()


def opened(data):
    return zip_files.opened(io.BytesIO(data))


def outcome(data, max_bytes=LARGE):
    """What a zip comes to: its files' bytes in turn, a refusal's code in place of each that cannot be read."""
    try:
        with opened(data) as one:
            one.check(MANY, max_bytes)
            return [_read(one, number, max_bytes) for number in range(len(one.names))]
    except (BadArchive, TooLarge) as error:
        return error.code


def _read(one, number, max_bytes):
    try:
        return one.read(number, max_bytes)
    except DamagedPicture as error:
        return error.code


# Bombs


@pytest.mark.parametrize("stated", [0, 1, 100, 10_000_000, 0xFFFFFFFE])
def test_ten_megabytes_of_zeros_never_give_more_than_was_told_or_allowed(peak, stated):
    zeros = bytes(10_000_000)
    squeezed = deflated(zeros)
    numbers = {"size": stated, "crc": zlib.crc32(zeros), "method": 8}
    data = archive(local(b"a.png", squeezed, **numbers), entry(b"a.png", squeezed, **numbers))
    with peak() as seen:
        if stated > len(zeros):
            assert outcome(data, 1_000_000) == "too_large"
        else:
            assert outcome(data, 20_000_000) == ([zeros] if stated == len(zeros) else ["damaged_picture"])
    assert seen.growth < 40


def test_a_thousand_entries_over_one_file_count_a_thousand_times():
    zeros = bytes(1_000_000)
    squeezed = deflated(zeros)
    numbers = {"size": len(zeros), "crc": zlib.crc32(zeros), "method": 8}
    data = archive(local(b"a.png", squeezed, **numbers), *[entry(b"a.png", squeezed, **numbers)] * 1_000)
    with pytest.raises(TooLarge, match="inflates to 1,000,000,000 bytes"), opened(data) as one:
        one.check(MANY, 999_999_999)


def test_entries_over_one_file_that_call_it_differently_cannot_be_read():
    names = [b"%03d.png" % number for number in range(5)]
    data = archive(local(names[0], b"pixels"), *(entry(name, b"pixels") for name in names))
    assert outcome(data) == [b"pixels"] + ["damaged_picture"] * 4


def test_files_within_files_cannot_be_read_as_more_than_they_are():
    # Each file's bytes begin with the next one's header, as in D. Fifield's "A better zip bomb", by plain storing.
    kernel = local(b"4.png", b"x" * 1_000)
    files = [kernel]
    for number in (3, 2, 1, 0):
        files.append(local(b"%d.png" % number, files[-1]))
    whole = files[-1]
    entries = []
    for depth, number in enumerate(range(5)):
        at = depth * len(local(b"0.png", b""))
        body = whole[at + len(local(b"0.png", b"")) :]
        entries.append(entry(b"%d.png" % number, body, at))
    seen = outcome(archive(whole, *entries), 100_000)
    assert sum(len(each) for each in seen) <= sum(1_000 + 35 * number for number in range(5))


def test_a_zip_in_a_zip_in_a_zip_is_one_file_and_is_not_opened():
    inner = archive(local(b"a.png", b"pixels"), entry(b"a.png", b"pixels"))
    for _ in range(5):
        inner = archive(local(b"inner.zip", inner), entry(b"inner.zip", inner))
    with opened(inner) as one:
        assert one.names == ["inner.zip"]


# A million entries

COUNT = 1_000_000
REFUSE = """
import json, re, sys
from pathlib import Path
from models.rules import zip_files as archives
from models.errors import TesseraError
try:
    with open(sys.argv[1], "rb") as file, archives.opened(file) as archive:
        archive.check(100_000, 4 << 30)
    said = "taken"
except TesseraError as error:
    said = error.code
# Not getrusage: its high-water mark may be that of the process that started this one.
(kibibytes,) = re.findall(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
print(json.dumps([said, int(kibibytes) / 1024]))
"""


def million(how):
    """A directory of entries of 47 bytes, whose end tells of it in some way."""
    file = local(b"a", b"")
    one = entry(b"a", b"")
    directory = one * (700_000 if how == "just-small-enough" else COUNT)
    if how in {"plainly", "just-small-enough"}:
        return file + directory + end(COUNT, len(directory), len(file))
    if how == "as-one-entry":
        return file + directory + end(1, len(directory), len(file))
    if how == "by-a-false-record":
        false = record(1, len(one), len(file), b"XXXX") + locator(len(file + directory))
        return file + directory + false + end(COUNT, len(directory + false), 0xFFFFFFFF)
    # The locator leads to a record in front of the zip that tells of one entry.
    decoy = record(1, len(one), 0, b"XXXX" if how == "by-no-record" else b"PK\6\6")
    truth = b"" if how == "by-no-record" else record(COUNT, len(directory), len(decoy + file))
    length = len(directory) + 20 if how == "by-no-record" else 0xFFFFFFFF
    return decoy + file + directory + truth + locator(0) + end(COUNT, length, 0xFFFFFFFF)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("plainly", "too_large"),
        ("as-one-entry", "too_large"),
        ("just-small-enough", "too_large"),
        ("by-two-records", "bad_archive"),
        ("by-no-record", "bad_archive"),
        ("by-a-false-record", "bad_archive"),
    ],
)
def test_a_million_entries_are_refused_before_there_is_an_object_for_each(child, tmp_path, how, code):
    (tmp_path / "million.zip").write_bytes(million(how))
    said, mebibytes = json.loads(child(REFUSE, tmp_path / "million.zip"))
    assert said == code
    assert mebibytes < CHILD_MEBIBYTES


def test_as_many_entries_as_a_tile_set_takes_photos_are_taken():
    file = local(b"a", b"")
    directory = entry(b"a", b"") * MANY
    where = len(file + directory)
    data = (
        file
        + directory
        + record(MANY, len(directory), len(file))
        + locator(where)
        + end(MANY, 0xFFFFFFFF, 0xFFFFFFFF)
    )
    with opened(data) as one:
        one.check(MANY, LARGE)
        assert len(one.names) == MANY


# Lies


@pytest.mark.parametrize("crc", [0, 1, 0xFFFFFFFF])
def test_a_file_whose_sum_is_wrong_cannot_be_read(crc):
    data = archive(local(b"a.png", b"pixels"), entry(b"a.png", b"pixels", crc=crc))
    assert outcome(data) == ["damaged_picture"]


@pytest.mark.parametrize("at", [1, 7, 41, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF])
def test_an_entry_that_points_elsewhere_cannot_be_read(at):
    data = archive(local(b"a.png", b"pixels"), entry(b"a.png", b"pixels", at))
    assert outcome(data) in (["damaged_picture"], "bad_archive")


@pytest.mark.parametrize("number", [0, 1, 2**31, 2**32, 2**62, 2**63, 2**64 - 1])
@pytest.mark.parametrize("field", ["size", "squeezed", "place"])
def test_an_entry_that_lies_in_64_bits_is_what_its_sum_says_or_refused(field, number):
    # 4.5.3: the fields of 64 bits stand in for those that are full.
    full = struct.pack("<L", 0xFFFFFFFF)
    name, at = b"a.png", {"squeezed": 20, "size": 24, "place": 42}[field]
    lying = bytearray(entry(name, b"pixels", extra=struct.pack("<HHQ", 1, 8, number)))
    lying[at : at + 4] = full
    seen = outcome(archive(local(name, b"pixels"), bytes(lying)))
    # Where the lie is passed over, what comes out is what its sum says that it is.
    assert seen in ([b"pixels"], ["damaged_picture"], "bad_archive", "too_large")


@pytest.mark.parametrize("number", [0, 1, 2**31, 2**32, 2**62, 2**63, 2**64 - 1])
@pytest.mark.parametrize("field", ["length", "place", "locator"])
def test_an_end_that_lies_in_64_bits_is_refused_or_true(field, number):
    files, directory = local(b"a.png", b"pixels"), entry(b"a.png", b"pixels")
    stated = {"length": len(directory), "place": len(files), "locator": len(files + directory)} | {field: number}
    data = files + directory + record(1, stated["length"], stated["place"]) + locator(stated["locator"])
    seen = outcome(data + end(1, 0xFFFFFFFF, 0xFFFFFFFF))
    assert seen in ([b"pixels"], ["damaged_picture"], "bad_archive", "too_large")


def test_a_zip_with_its_end_in_64_bits_is_read():
    files, directory = local(b"a.png", b"pixels"), entry(b"a.png", b"pixels")
    tail = record(1, len(directory), len(files)) + locator(len(files + directory))
    assert outcome(files + directory + tail + end(1, 0xFFFFFFFF, 0xFFFFFFFF)) == [b"pixels"]


def test_a_zip_cut_at_any_byte_is_refused():
    files = local(b"a.png", b"pixels") + local(b"b.png", b"more")
    data = archive(files, entry(b"a.png", b"pixels"), entry(b"b.png", b"more", len(local(b"a.png", b"pixels"))))
    assert outcome(data) == [b"pixels", b"more"]
    assert {outcome(data[:cut]) for cut in range(len(data))} == {"bad_archive"}


def test_an_entry_that_continues_behind_the_end_cannot_be_read():
    data = archive(local(b"a.png", b"pixels"), entry(b"a.png", bytes(60_000)))
    assert outcome(data) == ["damaged_picture"]


@pytest.mark.parametrize("flags", [0x20, 0x40, 0x41, 0x2000, 0xFFFF])
def test_flags_that_nobody_reads_are_refused_or_passed_over(flags):
    data = archive(local(b"a.png", b"pixels", flags=flags), entry(b"a.png", b"pixels", flags=flags))
    assert outcome(data) in ([b"pixels"], ["damaged_picture"], "bad_archive")


# Names


def test_files_of_one_name_are_each_themselves():
    first, second = local(b"a.png", b"one"), local(b"a.png", b"two")
    assert outcome(archive(first + second, entry(b"a.png", b"one"), entry(b"a.png", b"two", len(first)))) == [
        b"one",
        b"two",
    ]


@pytest.mark.parametrize(
    "name", ["\u202egnp.exe", "a\u0301.png", "\U0001f600.png", "\u200b.png", "🄰" * 100, "é" * 9_000]
)
def test_a_name_in_any_script_is_only_a_name(name):
    raw = name.encode()
    data = archive(local(raw, b"pixels", flags=0x800), entry(raw, b"pixels", flags=0x800))
    with opened(data) as one:
        one.check(MANY, LARGE)
        assert [unicodedata.normalize("NFC", each) for each in one.names] == [unicodedata.normalize("NFC", name)]
        assert one.read(0, LARGE) == b"pixels"


@pytest.mark.parametrize("raw", [b"\xff\xfe.png", b"\xed\xa0\x80.png", b"\xc0\xae\xc0\xae/a.png"])
def test_a_name_that_is_not_the_unicode_it_claims_to_be_is_refused(raw):
    assert outcome(archive(local(raw, b"x", flags=0x800), entry(raw, b"x", flags=0x800))) == "bad_archive"


@pytest.mark.parametrize("raw", [b"a\nb.png", b"\x1b[2J.png", b"a\x7f.png", b"\x01", b"a\0../b.png", b"<script>.png"])
def test_a_name_of_control_characters_is_only_a_name(raw):
    seen = outcome(archive(local(raw, b"pixels"), entry(raw, b"pixels")))
    assert seen in ([b"pixels"], ["damaged_picture"], "bad_archive")


@pytest.mark.parametrize(
    "name",
    [
        "//server/share/a.png",
        "\\\\?\\C:\\a.png",
        "a/../../b.png",
        "..\\..\\a.png",
        "./../a.png",
        "\\a.png",
        "D:a.png",
    ],
)
def test_a_name_that_leads_outside_in_some_system_is_refused(name):
    raw = name.encode()
    assert outcome(archive(local(raw, b"x"), entry(raw, b"x"))) == "bad_archive"


def test_a_good_file_before_hostile_ones_does_not_open_the_door():
    good, bad = local(b"a.png", b"pixels"), local(b"../b.png", b"x")
    data = archive(good + bad, entry(b"a.png", b"pixels"), entry(b"../b.png", b"x", len(good)))
    assert outcome(data) == "bad_archive"


def test_what_python_writes_is_what_these_tests_write():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        written.writestr(zipfile.ZipInfo("a.png"), b"pixels")
    assert outcome(file.getvalue()) == outcome(archive(local(b"a.png", b"pixels"), entry(b"a.png", b"pixels")))
