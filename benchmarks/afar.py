"""What the look `poster` gains from afar: `afar.py PHOTOS TARGET...` prints its means beside those of `natural`.

`far`, `de00`, `ssim4` and `psnr1` are those of `score.py`. The last two are scikit-image's, of the pictures in sRGB
after its own Gaussian of 1.5 cells.
"""

import json
import sys
import tempfile
from pathlib import Path
from statistics import geometric_mean, mean

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from process import python, run
from rendering import tessera
from score import FAR_CELLS
from skimage.filters import gaussian
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

LOOKS = ("natural", "poster")
TILE = 24
"""Pixels a side of a tile."""
SHOWN = {"far": ".2f", "de00": ".2f", "psnr1": ".2f", "ssim4": ".3f", "psnr_skimage": ".2f", "ssim_skimage": ".4f"}
FEWER = {"equal neighbours": "equal_neighbours", "most uses": "most_uses"}


def main(photos: Path, targets: list[Path]) -> None:
    """Make a mosaic of each target by each look, and print the means of their scores."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        run(python("targets.py", folder, *targets), {})
        grids = json.loads((folder / "grids.json").read_text())
        scored = [scores(photos, folder / f"{path.stem}.png", *grids[path.stem]) for path in targets]
    for look in LOOKS:
        means = {what: mean(one[look][what] for one in scored) for what in (*SHOWN, *FEWER.values())}
        print(look, *(f"{what} {format(means[what], form)}" for what, form in SHOWN.items()), sep="  ", end="  ")
        print(*(f"{what} {means[key]:.4f}" for what, key in FEWER.items()), sep="  ")
    for what, sign in (("far", -1), ("psnr_skimage", 1), ("ssim_skimage", 1)):
        better = sum(sign * (one["poster"][what] - one["natural"][what]) > 0 for one in scored)
        print(f"nearer by {what}: {better} of {len(scored)}")
    print(f"far, x {geometric_mean([one['poster']['far'] / one['natural']['far'] for one in scored]):.3f}")


def scores(photos: Path, target: Path, columns: int, rows: int) -> dict[str, dict[str, float]]:
    """Return the scores of one target's mosaics, by look."""
    mosaics = {look: target.parent / f"{look}-{target.name}" for look in LOOKS}
    reports = {look: path.with_suffix(".json") for look, path in mosaics.items()}
    for look, path in mosaics.items():
        order = ("--cells", str(columns), "--tile-size", str(TILE), "--look", look, "--report", reports[look])
        run([tessera(), "render", target, "--tiles", photos, *order, "--out", path], {})
    out = target.with_suffix(".json")
    run(python("score.py", target, str(columns), str(rows), out, *mosaics.values()), {})
    ours = dict(zip(LOOKS, json.loads(out.read_text()), strict=True))
    theirs = {look: by_another(target, path, columns) for look, path in mosaics.items()}
    reported = {look: json.loads(path.read_text())["quality"] for look, path in reports.items()}
    return {look: reported[look] | ours[look] | theirs[look] for look in LOOKS}


def by_another(target: Path, mosaic: Path, columns: int) -> dict[str, float]:
    """Return PSNR and SSIM after a Gaussian, all three by scikit-image."""
    laid = Image.open(mosaic)
    wanted = Image.open(target).resize(laid.size, Image.Resampling.BICUBIC)
    one, other = (_blurred(np.asarray(each), FAR_CELLS * laid.width / columns) for each in (wanted, laid))
    return {
        "psnr_skimage": float(peak_signal_noise_ratio(one, other, data_range=1.0)),
        "ssim_skimage": float(structural_similarity(one, other, data_range=1.0, channel_axis=2)),
    }


def _blurred(pixels: NDArray[np.uint8], deviation: float) -> NDArray[np.float64]:
    """Return a picture blurred as it is encoded, 0 to 1."""
    blurred: NDArray[np.float64] = gaussian(pixels / 255, deviation, channel_axis=2)
    return blurred


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(each) for each in sys.argv[2:]])
