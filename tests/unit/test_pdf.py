"""PDFs, read back by pdfium: sizes, pictures, marks and labels."""

import re
from io import BytesIO

import numpy as np
import pypdfium2.raw as pdfium
import pytest
from click.testing import CliRunner
from PIL import Image, ImageCms
from pypdfium2 import PdfDocument

from cli.main import tessera
from models.errors import InvalidOrder, StorageFull, TesseraError
from models.rules import file_types, grid
from models.rules.formats import Format
from models.rules.orders import MosaicOrder
from models.rules.page_split import split
from models.rules.paper import Sheet
from models.rules.print_planning import Print, plan
from worker.rendering import writer

INCH = 25.4
DPI = 127
"""By which a millimetre is five pixels."""
POSTER = (1_500, 1_000)
"""In pixels: 300 x 200 mm. On A6 with an overlap of 10 mm it is 4 x 2 pages, see `test_page_split`."""


def quiet(phase, done, total):
    """Take no notice."""


def mm(points):
    return np.array(points) / 72 * INCH


def written(path, pixels, form=Format.PDF, **more):
    bands = iter(np.array_split(pixels, 7))
    writer.write(bands, (pixels.shape[1], len(pixels)), path, form, quiet, **more)
    return path


def pictures(page):
    return list(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE]))


def jpeg_of(picture):
    return bytes(picture.get_data(decode_simple=False))


def profile_of(page, picture):
    need = pdfium.c_size_t()
    pdfium.FPDFImageObj_GetIccProfileDataDecoded(picture, page, None, 0, need)
    data = (pdfium.c_ubyte * need.value)()
    assert pdfium.FPDFImageObj_GetIccProfileDataDecoded(picture, page, data, need.value, need)
    return bytes(data)


@pytest.fixture
def poster(photographs):
    with Image.open(photographs / "coffee.png") as image:
        return np.asarray(image.convert("RGB").resize(POSTER, Image.Resampling.BICUBIC))


@pytest.fixture
def pages(tmp_path, poster):
    """The poster in pages."""
    made = split(POSTER, DPI, Sheet.A6, 10)
    return PdfDocument(written(tmp_path / "pages.pdf", poster, dpi=DPI, quality=95, split=made))


# --- one page


@pytest.mark.parametrize(("size", "dpi", "millimetres"), [
    ((7_087, 40), 300, (600, 3.4)), ((40, 2_480), 300, (3.4, 210)), ((1_500, 1_000), 127, (300, 200)),
    ((200, 100), 1, (5_080, 2_540)),
])  # fmt: skip
def test_the_page_is_as_large_as_the_mosaic_is_on_paper_and_the_picture_fills_it(tmp_path, size, dpi, millimetres):
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    page = PdfDocument(written(tmp_path / "out.pdf", pixels, dpi=dpi))[0]
    assert mm(page.get_mediabox()) == pytest.approx((0, 0, *millimetres), abs=0.1)
    (picture,) = pictures(page)
    assert mm(picture.get_bounds()) == pytest.approx((0, 0, *millimetres), abs=0.1)


def test_the_boxes_say_where_the_bleed_is_to_be_cut_off(tmp_path, poster):
    page = PdfDocument(written(tmp_path / "out.pdf", poster, dpi=DPI, bleed=3))[0]
    assert mm(page.get_mediabox()) == pytest.approx((0, 0, 300, 200), abs=0.01)
    assert mm(page.get_bleedbox()) == pytest.approx((0, 0, 300, 200), abs=0.01)
    assert mm(page.get_trimbox()) == pytest.approx((3, 3, 297, 197), abs=0.01)


@pytest.mark.parametrize("quality", [None, 40])
def test_the_jpeg_lies_in_it_as_it_is(tmp_path, poster, quality):
    (picture,) = pictures(PdfDocument(written(tmp_path / "out.pdf", poster, quality=quality))[0])
    assert jpeg_of(picture) == written(tmp_path / "out.jpg", poster, Format.JPEG, quality=quality).read_bytes()


def test_it_is_shown_upright_with_all_its_pixels_in_their_places(tmp_path, poster):
    page = PdfDocument(written(tmp_path / "out.pdf", poster, dpi=72, quality=95))[0]
    shown = page.render(scale=1, rev_byteorder=True).to_numpy()[..., :3]
    assert np.abs(shown.astype(int) - poster).mean() < 3


def test_it_says_that_it_is_srgb(tmp_path, noise):
    page = PdfDocument(written(tmp_path / "out.pdf", noise(8, 8)))[0]
    profile = ImageCms.ImageCmsProfile(BytesIO(profile_of(page, pictures(page)[0])))
    assert ImageCms.getProfileDescription(profile).strip() == "sRGB"


