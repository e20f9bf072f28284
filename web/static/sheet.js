// The contact sheet of a tile set: choose many photos, and keep only those near the screen in the page.
"use strict";

const NEAR = "1200px"; // groups of photos further from the screen than this are taken out of the page

class Sheet {
  constructor(form) {
    this.form = form;
    this.boxes = []; // all that were loaded, also those that are out of the page
    this.last = null; // the box that was clicked last: where a range begins
    this.away = new Map(); // the photos of groups that are out of the page
    this.count = form.querySelector("[data-count]");
    this.near = new IntersectionObserver((seen) => seen.forEach((each) => this.keep(each)), { rootMargin: NEAR });
    form.addEventListener("click", (event) => this.clicked(event));
    form.addEventListener("keydown", (event) => this.pressed(event));
    form.addEventListener("formdata", (event) => this.complete(event.formData));
    form.addEventListener("submit", () => this.remember());
    new MutationObserver((changes) => this.adopt(changes)).observe(form, { childList: true });
    window.addEventListener("resize", () => this.resize());
    window.addEventListener("pageshow", () => this.tell());
    for (const button of form.querySelectorAll("[data-choose]")) button.hidden = false;
    form.querySelectorAll("ul.sheet").forEach((group) => this.take(group));
    this.tell();
  }

  get chosen() {
    return this.boxes.filter((box) => box.checked);
  }

  /** Take in groups of photos that htmx has added. */
  adopt(changes) {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) if (node.matches?.("ul.sheet")) this.take(node);
    }
    this.tell();
  }

  take(group) {
    const boxes = [...group.querySelectorAll("input[name=content]")];
    for (const box of boxes) box.after_ = group.dataset.after;
    this.boxes.push(...boxes);
    this.near.observe(group);
  }

  /** Take a group's photos out of the page, or put them back; what is chosen stays so. */
  keep({ target: group, isIntersecting, boundingClientRect }) {
    if (isIntersecting && this.away.has(group)) {
      group.append(this.away.get(group));
      group.style.height = "";
      this.away.delete(group);
    } else if (!isIntersecting && !this.away.has(group) && !group.contains(document.activeElement)) {
      const photos = document.createDocumentFragment();
      group.style.height = `${boundingClientRect.height}px`;
      photos.append(...group.children);
      this.away.set(group, photos);
    }
  }

  /** Let groups that are out of the page take as much room as they would in it. */
  resize() {
    const here = [...this.form.querySelectorAll("ul.sheet")].find((group) => group.children.length);
    if (!here) return;
    const each = here.getBoundingClientRect().height / here.children.length;
    for (const [group, photos] of this.away) group.style.height = `${each * photos.childNodes.length}px`;
  }

  clicked(event) {
    const { target, shiftKey } = event;
    if (target.dataset.choose) this.choose(this.boxes, target.dataset.choose === "all");
    if (target.name !== "content") return;
    if (shiftKey && this.last) {
      const [first, last] = [this.last, target].map((box) => this.boxes.indexOf(box)).sort((a, b) => a - b);
      this.choose(this.boxes.slice(first, last + 1), target.checked);
    }
    this.last = target;
    this.tell();
  }

  choose(boxes, checked) {
    for (const box of boxes) box.checked = checked;
    this.tell();
  }

  /** Move between photos by the arrow keys; Space chooses, with Shift a range. */
  pressed(event) {
    const at = this.boxes.indexOf(event.target);
    const across = Math.max(1, this.across(event.target));
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
    if (at < 0 || !step) return;
    const to = this.boxes[at + step];
    if (!to?.isConnected) return;
    event.preventDefault();
    to.focus();
  }

  /** How many photos lie side by side. */
  across(box) {
    const group = box.closest?.("ul.sheet");
    return group ? getComputedStyle(group).gridTemplateColumns.split(" ").length : 0;
  }

  /** Send those, too, that are chosen but out of the page. */
  complete(data) {
    for (const box of this.chosen) if (!box.isConnected) data.append("content", box.value);
  }

  /** Come back to where the first chosen photo is. */
  remember() {
    const [first] = this.chosen;
    if (!first?.after_) return;
    let after = this.form.elements.after;
    if (!after) {
      after = Object.assign(document.createElement("input"), { type: "hidden", name: "after" });
      this.form.prepend(after);
    }
    after.value = first.after_;
  }

  tell() {
    if (!this.count) return;
    const { length } = this.chosen;
    const most = Number(this.form.dataset.most);
    const [shown, many] = [number(length), number(most)];
    const shift = matchMedia("(hover: hover)").matches ? "; with Shift, all from the last one on" : "";
    const text = length ? `${shown} chosen` : `Choose photos to change them${shift}.`;
    this.count.textContent = length > most ? `${shown} chosen: at most ${many} can be changed at once.` : text;
    for (const button of this.form.querySelectorAll("button[name=change]")) button.disabled = !length || length > most;
  }
}

document.querySelectorAll("form[data-sheet]").forEach((form) => new Sheet(form));
