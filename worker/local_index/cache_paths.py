"""The paths of what is kept in the user's cache: an entry for each folder of photos, and tiles of all of them.

`fast_index` needs it, so it imports next to nothing.
"""

import os
import sys

try:
    # Python's own SHA-256 where there is one: hashlib loads OpenSSL, which takes as long as a look at 1,000 files.
    if sys.version_info >= (3, 12):
        from _sha2 import sha256
    else:
        from _sha256 import sha256  # type: ignore[import-not-found]
except ImportError:
    from hashlib import sha256


def entry_path(folder: str, cache: str | None = None) -> str:
    """Return the path of the cache entry of a folder.

    Args:
        folder: The folder of photos.
        cache: The folder of all cache entries; None for the user's cache folder.
    """
    name = sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:32]
    return os.path.join(cache or _cache(), "folders", name)


def tiles_path(cache: str | None = None) -> str:
    """Return the path of the file with tiles of earlier mosaics; `cache` is as for `entry_path`.

    The number in its name changes with what is kept of a tile, and with how a tile is made of a photo.
    """
    return os.path.join(cache or _cache(), "tiles", "kept-v1.sqlite")


def _cache() -> str:
    if sys.platform.startswith("linux"):
        # The same as platformdirs, without loading it. Source: XDG Base Directory Specification 0.8.
        return os.path.join(os.environ.get("XDG_CACHE_HOME", "").strip() or os.path.expanduser("~/.cache"), "tessera")
    import platformdirs  # noqa: PLC0415 - as above

    return platformdirs.user_cache_dir("tessera")
