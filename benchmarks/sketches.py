"""How long the order page's preview takes: `sketches.py [PHOTOS] [TARGET]` prints percentiles, with real processes.

A sketch is asked for as the page does it: the form as it stands is sent, and its state is asked for until the picture
is there. Between two, an option changes. The photos are crops of scikit-image's photographs, 500 x 375 pixels.
"""

import io
import json
import re
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles

import numpy as np
from installation import Service, running
from PIL import Image

from models.rules.lifecycle import Lane
from models.rules.looks import LOOKS

POLL_SECONDS = 0.1
"""As the page does."""
ROUNDS = 40
CHANGES = [
    *({"look": look, "cells_across": cells} for look in LOOKS for cells in ("30", "40", "48")),
    *({"tint": tint, "cells_across": "80"} for tint in ("0", "0.1", "0.3")),
    {"crops": "none", "cells_across": "60"}, {"flips": "yes"}, {"shape": "hexagon"}, {"detail": "0.8"},
]  # fmt: skip


def main() -> None:
    """Print how long sketches take: the first one, and the others."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    with running() as service, tempfile.TemporaryDirectory() as scratch:
        for lane in (Lane.INDEXING, Lane.INTERACTIVE):
            service.worker(lane=lane)
        made = service.send(photos(count, Path(scratch) / "photos.zip"))
        tile_set = service.final(made)["id"]
        picture = Path(sys.argv[2]).read_bytes() if len(sys.argv) > 2 else target()
        form = _form(service) | {"tile_set": tile_set}
        files = {"target": ("target.jpg", picture, "image/jpeg")}
        answer = service.session.post(f"{service.address}/mosaics/drafts", data=form, files=files, timeout=60)
        answer.raise_for_status()
        form["draft"] = answer.json()["draft"]
        first, *others = [_seconds(service, form | CHANGES[number % len(CHANGES)]) for number in range(ROUNDS)]
    cuts = quantiles(others, n=20)
    shown = {"photos": count, "first": first, "p50": cuts[9], "p95": cuts[18], "most": max(others)}
    print(json.dumps({name: round(value, 3) for name, value in shown.items()}))


def _seconds(service: Service, form: dict[str, str]) -> float:
    """Return how long it takes from the change of an option until the picture has come."""
    began = time.perf_counter()
    asked = service.session.post(f"{service.address}/mosaics/drafts/sketches", data=form, timeout=60)
    asked.raise_for_status()
    while True:
        time.sleep(POLL_SECONDS)
        shown = service.session.get(service.address + asked.json()["sketch"], timeout=60).json()
        if shown["final"]:
            break
    if shown["state"] != "succeeded":
        raise RuntimeError(json.dumps(shown | form))
    service.session.get(service.address + shown["picture"], timeout=60).raise_for_status()
    return time.perf_counter() - began


def _form(service: Service) -> dict[str, str]:
    page = service.session.get(f"{service.address}/mosaics/new", timeout=60).text
    return dict(re.findall(r'name="(csrf_token|draft)" value="([^"]+)"', page))


def photos(count: int, out: Path) -> Path:
    """Write a zip of so many different photos."""
    import zipfile  # noqa: PLC0415 - here alone

    from skimage import data  # noqa: PLC0415 - the demo's extra

    wholes = [Image.fromarray(make()) for make in (data.astronaut, data.chelsea, data.coffee, data.rocket)]
    random = np.random.default_rng(1)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number in range(count):
            whole = wholes[number % len(wholes)]
            side = int(random.integers(60, 200))
            left, top = (int(random.integers(0, length - side)) for length in whole.size)
            size = [(500, 375), (375, 500), (500, 333)][number % 3]
            file = io.BytesIO()
            whole.crop((left, top, left + side, top + side)).resize(size).save(file, "JPEG", quality=85)
            archive.writestr(f"{number:06}.jpg", file.getvalue())
    return out


def target() -> bytes:
    """Return a photograph of 12 megapixels."""
    from skimage import data  # noqa: PLC0415 - the demo's extra

    file = io.BytesIO()
    Image.fromarray(data.coffee()).resize((4_000, 3_000)).save(file, "JPEG", quality=90)
    return file.getvalue()


if __name__ == "__main__":
    main()
