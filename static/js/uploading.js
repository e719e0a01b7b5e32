// Files dropped anywhere on the page, or chosen: brought three at a time, each failure by its name.

import { headers, read } from "./asking.js";
import { inside } from "./dragging.js";
import { refresh } from "./pages.js";

const AT_ONCE = 3;
const MOST_BYTES = 64 * 1024 * 1024;
const LISTED = 8; // of those on their way and done; what failed is listed whole
const form = document.querySelector("#bring");
const panel = document.querySelector("#bringing");
const drop = document.querySelector("#drop");
const words = panel.dataset;
let queue = [];
const running = new Set();
let files = [];
let changed = false;

const project = () => document.querySelector("#shelf").dataset.project || form.elements.project.value;

function add(list) {
  const fresh = [...list].map((file) => ({ file, part: 0, project: project() }));
  if (!queue.length && !running.size) files = files.filter((one) => one.failed);
  files.push(...fresh);
  queue.push(...fresh);
  panel.hidden = false;
  next();
}

// Two files of one size may be one picture twice: the second waits, and is then known.
function next() {
  while (running.size < AT_ONCE) {
    const at = queue.findIndex((one) => ![...running].some((other) => other.file.size === one.file.size));
    if (at < 0) break;
    send(queue.splice(at, 1)[0]);
  }
  show();
  if (!queue.length && !running.size && changed) {
    changed = false;
    if (scrollY < 400) refresh();
  }
}

function send(one) {
  one.failed = one.file.size > MOST_BYTES ? words.large : "";
  if (one.failed) return;
  const body = new FormData();
  body.set("project", one.project);
  body.set("file", one.file, one.file.name);
  const request = new XMLHttpRequest(); // fetch cannot say how far an upload is
  request.open("POST", form.action);
  for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
  request.upload.addEventListener("progress", (event) => {
    one.part = event.loaded / (event.total || 1);
    later();
  });
  request.addEventListener("loadend", () => {
    running.delete(one);
    finish(one, request);
    next();
  });
  running.add(one);
  request.send(body);
}

function finish(one, request) {
  const json = request.getResponseHeader("Content-Type")?.startsWith("application/json");
  if (json && request.status < 300) {
    one.done = JSON.parse(request.responseText);
    one.part = 1;
    changed ||= !one.done.known;
  } else if (json) one.failed = request.status === 403 ? words.where : JSON.parse(request.responseText).error;
  else {
    one.failed = words.failed;
    if (request.status === 422) read(422, "", request.responseText); // signed out: the way back is said once
  }
}

const text = (tag, content, name = "") => Object.assign(document.createElement(tag), { textContent: content, className: name });

function line(one) {
  const item = document.createElement("li");
  item.append(text("span", one.file.name, "name"));
  if (one.failed) item.append(text("span", one.failed, "bad"));
  else if (one.done?.known) item.append(Object.assign(text("a", words.here), { href: one.done.address }));
  else if (!one.done) item.append(Object.assign(document.createElement("progress"), { max: 1, value: one.part }));
  item.querySelector("progress")?.setAttribute("aria-label", one.file.name);
  return item;
}

let shown = 0;
const later = () => (shown ||= requestAnimationFrame(show));

function show() {
  cancelAnimationFrame(shown);
  shown = 0;
  const failed = files.filter((one) => one.failed);
  const known = files.filter((one) => one.done?.known);
  const done = files.filter((one) => one.done && !one.done.known);
  const left = queue.length + running.size;
  const said = [[done.length, words.done], [known.length, words.here], [failed.length, words.not], [left, words.left]];
  panel.querySelector("[data-summary]").textContent = said.filter(([n]) => n).map(([n, word]) => `${n} ${word}`).join(" · ");
  const whole = panel.querySelector("header + progress");
  whole.value = files.length ? files.reduce((sum, one) => sum + (one.failed ? 1 : one.part), 0) / files.length : 0;
  whole.hidden = !left;
  panel.querySelector("[data-again]").hidden = !failed.length || left > 0;
  panel.querySelector("[data-files]").replaceChildren(...[...failed, ...running, ...known.slice(-LISTED)].map(line));
}

panel.querySelector("[data-close]").addEventListener("click", () => (panel.hidden = true));
panel.querySelector("[data-again]").addEventListener("click", () => {
  const again = files.filter((one) => one.failed);
  files = files.filter((one) => !one.failed);
  add(again.map((one) => one.file));
});

if (form) {
  form.elements.file.addEventListener("change", ({ target }) => {
    add(target.files);
    target.value = "";
  });
  const brings = (event) => !inside() && event.dataTransfer?.types.includes("Files");
  addEventListener("dragenter", (event) => brings(event) && (drop.hidden = false));
  addEventListener("dragover", (event) => brings(event) && event.preventDefault());
  addEventListener("dragleave", (event) => !event.relatedTarget && (drop.hidden = true));
  addEventListener("drop", (event) => {
    drop.hidden = true;
    if (!brings(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files.length) add(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length && !event.target.closest("input, textarea")) add(event.clipboardData.files);
  });
}
addEventListener("beforeunload", (event) => (queue.length || running.size) && event.preventDefault());
