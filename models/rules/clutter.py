"""What lies among photos and is no photo of one's own: one table for folders, buckets and zips.

The quickest answer of the command line needs it, so it imports nothing.
"""

FOLDERS = frozenset(
    {
        "@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "@tmp",  # Synology and QNAP
        "__macosx",  # what macOS adds to a zip
        "$recycle.bin", "system volume information", "recycler",  # Windows
        "lost+found",  # ext4
    }
)  # fmt: skip
"""Thumbnails, snapshots and bins of systems, in lower case."""
FOLDER_ENDINGS = (".lrdata",)
"""Lightroom's previews."""
FILES = frozenset({"thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "picasa.ini", "icon\r"})
"""What systems keep of a folder, in lower case."""
FILE_ENDINGS = (
    ".xmp", ".aae", ".json", ".thm", ".dop", ".pp3", ".nksc",  # edits and notes beside a photo; a film's thumbnail
    ".lrprev", ".lrcat", ".lrcat-journal", ".lrcat-lock",  # Lightroom
)  # fmt: skip
"""Files beside a photo or of a catalogue."""


def is_clutter(name: str, *, folder: bool) -> bool:
    """Whether a file or a folder of this name, without its path, is left out: hidden, or in the table.

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
    """Whether a file is left out for its own name or for a folder above it; its path has `/` between the names.

    Example:
        >>> lies_in_clutter("2026/@eaDir/IMG_1.JPG")
        True
    """
    *folders, name = [part for part in path.split("/") if part not in ("", ".", "..")] or [".nameless"]
    return is_clutter(name, folder=False) or any(is_clutter(each, folder=True) for each in folders)
