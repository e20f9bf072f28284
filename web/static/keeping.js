// What this browser keeps for its pages. Where it keeps nothing, since that is blocked or full, the page that is open does.
"use strict";

class Keeping {
  /** `kind` is "localStorage" or "sessionStorage"; to ask the window for a blocked one throws. */
  constructor(kind) {
    this.kind = kind;
    this.here = new Map();
  }

  get(key) {
    return this.here.get(key) ?? this.tried((storage) => storage.getItem(key)) ?? null;
  }

  set(key, value) {
    this.here.set(key, value);
    this.tried((storage) => storage.setItem(key, value));
  }

  remove(key) {
    this.here.delete(key);
    this.tried((storage) => storage.removeItem(key));
  }

  tried(act) {
    try {
      return act(window[this.kind]);
    } catch {
      return null;
    }
  }
}

const kept = { always: new Keeping("localStorage"), forNow: new Keeping("sessionStorage") };
