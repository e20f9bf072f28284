// The picture and its mosaic on the first page: a slider between them, and a closer look that follows the pointer.
"use strict";

const CLOSER = 5;

for (const hero of document.querySelectorAll("[data-hero]")) {
  const [picture, slider, button] = ["figure", "input", "button"].map((kind) => hero.querySelector(kind));
  const mosaic = picture.querySelector("img:last-of-type");
  const cut = () => picture.style.setProperty("--cut", `${slider.value}%`);
  const place = (event) => {
    const { left, top, width, height } = picture.getBoundingClientRect();
    picture.style.setProperty("--x", `${(100 * (event.clientX - left)) / width}%`);
    picture.style.setProperty("--y", `${(100 * (event.clientY - top)) / height}%`);
  };
  const closer = (is) => {
    mosaic.src = is ? mosaic.dataset.large : mosaic.src;
    picture.style.setProperty("--closer", is ? CLOSER : 1);
    button.setAttribute("aria-pressed", is);
  };
  slider.addEventListener("input", cut);
  button.addEventListener("click", () => closer(button.getAttribute("aria-pressed") !== "true"));
  picture.addEventListener("pointermove", place);
  picture.addEventListener("click", (event) => {
    place(event);
    button.click();
  });
  hero.querySelector(".hero-tools").hidden = false;
  cut();
}
