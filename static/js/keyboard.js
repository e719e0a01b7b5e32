// Single keys, while nothing is being typed. What each does stands in the list that ? shows.

const typing = (target) => target.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable], dialog[open]");
// An open menu has the keyboard, but for the keys that it shows itself.
export function taken(key) {
  const menu = document.querySelector("details[data-menu][open]");
  return Boolean(menu) && ![...menu.querySelectorAll("kbd")].some((one) => one.textContent === key);
}
const press = (selector) => document.querySelector(selector)?.click();
const keys = document.querySelector("#keys");

const focusOn = (selector) => {
  const found = document.querySelector(selector);
  found?.focus();
  found?.select?.();
  return Boolean(found);
};

// Arrow keys on tiles: left and right in order; up and down to the nearest in the next row.
function step(direction) {
  const tiles = [...document.querySelectorAll("[data-tile]")];
  const here = tiles.indexOf(document.activeElement);
  if (!tiles.length) return;
  if (here < 0) return tiles[0].focus();
  if (direction === "ArrowLeft" || direction === "ArrowRight") {
    return tiles[here + (direction === "ArrowLeft" ? -1 : 1)]?.focus();
  }
  const from = tiles[here].getBoundingClientRect();
  const below = direction === "ArrowDown";
  const middle = from.left + from.width / 2;
  const others = tiles
    .map((tile) => ({ tile, box: tile.getBoundingClientRect() }))
    .filter(({ box }) => (below ? box.top >= from.bottom - 2 : box.bottom <= from.top + 2));
  others.sort(
    (a, b) =>
      Math.abs(a.box.top - from.top) - Math.abs(b.box.top - from.top) ||
      Math.abs(a.box.left + a.box.width / 2 - middle) - Math.abs(b.box.left + b.box.width / 2 - middle),
  );
  others[0]?.tile.focus();
}

// The project one is in, for where the keys lead; the library's own may change without its page.
function here() {
  const { project } = (document.querySelector("#shelf") ?? document.body).dataset;
  return project ? `?project=${project}` : "";
}

export const actions = {
  "/": () => focusOn("main [data-key-search]") || focusOn("[data-key-search]"),
  n: () => focusOn("[data-key-new]") || location.assign(`/${here()}#prompt`),
  g: () => location.assign(`/library${here()}`),
  z: () => press("[data-zoom]"),
  "?": () => keys?.showModal(),
  Escape: () => press("[data-key-back]"),
  ArrowLeft: () => (document.querySelector("[data-stage]") ? press("[data-key-previous]") : step("ArrowLeft")),
  ArrowRight: () => (document.querySelector("[data-stage]") ? press("[data-key-next]") : step("ArrowRight")),
  ArrowUp: () => step("ArrowUp"),
  ArrowDown: () => step("ArrowDown"),
};

// A search keeps its words: the browser would empty the field and tell nobody, so that the shelf stayed as it was.
function leave(event) {
  if (event.target.type === "search" && event.target.value) event.preventDefault();
  event.target.blur();
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    const form = event.target.closest("form") ?? document.querySelector("[data-desk]");
    if (form?.matches("[data-desk]")) {
      event.preventDefault();
      form.requestSubmit();
    }
    return;
  }
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !typing(event.target)) {
    const undo = [...document.querySelectorAll(".notice [data-undoing], .notice form button")].at(-1);
    if (undo) event.preventDefault();
    return undo?.click();
  }
  if (event.key === "Escape" && typing(event.target) && !keys?.open) return leave(event);
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || taken(event.key)) return;
  const arrow = event.key.startsWith("Arrow");
  if (arrow && event.target.matches("input, summary")) return;
  if (arrow && !document.querySelector("[data-stage], [data-tile]:focus") && !event.key.match(/Left|Right/)) return;
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-key-help]")) keys?.showModal();
});
if (location.hash === "#prompt") focusOn("[data-key-new]");
