// Sends the order of many without leaving its page: it tells how far that is, and no error loses the files that were chosen.
"use strict";
(() => {
  const ENDED = "Your session has ended, or the server does not answer: log in again in another tab, and then order here once more. Nothing is lost.";
  const form = document.querySelector("form[data-batch]");
  const find = (selector) => form.querySelector(selector);
  const stop = find("[data-stop]");
  let request = null; // that is on its way

  /** Show that the pictures are on their way, or that they are not, and why. */
  function show(going, sentence = "") {
    find("[data-going]").hidden = !going;
    find("[data-refusal]").hidden = !sentence;
    find("[data-refusal]").textContent = sentence;
    if (!going) request = null;
  }

  function tell(sent, all) {
    find("progress").value = all ? sent / all : 0;
    find("[data-counts]").textContent = all ? `${megabytes(sent)} of ${megabytes(all)}` : "";
    stop.hidden = sent === all && all > 0; // from then on, it may be ordered already
    const words = stop.hidden ? "All is sent; the pictures are being looked at." : "The pictures are being sent.";
    if (find("[data-said]").textContent !== words) find("[data-said]").textContent = words;
  }

  /** Return what is wrong with the files by their number and their size, before any of them is sent. */
  function tooMuch() {
    const { maxFiles, maxBytes, maxAll } = form.dataset;
    const files = form.elements.targets.files;
    const all = [...files, ...form.elements.archive.files].reduce((sum, { size }) => sum + size, 0);
    const large = [...files].find(({ size }) => size > Number(maxBytes));
    if (files.length > Number(maxFiles)) return `These are ${number(files.length)} pictures; ${number(Number(maxFiles))} may be ordered at once.`;
    if (large) return `${large.name} has ${megabytes(large.size)}; a picture may have ${megabytes(Number(maxBytes))}.`;
    if (all > Number(maxAll)) return `These are ${megabytes(all)}; ${megabytes(Number(maxAll))} may be sent at once.`;
    return "";
  }

  function arrived({ responseURL, responseXML, status }) {
    const { pathname } = new URL(responseURL);
    if (status === 200 && /\/batches\/[-0-9a-f]{36}$/.test(pathname)) return location.assign(responseURL);
    if (pathname.endsWith("/login")) return show(false, ENDED);
    return show(false, responseXML?.querySelector("main [role=alert]")?.textContent || "The server does not answer as it should; try again in a while.");
  }

  async function send() {
    const wrong = tooMuch();
    if (wrong) return show(false, wrong);
    const mine = new XMLHttpRequest();
    request = mine;
    show(true);
    tell(0, 0);
    form.elements.csrf_token.value = await freshToken(form.dataset.batch);
    if (request !== mine) return;
    if (!form.elements.csrf_token.value) return show(false, ENDED);
    request.open("POST", form.action);
    request.responseType = "document";
    request.upload.addEventListener("progress", ({ loaded, total }) => tell(loaded, total));
    request.addEventListener("load", ({ target }) => arrived(target));
    request.addEventListener("error", () => show(false, "The line was cut, or a file was changed since it was chosen. If all was sent, it may be ordered: look under Batches; or else order here once more."));
    request.send(new FormData(form));
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!request) send();
  });
  stop.addEventListener("click", () => {
    request.abort();
    show(false, "Stopped; nothing was ordered.");
    find("button:not([type])").focus(); // as this button is gone
  });
  window.addEventListener("beforeunload", (event) => {
    if (request?.readyState === XMLHttpRequest.OPENED) event.preventDefault();
  });
  window.addEventListener("pageshow", (event) => event.persisted && show(false));
})();
