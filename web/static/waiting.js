"use strict";
// Keeps pages of unfinished work up to date. Each element with `data-waiting` names the address of a fragment, which
// takes the place of what is in its `data-far`; where it has `data-events`, a page that is seen is sent the fragment,
// and else asks for it. Once the work is done the page is loaded again, unless somebody is typing in it or has pressed
// what leads on: then a link offers that. A script that must not be interrupted listens for "tessera:done", and calls `preventDefault`.
(() => {
  const OFTEN = 1500, SELDOM = 5000, PATIENT = 3;
  const TOLD = "tessera-tell", FOCUS = "tessera-focus";
  const name = document.title.replace(/^\d+ % · /, "");
  let over = false, typed = false, leaving = false;

  document.addEventListener("input", () => { typed = true; });
  // To load the page again would call off what was pressed while its answer is on the way.
  window.addEventListener("beforeunload", () => { leaving = true; });

  function isInUse() {
    return typed || leaving || document.activeElement?.matches("main :is(input, textarea, select)");
  }

  function done(panel, words) {
    if (over) return;
    over = true;
    if (wantsNotice() && Notification.permission === "granted") new Notification(`${words}: ${name}`, { icon: "/static/icon.svg" });
    const undisturbed = document.dispatchEvent(new CustomEvent("tessera:done", { cancelable: true }));
    if (undisturbed && !isInUse()) {
      if (panel.contains(document.activeElement)) kept.forNow.set(FOCUS, location.pathname);
      location.reload();
      return;
    }
    document.title = `${words} · ${name}`;
    const link = document.createElement("a");
    link.href = location.pathname + location.search;
    link.className = "button";
    link.textContent = "Show it";
    say(panel, `${words}.`);
    panel.querySelector("[data-far]").append(link);
  }

  /** Have something read aloud; what is wrong is seen, too. */
  function say(panel, words, wrong = false) {
    const said = panel.querySelector("[data-said]");
    if (said && said.textContent !== words) said.textContent = words;
    said?.classList.toggle("aside", !wrong);
  }

  function show(panel, html) {
    const place = panel.querySelector("[data-far]");
    const made = document.createElement("template");
    made.innerHTML = html;
    const far = made.content.querySelector("[data-percent]");
    if (!far || over) return;
    if (place.matches(":active") && !("final" in far.dataset)) return; // a link in it is being pressed
    const focused = place.contains(document.activeElement) && document.activeElement.getAttribute("href");
    place.replaceChildren(made.content);
    if (focused) [...place.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus({ preventScroll: true });
    if (!far.dataset.words) return;
    const { words, percent, partial, laid } = far.dataset;
    if ("titled" in panel.dataset) document.title = (Number(percent) ? `${percent} % · ` : "") + name;
    if (partial) fill(panel, partial, Number(laid));
    // Each phase is announced, and each quarter.
    const step = `${words.replace(/\d+/g, "")} ${Math.floor(Number(percent) / 25)}`;
    if (panel.step !== step) say(panel, Number(percent) ? `${words}, ${percent} %` : words);
    panel.step = step;
    if ("final" in far.dataset) done(panel, words);
  }

  function fill(panel, address, laid) {
    const image = panel.querySelector("svg image");
    if (!image || image.getAttribute("href") === address) return;
    const loading = new Image();
    loading.onload = () => {
      image.setAttribute("href", address);
      image.setAttribute("height", laid * Number(image.dataset.height));
    };
    loading.src = address;
  }

  class Follower {
    constructor(panel) {
      this.panel = panel;
      this.lost = 0;
      this.events = panel.dataset.events;
    }

    begin() {
      this.end();
      if (over) return;
      if (this.events && !document.hidden) this.listen();
      else this.timer = setTimeout(() => this.ask(), document.hidden ? SELDOM : Number(this.panel.dataset.every) || OFTEN);
    }

    end() {
      clearTimeout(this.timer);
      this.source?.close();
    }

    listen() {
      this.source = new EventSource(this.events);
      this.source.onmessage = (event) => {
        this.heard();
        show(this.panel, event.data);
      };
      this.source.onerror = () => {
        // Else the browser connects again by itself.
        if (this.source.readyState !== EventSource.CLOSED) return this.missed(PATIENT - 1);
        this.events = null;
        this.begin();
      };
    }

    async ask() {
      try {
        const answer = await fetch(this.panel.dataset.waiting);
        if ((answer.redirected || answer.status === 404) && !leaving) location.reload();
        else if (answer.ok) show(this.panel, await answer.text());
        if (answer.ok) this.heard();
        else this.missed();
      } catch {
        this.missed();
      }
      this.begin();
    }

    missed(times = 1) {
      this.lost += times;
      if (this.lost >= PATIENT) say(this.panel, "The service does not answer; this page goes on asking.", true);
    }

    heard() {
      if (this.lost >= PATIENT) say(this.panel, "The service answers again.");
      this.lost = 0;
    }
  }

  function wantsNotice() {
    return "Notification" in window && kept.forNow.get(TOLD) === location.pathname;
  }

  function offerNotice(button) {
    if (!("Notification" in window) || !window.isSecureContext || Notification.permission === "denied") return;
    const tell = () => {
      button.setAttribute("aria-pressed", String(wantsNotice()));
      button.textContent = wantsNotice() ? "You will be told when it is done" : "Tell me when it is done";
    };
    button.dataset.tell = "offered";
    tell();
    button.onclick = async () => {
      if (wantsNotice()) kept.forNow.remove(TOLD);
      else if (await Notification.requestPermission() === "granted") kept.forNow.set(TOLD, location.pathname);
      tell();
    };
  }

  function start() {
    if (kept.forNow.get(FOCUS) === location.pathname) {
      const title = document.querySelector("main h1");
      title?.setAttribute("tabindex", "-1");
      title?.focus();
    }
    kept.forNow.remove(FOCUS);
    const followers = [...document.querySelectorAll("[data-waiting]")].map((panel) => new Follower(panel));
    const begin = () => followers.forEach((follower) => follower.begin());
    document.querySelectorAll("[data-tell]").forEach(offerNotice);
    document.addEventListener("visibilitychange", begin);
    window.addEventListener("pagehide", () => followers.forEach((follower) => follower.end()));
    window.addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      leaving = false;
      begin();
    });
    begin();
  }

  // The page may load this script for each of its parts.
  if (!window.tesseraWaits) start();
  window.tesseraWaits = true;
})();
