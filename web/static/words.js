"use strict";
// What several scripts need; it is loaded before them on every page with a header.
const number = (value) => value.toLocaleString("en");
const wait = (time) => new Promise((done) => setTimeout(done, time));
const megabytes = (bytes) => `${number(Math.max(0.1, Math.round(bytes / 1e5) / 10))} MB`;

/** Return the token of forms from a page, of the session as it is now; "" where none comes, as after a logout. */
async function freshToken(address) {
  const page = await fetch(address).catch(() => null);
  const text = page?.ok && !page.redirected ? await page.text() : "";
  return new DOMParser().parseFromString(text, "text/html").querySelector("[name=csrf_token]")?.value ?? "";
}
