// Changes that are chosen in the viewer: ban a photo, put another in its place, keep it; then solve again.
"use strict";

const ASK_AGAIN = 400; // milliseconds, while the nearest photos are looked for
const PATIENCE = 150; // times

class Changes {
  constructor(place) {
    this.form = document.getElementById("changes");
    this.cells = place.dataset.cells;
    this.panel = document.querySelector("[data-panel]");
    this.list = document.querySelector("[data-changes]");
    this.changes = JSON.parse(kept.forNow.get(this.cells) || "[]"); // an order that was refused loses none
    if (this.changes.length) this.write();
    place.addEventListener("chosen", (event) => this.offer(event.detail));
  }

  /** Offer what can be done with a cell and its photo; nothing with one that stays empty. */
  offer(chosen) {
    this.asked = null;
    if (!chosen) return this.panel.replaceChildren();
    const { photo, column, row } = chosen;
    const where = `column ${column}, row ${row}`;
    const ban = this.button("Ban this photo", () =>
      this.add({ key: `ban ${photo.content}`, field: "bans", value: photo.content, text: `${photo.name} lies nowhere` }));
    const keep = this.button("Keep it here", () =>
      this.add({ key: `${column} ${row}`, field: "locks", value: `${column}, ${row}`, text: `${photo.name} stays in ${where}` }));
    const another = this.button("Put another here", () => this.candidates(column, row));
    this.others = made("div", "others");
    this.others.setAttribute("aria-live", "polite");
    this.panel.replaceChildren(made("div", "row", ...(photo.page ? [ban, keep] : []), another), this.others);
  }

  button(text, act) {
    const button = made("button", "quiet", text);
    button.type = "button";
    button.addEventListener("click", act);
    return button;
  }

  /** Show the photos that are nearest to a cell, and a field for the name of any other. */
  async candidates(column, row) {
    const asked = (this.asked = {});
    const field = made("input", "");
    field.setAttribute("list", "photos");
    field.autocomplete = "off";
    const named = made("label", "", "Name of a photo", field);
    const put = this.button("Put it here", () => field.value.trim() && this.pin(column, row, field.value.trim(), field.value.trim()));
    field.addEventListener("keydown", (event) => event.key === "Enter" && put.click());
    const nearest = made("div", "", made("p", "soft", "Looking for the photos that are nearest to this cell…"));
    this.others.replaceChildren(nearest, made("div", "row", named, put));
    field.focus();
    const body = new URLSearchParams({ csrf_token: this.form.elements.csrf_token.value, again: "yes" });
    for (let times = 0; times < PATIENCE && this.asked === asked; times += 1) {
      const told = await fetch(`${this.cells}/${column}/${row}/candidates`, { method: "POST", body })
        .then((answer) => answer.json())
        .catch(() => ({ sentence: "They could not be looked for; load the page again, and your changes are still here." }));
      if (this.asked !== asked) return;
      if (told.sentence) return nearest.replaceChildren(made("p", "error", told.sentence));
      if (told.photos) return nearest.replaceChildren(...this.thumbnails(column, row, told.photos));
      body.delete("again");
      await wait(ASK_AGAIN);
    }
  }

  thumbnails(column, row, photos) {
    if (!photos.length) return [made("p", "soft", "No other photo can lie here.")];
    const items = photos.map((photo) => {
      const picture = made("img", "");
      picture.alt = "";
      picture.src = photo.preview;
      const button = this.button("", () => this.pin(column, row, photo.content, photo.name));
      button.append(picture, made("span", "", photo.name));
      button.setAttribute("aria-label", `Put ${photo.name} here`);
      return made("li", "", button);
    });
    return [made("p", "soft", "The nearest photos, the best first:"), made("ul", "plain candidates", ...items)];
  }

  pin(column, row, photo, name) {
    const text = `${name} lies in column ${column}, row ${row}`;
    this.add({ key: `${column} ${row}`, field: "pins", value: `${column} ${row} ${photo}`, text });
  }

  /** Add a change; of one cell, or one photo, the last counts. */
  add(change) {
    this.changes = [...this.changes.filter((each) => each.key !== change.key), change];
    this.write();
  }

  write() {
    kept.forNow.set(this.cells, JSON.stringify(this.changes));
    const items = this.changes.map((change) => {
      const field = made("input", "");
      Object.assign(field, { type: "hidden", name: change.field, value: change.value });
      field.setAttribute("form", "changes");
      const remove = this.button("Remove", () => {
        this.changes = this.changes.filter((each) => each !== change);
        this.write();
      });
      remove.setAttribute("aria-label", `Remove: ${change.text}`);
      return made("li", "", `${change.text} `, remove, field);
    });
    const solve = made("button", "", "Solve again");
    solve.setAttribute("form", "changes");
    const only = this.changes.every((change) => change.field === "locks");
    const words = only ? "What stays changes nothing by itself; ban a photo, or put another somewhere." : "A new mosaic; every other cell keeps its photo, as far as it can.";
    const end = only ? [made("p", "soft", words)] : [made("div", "row", solve, made("span", "soft", words))];
    this.list.replaceChildren(...(items.length ? [made("h2", "", "Your changes"), made("ul", "", ...items), ...end] : []));
  }
}

for (const place of document.querySelectorAll("[data-zoom]")) {
  if (place.dataset.cells && document.getElementById("changes")) new Changes(place);
}
