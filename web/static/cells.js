// Which photo lies in a cell, and where else: by a click, by the arrow keys, and by a part of its name.
"use strict";

const PAUSE = 200; // milliseconds after the last key, before what is there is told
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const NEAREST = 8; // cells across that are seen around a photo that was searched for

class Cells {
  constructor(zoom) {
    this.zoom = zoom;
    this.viewer = zoom.viewer;
    this.told = document.querySelector("[data-told]");
    this.marks = [];
    this.viewer.addHandler("canvas-click", (event) => {
      if (event.quick) this.choose(...zoom.at(this.viewer.viewport.pointFromPixel(event.position)));
    });
    this.viewer.addHandler("canvas-key", (event) => this.key(event));
    this.cursor = made("div", "cursor");
    this.form = document.querySelector("[data-find]");
    this.form.addEventListener("submit", (event) => this.find(event));
  }

  /** Move the cell cursor by an arrow key; what lies there is told once no more keys come. */
  key(event) {
    const key = event.originalEvent.key;
    const move = MOVES[key];
    if ((!move && key !== "Enter") || event.originalEvent.shiftKey || !this.zoom.open) return;
    event.preventDefaultAction = true;
    event.originalEvent.preventDefault();
    const to = this.at && move ? this.beside(...move) : this.at || this.zoom.at(this.viewer.viewport.getCenter());
    this.moveTo(...to);
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.choose(...to), key === "Enter" ? 0 : PAUSE);
  }

  /** Return the column and row of the cell beside the cursor, which may be larger than others. */
  beside(across, down) {
    const [left, top, span] = this.place;
    const next = (at, start, by, count) => Math.min(count - 1, Math.max(0, by > 0 ? start + span : by < 0 ? start - 1 : at));
    return [next(this.at[0], left, across, this.zoom.columns), next(this.at[1], top, down, this.zoom.rows)];
  }

  /** Put the cursor on a cell, and bring it into view. */
  moveTo(column, row, span = 1) {
    this.at = [column, row];
    this.place = [column, row, span];
    const box = this.zoom.box(column, row, span);
    this.viewer.removeOverlay(this.cursor);
    this.viewer.addOverlay({ element: this.cursor, location: box });
    const seen = this.viewer.viewport.getBounds();
    const centre = box.getCenter();
    if (!seen.containsPoint(centre)) this.viewer.viewport.panTo(centre);
  }

  /** Say which photo lies in a cell, and mark where else it does. */
  async choose(column, row) {
    this.moveTo(column, row);
    const photo = await fetched(`${this.zoom.place.dataset.cells}/${column}/${row}`);
    if (this.at[0] !== column || this.at[1] !== row) return;
    if (photo) this.tell(photo, column, row);
    else this.told.replaceChildren(made("p", "error", UNTOLD));
  }

  tell(photo, column, row) {
    for (const mark of this.marks) this.viewer.removeOverlay(mark);
    this.marks = photo.places.map(([across, down, span]) => {
      const here = across <= column && column < across + span && down <= row && row < down + span;
      if (here) this.moveTo(across, down, span);
      const element = made("div", here ? "mark here" : "mark");
      this.viewer.addOverlay({ element, location: this.zoom.box(across, down, span) });
      return element;
    });
    this.at = [column, row];
    const chosen = photo.uses ? { photo, column, row } : null;
    this.zoom.place.dispatchEvent(new CustomEvent("chosen", { detail: chosen }));
    if (!chosen) return this.told.replaceChildren(made("p", "", `This cell stays empty (column ${column}, row ${row}).`));
    const name = made(photo.page ? "a" : "span", "", photo.name);
    if (photo.page) name.href = photo.page;
    const times = photo.uses === 1 ? "once, here" : `${number(photo.uses)} times, here and where it is marked`;
    const words = made("p", "", name, ` lies in this mosaic ${times} (column ${column}, row ${row}).`);
    const preview = made("img", "");
    preview.alt = "";
    preview.src = photo.preview || "";
    this.told.replaceChildren(...(photo.preview ? [preview] : []), words);
  }

  /** List the photos that have some part in their name, each a button that goes to it; go to the first. */
  async find(event) {
    const { form } = this;
    event.preventDefault();
    const answers = form.parentElement.querySelector("[data-found]");
    const told = await fetched(`${form.dataset.find}?${new URLSearchParams(new FormData(form))}`);
    if (!told) return answers.replaceChildren(made("p", "error", form.elements.find.value.trim() ? UNTOLD : "Type a part of a photo's name."));
    if (!told.photos.length) return answers.replaceChildren(made("p", "soft", "No photo in this mosaic has that in its name."));
    const list = told.photos.map((photo) => {
      const button = made("button", "quiet", photo.name);
      button.type = "button";
      button.addEventListener("click", () => this.goTo(photo.content));
      return made("li", "", button, ` ${photo.uses === 1 ? "once" : `${number(photo.uses)} times`}`);
    });
    const words = told.more ? [made("p", "soft", `More than these ${list.length} have that in their names; type more of it.`)] : [];
    answers.replaceChildren(made("ul", "plain row", ...list), ...words);
    await this.goTo(told.photos[0].content);
  }

  /** Show the first place of a photo, and mark all. */
  async goTo(content) {
    const photo = await fetched(`${this.form.dataset.find}/${content}`);
    if (!photo || !this.zoom.open) return;
    const [column, row, span] = photo.places[0];
    this.moveTo(column, row, span);
    this.tell(photo, column, row);
    const { x, y } = this.zoom.box(column, row, span).getCenter();
    const wide = Math.min(1, NEAREST * this.zoom.cell[0]);
    this.viewer.viewport.fitBounds(new OpenSeadragon.Rect(x - wide / 2, y - wide / 2, wide, wide));
  }
}

for (const place of document.querySelectorAll("[data-zoom]")) {
  if (place.dataset.cells) place.cells = new Cells(place.zoom);
}
