// Space shows a picture large over the grid; the arrows go on to its neighbours.

import { current } from "./grid.js";
import { actions } from "./keyboard.js";
import { focused, toggle } from "./selecting.js";

const dialog = document.querySelector("#peek");
const picture = dialog.querySelector("img");
let at = -1;

function show(index) {
  const grid = current();
  const item = grid?.items[index];
  if (!item) return;
  at = index;
  const src = `/api/v1/assets/${item.id}/thumbnail?size=1024`;
  if (!picture.src.endsWith(src)) picture.removeAttribute("src");
  Object.assign(picture, { width: Math.round(1024 * Math.min(1, item.shape)), height: Math.round(1024 / Math.max(1, item.shape)), alt: item.alt, src });
  dialog.querySelector("[data-peek-said]").textContent = item.alt;
  marks();
  if (index > grid.items.length - 8 && grid.down) grid.fetch("down");
  if (index < 8 && grid.up) grid.fetch("up").then(() => (at = grid.items.indexOf(item)));
}

function marks() {
  const item = current()?.items[at];
  dialog.querySelector("[data-peek-marks]").textContent = item ? `${item.favorite ? "♥ " : ""}${"★".repeat(item.rating)}` : "";
}

function peek() {
  const index = current()?.items.findIndex((item) => item.id === focused());
  if (!(index >= 0)) return;
  show(index);
  dialog.showModal();
}

dialog.addEventListener("close", () => {
  const item = current()?.items[at];
  if (!item) return;
  if (!item.tile) current().show({ at: item.id }, true);
  item.tile?.querySelector("a").focus();
});
dialog.addEventListener("click", (event) => {
  if (event.target.closest("[data-peek-previous]")) show(at - 1);
  else if (event.target.closest("[data-peek-next]")) show(at + 1);
  else if (event.target === dialog || event.target.closest("[data-peek-close]")) dialog.close();
});
dialog.addEventListener("keydown", (event) => {
  const item = current()?.items[at];
  const say = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
  const keys = {
    ArrowLeft: () => show(at - 1),
    ArrowRight: () => show(at + 1),
    " ": () => dialog.close(),
    Enter: () => item?.tile?.querySelector("a").click(),
    x: () => toggle(item.id),
    f: () => say("favored", { id: item.id }),
  };
  for (const n of "012345") keys[n] = () => say("rated", { id: item.id, rating: Number(n) });
  if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
  if ((event.key === " " || event.key === "Enter") && event.target.closest("button")) return;
  event.preventDefault();
  event.stopPropagation();
  keys[event.key]();
  marks();
});

actions[" "] = peek;
