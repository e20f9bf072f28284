"""Which files of a mosaic may be ordered."""

import pytest

from models.errors import InvalidOrder
from models.rules import renditions
from models.rules.formats import Format
from models.rules.orders import MosaicOrder
from models.rules.renditions import File

ORDER = MosaicOrder(cells_across=60, format=Format.JPEG, file_quality=75, dpi=150, tint=0.5)


@pytest.mark.parametrize(
    ("order", "file"),
    [
        (ORDER, (Format.JPEG, 75, 150)),
        (MosaicOrder(cells_across=60, format=Format.JPEG), (Format.JPEG, 90, 300)),
        (MosaicOrder(cells_across=60, format=Format.AVIF), (Format.AVIF, 80, 300)),
        (MosaicOrder(cells_across=60), (Format.PNG, 0, 300)),
    ],
)
def test_a_file_has_its_formats_own_quality_unless_another_is_ordered(
    order: MosaicOrder, file: tuple[Format, int, int]
) -> None:
    assert renditions.file_of(order) == file


@pytest.mark.parametrize(
    ("given", "file"),
    [
        ({"format": Format.PNG}, (Format.PNG, 0, 150)),
        ({"format": Format.JPEG}, (Format.JPEG, 90, 150)),
        ({"format": Format.WEBP, "file_quality": 40, "dpi": 72}, (Format.WEBP, 40, 72)),
        ({"format": Format.TIFF, "file_quality": None, "dpi": None}, (Format.TIFF, 0, 150)),
    ],
)
def test_another_file_shows_the_same_at_the_mosaics_own_dpi(
    given: dict[str, object], file: tuple[Format, int, int]
) -> None:
    ordered = renditions.ordered(ORDER, given)
    assert renditions.file_of(ordered) == file
    assert (ordered.tint, ordered.cells_across) == (0.5, 60)
    # What a row says asks for the same again.
    assert renditions.ordered(ORDER, renditions.given_by(File(*file))) == ordered or file[1] == 90


@pytest.mark.parametrize("size", [(16_383, 10), (10, 16_383)])
def test_a_format_takes_what_it_can_hold_and_not_a_pixel_more(size: tuple[int, int]) -> None:
    renditions.check_size(File(Format.WEBP, 90, 300), size)
    with pytest.raises(InvalidOrder, match="WebP ends at 16,383 a side"):
        renditions.check_size(File(Format.WEBP, 90, 300), (size[0] + 1, size[1] + 1))
