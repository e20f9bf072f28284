// Two pictures of the same place, one over the other: a slider between them, and one in turn with the other.
"use strict";

const BLINK = 800; // milliseconds that each is seen
const CALM = matchMedia("(prefers-reduced-motion: reduce)");

class Compare {
  constructor(place) {
    this.place = place;
    this.over = place.querySelector("[data-over]");
    this.slider = place.querySelector("input[type=range]");
    this.button = place.querySelector("[data-blink]");
    this.slider.addEventListener("input", () => {
      if (this.timer) this.stop();
      this.slide();
    });
    this.button.addEventListener("click", () => (this.timer || CALM.matches ? this.stop() : this.start()));
    place.classList.add("live");
    this.slide();
  }

  /** Show so many per cent of the one that lies above, from the left. */
  slide() {
    this.over.style.clipPath = `inset(0 ${100 - this.slider.value}% 0 0)`;
  }

  start() {
    this.timer = setInterval(() => this.swap(), BLINK);
    this.button.setAttribute("aria-pressed", "true");
    this.swap();
  }

  /** Stop; where a person wants no motion, each press shows the other picture instead. */
  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.button.setAttribute("aria-pressed", "false");
    if (CALM.matches) this.swap();
  }

  swap() {
    this.slider.value = Number(this.slider.value) > 50 ? 0 : 100;
    this.slide();
  }
}

for (const place of document.querySelectorAll("[data-compare]")) new Compare(place);
