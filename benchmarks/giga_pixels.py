"""Pictures for `giga`, by libvips alone: a target, plain pixels, and a JPEG of them, of which it prints the time."""

import sys
import time

import pyvips

WORK, SOURCE, OUT = sys.argv[1:]
began = time.perf_counter()
if WORK == "target":
    pyvips.Image.thumbnail(SOURCE, 5_000, height=3_125, size="force").write_to_file(OUT)
elif WORK == "plain":
    pyvips.Image.new_from_file(SOURCE, access="sequential").tiffsave(OUT, bigtiff=True, keep="none")
else:
    pyvips.Image.new_from_file(SOURCE, access="sequential").jpegsave(OUT, Q=90, subsample_mode="off")
    print(time.perf_counter() - began)
