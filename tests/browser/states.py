"""Every page in every state that it can be in: its name, which page it is, and how a browser gets there.

`test_states.py` looks at each with axe; `make states` also takes its picture.
"""

from typing import NamedTuple

from tests.browser import sending_ways, ways
from tests.browser.ways import Way


class State(NamedTuple):
    """A page as it may be seen.

    Attributes:
        name: What is told of it.
        endpoint: Which of the app's pages it is.
        bring: Brings it about.
        scripts: Whether it comes about with scripts alone.
    """

    name: str
    endpoint: str
    bring: Way
    scripts: bool = False


NO_PAGES = {
    "batches.archive", "batches.manifest", "batches.state", "intakes.show", "health.live", "health.ready",
    "metrics.show",
    "zoom.cells", "zoom.cell", "zoom.photo", "zoom.description", "zoom.tile", "finding.cell_map", "finding.photos",
    "events.of_mosaic", "events.of_tile_set", "events.partial", "events.progress_of_mosaic",
    "events.progress_of_rendition", "events.progress_of_tile_set", "mosaics.picture", "mosaics.placement",
    "mosaics.preview", "mosaics.rendition", "mosaics.target_preview", "mosaics.thumbnail", "drafts.sketched",
    "drafts.picture", "drafts.target", "drafts.plan", "service.now", "sharing.preview", "sharing.description",
    "sharing.tile", "static", "tile_sets.palette", "tile_sets.plot", "photos.original", "photos.picture",
    "photos.preview", "trash.thumbnail", "trash.preview",
}  # fmt: skip
"""What answers a GET with a file, JSON or a part of a page."""


