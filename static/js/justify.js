// Sets tiles into rows that end at the same edge, each picture in its own shape.
// A container says [data-justify], "few" if a handful may share one lower row; its CSS says --row
// (the height to aim at) and --gap.

const FEW = 0.55;
const pixels = (style, name) => parseFloat(style.getPropertyValue(name)) || 0;

const ratio = (tile) => {
  const inner = tile.querySelector("img, .frame");
  return inner ? inner.getAttribute("width") / inner.getAttribute("height") : 1;
};

function justify(container) {
  const style = getComputedStyle(container);
  const [aim, gap] = [pixels(style, "--row"), pixels(style, "--gap")];
  const room = Math.floor(container.getBoundingClientRect().width) - 1;
  const tiles = [...container.querySelectorAll(":scope > .tile")].map((tile) => [tile, ratio(tile)]);
  if (room <= 0) return;
  const filled = (row) => (room - gap * (row.length - 1)) / row.reduce((sum, [, shape]) => sum + shape, 0);
  const set = (row, height) => {
    for (const [tile, shape] of row) {
      tile.style.height = `${height.toFixed(2)}px`;
      tile.style.width = `${(height * shape).toFixed(2)}px`;
    }
  };
  let [row, above] = [[], aim];
  if (container.dataset.justify === "few" && filled(tiles) > aim * FEW) {
    row = tiles; // a handful stands better small in one row than large in one and a half
  } else {
    for (const one of tiles) {
      row.push(one);
      if (filled(row) > aim) continue;
      above = filled(row);
      set(row, above);
      row = [];
    }
  }
  if (row.length) set(row, Math.min(above, filled(row)));
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
