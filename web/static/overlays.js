// Maps laid over the mosaic: how far each cell is, how often its photo lies, what an edit has changed.
"use strict";

const LEAST = 0.6; // how opaque a map is where it is 0, and how much more where it is strongest
const MORE = 0.35;
const STRONGEST = 255;

class Overlays {
  constructor(zoom, choice) {
    this.zoom = zoom;
    this.choice = choice;
    this.words = document.getElementById(choice.getAttribute("aria-describedby"));
    choice.addEventListener("change", () => this.show(choice.value));
    choice.closest("[hidden]")?.removeAttribute("hidden");
  }

  async show(kind) {
    if (this.canvas) this.zoom.viewer.removeOverlay(this.canvas);
    this.canvas = null;
    this.words.textContent = this.choice.selectedOptions[0].dataset.words || "";
    if (!kind) return;
    const answer = await fetch(`${this.choice.dataset.maps}${kind}`).catch(() => null);
    if (this.choice.value !== kind || !this.zoom.open) return;
    if (!answer?.ok || answer.redirected) {
      this.words.textContent = UNTOLD;
      return;
    }
    this.canvas = this.drawn(new Uint8Array(await answer.arrayBuffer()));
    const { x, y } = this.zoom.viewer.world.getItemAt(0).getContentSize();
    this.zoom.viewer.addOverlay({ element: this.canvas, location: new OpenSeadragon.Rect(0, 0, 1, y / x) });
  }

  /** Return a picture of so many cells, each as strong as its byte: of moved rows a cell is 2 pixels wide, and where
      rows overlap, 3 high. */
  drawn(cells) {
    const { columns, rows, overlap } = this.zoom;
    const [wide, high] = [this.zoom.outside(0) ? 2 : 1, overlap ? 3 : 1];
    const canvas = made("canvas", "map");
    canvas.width = wide * columns - wide + 1;
    canvas.height = high * rows - (overlap ? 1 : 0);
    const brush = canvas.getContext("2d", { willReadFrequently: true });
    const [paper, strong] = ["--paper", "--bad"].map((name) => this.colour(brush, name));
    const colours = Array.from({ length: STRONGEST + 1 }, (_, value) => {
      const share = value / STRONGEST;
      return [...paper.map((part, number) => part + (strong[number] - part) * share), STRONGEST * (LEAST + MORE * share)];
    });
    const picture = brush.createImageData(canvas.width, canvas.height);
    for (let y = 0; y < canvas.height; y += 1) {
      const row = Math.min(rows - 1, Math.floor((y + (overlap ? 1 : 0)) / high));
      const out = wide * this.zoom.outside(row);
      for (let x = 0; x < canvas.width; x += 1) {
        const value = cells[row * columns + Math.floor((x + out) / wide)];
        picture.data.set(colours[value], 4 * (y * canvas.width + x));
      }
    }
    brush.putImageData(picture, 0, 0);
    return canvas;
  }

  /** Return the red, green and blue of one of the design's colours, however it is written. */
  colour(brush, name) {
    const probe = made("i", "");
    probe.style.forcedColorAdjust = "none"; // a map without its colours says nothing
    probe.style.color = `var(${name})`;
    this.choice.after(probe);
    brush.fillStyle = getComputedStyle(probe).color;
    probe.remove();
    brush.fillRect(0, 0, 1, 1);
    const [red, green, blue] = brush.getImageData(0, 0, 1, 1).data;
    brush.clearRect(0, 0, 1, 1);
    return [red, green, blue];
  }
}

for (const choice of document.querySelectorAll("[data-maps]")) {
  const place = document.querySelector("[data-zoom]");
  if (place && place.zoom) new Overlays(place.zoom, choice);
}
