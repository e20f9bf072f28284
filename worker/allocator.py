"""Lets the C library keep what is freed for what is asked for next, and in one heap for all threads.

By default each array of more than 128 kB is asked of the system and given back, which has to clear its pages every
time: a twentieth of a quick render. And threads have heaps of their own, eight for each core: what is freed stays in
the heap that it came from, so a mosaic of 100,000 cells took 386 MB, and 281 MB with one heap, in the same time.
"""

import ctypes

TRIM_THRESHOLD, TOP_PAD, MMAP_THRESHOLD, ARENA_MAX = -1, -2, -3, -8
"""Source: mallopt(3), in malloc.h of the GNU C library."""
KEPT = {MMAP_THRESHOLD: 4 << 20, TRIM_THRESHOLD: 64 << 20, TOP_PAD: 16 << 20, ARENA_MAX: 1}
"""The least bytes of an array that are asked for by themselves, how many may lie unused, how many are asked for at
once; and how many heaps there are."""


def keep() -> None:
    """Keep freed memory, within bounds, as long as this process lives; other C libraries are left as they are."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for number, value in KEPT.items():
            mallopt(number, value)
