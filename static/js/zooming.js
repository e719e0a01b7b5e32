// The large picture: zoomed to the point under pointer or fingers, panned by dragging, by keys alone too.
// Its small derivative stands there first; the original takes its place once it is decoded.

import { taken } from "./keyboard.js";

const stage = document.querySelector("[data-stage]");
const picture = stage.querySelector("img");
const level = stage.querySelector("[data-zoom-level]");
const toggler = stage.querySelector("[data-zoom]");
const narrow = matchMedia("(width < 900px)");

const MOST = 8; // times its own pixels
const STEP = 1.4;
const PAN = 80; // pixels by one key
const SWIPE = 60;
let view = { scale: 1, x: 0, y: 0 };

const between = (low, value, high) => Math.min(high, Math.max(low, value));
const side = (name) => Number(picture.getAttribute(name));

// The size at which all of the picture stands in the stage.
function whole() {
  const style = getComputedStyle(picture);
  const width = picture.offsetWidth - 2 * parseFloat(style.paddingLeft);
  const height = picture.offsetHeight - 2 * parseFloat(style.paddingTop);
  const shape = side("width") / side("height");
  return width / height > shape ? [height * shape, height] : [width, width / shape];
}

// The scale at which each of its pixels is one of the screen's.
const actual = () => side("width") / whole()[0] / devicePixelRatio;

function show(next, gliding = false) {
  const [width, height] = whole();
  const scale = between(1, next.scale, Math.max(2, MOST * actual()));
  const [right, down] = [(width * scale - stage.clientWidth) / 2, (height * scale - stage.clientHeight) / 2];
  const zoomed = scale > 1.001;
  view = { scale, x: zoomed ? between(-Math.max(0, right), next.x, Math.max(0, right)) : 0, y: zoomed ? between(-Math.max(0, down), next.y, Math.max(0, down)) : 0 };
  stage.classList.toggle("gliding", gliding);
  stage.classList.toggle("zoomed", zoomed);
  stage.classList.toggle("grains", scale > 3 * actual());
  picture.style.transform = zoomed ? `translate(${view.x}px, ${view.y}px) scale(${scale})` : "";
  stage.style.backgroundSize = `${width}px ${height}px`;
  level.textContent = `${Math.round((scale / actual()) * 100)} %`;
  toggler.setAttribute("aria-pressed", zoomed);
  if (zoomed) sharpen();
}

// Zoom so that what is at this point of the window stays there; without one, the middle does.
function zoom(scale, point, gliding = true) {
  const box = stage.getBoundingClientRect();
  const [x, y] = point ? [point.clientX - box.left - box.width / 2, point.clientY - box.top - box.height / 2] : [0, 0];
  const grown = between(1, scale, Math.max(2, MOST * actual())) / view.scale;
  show({ scale, x: x - (x - view.x) * grown, y: y - (y - view.y) * grown }, gliding);
}

const toggle = (point) => zoom(view.scale > 1.001 ? 1 : actual() > 1.2 ? actual() : 2, point);

let sharpening = false;
async function sharpen() {
  if (sharpening) return;
  sharpening = true;
  const full = new Image();
  full.src = picture.dataset.original;
  try {
    await full.decode();
    picture.src = picture.dataset.original;
  } catch {
    sharpening = picture.naturalWidth > 0; // the derivative is better than nothing
    if (!sharpening) stage.querySelector("[data-broken]").hidden = false;
  }
}

stage.querySelector("[data-zoom-in]").addEventListener("click", () => zoom(view.scale * STEP));
stage.querySelector("[data-zoom-out]").addEventListener("click", () => zoom(view.scale / STEP));
toggler.addEventListener("click", () => toggle());
stage.addEventListener("dblclick", (event) => event.target.closest("a, button") || toggle(event));
stage.addEventListener("dragstart", (event) => event.preventDefault());
stage.addEventListener("wheel", (event) => {
  if (narrow.matches && !event.ctrlKey) return; // there the page scrolls
  event.preventDefault();
  const lines = event.deltaMode ? 16 : 1;
  zoom(view.scale * Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002)), event, false);
}, { passive: false });

const fingers = new Map();
let began;
const spread = ([a, b]) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
const middle = ([a, b]) => ({ clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 });

stage.addEventListener("pointerdown", (event) => {
  if (event.button || event.target.closest("a, button")) return;
  if (!fingers.size) began = event;
  fingers.set(event.pointerId, event);
  stage.setPointerCapture(event.pointerId);
});
stage.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const pair = fingers.size === 2 ? [...fingers.values()] : null;
  fingers.set(event.pointerId, event);
  if (pair) {
    began = null;
    const now = [...fingers.values()];
    const [from, to] = [middle(pair), middle(now)];
    zoom((view.scale * spread(now)) / Math.max(1, spread(pair)), to, false);
    show({ ...view, x: view.x + to.clientX - from.clientX, y: view.y + to.clientY - from.clientY });
  } else if (view.scale > 1.001) {
    stage.classList.add("panning");
    show({ ...view, x: view.x + event.clientX - before.clientX, y: view.y + event.clientY - before.clientY });
  } else if (event.pointerType === "touch" && began) {
    picture.style.transform = `translate(${event.clientX - began.clientX}px)`;
  }
});
function lift(event) {
  if (!fingers.delete(event.pointerId) || fingers.size) return;
  stage.classList.remove("panning");
  const [across, down] = began ? [event.clientX - began.clientX, event.clientY - began.clientY] : [0, 0];
  const swiped = view.scale <= 1.001 && event.pointerType === "touch" && event.type === "pointerup";
  if (swiped && Math.abs(across) > SWIPE && Math.abs(across) > 2 * Math.abs(down)) {
    stage.querySelector(across > 0 ? "[data-key-previous]" : "[data-key-next]")?.click();
  }
  show(view, true);
}
stage.addEventListener("pointerup", lift);
stage.addEventListener("pointercancel", lift);

const pan = (x, y) => show({ ...view, x: view.x + x, y: view.y + y }, true);
const keys = {
  "+": () => zoom(view.scale * STEP),
  "=": () => zoom(view.scale * STEP),
  "-": () => zoom(view.scale / STEP),
  0: () => zoom(1),
};
const arrows = { ArrowLeft: [PAN, 0], ArrowRight: [-PAN, 0], ArrowUp: [0, PAN], ArrowDown: [0, -PAN] };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog[open]") || taken(event.key)) return;
  const moved = event.shiftKey && view.scale > 1.001 ? arrows[event.key] : null;
  if (!moved && !keys[event.key]) return;
  event.preventDefault();
  if (moved) pan(...moved);
  else keys[event.key]();
}, true);

new ResizeObserver(() => show(view)).observe(stage);
show(view);
if (picture.complete && !picture.naturalWidth) sharpen();
else picture.addEventListener("error", sharpen, { once: true });
if (!navigator.connection?.saveData) picture.decode().then(sharpen, sharpen);
