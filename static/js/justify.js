// Sets tiles into rows that end at the same edge, each picture in its own shape.
// A container says [data-justify], "few" if a handful may share one lower row; its CSS says --row
// (the height to aim at) and --gap. The library's grid sets its rows by the same sum.

const FEW = 0.55;
const ALONE = 0.7; // of the window's height, for one picture on a phone
const phone = matchMedia("(width < 720px)");
export const pixels = (style, name) => parseFloat(style.getPropertyValue(name)) || 0;

export const ratio = (tile) => {
  const inner = tile.querySelector("img, .frame");
  return inner ? inner.getAttribute("width") / inner.getAttribute("height") : 1;
};

const filled = (shapes, room, gap) =>
  (room - gap * (shapes.length - 1)) / shapes.reduce((sum, shape) => sum + shape, 0);

// Rows as [how many, height, whether it reaches the edge]; the last may not.
export function rowsOf(shapes, room, aim, gap) {
  const rows = [];
  let [row, above] = [[], aim];
  for (const shape of shapes) {
    row.push(shape);
    const height = filled(row, room, gap);
    if (height > aim) continue;
    rows.push([row.length, height, true]);
    [row, above] = [[], height];
  }
  if (row.length) rows.push([row.length, Math.min(above, filled(row, room, gap)), false]);
  return rows;
}

export function size(tile, shape, height) {
  tile.style.height = `${height.toFixed(2)}px`;
  tile.style.width = `${(height * shape).toFixed(2)}px`;
}

function justify(container) {
  const style = getComputedStyle(container);
  const gap = pixels(style, "--gap");
  const room = Math.floor(container.getBoundingClientRect().width) - 1;
  const tiles = [...container.querySelectorAll(":scope > .tile")];
  if (room <= 0) return;
  const shapes = tiles.map(ratio);
  const alone = phone.matches && tiles.length === 1 && container.dataset.justify === "few";
  const aim = alone ? innerHeight * ALONE : pixels(style, "--row");
  const all = tiles.length ? filled(shapes, room, gap) : 0;
  // A handful stands better small in one row than large in one and a half.
  const few = container.dataset.justify === "few" && all > aim * FEW;
  let at = 0;
  for (const [many, height] of few ? [[tiles.length, Math.min(aim, all)]] : rowsOf(shapes, room, aim, gap)) {
    for (const end = at + many; at < end; at++) size(tiles[at], shapes[at], height);
  }
  container.dataset.ready = "";
}

const seen = new ResizeObserver((entries) => entries.forEach(({ target }) => justify(target)));

function scan(root) {
  const outer = root.closest?.("[data-justify]");
  if (outer) justify(outer);
  for (const container of root.querySelectorAll("[data-justify]")) {
    justify(container);
    seen.observe(container);
  }
}

scan(document);
document.addEventListener("htmx:load", ({ target }) => scan(target));
