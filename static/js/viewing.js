// One picture's page: its neighbours, the way back to the same place in the grid, and its keys.

import { taken } from "./keyboard.js";

const CAME = "came-from-library";
const stage = document.querySelector("[data-stage]");

// From picture to picture is no new page of the browser's history: going back leads to the grid.
const referrer = document.referrer ? new URL(document.referrer) : null;
const ours = referrer?.origin === location.origin;
if (ours && referrer.pathname === "/library") sessionStorage.setItem(CAME, history.length);
else if (!ours || !referrer.pathname.startsWith("/pictures/")) sessionStorage.removeItem(CAME);

// The grid that somebody comes back to by Back puts the keyboard on the picture that they saw last.
const see = () => sessionStorage.setItem("seen-last", location.pathname.split("/").pop());
see();
addEventListener("pageshow", see);

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-neighbour], a[data-key-back]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  if (link.dataset.neighbour) {
    event.preventDefault();
    location.replace(link.href);
  } else if (sessionStorage.getItem(CAME) === String(history.length)) {
    event.preventDefault();
    history.back();
  }
});

// What is looked at next is there already.
stage.querySelector("img").decode().catch(() => null).then(() => {
  if (navigator.connection?.saveData) return;
  for (const link of document.querySelectorAll("[data-neighbour]")) {
    new Image().src = `/api/v1/assets/${link.dataset.neighbour}/thumbnail?size=1024`;
  }
});

const press = (selector) => document.querySelector(selector)?.click();
function open(selector, within) {
  const found = document.querySelector(selector);
  if (!found) return;
  if (found.matches("details")) found.open = true;
  (within ? found.querySelector(within) : found)?.focus();
}
const keys = {
  f: () => press("[data-key-favorite]"),
  t: () => open("[data-key-tag]"),
  c: () => open("[data-key-collect]", "select, input:not([type=hidden])"),
  Delete: () => press("[data-key-trash]"),
  m: () => open("[data-key-comment]"),
  s: () => open("[data-key-share]", "select"),
};
for (const star of "12345") keys[star] = () => press(`[data-key-rate="${star}"]`);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog[open]")) return;
  if (!keys[event.key] || taken(event.key)) return;
  event.preventDefault();
  keys[event.key]();
}, true);
