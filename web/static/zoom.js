// Shows a mosaic in a viewer that zooms, in place of its preview.
"use strict";

const STEP = 1.6;
const MOST_ENLARGED = 4;

for (const place of document.querySelectorAll("[data-zoom]")) {
  const view = place.querySelector(".view");
  place.hidden = false;
  document.getElementById("preview").hidden = true;
  const viewer = OpenSeadragon({
    element: view,
    tileSources: place.dataset.zoom,
    showNavigationControl: false,
    showNavigator: true,
    maxZoomPixelRatio: MOST_ENLARGED,
    visibilityRatio: 0.5,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
  });
  const acts = {
    in: () => viewer.viewport.zoomBy(STEP),
    out: () => viewer.viewport.zoomBy(1 / STEP),
    whole: () => viewer.viewport.goHome(),
    full: () => viewer.setFullScreen(!viewer.isFullPage()),
  };
  for (const button of place.querySelectorAll("[data-act]")) {
    button.addEventListener("click", () => {
      acts[button.dataset.act]();
      viewer.viewport.applyConstraints();
    });
  }
  viewer.addHandler("open-failed", () => {
    place.hidden = true;
    document.getElementById("preview").hidden = false;
  });
}
