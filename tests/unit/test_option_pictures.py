"""What stands under *Expert* on the order page: each option has a sentence in plain words and a small picture."""

import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask, render_template_string

import web
from models.rules.orders import FIELDS, Group
from web.views.redisplay import CHOICES, PICTURES

FOLDER = Path(web.__file__).parent / "static/options"
PAGE = """{% from 'parts/orders.html' import expert_fields with context %}{{ expert_fields(form) }}"""
ELSEWHERE = {"cells_across", "tile_size", "dpi", "mosaic_width", "mosaic_height", "no_repeats"}
ELSEWHERE |= {name for name, about in FIELDS.items() if about.group is Group.CROP}
"""What is asked for above *Expert*; no repeats are one use of a photo there."""
JARGON = re.compile(r"\bloss|sub-?cell|rendition|placement|descriptor|\btiles?\b|-rgb|-lab|_", re.IGNORECASE)


class Labels(HTMLParser):
    """The labels of a page: the name of the field in each, its words, its sentence and its picture."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, SimpleNamespace] = {}
        self._open: SimpleNamespace | None = None
        self._small = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "label":
            self._open = SimpleNamespace(words="", sentence="", picture=None, tick=given.get("class") == "tick")
        if self._open is None:
            return
        self._small = self._small or tag == "small"
        if tag in {"input", "select"}:
            self.found[given["name"] or ""] = self._open
        if tag == "img":
            self._open.picture = given

    def handle_endtag(self, tag: str) -> None:
        self._small = self._small and tag != "small"
        if tag == "label":
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open.words += data
            self._open.sentence += data if self._small or self._open.tick else ""


@pytest.fixture(scope="module")
def labels() -> dict[str, SimpleNamespace]:
    app = Flask("web", root_path=str(Path(web.__file__).parent))
    with app.test_request_context():
        page = render_template_string(PAGE, form={}, changed=set(), **CHOICES)
    return Labels(page).found


@pytest.mark.parametrize("name", sorted(FIELDS.keys() - ELSEWHERE))
def test_every_expert_option_has_a_sentence_and_a_picture_that_is_there(
    name: str, labels: dict[str, SimpleNamespace]
) -> None:
    label = labels[name]
    assert len(label.sentence.split()) >= 4, label.words
    assert JARGON.search(label.words) is None
    assert (label.picture["alt"], label.picture["loading"]) == ("", "lazy")
    assert (FOLDER / Path(label.picture["src"]).name).stat().st_size <= 5_000


def test_every_picture_belongs_to_an_option() -> None:
    assert PICTURES.keys() == FIELDS.keys() - ELSEWHERE | {"mask", "mask_alpha"}
