// The library's grid: any number of pictures, some hundred of them on the page. This is where it begins and
// what it remembers; rows.js lays it out, pages.js asks for more.

import { chosen, focused, Grid } from "./rows.js";

let grid = null;
let held; // the picture that had the focus when the shelf was swapped
export const current = () => grid;

// Where somebody was: in this entry of the history, or the picture they come back from.
function remembered(search) {
  const place = history.state?.place;
  if (place) return place;
  const from = document.referrer && new URL(document.referrer);
  const picture = from && from.origin === location.origin && from.pathname.match(/^\/pictures\/([0-9a-f-]{36})$/);
  if (!picture || new URLSearchParams(from.search).toString() !== new URLSearchParams(search).toString()) return null;
  return { at: picture[1], back: true };
}

// The picture that was seen last, for whoever comes back from it through the history.
function seen(back) {
  const id = sessionStorage.getItem("seen-last");
  sessionStorage.removeItem("seen-last");
  return back ? id : null;
}

async function begin(element, first) {
  held = focused() ?? held;
  grid = new Grid(element);
  const mine = grid;
  mine.measure();
  mine.lay();
  const place = first && remembered(mine.search);
  if (place && !mine.show(place, place.back)) await mine.go({ at: place.at }, place);
  if (place?.back) mine.show(place, true);
  element.dataset.ready = "";
  mine.update();
  mine.focus(place?.back ? place.at : held);
  if (first) mine.want(seen(performance.getEntriesByType("navigation")[0]?.type === "back_forward"));
  held = undefined;
  let width = mine.room;
  new ResizeObserver(() => {
    if (Math.floor(element.clientWidth) !== width) mine.relay();
    width = Math.floor(element.clientWidth);
  }).observe(element);
  document.dispatchEvent(new Event("grid"));
}

function scan(root, first = false) {
  const element = root.querySelector?.("[data-grid]:not([data-ready])");
  if (!first) {
    scrollTo({ top: 0, behavior: "instant" });
    document.querySelector("#total").textContent = "";
  }
  chosen.clear();
  if (element) return begin(element, first);
  grid = null;
  document.dispatchEvent(new Event("grid"));
}

let waiting = false;
let settled;
function remember() {
  const place = grid?.element.isConnected ? grid.anchor() : null;
  history.replaceState({ ...history.state, place: place && (!place.top || grid.up) ? place : null }, "");
}
addEventListener("scroll", () => {
  clearTimeout(settled);
  settled = setTimeout(remember, 200);
  if (waiting || !grid) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    grid?.update();
    document.dispatchEvent(new Event("scrolled"));
  });
}, { passive: true });
addEventListener("pagehide", remember);
addEventListener("pageshow", ({ persisted }) => {
  const id = persisted && grid && seen(true);
  if (!id) return;
  document.activeElement.blur(); // the page as it was left, at another picture perhaps
  grid.want(id);
});
document.addEventListener("density", () => grid?.relay());
document.addEventListener("htmx:beforeSwap", ({ target }) => {
  if (target.id === "shelf") held = focused();
});
// At once, not when htmx has settled: a key that is pressed in between would find no grid.
document.addEventListener("htmx:afterSwap", ({ target }) => {
  if (target.id !== "shelf") return;
  if (document.activeElement === document.body) document.querySelector(".found")?.focus({ preventScroll: true });
  scan(document.querySelector("#shelf"));
});
history.scrollRestoration = "manual";
scan(document, true);
