// Has photos indexed while others are still being sent: in rounds, of which each becomes a version of the tile set.
// Each takes about half as many photos as the set has, so that many photos are few rounds.
"use strict";
(() => {
  const FIRST = 200; // photos of a round at least
  const PATIENCE = 10_000; // until the first round begins with fewer
  const SOON = 6; // seconds: a round is not worth it, since the last one begins before it would end
  const OFTEN = 1_000, LAST = 250; // between two questions how far it is, and once all is sent
  const SHOWN = 32; // photos that came in last

  window.TesseraRounds = class {
    /** `sending` asks the service, and knows what is still to be sent. */
    constructor(sending) {
      this.sending = sending;
      this.part = sending.part;
      this.on = this.enough = false;
      this.part("enough").addEventListener("click", () => {
        this.enough = true;
        sending.drop();
      });
    }

    begin(fields) {
      if (this.on) return;
      this.fields = fields;
      this.on = true;
      this.enough = !this.sending.open; // what was refused was seen
      this.began = Date.now();
      this.step();
    }

    end() {
      clearTimeout(this.timer);
      this.on = false;
      this.sending.show();
    }

    async step() {
      const { sending } = this;
      try {
        const far = await sending.ask(sending.intake.url, null, "GET");
        this.draw(far);
        if (!far.indexing && !sending.open) return await this.finish();
        if (!far.indexing && this.due(far)) {
          sending.zipped = false;
          await sending.ask(`${sending.intake.url}/index`, this.fields);
        }
      } catch (error) {
        // Somebody else has the set indexed, or the line or the service is away for a while: it is asked again.
        if (error.status && error.status !== 409 && error.status < 500) {
          sending.tell(error.message, true);
          return this.end();
        }
      }
      if (this.on) this.timer = setTimeout(() => this.step(), sending.open ? OFTEN : LAST);
    }

    due(far) {
      if (!far.waiting || this.sending.seconds < SOON) return false;
      const had = Math.max(far.tile_count || 0, far.files - far.waiting);
      const late = !had && Date.now() - this.began > PATIENCE;
      return far.waiting >= Math.max(FIRST, had / 2) || late || this.sending.zipped;
    }

    /** End the intake, and show the set; what was refused stays on this page until it was seen. */
    async finish() {
      const { sending } = this;
      const made = await sending.ask(`${sending.intake.url}/finish`, this.fields);
      kept.always.remove(sending.key);
      if (this.enough || !sending.failed.length) {
        sending.finishing = true;
        location.assign(made.page);
      } else {
        sending.closed = true;
        sending.tell("All others are in the tile set.");
        this.part("finish").querySelector("button").textContent = "Show the tile set";
        this.end();
      }
    }

    /** Show what the tile set has so far. */
    draw(far) {
      this.part("begun").hidden = !far.tile_set;
      if (!far.tile_set) return;
      const { sets, order } = this.sending.place.dataset;
      const words = far.tile_count ? [`${number(far.tile_count)} photos can be in a mosaic already.`] : [];
      if (far.indexing) words.push(this.on && !this.sending.open ? "The last ones are being looked at." : "Others are being looked at.");
      const said = words.join(" ");
      if (this.part("standing").textContent !== said) this.part("standing").textContent = said;
      const link = this.part("order");
      link.hidden = !far.tile_count;
      link.href = `${order}?tile_set=${far.tile_set}`;
      if (far.tile_count && far.tile_count !== this.shown) this.thumbnails(`${sets}/${far.tile_set}/photos?sort=newest`);
      this.shown = far.tile_count;
    }

    async thumbnails(address) {
      const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
      if (!answer?.ok) return;
      const page = document.createElement("template");
      page.innerHTML = await answer.text();
      const photos = [...page.content.querySelectorAll(".sheet .of")].slice(0, SHOWN);
      this.part("thumbs").replaceChildren(...photos.map((photo) => {
        const row = document.createElement("li");
        if (photo.matches("a")) photo.target = "_blank";
        photo.querySelector("bdi").className = "aside";
        row.append(photo);
        return row;
      }));
    }
  };
})();
