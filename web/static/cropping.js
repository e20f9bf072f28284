// The part of the picture that the mosaic is made of: a frame to drag, keys that move it, and the fields that say it.
"use strict";

const REACH = 22; // pixels from an edge where it is taken hold of
const STEP = 0.01; // of the picture, by a key; and the least that a frame has of it
const DIGITS = 4; // after the point, of a share in a field
const WHOLE = [0, 0, 1, 1]; // left, top, right and bottom edge, as shares of the picture

const within = (value, least, most) => Math.min(Math.max(value, least), most);

class Part {
  /** `drawn` is called when something else is to be drawn. */
  constructor(form, drawn) {
    this.fields = ["left", "top", "width", "height"].map((name) => form.elements.namedItem(`crop_${name}`));
    this.stack = form.querySelector(".order-stack");
    this.canvas = form.querySelector("canvas");
    this.box = form.querySelector(".crop-box");
    this.button = form.querySelector("[data-choose]");
    this.cells = form.querySelector("[data-cells]");
    this.said = form.querySelector("[data-part]");
    this.drawn = drawn;
    this.button.addEventListener("click", () => this.choose(!this.choosing));
    this.none = form.querySelector("[data-whole]");
    this.none.addEventListener("click", () => {
      this.take(WHOLE);
      this.button.focus();
    });
    for (const field of this.fields) field.addEventListener("input", drawn);
    this.box.addEventListener("keydown", (event) => this.press(event));
    this.stack.addEventListener("pointerdown", (event) => this.hold(event));
    this.stack.addEventListener("pointermove", (event) => this.drag(event));
    for (const kind of ["pointerup", "pointercancel"]) this.stack.addEventListener(kind, () => (this.held = null));
    new ResizeObserver(() => this.place()).observe(this.canvas);
  }

  get choosing() {
    return this.stack.classList.contains("choosing");
  }

  /** The edges as the fields say them; of the whole, where they say nothing that can be. */
  get edges() {
    const [left, top, width, height] = this.fields.map(({ value }) => (value.trim() === "" ? null : Number(value)));
    const edges = [left || 0, top || 0, (left || 0) + (width ?? 1 - left), (top || 0) + (height ?? 1 - top)];
    const possible = edges.every((edge) => edge > -1e-6 && edge < 1 + 1e-6) && edges[0] < edges[2] && edges[1] < edges[3];
    return possible ? edges : WHOLE;
  }

  get whole() {
    return this.edges.every((edge, index) => edge === WHOLE[index]);
  }

  /** Show the whole picture with a frame over it, or else the part alone. */
  choose(on) {
    this.button.textContent = on ? "Use this part" : "Choose a part";
    this.stack.classList.toggle("choosing", on);
    this.box.hidden = !on;
    this.cells.hidden = on;
    document.getElementById("crop-keys").hidden = !on;
    this.drawn();
    if (on) this.box.focus({ preventScroll: true });
  }

