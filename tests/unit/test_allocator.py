"""Memory that is kept by the C library."""

import resource
import subprocess
import sys

import pytest

FAULTS = """
import resource
from worker import allocator
if {keep}:
    allocator.keep()
import numpy as np
np.ones({size}, np.uint8)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.ones({size}, np.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(size, *, keep):
    code = FAULTS.format(size=size, keep=keep)
    environment = {"MALLOC_MMAP_THRESHOLD_": str(128 << 10)}  # the usual one, and so that it stays
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have another C library")
def test_pages_of_a_freed_array_are_used_again():
    pages = (1 << 20) // resource.getpagesize()
    assert faults(1 << 20, keep=False) >= 20 * pages
    assert faults(1 << 20, keep=True) < pages


HEAPS = """
import ctypes, sys, tempfile, threading
from worker import allocator
if {keep}:
    allocator.keep()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
meeting = threading.Barrier(4)
def ask():
    libc.malloc(100_000)
    meeting.wait()
threads = [threading.Thread(target=ask) for _ in range(3)]
for thread in threads:
    thread.start()
meeting.wait()
with tempfile.NamedTemporaryFile() as said:
    file = libc.fopen(said.name.encode(), b"w")
    libc.malloc_info(0, ctypes.c_void_p(file))
    libc.fclose(ctypes.c_void_p(file))
    print(said.read().count(b"<heap nr"))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have another C library")
def test_all_threads_have_one_heap():
    one, several = (
        int(subprocess.run([sys.executable, "-c", HEAPS.format(keep=keep)], capture_output=True, check=True).stdout)
        for keep in (True, False)
    )
    assert one == 1 < several
