"""Where the index of a folder is kept.

The quickest answer needs it, so it imports next to nothing.
"""

import os
import sys

try:
    # Python's own, where it has it: hashlib loads OpenSSL, which takes as long as to look at a thousand files.
    if sys.version_info >= (3, 12):
        from _sha2 import sha256
    else:
        from _sha256 import sha256  # type: ignore[import-not-found]
except ImportError:
    from hashlib import sha256


def cabinet_of(folder: str, cache: str | None = None) -> str:
    """Return where the index of a folder is kept.

    Args:
        folder: The folder of photos.
        cache: Where all indexes are; None for the user's cache folder.
    """
    name = sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:32]
    return os.path.join(cache or _cache(), "folders", name)


def _cache() -> str:
    if sys.platform.startswith("linux"):
        # What platformdirs says, without loading it. Source: XDG Base Directory Specification 0.8.
        return os.path.join(os.environ.get("XDG_CACHE_HOME", "").strip() or os.path.expanduser("~/.cache"), "tessera")
    import platformdirs  # noqa: PLC0415 - as above

    return platformdirs.user_cache_dir("tessera")
