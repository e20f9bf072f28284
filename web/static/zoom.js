// A viewer that zooms into a mosaic, in place of its preview: down to its pixels, and then into its photos.
"use strict";

const STEP = 1.6; // of a button, as a factor
const WHOLE = 2048; // steps of a photo's width, and of its height, in which windows are counted
const MOST_PHOTOS = 60; // laid over their cells at once
const SMALL = 160; // pixels of the screen: a narrower cell shows a photo's small version

/** Return an element with a class and children. */
function made(kind, name, ...children) {
  const element = document.createElement(kind);
  element.className = name;
  element.append(...children);
  return element;
}

/** Return the part of a photo that a cell shows, turned as it lies there, to fill whatever it is put into.

    `shape` is the width of a cell over its height. */
function shown(cell, shape) {
  const [left, top, width, height] = cell.window;
  const across = cell.turn % 2 === 1;
  const photo = made("img", "");
  photo.alt = "";
  Object.assign(photo.style, {
    width: `${(100 * WHOLE) / width}%`,
    height: `${(100 * WHOLE) / height}%`,
    left: `${(-100 * left) / width}%`,
    top: `${(-100 * top) / height}%`,
  });
  const turned = made("div", "turned", photo);
  Object.assign(turned.style, {
    width: across ? `${100 / shape}%` : "100%",
    height: across ? `${100 * shape}%` : "100%",
    transform: `translate(-50%, -50%) rotate(${-90 * (cell.turn % 4)}deg) scaleX(${cell.turn >= 4 ? -1 : 1})`,
  });
  return made("div", "photo", turned);
}

/** Return what an address answers as JSON; null where it answers otherwise. */
async function fetched(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" } }).catch(() => null);
  return answer?.ok && !answer.redirected ? answer.json() : null;
}

const UNTOLD = "This cannot be told: the mosaic was deleted, your session has ended, or the service does not answer. Load the page again.";

const REGULAR = 2 / Math.sqrt(3); // height of a regular hexagon of width 1

class Zoom {
  constructor(place) {
    this.place = place;
    this.preview = document.getElementById(place.dataset.preview);
    this.photos = new Map();
    const view = place.querySelector(".view");
    view.style.setProperty("--tall", view.dataset.height / view.dataset.width);
    this.show(true); // a viewer that is made while it is hidden does not know its size
    this.viewer = OpenSeadragon({
      element: view,
      tileSources: place.dataset.zoom || { type: "image", url: this.preview.currentSrc || this.preview.src },
      showNavigationControl: false,
      showNavigator: true,
      maxZoomLevel: Math.max(4, this.columns), // a cell fills the view
      visibilityRatio: 0.5,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    });
    this.viewer.addHandler("open-failed", () => this.show(false));
    this.viewer.addHandler("animation-finish", () => this.layPhotos());
    for (const button of place.querySelectorAll("[data-act]")) {
      button.addEventListener("click", () => this.act(button.dataset.act));
    }
  }

  show(zooming) {
    this.place.hidden = !zooming;
    this.preview.hidden = zooming;
  }

  act(what) {
    const { viewport } = this.viewer;
    if (what === "in") viewport.zoomBy(STEP);
    if (what === "out") viewport.zoomBy(1 / STEP);
    if (what === "whole") viewport.goHome();
    if (what === "full") this.viewer.setFullScreen(!this.viewer.isFullPage());
    viewport.applyConstraints();
  }

  get columns() {
    return Number(this.place.dataset.columns);
  }

  get rows() {
    return Number(this.place.dataset.rows);
  }

  /** Whether the mosaic is open; before, nothing has a place. */
  get open() {
    return this.viewer.world.getItemCount() > 0;
  }

  /** How much of the first cell of a row lies outside the mosaic, in cells; where rows are moved, half of every other. */
  outside(row) {
    return this.place.dataset.shape !== "rectangle" && row % 2 === 0 ? 0.5 : 0;
  }

  /** Which part of its height a row lies beside the one above. */
  get overlap() {
    return this.place.dataset.shape === "hexagon" ? 0.25 : 0;
  }

