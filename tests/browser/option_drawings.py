"""Draws what a mosaic does not show: how cells lie, what a printer cuts, where photos repeat.

Every drawing is 204 x 96, as wide as two squares of `option_pictures`, in colours that are seen on light and on dark.
"""

from collections.abc import Iterable

PHOTO, OTHER, MARK, LINE = "oklch(62% .09 240)", "oklch(70% .03 240)", "oklch(68% .17 50)", "oklch(60% .02 240)"
SIDE, LEFT, RIGHT = 96, 0, 108


def svg(*parts: str) -> str:
    size = 'viewBox="0 0 204 96" width="204" height="96"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>\n'


def box(x: float, y: float, width: float, height: float, fill: str = PHOTO, more: str = "") -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{fill}"{more}/>'


def frame(x: float, y: float, width: float, height: float, colour: str = MARK, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return box(x, y, width, height, "none", f' stroke="{colour}" stroke-width="3"{dashed}')


def path(d: str, colour: str = MARK) -> str:
    return f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="3"/>'


def shape(d: str, fill: str = PHOTO) -> str:
    return f'<path d="{d}" fill="{fill}"/>'


def boxes(places: Iterable[tuple[float, float]], width: float, height: float, fill: str = PHOTO) -> str:
    """Equal boxes with a little room around them, as one path."""
    inside = f"h{width - 2:g}v{height - 2:g}h{2 - width:g}z"
    return shape("".join(f"M{x + 1:g} {y + 1:g}{inside}" for x, y in places), fill)


def cells(left: float, columns: int, rows: int, marked: Iterable[tuple[int, int]] = ()) -> str:
    """A square of cells, some of them marked as one and the same photo."""
    width, height, same = SIDE / columns, SIDE / rows, list(marked)
    others = [(x, y) for y in range(rows) for x in range(columns) if (x, y) not in same]
    return "".join(
        boxes([(left + x * width, y * height) for x, y in some], width, height, fill)
        for some, fill in ((others, PHOTO), (same, MARK))
        if some
    )


def round_cells(left: float) -> str:
    """Cells in a circle; those outside it stay empty."""
    inside = [(x, y) for x in range(6) for y in range(6) if (x - 2.5) ** 2 + (y - 2.5) ** 2 < 7]
    return boxes([(left + 16 * x, 16 * y) for x, y in inside], 16, 16)


def arrow(x: float, y: float, dx: float, dy: float) -> str:
    """A line with a head at both ends."""
    along, across = (6 if dx else 0, 6 if dy else 0), (5 if dy else 0, 5 if dx else 0)
    heads = "".join(
        f"M{x0 + sign * along[0] + side * across[0]:g} {y0 + sign * along[1] + side * across[1]:g}L{x0:g} {y0:g}"
        for x0, y0, sign in ((x, y, 1), (x + dx, y + dy, -1))
        for side in (-1, 1)
    )
    return path(f"M{x:g} {y:g}l{dx:g} {dy:g}{heads}")


def hexagons(left: float) -> str:
    """Hexagons with a corner on top."""
    drawn = []
    for row, y in enumerate((4, 34, 64)):
        for column in range(3 - row % 2):
            x = left + column * 32 + (16 if row % 2 else 0)
            drawn.append(f"M{x + 16} {y - 3}l15 9v18l-15 9l-15-9v-18z")
    return shape("".join(drawn))


def bricks(left: float) -> str:
    rows = [(0, (0, 32, 64)), (32, (-16, 16, 48, 80)), (64, (0, 32, 64))]
    return "".join(
        box(left + max(x, 0) + 1, y + 1, min(x + 32, 96) - max(x, 0) - 2, 30) for y, places in rows for x in places
    )


def sized(left: float) -> str:
    """Large cells, but small ones where something is to be seen."""
    large = boxes([(left, 0), (left + 48, 0), (left, 48)], 48, 48)
    middle = boxes([(left + 72, 48), (left + 48, 72)], 24, 24)
    fine = [(left + x + i, x + j) for x in (48, 72) for i in (0, 12) for j in (0, 12)]
    return large + middle + boxes(fine, 12, 12, MARK)


def page(x: float, y: float, width: float, height: float) -> str:
    return box(x, y, width, height, OTHER) + frame(x, y, width, height, LINE)


CIRCLE = '<circle cx="{0}" cy="48" r="34" fill="{1}"/>'
DRAWINGS = {
    "adaptive": svg(cells(LEFT, 8, 8), sized(RIGHT)),
    "shape": svg(bricks(LEFT), hexagons(RIGHT)),
    "fit": svg(
        cells(LEFT, 4, 4), frame(LEFT + 2, 12, 92, 72, dashes="6 4"),
        cells(RIGHT, 4, 4), arrow(RIGHT + 48, 10, 0, 76),
    ),
    "format": svg(
        box(16, 16, 64, 64),
        *(box(122 + 12 * step, 60 - 22 * step, 68 - 24 * step, 16) for step in range(3)),
        frame(4, 4, 88, 88, LINE), frame(112, 4, 88, 88, LINE),
    ),
    "cell_width": svg(cells(LEFT, 4, 4), cells(RIGHT, 2, 4), arrow(RIGHT + 2, 36, 44, 0)),
    "cell_height": svg(cells(LEFT, 4, 4), cells(RIGHT, 4, 2), arrow(RIGHT + 36, 2, 0, 44)),
    "bleed": svg(
        box(10, 16, 76, 64), frame(10, 16, 76, 64, dashes="6 4"),
        box(112, 4, 88, 88), frame(118, 16, 76, 64, dashes="6 4"),
    ),
    "pages": svg(box(4, 8, 88, 80), *(page(x, y, 40, 38) for x in (112, 160) for y in (6, 52))),
    "overlap": svg(
        page(14, 10, 82, 76), box(80, 10, 16, 76, MARK),
        page(108, 10, 82, 76), box(108, 10, 16, 76, MARK),
    ),
    "max_uses": svg(
        cells(LEFT, 4, 4, [(0, 0), (2, 0), (1, 1), (3, 1), (0, 2), (2, 3), (3, 3)]), cells(RIGHT, 4, 4, [(2, 1)]),
    ),
    "min_uses": svg(cells(LEFT, 4, 4), cells(RIGHT, 4, 4, [(0, 3), (2, 1)])),
    "min_distance": svg(
        cells(LEFT, 4, 4, [(1, 1), (2, 1), (2, 2)]), cells(RIGHT, 4, 4, [(0, 0), (3, 0), (1, 3)]),
        arrow(RIGHT + 26, 12, 44, 0),
    ),
    "subcells": svg(
        box(LEFT, 0, SIDE, SIDE), path("M48 0v96M0 48h96", OTHER),
        box(RIGHT, 0, SIDE, SIDE),
        path("".join(f"M{RIGHT + step} 0v96M{RIGHT} {step}h96" for step in range(16, 96, 16)), OTHER),
    ),
    "mask": svg(
        box(LEFT, 0, SIDE, SIDE, "black"), frame(LEFT + 1.5, 1.5, 93, 93, LINE), CIRCLE.format(48, "white"),
        round_cells(RIGHT),
    ),
    "mask_alpha": svg(
        boxes([(12 * x, 12 * y) for x in range(8) for y in range(8) if (x + y) % 2], 14, 14, OTHER),
        CIRCLE.format(48, PHOTO), round_cells(RIGHT),
    ),
}  # fmt: skip
"""By the name of the field."""
