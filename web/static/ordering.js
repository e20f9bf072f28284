// The order page: keeps the picture at once, says what would be made, and shows a preview as options change.
"use strict";

const PAUSE = 200; // milliseconds without a change before anything is asked for
const ASKED_EVERY = [60, 80, 100, 150, 200]; // milliseconds between questions whether a preview is there; the last goes on
const IDLE = 700; // milliseconds after a preview before the looks get their pictures
const LOOK_CELLS = 24; // across the picture of a look
const UNSAID = {
  400: "The form has expired; order, and it is shown again as it is.",
  413: "The picture is larger than this site takes; choose a smaller one.",
  414: "Something that is typed is too long.",
}; // by the status of an answer that is no JSON
const UNNOTED = ["csrf_token", "draft", "again", "target", "target_name", "mask", "sized"]; // fields that are not in the address
const UNMADE = "There is no preview of what cannot be made.";
const ENDED = "Your session has ended; log in again in another tab. Nothing here is lost.";
const SILENT = "The server does not answer just now.";

const form = document.querySelector("form.order");
const find = (selector) => form.querySelector(selector);
const field = (name) => form.elements.namedItem(name);

let changes = 0; // what is asked for an earlier state of the form counts no more
let choices = 0; // nor does what is answered about a picture once another was chosen
let before = null; // what was shown before the pictures about which nothing is answered yet
let plan = null;
let known = false; // whether a draft has the picture
let assumed = true; // by the plan, of what shape the picture is
let photos = null; // how many there are to choose from
let pictured = ""; // the draft and the photos of which the looks have their pictures
let face = null; // the picture, as far as the browser can show it
let part; // that the mosaic is made of
let timer;

/** Return the form as it stands, without files, and with some fields changed. */
function stated(changed = {}) {
  const data = new FormData(form);
  for (const name of ["target", "mask"]) data.delete(name);
  for (const [name, value] of Object.entries(changed)) data.set(name, value);
  return data;
}

/** Return the answer as JSON; a sentence for people where there is none. */
async function asked(address, options) {
  const answer = await fetch(address, options).catch(() => null);
  if (answer === null) return { sentence: SILENT };
  if (answer.redirected) return { sentence: ENDED };
  return answer.json().catch(() => ({ sentence: UNSAID[answer.status] || SILENT }));
}

/** Send a picture, and tell how much of it has gone, from 0 to 1; return the answer as `asked` does. */
function sent(address, body, tell) {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.responseType = "json";
    request.upload.addEventListener("progress", ({ loaded, total }) => tell(loaded / total));
    request.addEventListener("error", () => done({ sentence: SILENT }));
    request.addEventListener("load", () => {
      const moved = new URL(request.responseURL).pathname !== address;
      done(moved ? { sentence: ENDED } : request.response ?? { sentence: UNSAID[request.status] || SILENT });
    });
    request.open("POST", address);
    request.send(body);
  });
}

function say(text) {
  find("[data-said]").textContent = text;
}

// The picture

/** Keep a picture that was chosen, so that no error loses it, and show it. */
async function keep(file) {
  const most = Number(form.dataset.maxBytes);
  if (file.size > most) {
    field("target").value = "";
    return say(`${file.name} has ${number(Math.ceil(file.size / 1e6))} MB; a picture may have ${number(Math.floor(most / 1e6))} MB.`);
  }
  const mine = (choices += 1);
  changes += 1;
  before ??= { face, sketched: !find(".sketch").hidden, values: part.fields.map((each) => each.value) };
  for (const each of part.fields) each.value = "";
  const shown = await createImageBitmap(file).catch(() => null);
  if (mine !== choices) return;
  face = shown;
  find(".sketch").hidden = face !== null;
  draw();
  say("Sending the picture …");
  const data = stated();
  data.set("target", file);
  data.delete("again");
  const kept = await sent(form.dataset.keep, data, (share) => {
    const quarters = Math.floor(4 * share); // each is said aloud
    if (mine === choices && quarters) say(quarters < 4 ? `Sending the picture: ${25 * quarters} %` : "The picture is sent, and is being looked at.");
  });
  if (mine !== choices) return;
  const { face: last, sketched, values } = before;
  if (kept.draft || kept.code) before = null;
  if (!kept.draft) {
    if (kept.code) {
      field("target").value = ""; // it is refused; what was kept before stays
      face = last;
      find(".sketch").hidden = !sketched;
      part.fields.forEach((each, index) => (each.value = values[index]));
      draw();
    }
    say(kept.sentence);
    if (kept.code && (known || field("again"))) refresh(kept.sentence);
    return;
  }
  field("target").value = "";
  for (const gone of [field("again"), find("[data-last]"), find("[data-changes]")]) gone?.remove(); // another picture
  accept(kept);
  find("[data-name] bdi").textContent = kept.name;
  refresh();
}