  /** Write edges into the fields, as if a person had. */
  take(edges) {
    const [left, top, right, bottom] = edges.map((edge) => Number(edge.toFixed(DIGITS)));
    const values = [left, top, right - left, bottom - top].map((share) => String(Number(share.toFixed(DIGITS))));
    const whole = [left, top, right, bottom].every((edge, index) => edge === WHOLE[index]);
    this.fields.forEach((field, index) => (field.value = whole ? "" : values[index]));
    this.fields[0].dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** Return where the picture lies on the page, without the margins of a canvas of another shape. */
  view() {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const scale = Math.min(width / this.canvas.width, height / this.canvas.height);
    const size = [this.canvas.width * scale, this.canvas.height * scale];
    return { corner: [left + (width - size[0]) / 2, top + (height - size[1]) / 2], size };
  }

  /** Return where on the picture a pointer is, as shares of it. */
  point(event) {
    const { corner, size } = this.view();
    return [event.clientX, event.clientY].map((place, axis) => within((place - corner[axis]) / size[axis], 0, 1));
  }

  /** Put the frame where it belongs, and say how large the part is. */
  place() {
    const { edges } = this;
    const [width, height] = [edges[2] - edges[0], edges[3] - edges[1]];
    const ratio = (this.canvas.width / this.canvas.height) * (this.choosing ? width / height : 1);
    this.none.hidden = this.whole;
    this.said.textContent = `${this.whole ? "The whole" : `${percent(width * height)} of the`} picture, ${shape(ratio)}`;
    if (!this.choosing) return;
    const { corner, size } = this.view();
    const stack = this.stack.getBoundingClientRect();
    const style = {
      left: corner[0] - stack.left + edges[0] * size[0],
      top: corner[1] - stack.top + edges[1] * size[1],
      width: width * size[0],
      height: height * size[1],
    };
    for (const [name, value] of Object.entries(style)) this.box.style[name] = `${value}px`;
  }

  press(event) {
    const way = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.take(event.shiftKey ? pulled(this.edges, [2, 3], way) : moved(this.edges, way));
  }

  /** Return what a pointer takes hold of: edges, the frame, or, beside it and where it is the whole, the corner of a new one. */
  grip(event) {
    const { edges } = this;
    const { size } = this.view();
    const at = this.point(event);
    const near = [0, 1].map((axis) => nearest(at[axis], edges[axis], edges[axis + 2], size[axis]));
    const taken = [0, 1].filter((axis) => near[axis] !== "inside").map((axis) => (near[axis] === "first" ? axis : axis + 2));
    return { at, edges, taken, fresh: near.includes(null) || (!taken.length && this.whole) };
  }

  hold(event) {
    if (!this.choosing || !event.isPrimary || event.button) return;
    event.preventDefault();
    this.box.focus({ preventScroll: true });
    this.stack.setPointerCapture(event.pointerId);
    this.held = this.grip(event);
  }

  drag(event) {
    if (this.choosing && !this.held) this.stack.dataset.grip = cursor(this.grip(event));
    if (!this.held) return;
    const { at, edges, fresh, taken } = this.held;
    const to = this.point(event);
    const way = [to[0] - at[0], to[1] - at[1]];
    if (!fresh) return this.take(taken.length ? pulled(edges, taken, way) : moved(edges, way));
    if (way.every((length) => Math.abs(length) >= STEP))
      this.take([0, 1].map((axis) => Math.min(at[axis], to[axis])).concat([0, 1].map((axis) => Math.max(at[axis], to[axis]))));
  }
}

/** Return which edge is so near that it is taken hold of, "inside" between them, and null beside. */
function nearest(at, first, last, size) {
  const [before, after] = [(at - first) * size, (last - at) * size];
  const reach = Math.min(REACH, ((last - first) * size) / 4);
  if (Math.min(before, after) < -REACH) return null;
  if (Math.min(before, after) > reach) return "inside";
  return before < after ? "first" : "last";
}

/** Return the name of what a pointer would do there. */
function cursor({ taken, fresh }) {
  if (fresh) return "new";
  if (!taken.length) return "move";
  if (taken.length === 1) return taken[0] % 2 ? "down" : "across";
  return taken[1] - taken[0] === 1 ? "falling" : "rising";
}

/** Return a frame that lies elsewhere. */
function moved(edges, way) {
  const [x, y] = [0, 1].map((axis) => within(way[axis], -edges[axis], 1 - edges[axis + 2]));
  return [edges[0] + x, edges[1] + y, edges[2] + x, edges[3] + y];
}

/** Return a frame some of whose edges lie elsewhere. */
function pulled(edges, taken, way) {
  return edges.map((edge, index) => {
    if (!taken.includes(index)) return edge;
    const [least, most] = index < 2 ? [0, edges[index + 2] - STEP] : [edges[index - 2] + STEP, 1];
    return within(edge + way[index % 2], Math.min(least, edge), Math.max(most, edge));
  });
}

function percent(share) {
  return share < 0.01 ? "Less than 1 %" : `${Math.round(100 * share)} %`;
}

/** Return a ratio of width to height as people say it. */
function shape(ratio) {
  for (let down = 1; down <= 10; down += 1) {
    const across = Math.round(ratio * down);
    if (across && Math.abs(across / down / ratio - 1) < 0.004) return `${across} : ${down}`;
  }
  return ratio > 1 ? `${ratio.toFixed(2)} : 1` : `1 : ${(1 / ratio).toFixed(2)}`;
}
