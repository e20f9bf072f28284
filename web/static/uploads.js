// Sends photos as they are dropped, many and whole folders, and goes on where a cut line or a closed page stopped it.
// Each file is hashed first, so that what the set has already is not sent again. rounds.js has it indexed meanwhile.
"use strict";
(() => {
  const AT_ONCE = 4;
  const ASKED_AT_ONCE = 40; // hashes in one question
  const HASHED_BYTES = 64 << 20; // a hash needs the whole file in memory
  const PIECE = 8 << 20; // of a file, in one request
  const AGAIN = [0, 1_000, 3_000, 5_000, 10_000, 20_000];
  const LATER = 5_000; // until a file whose line was cut is tried once more
  const LONGEST_NAME = 200;
  const SHOWN = 100; // refused files that are listed
  const FEW = 5; // unread ones that are named
  const ENDED = ["token_needed", "form_expired"]; // codes of answers to a page whose session has ended
  const MOST_ENDS = 3; // of sessions, with no file sent in between
  const ZIP = /^application\/(x-)?zip/; // also the x-zip-compressed of Windows
  const PICTURE = /\.(avif|hei[cf]|jp2|j2k|jpe?g|png|webp|gif|tiff?|bmp)$/i;
  const isZip = (file) => ZIP.test(file.type) || /\.zip$/i.test(file.name);
  const several = (count, one, many) => `${number(count)} ${count === 1 ? one : many}`;

  /** Return every file of what was dropped, those in folders too, what of it cannot be read, and the folder's name if it was one. */
  async function dropped({ items, files }) {
    const [found, unread] = [[], []];
    const visit = (entry) => walk(entry).catch(() => unread.push(entry.name));
    const walk = async (entry) => {
      if (entry.name.startsWith(".")) return;
      if (entry.isFile) found.push(await new Promise((done, fail) => entry.file(done, fail)));
      if (!entry.isDirectory) return;
      const reader = entry.createReader();
      for (;;) {
        const some = await new Promise((done, fail) => reader.readEntries(done, fail));
        if (!some.length) return;
        for (const each of some) await visit(each);
      }
    };
    const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.length) return { files: [...files], unread, folder: "" };
    for (const entry of entries) await visit(entry);
    return { files: found, unread, folder: entries.length === 1 && entries[0].isDirectory ? entries[0].name : "" };
  }

  class Sending {
    constructor(place) {
      this.place = place;
      this.part = (name) => place.querySelector(`[data-${name}]`);
      this.key = `tessera-intake-${place.dataset.set || "new"}`;
      this.waiting = []; // to be hashed
      this.ready = []; // to be sent
      this.failed = [];
      this.active = new Set();
      this.seen = new Set();
      this.count = { all: 0, sent: 0, known: 0, passed: 0, before: 0 };
      this.bytes = { all: 0, sent: 0 };
      this.paused = this.hashing = this.finishing = this.silent = this.zips = this.zipped = false;
      this.ends = 0;
      this.rounds = new TesseraRounds(this);
      this.listen();
      this.goOn();
    }

    listen() {
      const zone = this.part("drop");
      for (const kind of ["dragenter", "dragover"]) {
        zone.addEventListener(kind, (event) => {
          event.preventDefault();
          zone.classList.add("over");
        });
      }
      for (const kind of ["dragleave", "drop"]) zone.addEventListener(kind, () => zone.classList.remove("over"));
      zone.addEventListener("drop", async (event) => {
        event.preventDefault();
        const { files, unread, folder } = await dropped(event.dataTransfer);
        if (files.length || !unread.length) await this.take(files, folder);
        if (unread.length) this.tell(`${several(unread.length, "file or folder", "files or folders")} could not be read and stay out: ${unread.slice(0, FEW).join(", ")}${unread.length > FEW ? " and more" : ""}.`, true);
      });
      for (const field of zone.querySelectorAll("input")) {
        field.addEventListener("change", () => {
          const files = [...field.files];
          this.take(files, (files[0]?.webkitRelativePath || "").split("/")[0]);
          field.value = "";
        });
      }
      // Beside its place, a dropped file would be opened in place of this page.
      for (const kind of ["dragover", "drop"]) {
        document.addEventListener(kind, (event) => {
          if (event.dataTransfer?.types.includes("Files") && event.target.type !== "file") event.preventDefault();
        });
      }
      this.part("pause").addEventListener("click", () => this.pause(!this.paused));
      this.part("retry").addEventListener("click", () => this.retry());
      this.part("forget").addEventListener("click", () => this.forget());
      this.part("finish").addEventListener("submit", (event) => {
        event.preventDefault();
        const fields = Object.fromEntries(new FormData(event.target));
        this.rounds.begin({ name: fields.name || "", dedupe: "dedupe" in fields, keep_originals: "keep_originals" in fields });
        this.show();
      });
      window.addEventListener("online", () => this.pump());
      window.addEventListener("beforeunload", (event) => {
        if ((this.active.size || this.rounds.on) && !this.finishing) event.preventDefault();
      });
      // The page of a set that was indexed is shown again, but not while photos are sent from it.
      document.addEventListener("tessera:done", (event) => {
        if (this.open || this.rounds.on) event.preventDefault();
      });
    }

    async ask(path, body, method = "POST") {
      const headers = { Accept: "application/json", "X-CSRFToken": this.place.dataset.token };
      if (body) headers["Content-Type"] = "application/json";
      const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
      const told = answer.status === 204 ? {} : await answer.json();
      if (this.hasEnded(told)) {
        await this.renew();
        return this.ask(path, body, method);
      }
      if (!answer.ok) throw Object.assign(new Error(told.detail || "The service does not answer."), { status: answer.status });
      return told;
    }

    hasEnded(told) {
      return ENDED.includes(told.code) && this.ends < MOST_ENDS;
    }

    /** Wait until somebody is logged in again, take a fresh token, and go on. */
    renew() {
      this.renewing ||= this.renewed().finally(() => {
        this.renewing = null;
        this.ends += 1;
        this.rounds.shown = null; // photos that were asked for meanwhile were refused
        this.part("said").hidden = true;
        this.pump();
      });
      return this.renewing;
    }

    async renewed() {
      this.tell("Your session has ended; log in again in another tab. Nothing is lost, and sending goes on by itself.", true);
      for (;;) {
        const fresh = await freshToken(this.place.dataset.renew);
        if (fresh) {
          this.place.dataset.token = fresh;
          return;
        }
        await wait(LATER);
      }
    }

    /** Take up what was sent before this page was opened. */
    async goOn() {
      const begun = kept.always.get(this.key);
      if (!begun) return;
      try {
        const state = await this.ask(`${this.place.dataset.intakes}/${begun}`, null, "GET");
        if (state.finished) return kept.always.remove(this.key);
        if (!state.files && !state.open) return;
        this.intake = { ...state, url: `${this.place.dataset.intakes}/${begun}` };
        this.count.before = state.files;
        const forNew = state.tile_set && !this.place.dataset.set;
        this.tell(`${several(state.files, "file was", "files were")} sent before${forNew ? ", for a tile set that is begun" : ""}. Drop the same photos again, and only what is missing is sent.`
          + (forNew ? " To begin another set, press “Forget what was sent”." : ""));
        this.rounds.draw(state);
        this.show();
      } catch (error) {
        if (error.status) kept.always.remove(this.key);
      }
    }

    /** Return the intake; if another page has finished it, open one for the same tile set. */
    async opened() {
      if (this.closed) {
        const far = await this.ask(this.intake.url, null, "GET").catch(() => ({}));
        this.place.dataset.set ||= far.tile_set || "";
        this.intake = this.opening = null;
        this.closed = false;
      }
      this.opening ||= this.intake || this.ask(this.place.dataset.intakes, { tile_set: this.place.dataset.set || null });
      try {
        this.intake = await this.opening;
      } catch (error) {
        this.opening = null;
        throw error;
      }
      kept.always.set(this.key, this.intake.id);
      return this.intake;
    }

    /** Go on in another intake, where another page has ended this one. */
    reopen() {
      this.closed = true;
      const refused = (error) => {
        for (const item of this.ready.splice(0)) this.refuse(item, error.message);
      };
      this.renewing ||= this.opened().catch(refused).finally(() => {
        this.renewing = null;
        this.ends += 1;
        this.pump();
      });
    }

    async take(files, folder) {
      if (!files.length) return this.tell("No files came with that; drop photos, or folders with photos in them.", true);
      this.propose(folder || (files.length === 1 && isZip(files[0]) ? files[0].name.replace(/\.zip$/i, "") : ""));
      try {
        await this.opened();
      } catch (error) {
        return this.tell(error.message, true);
      }
      for (const file of files) {
        const path = file.webkitRelativePath || file.name;
        const id = `${path} ${file.size} ${file.lastModified}`;
        if (this.seen.has(id)) continue;
        if (file.name.startsWith(".") || !(file.type.startsWith("image/") || PICTURE.test(file.name) || isZip(file))) {
          this.count.passed += 1;
          continue;
        }
        this.seen.add(id);
        this.count.all += 1;
        const item = { file, path, id };
        this.zips ||= isZip(file);
        const [what, most] = isZip(file) ? ["zip", this.place.dataset.maxZip] : ["photo", this.place.dataset.maxBytes];
        if (file.size > Number(most)) this.refuse(item, `It has ${megabytes(file.size)}; a ${what} may have ${megabytes(Number(most))}.`);
        else if (this.count.all + this.count.before > Number(this.place.dataset.maxFiles)) this.refuse(item, "These are more photos than one set takes.");
        else this.wait(item);
      }
      if (!this.count.all) this.tell("None of these files is a picture. Choose photos, or a folder or a zip with photos in it.", true);
      this.show();
      this.hash();
    }

    /** Propose a name for the set, that of a folder or a zip or else the day, where there is none, or only the day. */
    propose(known) {
      const field = this.part("finish").elements.name;
      const today = `Photos of ${new Date().toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" })}`;
      if (field && (!field.value || (known && field.value === today))) field.value = (known || today).slice(0, field.maxLength);
    }

    wait(item) {
      this.rounds.enough = false;
      this.bytes.all += item.file.size;
      this.waiting.push(Object.assign(item, { refused: "", sent: 0, upload: null, counted: true }));
    }

    /** Hash what waits, and ask which of it is there already. */
    async hash() {
      if (this.hashing) return;
      this.hashing = true;
      while (this.waiting.length) {
        const some = this.waiting.splice(0, ASKED_AT_ONCE);
        for (const item of some) item.content = await this.content(item);
        const known = await this.known(some.map((item) => item.content).filter(Boolean));
        for (const item of some) {
          if (item.content && known.has(item.content)) this.skip(item);
          else {
            if (item.content) known.add(item.content);
            this.ready.push(item);
          }
        }
        this.pump();
      }
      this.hashing = false;
      this.show();
    }

    async content({ file }) {
      if (!window.crypto?.subtle || file.size > HASHED_BYTES) return null;
      try {
        const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
        return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      } catch {
        return null; // sending it will tell why it cannot be read
      }
    }

    async known(contents) {
      try {
        return new Set(contents.length ? (await this.ask(`${this.intake.url}/known`, { contents })).known : []);
      } catch {
        return new Set();
      }
    }

    skip(item) {
      this.count.known += 1;
      this.bytes.sent += item.file.size;
    }

    pump() {
      if (this.rounds.enough) this.drop();
      while (!this.paused && !this.renewing && this.active.size < AT_ONCE && this.ready.length) this.send(this.ready.shift());
      this.show();
    }

    async send(item) {
      this.began ||= Date.now();
      item.intake = this.intake;
      this.active.add(item);
      const metadata = { filename: item.file.name.slice(0, LONGEST_NAME), filetype: isZip(item.file) ? "application/zip" : item.file.type };
      if (item.content) metadata.sha256 = item.content;
      const large = item.file.size > PIECE;
      item.upload = new tus.Upload(item.file, {
        endpoint: `${this.intake.url}/uploads`,
        headers: { "X-CSRFToken": this.place.dataset.token, Accept: "application/json" },
        metadata,
        chunkSize: PIECE,
        retryDelays: AGAIN,
        uploadDataDuringCreation: true,
        storeFingerprintForResuming: large,
        removeFingerprintOnSuccess: true,
        fingerprint: () => Promise.resolve(`tessera ${this.intake.id} ${item.id}`),
        onShouldRetry: (error) => {
          const status = error.originalResponse?.getStatus() || 0;
          if (!status) this.unanswered(item);
          return (status < 400 || status >= 500 || status === 409 || status === 423) && navigator.onLine;
        },
        onProgress: (sent) => this.moved(item, sent),
        onSuccess: () => this.ended(item),
        onError: (error) => this.stumbled(item, error),
      });
      if (large) {
        const [before] = await item.upload.findPreviousUploads();
        if (before) item.upload.resumeFromPreviousUpload(before);
      }
      item.upload.start();
    }

    moved(item, sent) {
      this.bytes.sent += sent - item.sent;
      item.sent = sent;
      this.show();
    }

    ended(item) {
      this.moved(item, item.file.size);
      this.active.delete(item);
      this.count.sent += 1;
      this.ends = 0;
      if (this.silent) this.part("said").hidden = true;
      this.silent = false;
      this.last = Date.now();
      this.zipped ||= isZip(item.file);
      this.pump();
    }

    /** Say that the line is cut; or that a file cannot be read any more, which looks the same. */
    async unanswered(item) {
      try {
        await item.file.slice(0, 1).arrayBuffer();
        if (!this.renewing && this.active.has(item)) {
          this.silent = true;
          this.tell("The service does not answer; sending goes on by itself as soon as it does.");
        }
      } catch {
        if (!this.active.delete(item)) return;
        item.upload.abort();
        this.moved(item, 0);
        this.refuse(item, "It was moved, deleted or changed while it was sent; choose it again.");
        this.pump();
      }
    }

    stumbled(item, error) {
      this.moved(item, 0);
      this.active.delete(item);
      const answer = error.originalResponse;
      if (answer && answer.getStatus() < 500) {
        this.closed ||= answer.getStatus() === 410 && item.intake === this.intake;
        let told = {};
        try {
          told = JSON.parse(answer.getBody());
        } catch { /* not ours */ }
        if (this.hasEnded(told)) {
          this.ready.unshift(item);
          this.renew();
        } else if (told.code === "intake_closed" && this.ends < MOST_ENDS) {
          this.ready.unshift(item);
          if (item.intake === this.intake) this.reopen();
        } else this.refuse(item, told.detail || "It was refused.");
        return this.pump();
      }
      item.file.slice(0, 1).arrayBuffer().then(
        () => setTimeout(() => {
          this.ready.push(item);
          this.pump();
        }, LATER),
        () => this.refuse(item, "It was moved, deleted or changed while it was sent; choose it again."),
      );
      this.show();
    }

    refuse(item, reason) {
      if (item.counted) this.bytes.all -= item.file.size;
      this.failed.push(Object.assign(item, { refused: reason, counted: false }));
      this.show();
    }

    async retry() {
      try {
        await this.opened();
      } catch (error) {
        return this.tell(error.message, true);
      }
      for (const item of this.failed.splice(0)) this.wait(item);
      this.hash();
    }

    pause(is) {
      this.paused = is;
      for (const item of this.active) {
        if (is) item.upload.abort();
        else item.upload.start();
      }
      this.part("pause").textContent = is ? "Go on" : "Pause";
      this.pump();
    }

    async forget() {
      this.pause(true);
      kept.always.remove(this.key);
      this.finishing = true;
      try {
        if (this.intake) await this.ask(this.intake.url, null, "DELETE");
      } finally {
        location.reload();
      }
    }

    /** Give up what has not arrived. */
    drop() {
      for (const item of this.active) item.upload?.abort();
      for (const item of [...this.waiting.splice(0), ...this.ready.splice(0), ...this.active]) {
        this.count.all -= 1;
        this.bytes.all -= item.file.size;
        this.bytes.sent -= item.sent;
      }
      this.active.clear();
      this.show();
    }

    tell(words, wrong = false) {
      const said = this.part("said");
      said.hidden = false;
      said.textContent = words;
      said.classList.toggle("error", wrong);
    }

    get open() {
      return this.waiting.length + this.ready.length + this.active.size + (this.hashing ? 1 : 0);
    }

    /** How many seconds sending will go on, as far as can be told. */
    get seconds() {
      const { sent } = this.count;
      return sent ? Math.max((Date.now() - this.began) / sent * this.open, Date.now() - this.last) / 1_000 : Infinity;
    }

    /** Show how far all is, at most once in each frame. */
    show() {
      if (this.drawing) return;
      this.drawing = true;
      requestAnimationFrame(() => {
        this.drawing = false;
        this.draw();
      });
    }

    draw() {
      const { all, sent, known, passed, before } = this.count;
      this.part("going").hidden = !(all + before);
      const share = this.bytes.all ? this.bytes.sent / this.bytes.all : this.open || !all ? 0 : 1;
      this.part("all").value = share;
      this.part("all").hidden = !all;
      const words = all ? [`${number(sent + known)} of ${this.zips ? several(all, "file", "files") : several(all, "photo", "photos")}`, `${megabytes(this.bytes.sent)} of ${megabytes(this.bytes.all)}`] : [];
      if (known) words.push(several(known, "was there already", "were there already"));
      if (passed) words.push(several(passed, "file that is no picture was passed over", "files that are no pictures were passed over"));
      this.part("counts").textContent = words.length ? `${words.join(" · ")}.` : "";
      const tenth = Math.floor(share * 10);
      if (all && tenth !== this.tenth) this.part("heard").textContent = this.open ? `${tenth * 10} %` : "All are there.";
      this.tenth = tenth;
      this.bars();
      this.refused();
      this.part("pause").hidden = !this.open;
      const { on } = this.rounds;
      this.part("finish").hidden = this.part("forget").hidden = on;
      this.part("enough").hidden = !on || !this.open;
      this.part("finish").querySelector("button").disabled = this.finishing || !(sent + before);
    }

    bars() {
      const list = this.part("active");
      for (const item of this.active) {
        if (!item.row) {
          item.row = document.createElement("li");
          const name = document.createElement("bdi");
          name.textContent = item.path;
          item.bar = document.createElement("progress");
          item.bar.setAttribute("aria-label", item.path.slice(0, 80));
          item.row.append(name, item.bar);
        }
        item.bar.value = item.file.size ? item.sent / item.file.size : 0;
        if (!item.row.isConnected) list.append(item.row);
      }
      const shown = new Set([...this.active].map((item) => item.row));
      for (const row of [...list.children]) if (!shown.has(row)) row.remove();
    }

    refused() {
      const place = this.part("failed");
      place.hidden = !this.failed.length;
      if (this.failed.length === this.listed) return;
      this.listed = this.failed.length;
      place.querySelector("summary").textContent = several(this.failed.length, "file could not be sent", "files could not be sent");
      place.querySelector("ul").replaceChildren(...this.failed.slice(0, SHOWN).map((item) => {
        const row = document.createElement("li");
        const name = document.createElement("bdi");
        name.textContent = item.path;
        const named = item.refused.startsWith(`${item.file.name} `);
        row.append(name, named ? item.refused.slice(item.file.name.length) : `: ${item.refused}`);
        return row;
      }));
    }
  }

  for (const place of document.querySelectorAll("[data-intakes]")) {
    if (!window.tus || !window.TesseraRounds) continue;
    place.hidden = false;
    for (const other of document.querySelectorAll("[data-without-script]")) other.hidden = true;
    for (const other of document.querySelectorAll("[data-folded]")) other.open = false;
    new Sending(place);
  }
})();
