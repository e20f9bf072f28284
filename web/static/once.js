"use strict";
// A form that is on its way is not sent once more by a second click: not before something in it is changed, Esc is
// pressed, or its page is shown again.
(() => {
  const sent = new Set();
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    if (sent.has(event.target)) event.preventDefault();
    sent.add(event.target);
  });
  for (const kind of ["input", "change"]) document.addEventListener(kind, ({ target }) => sent.delete(target.form));
  document.addEventListener("keydown", ({ key }) => key === "Escape" && sent.clear());
  window.addEventListener("pageshow", () => sent.clear());
})();