MOSAIC, SET = "/mosaics/{mosaic}", "/tile-sets/{set}"
ZOOMED = ways.after(ways.of_full(MOSAIC), ways.zoomed)
STATES = [
    State("home, empty", "home.show", ways.of_empty("/")),
    State("home", "home.show", ways.of_full("/")),
    State("home, undo", "home.show", ways.undo_bar("/")),
    State("mosaics, empty", "mosaics.index", ways.of_empty("/mosaics")),
    State("mosaics", "mosaics.index", ways.of_full("/mosaics")),
    State("mosaics, none like this", "mosaics.index", ways.of_full("/mosaics?name=nothing+like+this&state=failed")),
    State(
        "mosaics, older",
        "mosaics.index",
        ways.after(
            ways.of_full("/mosaics"),
            ways.older,
            ways.seen("From the newest"),
        ),
    ),
    State("mosaics, undo", "mosaics.index", ways.undo_bar("/mosaics")),
    State("mosaics, a menu", "mosaics.index", ways.after(ways.of_full("/mosaics?name=IMG_4020"), ways.card_menu)),
    State("order, no set", "mosaics.new", ways.of_empty("/mosaics/new")),
    State("order", "mosaics.new", ways.of_full("/mosaics/new?tile_set={set}")),
    State(
        "order, expert",
        "mosaics.new",
        ways.after(ways.of_full("/mosaics/new?tile_set={set}"), ways.opened("Expert"), ways.pictures_loaded),
    ),
    State("order, a picture", "mosaics.new", ways.after(ways.ordering, ways.pictured), scripts=True),
    State(
        "order, its cells",
        "mosaics.new",
        ways.after(ways.ordering, ways.pressed("Show the picture with its cells")),
        scripts=True,
    ),
    State(
        "order, the poster",
        "mosaics.new",
        ways.after(ways.ordering, ways.looked("Poster from afar")),
        scripts=True,
    ),
    State("order, a part is chosen", "mosaics.new", ways.after(ways.ordering, ways.choosing), scripts=True),
    State(
        "order, a part",
        "mosaics.new",
        ways.after(ways.ordering, ways.choosing, ways.pressed("Use this part")),
        scripts=True,
    ),
    State("order, on paper", "mosaics.new", ways.after(ways.ordering, ways.on_paper), scripts=True),
    State("order, impossible", "mosaics.new", ways.after(ways.ordering, ways.impossible), scripts=True),
    State("order, refused", "mosaics.create", ways.refused_order),
    State("order, again", "mosaics.new", ways.of_full("/mosaics/new?again={mosaic}")),
    State("order, again with changes", "mosaics.new", ways.ordered_again, scripts=True),
    *(
        State(f"mosaic, {name}", "mosaics.show", ways.of_full(f"/mosaics/{{{name}}}"))
        for name in ("waiting", "running", "failed", "cancelled")
    ),
    State("mosaic", "mosaics.show", ways.of_full(MOSAIC)),
    State("mosaic, a cell", "mosaics.show", ways.after(ZOOMED, ways.cell), scripts=True),
    State("mosaic, candidates", "mosaics.show", ways.after(ZOOMED, ways.cell, ways.candidates), scripts=True),
    State(
        "mosaic, changes", "mosaics.show", ways.after(ZOOMED, ways.cell, ways.candidates, ways.changed), scripts=True
    ),
    State("mosaic, errors", "mosaics.show", ways.after(ZOOMED, ways.over("errors")), scripts=True),
    State("mosaic, uses", "mosaics.show", ways.after(ZOOMED, ways.over("uses")), scripts=True),
    State("mosaic, found", "mosaics.show", ways.of_full(MOSAIC + "?find=astronaut")),
    State("mosaic, not found", "mosaics.show", ways.of_full(MOSAIC + "?find=nobody")),
    State("mosaic, a link", "sharing.create", ways.after(ways.of_full(MOSAIC), ways.link)),
    State(
        "mosaic, unfolded",
        "mosaics.show",
        ways.after(
            ways.of_full(MOSAIC),
            ways.opened("Change cells by their numbers"),
            ways.opened("in figures"),
            ways.opened("Rename or delete"),
        ),
    ),
    State("mosaic, an edit", "mosaics.show", ways.of_full("/mosaics/{edit}")),
    State(
        "mosaic, what was changed",
        "mosaics.show",
        ways.after(ways.of_full("/mosaics/{edit}"), ways.zoomed, ways.over("changed")),
        scripts=True,
    ),
    State("side by side", "beside.show", ways.of_full("/mosaics/{edit}/beside/{mosaic}")),
    State(
        "side by side, others",
        "beside.show",
        ways.of_full("/mosaics/{plain}/beside/{mosaic}"),
    ),
    State("mosaic, on paper, files in every state", "mosaics.show", ways.of_full("/mosaics/{plain}")),
    State("shared", "sharing.show", ways.shared("live")),
    State("shared, expired", "sharing.show", ways.shared("expired")),
    State("shared, revoked", "sharing.show", ways.shared("revoked")),
    State("shared, deleted", "sharing.show", ways.shared("deleted")),
    State("sets, empty", "tile_sets.index", ways.of_empty("/tile-sets")),
    State("sets", "tile_sets.index", ways.of_full("/tile-sets")),
    State("new set", "tile_sets.new", ways.of_full("/tile-sets/new")),
    State("new set, sending", "tile_sets.new", sending_ways.sending, scripts=True),
    State("new set, paused", "tile_sets.new", ways.after(sending_ways.sending, ways.pressed("Pause")), scripts=True),
    State("new set, too many at once", "tile_sets.new", sending_ways.too_many_at_once, scripts=True),
    State("new set, no picture", "tile_sets.new", sending_ways.no_picture, scripts=True),
    State("new set, a zip refused", "tile_sets.new", sending_ways.refused_zip, scripts=True),
    State("new set, indexed meanwhile", "tile_sets.new", sending_ways.indexed_meanwhile, scripts=True),
    State("new set, session ended", "tile_sets.new", sending_ways.ended_meanwhile, scripts=True),
    State("new set, refused", "tile_sets.create", sending_ways.refused_set),
    State("new set, too large", "tile_sets.create", sending_ways.too_large),
    *(
        State(f"set, {name}", "tile_sets.show", ways.of_full(f"/tile-sets/{{set {name}}}"))
        for name in ("waiting", "running", "failed")
    ),
    State("set", "tile_sets.show", ways.of_full(SET)),
    State("set, few photos", "tile_sets.show", ways.of_full("/tile-sets/{few}")),
    State("set, some chosen", "tile_sets.show", ways.after(ways.of_full(SET), ways.chosen)),
    State(
        "set, unfolded",
        "tile_sets.show",
        ways.after(
            ways.of_full("/tile-sets/{few}"),
            ways.opened("Colours of the photos"),
            ways.opened("Versions"),
            ways.opened("Name, and how to delete the set"),
        ),
    ),
    State("set, sent", "tile_sets.show", sending_ways.sent, scripts=True),
    State("set, refused", "tile_sets.rename", ways.after(ways.of_full("/tile-sets/{few}"), ways.refused_name)),
    State("set, delete", "tile_sets.ask", ways.of_full("/tile-sets/{set}/delete")),
    State("photos", "photos.index", ways.of_full("/tile-sets/{set}/photos")),
    State("photos, none like this", "photos.index", ways.of_full("/tile-sets/{set}/photos?name=nothing")),
    State("photos, removed", "photos.index", ways.of_full("/tile-sets/{set}/photos?show=removed")),
    State("photo", "photos.show", ways.one_photo),
    State("batches, empty", "batches.index", ways.of_empty("/batches")),
    State("batches", "batches.index", ways.of_full("/batches")),
    State("new batch, no set", "batches.new", ways.of_empty("/batches/new")),
    State("new batch", "batches.new", ways.of_full("/batches/new")),
    State("new batch, sending", "batches.new", sending_ways.ordering_many, scripts=True),
    State(
        "new batch, refused",
        "batches.create",
        ways.after(
            ways.of_full("/batches/new"),
            lambda page: page.get_by_label("Name").first.fill("Wedding guests"),
            ways.pressed("Order them all"),
            ways.refused,
        ),
    ),
    *(
        State(f"batch, {name}", "batches.show", ways.of_full(f"/batches/{{batch {name}}}"))
        for name in ("waiting", "half", "failed", "done")
    ),
    State(
        "batch, unfolded",
        "batches.show",
        ways.after(ways.of_full("/batches/{batch failed}"), ways.opened("Rename or delete")),
    ),
    State("trash, empty", "trash.show", ways.of_empty("/trash")),
    State("trash", "trash.show", ways.of_full("/trash")),
    State("trash, mosaics", "trash.show_orders", ways.of_full("/trash/mosaics")),
    State("trash, a mosaic for good", "trash.ask_for_order", ways.of_full("/trash/mosaics/{thrown}/delete")),
    State("trash, a set for good", "trash.ask_for_set", ways.of_full("/trash/tile-sets/{set cancelled}/delete")),
    State("trash, a photo for good", "trash.ask_for_photo", ways.thrown_photo),
    State("trash, everything for good", "trash.ask_for_all", ways.of_full("/trash/empty")),
    State("service", "service.show", ways.after(ways.of_full("/service"), ways.seen("Idle"))),
    State(
        "service, no workers", "service.show", ways.after(ways.of_empty("/service"), ways.seen("No worker answers"))
    ),
    State("login", "login.form", lambda world, page: page.goto(f"{world.locked.address}/mosaics")),
    State(
        "login, refused",
        "login.enter",
        ways.after(lambda world, page: page.goto(f"{world.locked.address}/login"), ways.refused_token),
    ),
    State("logged in", "home.show", ways.inside),
    State("session ended", "login.form", ways.session_ended),
    State("form expired", "tile_sets.delete", ways.form_expired),
    State("nowhere", "nowhere", ways.of_full("/nowhere")),
    State("no such mosaic", "mosaics.show", ways.of_full("/mosaics/00000000-0000-0000-0000-000000000000")),
    State("styles", "styles.show", ways.of_full("/styles")),
]

assert len({state.name for state in STATES}) == len(STATES)