/** Note the draft of which the server speaks. */
function accept(kept) {
  const fresh = !("kept" in form.dataset) || field("draft").value !== kept.draft;
  known = true;
  field("draft").value = kept.draft;
  field("target_name").value = kept.name;
  field("target").required = false;
  find("[data-name]").hidden = false;
  form.dataset.kept = "";
  const again = field("again") ? { again: field("again").value } : {};
  if (fresh) history.replaceState(null, "", `?${new URLSearchParams({ draft: kept.draft, ...again })}`);
}

/** Draw the part of the picture that is taken, or all of it while that is chosen, and the cells over the part. */
function draw() {
  const canvas = find("canvas");
  if (face === null) return;
  const { edges } = part;
  const [left, top, right, bottom] = part.choosing ? WHOLE : edges;
  const [width, height] = [(right - left) * face.width, (bottom - top) * face.height];
  const scale = Math.min(1, 960 / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const pen = canvas.getContext("2d");
  pen.drawImage(face, left * face.width, top * face.height, width, height, 0, 0, canvas.width, canvas.height);
  find(".order-view").hidden = false;
  part.place();
  if (plan === null) return;
  pen.translate(((edges[0] - left) * canvas.width) / (right - left), ((edges[1] - top) * canvas.height) / (bottom - top));
  cells(pen, (canvas.width * (edges[2] - edges[0])) / (right - left), (canvas.height * (edges[3] - edges[1])) / (bottom - top));
}

/** Draw the cells of a part that has this width and height. */
function cells(pen, width, height) {
  const moved = field("shape").value === "rectangle" ? 0 : 0.5;
  const side = width / (plan.columns - moved);
  const down = (height - plan.shown * height) / 2;
  const rowHeight = (plan.shown * height) / plan.rows;
  if (side < 3) return;
  pen.strokeStyle = "white";
  pen.globalCompositeOperation = "difference";
  pen.globalAlpha = 0.5;
  pen.beginPath();
  for (let row = 0; row <= plan.rows; row += 1) {
    const y = Math.round(down + row * rowHeight) + 0.5;
    pen.moveTo(0, y);
    pen.lineTo(width, y);
    for (let column = 1; row < plan.rows && column < plan.columns; column += 1) {
      const x = Math.round((column - (row % 2 ? 0 : moved)) * side) + 0.5;
      pen.moveTo(x, y);
      pen.lineTo(x, y + rowHeight);
    }
  }
  pen.stroke();
}

/** Note what is said in the address, so that it is there when the page is loaded again, or gone back to. */
function remember() {
  if (!location.pathname.endsWith("/new")) return; // after an error it is the form itself that is sent again
  const [noted, data] = [new URLSearchParams(location.search), stated()];
  const names = new Set([...form.elements].map(({ name }) => name).filter((name) => name && !UNNOTED.includes(name)));
  for (const name of names) {
    const value = data.get(name) ?? "";
    if (value || noted.has("again")) noted.set(name, value);
    else noted.delete(name);
  }
  history.replaceState(null, "", `?${noted}`);
}

// The plan

/** Say what would be made; or why it cannot be, and what could be instead. */
function tell(answer) {
  const { refusal } = answer;
  const changes = find("[data-changes]"); // of a mosaic that is ordered again
  if (changes && answer.changes) changes.innerHTML = answer.changes;
  if (changes) changes.hidden = !answer.changes;
  ({ plan, photos, assumed } = answer);
  if (plan !== null) {
    const size = plan.bytes < 1e6 ? `${Math.ceil(plan.bytes / 1e3)} kB` : `${number(Math.round(plan.bytes / 1e6))} MB`;
    const time = plan.seconds === null ? "" : ` · about ${span(plan.seconds)}`;
    find("[data-plan]").textContent =
      `${number(plan.columns)} × ${number(plan.rows)} cells · ${number(plan.width)} × ${number(plan.height)} pixels · ` +
      `${plan.paper.replaceAll(" x ", " × ")} at ${number(plan.dpi)} dpi · ${plan.format}, about ${size}${time}`;
  }
  find("[data-plan]").hidden = plan === null || assumed;
  const box = find("[data-refusal]");
  const told = document.querySelector("main > .error"); // by the page of an order that was refused
  const again = told !== null && refusal?.sentence === told.textContent;
  box.hidden = !refusal || (again && !refusal.ways.length);
  box.firstElementChild.textContent = refusal ? refusal.sentence : "";
  box.firstElementChild.hidden = again;
  box.lastElementChild.replaceChildren(...(refusal ? refusal.ways : []).map(button));
  draw();
}

function span(seconds) {
  return seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`;
}

/** Return the button of a way out: it fills in the form. */
function button({ label, fields }) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = label;
  made.addEventListener("click", () => {
    for (const [name, value] of Object.entries(fields)) {
      field(name).disabled = false;
      field(name).value = value;
    }
    field(Object.keys(fields)[0]).focus();
    refresh();
  });
  return made;
}

// The preview

/** Return the preview of the form with some fields changed; null if the form has changed meanwhile. */
async function sketched(changed, mine) {
  const ordered = await asked(form.dataset.ask, { method: "POST", body: stated(changed) });
  if (mine !== changes) return null;
  if (!ordered.sketch) return ordered;
  accept(ordered);
  for (let turn = 0; mine === changes; turn += 1) {
    await wait(ASKED_EVERY[Math.min(turn, ASKED_EVERY.length - 1)]);
    const made = await asked(ordered.sketch);
    if (mine !== changes) return null;
    if (made.final !== false) return { ...made, target: ordered.target };
    if (turn === 20) say("The preview waits for a worker: all are busy, or none is running. You can order all the same.");
  }
  return null;
}

/** Load a picture, and put it into an image only once it is there. */
async function show(image, address) {
  const loaded = new Image();
  loaded.src = address;
  await loaded.decode();
  image.src = address;
  image.hidden = false;
}

/** Ask for the plan of the form as it stands, and for its preview; `why` another picture was refused stays said. */
async function refresh(why = "") {
  clearTimeout(timer);
  const mine = (changes += 1);
  if (field("again") && !known) {
    const kept = await asked(form.dataset.keep, { method: "POST", body: stated() });
    if (kept.draft) accept(kept);
    if (mine !== changes) return;
  }
  const answer = await asked(`${form.dataset.plans}?${new URLSearchParams(stated())}`);
  if (mine !== changes) return;
  if (answer.refusal === undefined) return say(answer.sentence);
  tell(answer);
  if (!("kept" in form.dataset)) return;
  remember();
  if (plan === null) {
    say(UNMADE);
    if (face === null && form.dataset.target) await look(form.dataset.target);
    return;
  }
  const made = await sketched({}, mine);
  if (made === null) return;
  if (!made.picture) return say(made.sentence || "The preview could not be made. You can order all the same.");
  await show(find(".sketch"), made.picture);
  if (mine !== changes) return;
  if (assumed) { // whoever made the preview has seen of what shape the picture is
    const fresh = await asked(`${form.dataset.plans}?${new URLSearchParams(stated())}`);
    if (mine !== changes) return;
    if (fresh.refusal !== undefined) tell(fresh);
    if (plan === null) return say(UNMADE);
  }
  const whole = made.columns === plan.columns ? "" : `, coarser than the mosaic with its ${number(plan.columns)} × ${number(plan.rows)}`;
  say(why || `Preview: ${number(made.columns)} × ${number(made.rows)} cells${whole}.`);
  find(".order-view").hidden = false;
  if (face === null) await look(made.target);
  await wait(IDLE);
  if (mine === changes) await picture(mine);
}

/** Take the picture as the server shows it, which the browser may not have been able to. */
async function look(address) {
  const loaded = new Image();
  loaded.src = address;
  await loaded.decode().catch(() => null);
  if (loaded.naturalWidth) face = loaded;
  draw();
}

/** Give each look its picture: this target by these photos. */
async function picture(mine) {
  const about = `${field("draft").value} ${field("tile_set").value} ${part.edges}`;
  if (about === pictured) return;
  const once = Math.floor(Math.sqrt(((photos || 1) * plan.columns) / plan.rows)) - 1; // with no photo twice
  const usual = Object.fromEntries([...new FormData(form).keys()].map((name) => [name, ""]));
  const same = ["csrf_token", "draft", "tile_set", "target_name", ...part.fields.map(({ name }) => name)].map((name) => [name, field(name).value]);
  for (const image of form.querySelectorAll("img[data-look]")) {
    const { look: name } = image.dataset;
    const cells = name === "once" ? Math.max(2, Math.min(LOOK_CELLS, once)) : LOOK_CELLS;
    const fields = { ...usual, ...Object.fromEntries(same), look: name, sketched: name, cells_across: cells };
    const made = await sketched(fields, mine);
    if (made === null) return;
    if (made.picture) await show(image, made.picture);
  }
  pictured = about;
}

// The size, said in one of three ways

/** Show the fields of one way to say the size, and fill them in by the plan where they are empty. */
function size(way) {
  const was = plan;
  for (const group of form.querySelectorAll("[data-size]")) {
    group.hidden = !group.dataset.size.split(" ").includes(way);
    for (const input of group.querySelectorAll("input")) input.disabled = input.closest("[data-size][hidden]") !== null;
  }
  if (was === null || assumed) return;
  const [width, height] = was.paper.replaceAll(",", "").match(/[0-9.]+/g).map(Number);
  const filled = {
    paper: { print: `${Math.round(width)}x${Math.round(height)}mm`, tile: `${Math.round((10 * width) / was.columns) / 10}mm` },
    pixels: { mosaic_width: was.width, mosaic_height: was.height },
  };
  for (const [name, value] of Object.entries(filled[way] || {})) if (!field(name).value) field(name).value = value;
}

function begin() {
  part = new Part(form, draw);
  find("[data-sizes]").hidden = false;
  for (const plain of form.querySelectorAll("[data-plain]")) plain.hidden = true;
  const way = field("print").value ? "paper" : field("mosaic_width").value ? "pixels" : "cells";
  for (const radio of form.querySelectorAll("[data-sized]")) {
    radio.disabled = false;
    radio.checked = radio.value === way;
    radio.addEventListener("change", () => size(radio.value));
  }
  size(way);
  field("target").addEventListener("change", (event) => {
    event.stopPropagation();
    if (event.target.files.length) keep(event.target.files[0]);
  });
  const drop = find(".drop");
  for (const kind of ["dragover", "dragleave", "drop"])
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
      if (kind !== "drop") return;
      const [file] = event.dataTransfer.files;
      if (!file) return say("No file came with that; drop a picture that is a file.");
      const one = new DataTransfer();
      one.items.add(file);
      field("target").files = one.files; // with which an order goes that does not wait until it is kept
      keep(file);
    });
  for (const kind of ["dragover", "drop"]) // beside its place, a dropped file would be opened in place of this page
    document.addEventListener(kind, (event) => {
      if (event.dataTransfer?.types.includes("Files") && event.target.type !== "file") event.preventDefault();
    });
  for (const kind of ["input", "change"])
    form.addEventListener(kind, (event) => {
      if (event.target.type === "file") return;
      clearTimeout(timer);
      timer = setTimeout(() => refresh(), PAUSE);
    });
  find("[data-cells]").addEventListener("click", ({ currentTarget: pressed }) => {
    const cells = pressed.getAttribute("aria-pressed") === "false";
    pressed.setAttribute("aria-pressed", cells);
    find(".order-stack").classList.toggle("cells", cells);
  });
  form.addEventListener("submit", remember);
  refresh();
  const early = field("target").files; // chosen before this script was there, or kept by the browser over a reload
  if (early.length) keep(early[0]);
}

if (form) begin();