def test_it_says_who_made_it_and_not_when(tmp_path, noise):
    data = written(tmp_path / "out.pdf", noise(8, 8)).read_bytes()
    assert PdfDocument(data).get_metadata_dict(skip_empty=True) == {"Producer": "Tessera"}
    assert file_types.made_here(data)
    assert written(tmp_path / "again.pdf", noise(8, 8)).read_bytes() == data


@pytest.mark.parametrize("pages", [None, split(POSTER, DPI, Sheet.A6, 10)])
def test_its_table_says_where_each_object_is(tmp_path, poster, pages):
    # Readers mend a wrong table, so it is read here as ISO 32000-1, 7.5.4 and 7.5.5, has it.
    data = written(tmp_path / "out.pdf", poster, dpi=DPI, split=pages).read_bytes()
    table = data[int(data.rstrip().split(b"\n")[-2]) :].split(b"trailer")[0].split(b"\n")
    assert (table[0], table[1].split()[0]) == (b"xref", b"0")
    places = [int(line[:10]) for line in table[3:-1]]
    assert len(places) + 1 == int(table[1].split()[1])
    assert all(data[at:].startswith(b"%d 0 obj" % number) for number, at in enumerate(places, 1))
    metadata = int(re.search(rb"/Type /Catalog.*/Metadata (\d+) 0 R", data)[1])
    assert file_types.XMP in data[places[metadata - 1] : places[metadata]]


def test_a_target_that_is_a_pdf_is_refused_as_that(tmp_path, noise):
    assert file_types.other(written(tmp_path / "out.pdf", noise(8, 8)).read_bytes()) == "a PDF document"


@pytest.mark.parametrize(("size", "dpi", "held"), [
    ((14_400, 8), 72, True), ((14_401, 8), 72, False), ((8, 201), 1, False),
    ((65_500, 8), 400, True), ((65_501, 8), 400, False),
])  # fmt: skip
def test_a_side_has_at_most_two_hundred_inches_and_as_many_pixels_as_a_jpeg(size, dpi, held):
    # ISO 32000-1, annex C.2: 14,400 units of 1/72 inch.
    assert bool(Format.PDF.facts.limit(size, dpi)) != held


def test_a_print_that_is_too_long_for_a_page_is_refused_with_what_to_do():
    with pytest.raises(InvalidOrder, match=re.escape("PDF ends at 25,400 a side at 127 dpi, which are 200 inches")):
        plan(Print("6x1m", 127, tile="30mm"), Format.PDF)
    order = MosaicOrder(cells_across=300, tile_size=1, dpi=1, format=Format.PDF)
    with pytest.raises(
        InvalidOrder, match=re.escape("200 inches. Take PNG, JPEG, WebP, AVIF, TIFF, pyramidal TIFF or zoom pyramid.")
    ):
        grid.cut(300, 300, order)


def test_a_preview_of_what_is_no_pdf_of_ours_is_refused(tmp_path):
    (tmp_path / "other.pdf").write_bytes(b"%PDF-1.7\n")
    with pytest.raises(TesseraError, match="is no PDF that Tessera wrote"):
        writer.write_preview(tmp_path / "other.pdf", tmp_path / "preview.jpg")


# --- pages


def places(made):
    return [(row, column) for row in range(made.rows) for column in range(made.columns)]


def marks_of(page):
    """Where the lines of a page are, upright and level, in pixels of the poster from its corner at the upper left."""
    height = mm(page.get_height())
    boxes = [mm(one.get_bounds()) for one in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH])]
    assert len(boxes) == 8
    assert all(0 < side < limit for box in boxes for side, limit in zip(box, (105, height, 105, height), strict=True))
    upright = sorted({round(box[[0, 2]].mean() * 5) for box in boxes if box[2] - box[0] < 1})
    level = sorted({round((height - box[[1, 3]].mean()) * 5) for box in boxes if box[3] - box[1] < 1})
    return upright, level


def test_the_pages_are_of_their_paper_and_the_first_is_a_plan_of_them(pages):
    assert len(pages) == 1 + 4 * 2
    assert [tuple(mm(page.get_mediabox()).round(2)) for page in pages] == [(0, 0, 105, 148)] * 9
    said = pages[0].get_textpage().get_text_range()
    assert "300.0 x 200.0 mm: 8 pages of A6, upright, 4 across and 2 down, overlapping by 10 mm." in said
    # Each is drawn twice, white below black.
    assert [*dict.fromkeys(said.split()[-8:])] == [*map(str, range(1, 9))]


