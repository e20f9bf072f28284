// Two mosaics of the same picture side by side: where one is moved or zoomed, the other goes with it.
"use strict";

/** Bring one viewer to the place of another, counted from the middle of each picture: where that one is now, or where it is going. */
function follow(from, to, now) {
  if (![from, to].every((viewer) => viewer.world.getItemCount() > 0)) return;
  const [high, low] = [from, to].map((viewer) => viewer.world.getItemAt(0).getBounds(true).height / 2);
  const [place, zoom] = [from.viewport.getCenter(now), from.viewport.getZoom(now)];
  to.viewport.zoomTo(zoom, null, now);
  to.viewport.panTo(new OpenSeadragon.Point(place.x, place.y - high + low), now);
}

const zooms = [...document.querySelectorAll("[data-zoom]")].map((place) => place.zoom);
if (zooms.length === 2) {
  let [leader, second] = zooms;
  for (const each of zooms) {
    each.viewer.addHandler("viewport-change", () => each === leader && follow(leader.viewer, second.viewer, true));
    for (const kind of ["pointerdown", "wheel", "keydown"]) {
      each.place.addEventListener(kind, () => {
        if (each === leader) return;
        [leader, second] = [second, leader];
        follow(second.viewer, leader.viewer, false);
      }, { capture: true, passive: true });
    }
  }
  const row = document.querySelector("[data-sides]");
  row.hidden = false;
  row.addEventListener("click", (event) => {
    const button = event.target.closest("[data-both]");
    if (button) leader.act(button.dataset.both);
  });
}