  /** Width and height of a cell, where the whole mosaic is 1 wide. */
  get cell() {
    const { x, y } = this.viewer.world.getItemAt(0).getContentSize();
    return [1 / (this.columns - this.outside(0)), y / x / (this.rows - (this.rows + 1) * this.overlap)];
  }

  /** Return where a cell lies that covers so many columns and rows. */
  box(column, row, span) {
    const [width, height] = this.cell;
    const top = row * (1 - this.overlap) - this.overlap;
    return new OpenSeadragon.Rect((column - this.outside(row)) * width, top * height, span * width, span * height);
  }

  /** Return the column and row of a point, brought inside the mosaic: of hexagons, the one whose centre is nearest. */
  at(point) {
    const [width, height] = this.cell;
    const within = (number, count) => Math.min(count - 1, Math.max(0, Math.floor(number)));
    const [x, y] = [point.x / width, point.y / height + this.overlap];
    const last = Math.floor(y / (1 - this.overlap));
    const found = (this.overlap ? [last - 1, last] : [last]).map((number) => {
      const row = within(number, this.rows);
      const column = within(x + this.outside(row), this.columns);
      const across = column + 0.5 - this.outside(row) - x;
      const down = (row * (1 - this.overlap) + 0.5 - y) * REGULAR;
      return { column, row, distance: Math.hypot(across, down) };
    });
    const { column, row } = found.reduce((one, other) => (other.distance < one.distance ? other : one));
    return [column, row];
  }

  /** Lay the photos themselves over their cells, once the mosaic's own pixels are passed. */
  async layPhotos() {
    const item = this.viewer.world.getItemAt(0);
    if (!item || !this.place.dataset.cells) return;
    const seen = this.viewer.viewport.getBounds(true);
    const [first, upper] = this.at(seen.getTopLeft());
    const [last, lower] = this.at(seen.getBottomRight());
    const more = this.outside(0) ? 1 : 0; // of moved rows, one cell more may be seen on either side
    const [left, right] = [Math.max(0, first - more), Math.min(this.columns - 1, last + more)];
    const [above, below] = this.overlap ? [upper - 1, lower + 1] : [upper, lower];
    const [top, bottom] = [Math.max(0, above), Math.min(this.rows - 1, below)];
    const pixels = item.viewportToImageZoom(this.viewer.viewport.getZoom(true));
    if (pixels <= 1 || (right - left + 1) * (bottom - top + 1) > MOST_PHOTOS) return this.clear(() => true);
    const outside = ({ column, row, span }) =>
      column + span <= left || column > right || row + span <= top || row > bottom;
    this.clear(outside);
    const told = await fetched(`${this.place.dataset.cells}?${new URLSearchParams({ left, top, right, bottom })}`);
    for (const cell of told ? told.cells : []) this.lay(cell);
  }

  lay(cell) {
    const key = `${cell.column} ${cell.row}`;
    if (!cell.picture) return;
    const box = this.box(cell.column, cell.row, cell.span);
    const wide = box.width * this.viewer.viewport.getZoom(true) * this.viewer.viewport.getContainerSize().x;
    const laid = this.photos.get(key);
    if (laid) {
      if (wide > SMALL && !laid.large) this.enlarge(laid);
      return;
    }
    const element = shown(cell, this.cell[0] / this.cell[1]);
    element.classList.toggle("hexagon", this.overlap > 0);
    const photo = element.querySelector("img");
    photo.addEventListener("error", () => element.classList.remove("there"));
    photo.addEventListener("load", () => element.classList.add("there"));
    const large = wide > SMALL;
    photo.src = large ? cell.picture : cell.preview;
    this.photos.set(key, { ...cell, element, large });
    this.viewer.addOverlay({ element, location: box });
  }

  /** Show a photo that lies there in small as it is kept, if it is; those that a set only links to stay small. */
  enlarge(laid) {
    laid.large = true;
    const whole = new Image();
    whole.addEventListener("load", () => (laid.element.querySelector("img").src = laid.picture));
    whole.src = laid.picture;
  }

  clear(which) {
    for (const [key, cell] of this.photos) {
      if (which(cell)) {
        this.viewer.removeOverlay(cell.element);
        this.photos.delete(key);
      }
    }
  }
}

for (const place of document.querySelectorAll("[data-zoom]")) place.zoom = new Zoom(place);
