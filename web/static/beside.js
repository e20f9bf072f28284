// Two mosaics of the same picture side by side: where one is moved or zoomed, the other goes with it.
"use strict";

const NOTHING = 1e-9; // what two places may differ in and still count as the same

/** Bring one viewer to the place of another, counted from the middle of each picture. */
function follow(from, to) {
  if (![from, to].every((viewer) => viewer.world.getItemCount() > 0)) return;
  const [high, low] = [from, to].map((viewer) => viewer.world.getItemAt(0).getBounds(true).height / 2);
  const [place, zoom] = [from.viewport.getCenter(true), from.viewport.getZoom(true)];
  const wanted = new OpenSeadragon.Point(place.x, place.y - high + low);
  const same = to.viewport.getCenter(true).distanceTo(wanted) < NOTHING && Math.abs(to.viewport.getZoom(true) / zoom - 1) < NOTHING;
  if (same) return; // it is the one that leads
  to.viewport.zoomTo(zoom, null, true);
  to.viewport.panTo(wanted, true);
}

const zooms = [...document.querySelectorAll("[data-zoom]")].map((place) => place.zoom);
if (zooms.length === 2) {
  const [one, other] = zooms.map((each) => each.viewer);
  one.addHandler("viewport-change", () => follow(one, other));
  other.addHandler("viewport-change", () => follow(other, one));
  const row = document.querySelector("[data-sides]");
  row.hidden = false;
  row.addEventListener("click", (event) => {
    const button = event.target.closest("[data-both]");
    if (button) zooms[1].act(button.dataset.both);
  });
}
