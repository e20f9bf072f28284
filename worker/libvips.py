"""pyvips, loaded so that no warning of libvips reaches Python, and every error does.

The log handler of pyvips runs Python inside GLib's log call. What Python frees there may be an image whose closing
warns too, and GLib ends a process that logs while it logs: one damaged JPEG was enough. What counts is raised.
An error may quote bytes of the file that are no UTF-8; pyvips raises UnicodeDecodeError at those, not its own error.
"""

import os
from typing import Any

os.environ["VIPS_WARNING"] = "0"  # libvips asks once, while it is loaded: nothing on standard error either

import pyvips

pyvips._remove_log_handler()  # noqa: SLF001 - it has no other way to be without one
pyvips.cache_set_max(0)


def _as_text(message: Any) -> str:
    return bytes(pyvips.ffi.string(message)).decode(errors="replace")


pyvips.error._to_string = _as_text  # noqa: SLF001 - it has no other way to read them

__all__ = ["pyvips"]