def test_each_page_has_its_part_of_the_pixels_as_a_jpeg_of_its_own(tmp_path, pages, poster):
    made = split(POSTER, DPI, Sheet.A6, 10)
    for page, place in zip([*pages][1:], places(made), strict=True):
        left, top, right, bottom = made.part(*place)
        (picture,) = pictures(page)
        alone = written(tmp_path / "part.jpg", poster[top:bottom, left:right], Format.JPEG, dpi=DPI, quality=95)
        assert jpeg_of(picture) == alone.read_bytes()


def test_cut_at_their_marks_the_pages_are_the_poster(pages, poster):
    rows = []
    for row in range(2):
        strips = []
        for column in range(4):
            page = pages[1 + row * 4 + column]
            (picture,) = pictures(page)
            box = mm(picture.get_bounds()) * 5
            with Image.open(BytesIO(jpeg_of(picture))) as image:
                pixels = np.asarray(image)
            # At its exact size: five pixels in a millimetre.
            assert (box[2] - box[0], box[3] - box[1]) == pytest.approx(pixels.shape[1::-1], abs=0.05)
            upright, level = marks_of(page)
            left, top = round(box[0]), round(mm(page.get_height()) * 5 - box[3])
            strips.append(pixels[level[0] - top : level[1] - top, upright[0] - left : upright[1] - left])
        rows.append(np.concatenate(strips, axis=1))
    laid = np.concatenate(rows)
    assert laid.shape == poster.shape
    assert np.abs(laid.astype(int) - poster).mean() < 2


def test_what_a_page_shows_is_within_its_margins_and_its_marks_are_outside_of_it(pages):
    for page in [*pages][1:]:
        left, bottom, right, top = mm(pictures(page)[0].get_bounds())
        assert (left, top) == pytest.approx((10, 138), abs=0.01)
        assert right <= 95.01
        assert bottom >= 9.99
        for mark in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH]):
            box = mm(mark.get_bounds())
            assert box[0] > right or box[2] < left or box[1] > top or box[3] < bottom


def test_each_page_has_a_label_that_no_edge_cuts_off(pages):
    for number, page in enumerate([*pages][1:]):
        text = page.get_textpage()
        row, column = divmod(number, 4)
        assert text.get_text_range() == f"Page {number + 1} of 8: row {row + 1}, column {column + 1}"
        assert text.count_rects() == 1
        left, bottom, right, top = mm(text.get_rect(0))
        assert left >= 9
        assert right <= 95
        # Most printers print from 4.2 mm on; where a page is full, its picture begins at 10.
        assert 3.5 <= bottom < top < 6.1


def test_a_page_is_shown_upright(pages, poster):
    shown = pages[1].render(scale=DPI / 72, rev_byteorder=True).to_numpy()[50:690, 50:475, :3]
    assert np.abs(shown.astype(int) - poster[:640, :425]).mean() < 4


def test_pages_have_the_same_bytes_each_time_and_are_known_as_ours(tmp_path, pages, poster):
    made = split(POSTER, DPI, Sheet.A6, 10)
    again = written(tmp_path / "again.pdf", poster, dpi=DPI, quality=95, split=made).read_bytes()
    assert (tmp_path / "pages.pdf").read_bytes() == again
    assert file_types.made_here(again)


def test_as_many_pages_as_may_be_are_known_as_ours_and_opened(tmp_path):
    made = split((1_200, 1_900), 25, Sheet.A6, 10)
    assert made.count == 11 * 26
    pixels, seen = np.zeros((1_900, 1_200, 3), np.uint8), []
    writer.write(
        iter([pixels]), (1_200, 1_900), tmp_path / "out.pdf", Format.PDF, lambda *far: seen.append(far),
        dpi=25, split=made,
    )  # fmt: skip
    assert {("encoding", number, 286) for number in range(286)} <= {*seen}
    data = (tmp_path / "out.pdf").read_bytes()
    assert file_types.made_here(data)
    assert len(PdfDocument(data)) == 287


def test_a_preview_of_pages_shows_the_whole_poster(tmp_path, pages, poster):
    writer.write_preview(tmp_path / "pages.pdf", tmp_path / "preview.jpg")
    with Image.open(tmp_path / "preview.jpg") as image:
        assert np.abs(np.asarray(image.resize(POSTER)).astype(int) - poster).mean() < 5


def test_pages_on_a_full_disk_are_said_so(tmp_path, poster):
    (tmp_path / "full.pdf").symlink_to("/dev/full")
    with pytest.raises(StorageFull):
        written(tmp_path / "full.pdf", poster, dpi=DPI, split=split(POSTER, DPI, Sheet.A6, 10))


def test_what_progress_raises_stops_pages(tmp_path, poster):
    def stop(phase, done, total):
        assert (phase, total) == ("encoding", 8)
        if done == 5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        writer.write(
            iter([poster]), POSTER, tmp_path / "a", Format.PDF, stop, dpi=DPI,
            split=split(POSTER, DPI, Sheet.A6, 10),
        )  # fmt: skip


