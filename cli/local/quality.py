"""The quality report as text for a terminal."""

from worker.core.measures.quality import NEAR, Quality

SHOWN = 3
"""How many of the worst cells are shown; the JSON report has all ten."""


def table(quality: Quality) -> str:
    """Return a line for each figure, with its meaning, and the advice."""
    lines = [
        ("PSNR", _decibel(quality.psnr1), "colours cell by cell (1 pixel a cell); more is nearer"),
        ("dE00", f"{quality.de00:.1f}", "mean CIEDE2000 cell by cell; less is nearer"),
        ("near", f"{quality.near:.0%}", f"of the cells differ by less than dE00 {NEAR:g}"),
        ("SSIM", f"{quality.ssim4:.3f}", "structure (4 pixels a cell); 1 is the target itself"),
        ("fine parts", _similarity(quality.fine), "structure where the picture has the most detail, seen small"),
        (
            "dE00, far",
            f"{quality.far:.1f}",
            "as seen from across the room: light blurred by 1.5 cells; less is nearer",
        ),
        ("PSNR, blurred", _decibel(quality.psnr_blur), "as seen from afar: blurred by one cell"),
        ("most uses", f"{quality.most_uses:,}", f"of one tile; {quality.distinct_tiles:,} different tiles"),
        ("distance", _cells(quality.smallest_distance), "between equal tiles, at least"),
        ("equal", f"{quality.equal_neighbours:.1%}", "of neighbouring cells hold the same tile"),
        ("cost", f"{quality.cost:.4g}", f"squared losses in all; no less than {quality.lower_bound:.4g} is possible"),
        ("change", f"{quality.change:.1f}", "mean dE00 by which the tiles' colours were changed"),
        ("adapted", f"{quality.adapted:.1f}", "mean dE00 by which the picture was moved towards the photos' colours"),
        ("worst cells", _worst(quality), "column, row and dE00, from the top left"),
    ]
    shown = [f"  {name:<14}{figure:>10}  {meaning}" for name, figure, meaning in lines[:-1]]
    name, figure, meaning = lines[-1]
    shown.append(f"  {name:<14}  {figure}  ({meaning})")
    return "\n".join([*shown, *(f"  {sentence}" for sentence in quality.advice)])


def _decibel(figure: float | None) -> str:
    return "equal" if figure is None else f"{figure:.1f} dB"


def _similarity(figure: float | None) -> str:
    return "none there" if figure is None else f"{figure:.3f}"


def _cells(distance: float | None) -> str:
    return "no repeats" if distance is None else f"{distance:.1f} cells"


def _worst(quality: Quality) -> str:
    return ", ".join(f"{cell.column},{cell.row}: {cell.de00:.0f}" for cell in quality.worst_cells[:SHOWN])
