"use strict";
// Turns each <time datetime="…Z"> to the reader's own zone; without this script it is UTC. Parts that come later are seen too.
(() => {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  function turn(root) {
    for (const time of root.querySelectorAll("time[datetime]:not([data-utc])")) {
      time.dataset.utc = time.textContent;
      time.title = time.textContent;
      time.textContent = format.format(new Date(time.dateTime));
    }
  }
  turn(document);
  new MutationObserver((changes) => changes.forEach(({ target }) => turn(target))).observe(document.body, { childList: true, subtree: true });
})();