# --- the command


@pytest.fixture
def run(folder, tmp_path, photographs, monkeypatch):
    """Run `tessera render` in this process."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*words, out="poster.pdf"):
        target = str(photographs / "coffee.png")
        command = ["render", target, "--tiles", str(folder), "--out", str(tmp_path / out), *map(str, words)]
        return CliRunner().invoke(tessera, command)

    return run


def test_a_print_in_pages_is_made_and_said(run, tmp_path):
    result = run("--print", "30x20cm", "--dpi", 127, "--pages", "A6", "--bleed", "2mm", "--overlap", "0.5cm")
    assert result.exit_code == 0, result.output
    # 304 x 204 mm; 85 and 128 between the margins, so 80 and 123 from page to page: (304 - 5) / 80 = 3.7,
    # (204 - 5) / 123 = 1.6; lying (304 - 5) / 123 = 2.4, (204 - 5) / 80 = 2.5.
    said = "pages: 8 pages of A6, upright, 4 across and 2 down, overlapping by 5 mm, and a plan of them\n"
    assert said in result.stdout
    assert len(PdfDocument(tmp_path / "poster.pdf")) == 9


def test_a_dry_run_says_the_pages(run, tmp_path):
    result = run("--print", "60x40cm", "--pages", "a4", "--dry-run")
    assert "  pages     8 pages of A4, upright, 4 across and 2 down" in result.stdout
    assert not (tmp_path / "poster.pdf").exists()


def test_a_print_of_one_page_says_where_to_cut(run, tmp_path):
    assert run("--print", "15x10cm", "--dpi", 127, "--bleed", "3mm").exit_code == 0
    page = PdfDocument(tmp_path / "poster.pdf")[0]
    assert mm(page.get_mediabox()) == pytest.approx((0, 0, 156, 106), abs=0.1)
    assert mm(page.get_trimbox()) == pytest.approx((3, 3, 153, 103), abs=0.1)


@pytest.mark.parametrize(("words", "sentence"), [
    (["--pages", "A4"], "Pages belong to a print; give its size on paper, too."),
    (["--overlap", "1cm"], "An overlap belongs to a print; give its size on paper, too."),
    (["--print", "60x40cm", "--overlap", "1cm"], "An overlap belongs to pages; say on which paper they are."),
    (["--print", "60x40cm", "--pages", "A4", "--overlap", "1km"], "must be from 0 to 500 mm, not 1e+06 mm."),
    (["--print", "60x40cm", "--pages", "A4", "--overlap", "20cm"], "An overlap of 200 mm leaves too little of A4"),
    (["--print", "60x40cm", "--pages", "A4", "--overlap", "10"], "'10' is no size of the overlap"),
    (["--print", "60x40cm", "--pages", "A4", "--overlap=-1mm"], "must be from 0 to 500 mm, not -1 mm."),
    (["--print", "60x40cm", "--pages", "A4", "--format", "png"], "has the ending of a pdf"),
    (["--print", "5x5m", "--dpi", "30", "--tile", "10cm", "--pages", "A6"], "the limit is 300."),
    (["--print", "60x40cm", "--pages", "A9"], "A9"),
    (["--print", "60x40cm", "--pages", "0"], "0"),
    (["--print", "6x1m", "--dpi", "127", "--tile", "3cm"], "PDF ends at 25,400 a side at 127 dpi"),
])  # fmt: skip
def test_pages_that_cannot_be_are_a_sentence_and_nothing_is_written(run, tmp_path, words, sentence):
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr.splitlines()[-1]
    assert not (tmp_path / "poster.pdf").exists()


def test_a_placement_of_pages_is_laid_again_as_a_picture_too(run, tmp_path):
    asked = ["--print", "20x15cm", "--dpi", 127, "--pages", "A6", "--quality", 80]
    assert run(*asked, "--placement-out", tmp_path / "placement.json").exit_code == 0
    again = run("--placement", tmp_path / "placement.json", out="again.png")
    assert (again.exit_code, again.stderr.count("\n")) == (0, 2), again.output
    pages = run("--placement", tmp_path / "placement.json", out="again.pdf")
    assert "pages: 4 pages of A6, lying" in pages.stdout  # 190 / 118 and 140 / 75, as above
    assert (tmp_path / "again.pdf").read_bytes() == (tmp_path / "poster.pdf").read_bytes()


def test_pages_in_another_format_are_refused(run):
    result = run("--print", "60x40cm", "--pages", "A4", out="poster.png")
    assert (result.exit_code, result.stderr) == (2, "tessera: Pages belong to PDF; take that as the format.\n")
