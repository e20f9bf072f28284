"use strict";
// What several scripts need; it is loaded before them on every page with a header.
const number = (value) => value.toLocaleString("en");
const wait = (time) => new Promise((done) => setTimeout(done, time));
