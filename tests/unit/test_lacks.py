"""What the photos of a set lack: each family of colours is missed when it is not there, and only then."""

import numpy as np
import pytest

from worker.core.colour import srgb_of_oklab
from worker.core.measures import lacks

EVERYTHING = {
    "blues": (0.6, 250, 0.1),
    "greens": (0.5, 140, 0.08),
    "skin colours": (0.7, 55, 0.07),
    "dark photos": (0.2, 0, 0.0),
    "nearly white photos": (0.93, 0, 0.0),
}
"""A colour of each family: lightness, hue in degrees and chroma in Oklab."""
NEEDED_BY = {
    "blues": "skies and water",
    "greens": "leaves and grass",
    "skin colours": "faces",
    "dark photos": "shadows",
    "nearly white photos": "snow and bright light",
}


def photos(**counts: int) -> np.ndarray:
    """Means of so many photos of each family, by its name with underscores, and of reds that make up 1,000."""
    rows = [EVERYTHING[name.replace("_", " ")] for name, count in counts.items() for _ in range(count)]
    rows += [(0.45 + 0.1 * (number % 3), 20.0, 0.13) for number in range(1_000 - len(rows))]
    light, hue, chroma = np.array(rows).T
    turned = np.radians(hue)
    return srgb_of_oklab(np.stack([light, chroma * np.cos(turned), chroma * np.sin(turned)], axis=1)).clip(0, 255)


def with_enough(**counts: int) -> np.ndarray:
    return photos(**({name.replace(" ", "_"): 100 for name in EVERYTHING} | counts))


def test_nothing_is_said_where_there_is_enough_of_all() -> None:
    assert lacks.of_photos(with_enough()) == []


@pytest.mark.parametrize("name", EVERYTHING)
def test_what_is_not_there_is_missed(name: str) -> None:
    found = lacks.of_photos(with_enough(**{name.replace(" ", "_"): 0}))
    assert found == [f"No {name}: {NEEDED_BY[name]} will lack their colour."]


@pytest.mark.parametrize("name", EVERYTHING)
def test_fewer_than_one_in_a_hundred_are_few_and_one_in_a_hundred_are_enough(name: str) -> None:
    few = lacks.of_photos(with_enough(**{name.replace(" ", "_"): 9}))
    assert few == [f"Few {name}: {NEEDED_BY[name]} will repeat the same photos, or lack their colour."]
    assert lacks.of_photos(with_enough(**{name.replace(" ", "_"): 10})) == []


def test_black_and_white_themselves_count() -> None:
    means = with_enough(dark_photos=0, nearly_white_photos=0)
    means[:100], means[100:200] = 0, 255
    assert not any("dark" in sentence or "white" in sentence for sentence in lacks.of_photos(means))


def test_several_colours_are_named_in_one_sentence() -> None:
    found = lacks.of_photos(with_enough(blues=0, greens=3, skin_colours=0))
    users = "skies, water, leaves, grass and faces"
    assert found == [
        f"Few blues, greens and skin colours: {users} will repeat the same photos, or lack their colour."
    ]


def test_photos_that_are_alike_are_said_to_be_so() -> None:
    found = lacks.of_photos(photos(blues=600, greens=400))
    assert found[0] == ("Most photos (60 %) have nearly the same colour, blues: a mosaic of them shows few others.")


def test_half_of_the_photos_may_be_alike() -> None:
    assert "Most" not in " ".join(lacks.of_photos(photos(blues=500, greens=500)))


@pytest.mark.parametrize(("count", "times"), [(99, "20"), (10, "200"), (2, "1,000")])
def test_few_photos_are_said_to_repeat(count: int, times: str) -> None:
    found = lacks.of_photos(with_enough()[:: 1_000 // count][:count])
    assert found[0] == f"{count} photos are few: in a mosaic of 2,000 cells each lies {times} times."


def test_a_hundred_photos_are_not_few() -> None:
    assert "are few" not in " ".join(lacks.of_photos(with_enough()[::10]))
