"use strict";
// What several scripts need; it is loaded before them on every page with a header.
const number = (value) => value.toLocaleString("en");
const wait = (time) => new Promise((done) => setTimeout(done, time));
const megabytes = (bytes) => `${number(Math.max(0.1, Math.round(bytes / 1e5) / 10))} MB`;
