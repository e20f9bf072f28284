"""Clutter: files that systems and programs leave among people's photos. One table for folders, buckets and zips.

`cli.local.fast_index` needs it, so it imports nothing.
"""

FOLDERS = frozenset(
    {
        "@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@tmp",  # Synology and QNAP
        "__macosx",  # what macOS adds to a zip
        "$recycle.bin", "system volume information", "recycler",  # Windows
        "lost+found",  # ext4
    }
)  # fmt: skip
"""Folders of thumbnails, snapshots and deleted files, in lower case."""
FOLDER_ENDINGS = (".lrdata",)
"""Lightroom's previews."""
FILES = frozenset({"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "picasa.ini", "icon\r"})
"""Files in which systems keep settings of a folder, in lower case."""
FILE_ENDINGS = (
    ".xmp", ".aae", ".json", ".thm", ".dop", ".pp3", ".nksc",  # edits and notes beside a photo; a film's thumbnail
    ".lrprev", ".lrcat", ".lrcat-journal", ".lrcat-lock",  # Lightroom
)  # fmt: skip
"""Endings of files that belong to a photo or a catalogue."""


def is_clutter(name: str, *, folder: bool) -> bool:
    """Whether a file or a folder is clutter, by its name without the path: hidden, or in the table.

    Example:
        >>> is_clutter("IMG_1.AAE", folder=False), is_clutter("IMG_1.JPG", folder=False)
        (True, False)
    """
    if name.startswith("."):
        return True
    known = name.lower()
    if folder:
        return known in FOLDERS or known.endswith(FOLDER_ENDINGS)
    return known in FILES or known.endswith(FILE_ENDINGS)


def lies_in_clutter(path: str) -> bool:
    """Whether a file is clutter by its own name or by that of a folder above it; the path is separated by `/`.

    Example:
        >>> lies_in_clutter("2026/@eaDir/IMG_1.JPG")
        True
    """
    *folders, name = [each for each in path.split("/") if each not in ("", ".", "..")] or [".nameless"]
    return is_clutter(name, folder=False) or any(is_clutter(each, folder=True) for each in folders)
