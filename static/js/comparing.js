// Windows side by side that zoom and pan together; whole pictures are fetched once somebody looks closer.

import { taken } from "./keyboard.js";

const MOST = 12;
const view = { scale: 1, x: 0, y: 0 }; // x and y in parts of a window, so that all show the same place
const typing = (target) => target.closest("input, textarea, select, [contenteditable], dialog[open]");
const panes = () => [...document.querySelectorAll("[data-pane]")];

function show() {
  const room = (view.scale - 1) / 2;
  view.x = Math.min(room, Math.max(-room, view.x));
  view.y = Math.min(room, Math.max(-room, view.y));
  for (const pane of panes()) {
    const picture = pane.querySelector("img");
    if (!picture) continue;
    if (view.scale > 1 && picture.dataset.whole) {
      picture.src = picture.dataset.whole;
      delete picture.dataset.whole;
    }
    picture.style.transform = `translate(${view.x * 100}%, ${view.y * 100}%) scale(${view.scale})`;
    pane.closest("[data-panes]").toggleAttribute("data-zoomed", view.scale > 1);
  }
  const level = document.querySelector("[data-panes-level]");
  if (level) level.textContent = `${Math.round(view.scale * 10) / 10}×`;
}

// Zooms so that the point (in parts of a window from its middle) stays where it is.
function zoom(factor, x = 0, y = 0) {
  const before = view.scale;
  view.scale = Math.min(MOST, Math.max(1, before * factor));
  const ratio = view.scale / before;
  view.x = x - (x - view.x) * ratio;
  view.y = y - (y - view.y) * ratio;
  show();
}

const place = (event, pane) => {
  const box = pane.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width - 0.5, (event.clientY - box.top) / box.height - 0.5];
};

const held = new Map(); // each finger or mouse that is down: where it was, and in which window
let moved = false;
const span = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);

document.addEventListener("pointerdown", (event) => {
  const pane = event.target.closest("[data-pane]");
  if (!pane || event.button) return;
  if (!held.size) moved = false;
  held.set(event.pointerId, { pane, x: event.clientX, y: event.clientY, start: [event.clientX, event.clientY] });
});
document.addEventListener("pointermove", (event) => {
  const before = held.get(event.pointerId);
  if (!before) return;
  const now = { ...before, x: event.clientX, y: event.clientY };
  if (Math.hypot(now.x - before.start[0], now.y - before.start[1]) > 3) moved = true;
  if (held.size === 2) {
    const [other] = [...held].filter(([id]) => id !== event.pointerId).map(([, one]) => one);
    zoom(span(now, other) / Math.max(1, span(before, other)), ...place(event, now.pane));
  } else if (view.scale > 1) {
    const box = now.pane.getBoundingClientRect();
    view.x += (now.x - before.x) / box.width;
    view.y += (now.y - before.y) / box.height;
    show();
  }
  held.set(event.pointerId, now);
});
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, (event) => held.delete(event.pointerId));

document.addEventListener("click", (event) => {
  const pane = event.target.closest("[data-pane]");
  if (pane && !moved) {
    if (view.scale > 1) zoom(1 / view.scale);
    else {
      const [x, y] = place(event, pane);
      zoom(3, x, y);
    }
  }
  if (event.target.closest("[data-panes-in]")) zoom(1.5);
  if (event.target.closest("[data-panes-out]")) zoom(1 / 1.5);
  if (event.target.closest("[data-panes-fit]")) zoom(1 / view.scale);
});
document.addEventListener(
  "wheel",
  (event) => {
    const pane = event.target.closest("[data-pane]");
    if (!pane || (view.scale === 1 && !event.ctrlKey && !event.metaKey)) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 300), ...place(event, pane));
  },
  { passive: false },
);
const STEPS = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || taken(event.key)) return;
  if (event.key === "+" || event.key === "=") zoom(1.5);
  else if (event.key === "-") zoom(1 / 1.5);
  else if (event.key === "0") zoom(1 / view.scale);
  else if (STEPS[event.key] && view.scale > 1 && !document.querySelector("[data-arena]")) {
    view.x += STEPS[event.key][0];
    view.y += STEPS[event.key][1];
    show();
  } else return;
  event.preventDefault();
});
document.addEventListener("htmx:load", () => view.scale > 1 && show());
