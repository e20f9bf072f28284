"""pyvips, loaded so that no warning of libvips reaches Python, and every error does.

The log handler of pyvips runs Python inside GLib's log call. There Python may free an image whose closing logs a
warning too, and GLib ends a process that logs while it is logging: one damaged JPEG was enough. Errors that matter
are raised anyway. An error may quote bytes of the file that are not UTF-8: pyvips would raise UnicodeDecodeError
there, and not its own error.
"""

import os
from typing import Any

os.environ["VIPS_WARNING"] = "0"  # libvips reads it once, when it is loaded: no warnings on standard error either

import pyvips

pyvips._remove_log_handler()  # noqa: SLF001 - there is no public way
pyvips.cache_set_max(0)


def _as_text(message: Any) -> str:
    return bytes(pyvips.ffi.string(message)).decode(errors="replace")


pyvips.error._to_string = _as_text  # noqa: SLF001 - it has no other way to read them

__all__ = ["pyvips"]
