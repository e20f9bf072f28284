"""What `make bench` runs: measures, writes bench.json, prints one table; exit code 1 when a bar is missed."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import editing
import giga
import indexing
import library100k
import machine
import matching
import photographs
import quality
import rendering
import service
import studio
import waiting
import warm
import zooming
from measurement import Measurement, table
from process import Failed
from rich.console import Console
from setting import Setting

SECTIONS: dict[str, Callable[[Setting], Iterator[Measurement]]] = {
    "rendering": rendering.measure,
    "indexing": indexing.measure,
    "library100k": library100k.measure,
    "matching": matching.measure,
    "quality": quality.measure,
    "warm": warm.measure,
    "editing": editing.measure,
    "giga": giga.measure,
    "large": giga.measure_large,
    "zoom": zooming.measure,
    "waiting": waiting.measure,
    "studio": studio.measure,
    "service": service.measure,
    "zip100k": service.measure_memory,
}
"""What is measured, in the order of the table: a new section is a module with such a function."""
REPORT = Path("bench.json")


def main() -> int:
    """Measure everything; return the exit code."""
    asked = _arguments()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="tessera-bench-") as scratch:
        try:
            about = machine.described()
            photos = photographs.found(asked.photos, Path(scratch), console)
            setting = Setting(photos, about["index_side"], asked.runs, Path(scratch), console)
            measured = [measurement for name in asked.only for measurement in SECTIONS[name](setting)]
        except (Failed, photographs.Missing) as error:
            console.print(f"bench: {error}", style="red", markup=False)
            return 2
    REPORT.write_text(json.dumps(_report(setting, about, measured), indent=2) + "\n")
    title = f"{photos.described}, {asked.runs} runs, {about['cores']} cores, load {about['load_before']} before"
    Console().print(table(measured, title))
    return 0 if all(measurement.met is not False for measurement in measured) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "photos",
        nargs="?",
        type=Path,
        metavar="PHOTOS",
        help="folder with tiles/ and targets/coffee.png; without it, crops of scikit-image's photographs",
    )
    parser.add_argument("--runs", type=int, default=7, metavar="N", help="rounds to measure (default: %(default)s)")
    parser.add_argument(
        "--only", type=_sections, default=list(SECTIONS), metavar="A,B", help=f"sections: {', '.join(SECTIONS)}"
    )
    asked = parser.parse_args()
    if asked.runs < 1:
        parser.error("--runs must be at least 1")
    return asked


def _sections(names: str) -> list[str]:
    """Read `matching,quality`."""
    unknown = set(names.split(",")) - set(SECTIONS)
    if unknown:
        raise argparse.ArgumentTypeError(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    return names.split(",")


def _report(setting: Setting, about: dict[str, object], measured: list[Measurement]) -> dict[str, object]:
    return {
        "machine": about,
        "photos": setting.photos.described,
        "runs": setting.runs,
        "measurements": {
            measurement.key: {**asdict(measurement), "met": measurement.met} for measurement in measured
        },
    }


if __name__ == "__main__":
    sys.exit(main())
