"use strict";
// Turns each <time datetime="…Z"> to the reader's own zone; without this script it is UTC. So it does with parts that
// come later, and leaves alone a time that names its zone by numbers, such as that of a day.
(() => {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  function turn(root) {
    for (const time of root.querySelectorAll('time[datetime$="Z"]:not([data-utc])')) {
      time.dataset.utc = time.textContent;
      time.title = time.textContent;
      time.textContent = format.format(new Date(time.dateTime));
    }
  }
  turn(document);
  new MutationObserver((changes) => changes.forEach(({ target }) => turn(target))).observe(document.body, { childList: true, subtree: true });
})();
