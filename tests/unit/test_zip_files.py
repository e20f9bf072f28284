"""Zip files that strangers send."""

import stat
import struct
import tracemalloc
import zipfile
from io import BytesIO

import pytest

from models.errors import BadArchive, DamagedPicture, TooLarge, UnreadCompression
from models.rules import zip_files

MANY, LARGE = 1_000, 1 << 30


def zipped(*entries, compression=zipfile.ZIP_DEFLATED):
    """A zip of names (or ZipInfo) and bytes."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return file.getvalue()


def checked(data, max_entries=MANY, max_bytes=LARGE):
    with zip_files.opened(BytesIO(data)) as archive:
        archive.check(max_entries, max_bytes)
        return archive.names


def read(data, number=0, max_bytes=LARGE):
    with zip_files.opened(BytesIO(data)) as archive:
        return archive.read(number, max_bytes)


def checked_and_read(data, max_bytes=LARGE):
    checked(data, max_bytes=max_bytes)
    return read(data, max_bytes=max_bytes)


def directory_field(data, offset, layout, value):
    """Change a field of the first entry of the directory. Offsets: PKWARE APPNOTE 4.3.12."""
    changed = bytearray(data)
    struct.pack_into(layout, changed, data.index(b"PK\x01\x02") + offset, value)
    return bytes(changed)


def test_files_come_in_the_order_of_the_zip():
    assert checked(zipped(("b.png", b"2"), ("a.png", b"1"))) == ["b.png", "a.png"]


def test_a_file_comes_out_as_it_went_in():
    assert read(zipped(("a.png", b"1"), ("sub/b.png", b"22" * 5_000)), number=1) == b"22" * 5_000


@pytest.mark.parametrize("comment", [b"holidays", b"x" * 65_535])
def test_a_zip_with_a_comment_is_a_zip_like_others(comment):
    file = BytesIO(zipped(("a.png", b"1"), ("b.png", b"2")))
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = comment
    assert checked(file.getvalue()) == ["a.png", "b.png"]
    assert read(file.getvalue(), number=1) == b"2"


def test_a_file_longer_than_one_reading_comes_out_whole():
    data = bytes(range(256)) * 12_000
    assert read(zipped(("a.png", data))) == data


def test_names_in_sub_folders_are_files_like_others():
    assert checked(zipped(("holiday/2024/a.png", b"1"), ("./b.png", b"2"))) == ["holiday/2024/a.png", "./b.png"]


@pytest.mark.parametrize(
    "name", ["__MACOSX/._a.png", "__MACOSX/deep/a.png", ".DS_Store", "sub/.hidden.png", "Thumbs.db", "folder/"]
)
def test_folders_and_what_systems_add_are_ignored(name):
    assert checked(zipped((name, b""), ("a.png", b"1"))) == ["a.png"]


def test_a_zip_in_a_zip_is_a_file_like_others():
    inner = zipped(("a.png", b"1"))
    assert read(zipped(("inner.zip", inner))) == inner


@pytest.mark.parametrize(
    "name",
    [
        "../a.png",
        "sub/../../a.png",
        "/etc/a.png",
        "sub\\..\\a.png",
        "\\\\server\\share\\a.png",
        "C:\\a.png",
        "C:/a.png",
        "c:a.png",
    ],
)
def test_a_name_that_points_outside_the_zip_is_refused(name):
    with pytest.raises(BadArchive, match="names a file outside itself"):
        checked(zipped((name, b"1")))


@pytest.mark.parametrize("name", [".", "./", "//", "..", "..\\b.png", ".\\..\\b.png"])
def test_a_name_of_dots_is_refused_or_ignored(name):
    try:
        names = checked(zipped((name, b"2"), ("a.png", b"1")))
    except BadArchive:
        names = ["a.png"]
    assert names == ["a.png"]


def test_an_entry_without_a_name_is_refused_or_ignored():
    # The name `a`, made empty in the directory: its length is 0, and the byte that was it counts as extra field.
    data = zipped(("a", b"1"), ("b.png", b"2"))
    nameless = directory_field(directory_field(data, 28, "<H", 0), 30, "<H", 1)
    try:
        names = checked(nameless)
    except BadArchive:
        names = ["b.png"]
    assert names == ["b.png"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_a_link_or_a_device_is_refused(kind):
    entry = zipfile.ZipInfo("a.png")
    entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
    with pytest.raises(BadArchive, match="a link or a device"):
        checked(zipped((entry, b"/etc/passwd")))


def test_an_ordinary_file_with_its_unix_mode_is_accepted():
    entry = zipfile.ZipInfo("a.png")
    entry.create_system, entry.external_attr = 3, (stat.S_IFREG | 0o644) << 16
    assert checked(zipped((entry, b"1"))) == ["a.png"]


def test_an_encrypted_zip_is_refused():
    data = zipped(("a.png", b"1"))
    with pytest.raises(BadArchive, match="encrypted"):
        checked(directory_field(data, 8, "<H", 1))


def test_an_encrypted_file_cannot_be_read():
    data = directory_field(zipped(("a.png", b"1")), 8, "<H", 1)
    with pytest.raises(DamagedPicture):
        read(data)


def test_as_many_files_as_the_limit_are_accepted():
    assert len(checked(zipped(*((f"{n}.png", b"1") for n in range(5))), max_entries=5)) == 5


def test_one_file_beyond_the_limit_is_refused():
    with pytest.raises(TooLarge, match="holds 5 files; the limit is 4"):
        checked(zipped(*((f"{n}.png", b"1") for n in range(5))), max_entries=4)


def test_ignored_files_do_not_count():
    assert checked(zipped(("a.png", b"1"), (".hidden", b"1"), ("folder/", b"")), max_entries=1) == ["a.png"]


def test_as_many_bytes_as_the_limit_are_accepted():
    assert checked(zipped(("a.png", b"1" * 60), ("b.png", b"2" * 40)), max_bytes=100) == ["a.png", "b.png"]


def test_one_byte_beyond_the_limit_is_refused():
    with pytest.raises(TooLarge, match="inflates to 100 bytes; the limit is 99"):
        checked(zipped(("a.png", b"1" * 60), ("b.png", b"2" * 40)), max_bytes=99)


@pytest.mark.parametrize("entries", [[], [("folder/", b"")], [("__MACOSX/a.png", b"1")]])
def test_a_zip_without_a_file_is_refused(entries):
    with pytest.raises(BadArchive, match="holds no files"):
        checked(zipped(*entries))


@pytest.mark.parametrize(
    "data",
    [b"", b"no zip"],
    ids=["nothing", "no zip"],
)
def test_what_is_no_whole_zip_is_refused(data):
    with pytest.raises(BadArchive, match="not a zip, or its directory is damaged"):
        checked(data)


def test_a_directory_that_does_not_read_is_refused():
    data = bytearray(zipped(("a.png", b"1")))
    data[data.index(b"PK\x01\x02")] = 0
    with pytest.raises(BadArchive):
        checked(bytes(data))


def test_a_file_of_exactly_the_limit_is_read():
    assert len(read(zipped(("a.png", bytes(5_000))), max_bytes=5_000)) == 5_000


def test_a_file_that_inflates_beyond_the_limit_is_refused():
    with pytest.raises(DamagedPicture, match="inflates to more than 4,999 bytes"):
        read(zipped(("a.png", bytes(5_000))), max_bytes=4_999)


def test_a_file_whose_directory_tells_too_few_bytes_never_gives_more_than_the_limit():
    # The directory says 100 bytes (offset 24: uncompressed size); really it is five million.
    lying = directory_field(zipped(("a.png", bytes(5_000_000))), 24, "<I", 100)
    with pytest.raises(DamagedPicture):
        read(lying, max_bytes=1_000_000)


def test_a_file_whose_directory_tells_too_many_bytes_counts_with_what_it_tells():
    lying = directory_field(zipped(("a.png", b"1")), 24, "<I", 5_000_000)
    with pytest.raises(TooLarge, match="5,000,000 bytes"):
        checked(lying, max_bytes=1_000_000)


@pytest.mark.parametrize(
    "compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["deflate", "bzip2", "lzma"]
)
def test_a_bomb_by_any_method_is_refused_without_inflating_it_in_memory(compression):
    # Sixty-four million zeros in a few thousand bytes, and a directory that tells of a hundred.
    lying = directory_field(zipped(("a.png", bytes(64_000_000)), compression=compression), 24, "<I", 100)
    tracemalloc.start()
    try:
        with pytest.raises((BadArchive, DamagedPicture, UnreadCompression)):
            checked_and_read(lying, max_bytes=1_000_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16_000_000


@pytest.mark.parametrize(
    "compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_damaged_file_by_any_method_is_refused(compression):
    content = bytes(range(256)) * 40
    data = bytearray(zipped(("a.png", content), compression=compression))
    middle = data.index(b"PK\x01\x02") // 2
    data[middle - 20 : middle + 20] = b"\xa5" * 40
    with pytest.raises((BadArchive, DamagedPicture, UnreadCompression)):
        checked_and_read(bytes(data))


def test_a_damaged_file_does_not_keep_others_from_being_read():
    data = bytearray(zipped(("a.png", bytes(range(256)) * 40), ("b.png", b"sound")))
    data[60:100] = b"\xa5" * 40
    with zip_files.opened(BytesIO(bytes(data))) as archive:
        with pytest.raises(DamagedPicture):
            archive.read(0, LARGE)
        assert archive.read(1, LARGE) == b"sound"


def test_an_unknown_method_of_compression_is_refused():
    # 98 is PPMd (APPNOTE 4.4.5), which Python does not read; offset 10: compression method.
    data = bytearray(directory_field(zipped(("a.png", b"1")), 10, "<H", 98))
    struct.pack_into("<H", data, 8, 98)
    with pytest.raises((BadArchive, DamagedPicture, UnreadCompression)):
        checked_and_read(bytes(data))


@pytest.mark.parametrize("number", [-1, 2, 99])
def test_a_number_beyond_the_files_is_refused(number):
    with pytest.raises(BadArchive, match="no number"):
        read(zipped(("a.png", b"1"), ("b.png", b"2")), number=number)


def test_a_directory_that_is_too_large_is_refused_before_it_is_read():
    # Offset 12 of the end record: the directory's size (APPNOTE 4.3.16).
    data = bytearray(zipped(("a.png", b"1")))
    struct.pack_into("<L", data, data.rindex(b"PK\x05\x06") + 12, 500_000_000)
    with pytest.raises(TooLarge, match="500,000,000 bytes"), zip_files.opened(BytesIO(bytes(data))):
        pass


@pytest.mark.parametrize(
    "name",
    ["@eaDir/a.jpg", "2026/#recycle/a.jpg", "a.XMP", "sub/.hidden/a.jpg", "deep\\Thumbs.db", "._a.png", "a.aae"],
)
def test_clutter_in_a_zip_is_counted_and_is_no_file_of_it(name):
    with zip_files.opened(BytesIO(zipped((name, b"2"), ("a.png", b"1"), ("folder/", b"")))) as archive:
        assert (archive.names, archive.passed_over) == (["a.png"], 1)


def test_a_zip_of_nothing_but_clutter_says_so():
    with pytest.raises(BadArchive, match="holds no files but hidden ones, or such as no photo is"):
        checked(zipped(("__MACOSX/._a.png", b"1"), ("a.xmp", b"2")))


METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd", 77: "method 77"}


@pytest.mark.parametrize("method", METHODS)
def test_a_file_compressed_otherwise_is_refused_by_the_name_of_the_method_and_not_as_damaged(method):
    # Offsets of the method: 10 in the directory, 8 in the file's own header. APPNOTE 4.3.7, 4.3.12 and 4.4.5.
    data = bytearray(directory_field(zipped(("a.png", b"1"), ("b.png", b"2")), 10, "<H", method))
    struct.pack_into("<H", data, 8, method)
    with zip_files.opened(BytesIO(bytes(data))) as archive:
        archive.check(MANY, LARGE)
        with pytest.raises(UnreadCompression, match=f"compressed by {METHODS[method]}, which Tessera does not read"):
            archive.read(0, LARGE)
        assert archive.read(1, LARGE) == b"2"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"PK\x07\x08PK\x03\x04 and more", "one part of several"),
        (zipped(("a.png", b"1" * 99))[:-30], "end is missing"),
        (b"PK\x03\x04", "end is missing"),
        (b"Rar!\x1a\x07\x01\x00", "a RAR archive, not a zip"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "a 7-Zip archive, not a zip"),
        (b"\x1f\x8b\x08\x00", "a gzip file, not a zip"),
        (b"no zip at all", "not a zip, or its directory is damaged"),
    ],
)
def test_what_is_no_zip_or_half_of_one_is_told_apart(data, sentence):
    with pytest.raises(BadArchive, match=sentence):
        checked(data)


@pytest.mark.parametrize("field", [4, 6], ids=["this part", "where the directory begins"])
def test_the_last_part_of_a_split_zip_is_refused_as_one(field):
    # The end record's numbers of parts. Source: APPNOTE 4.3.16.
    data = bytearray(zipped(("a.png", b"1")))
    struct.pack_into("<H", data, data.rindex(b"PK\x05\x06") + field, 2)
    with pytest.raises(BadArchive, match="one part of several"):
        checked(bytes(data))
