// Sets tiles into rows that end at the same edge, each picture in its own shape.
// A container says [data-justify]; its CSS says --row (the height to aim at) and --gap.

const pixels = (style, name) => parseFloat(style.getPropertyValue(name)) || 0;

const ratio = (tile) => {
  const inner = tile.querySelector("img, .frame");
  return inner ? inner.getAttribute("width") / inner.getAttribute("height") : 1;
};

function justify(container) {
  const style = getComputedStyle(container);
  const [aim, gap] = [pixels(style, "--row"), pixels(style, "--gap")];
  const room = container.clientWidth;
  if (!room) return;
  let row = [];
  let sum = 0;
  const set = (last) => {
    if (!row.length) return;
    const filled = (room - gap * (row.length - 1)) / sum;
    const height = last ? Math.min(aim, filled) : filled;
    for (const [tile, shape] of row) {
      tile.style.height = `${height.toFixed(2)}px`;
      tile.style.width = `${(height * shape - 0.02).toFixed(2)}px`;
    }
    row = [];
    sum = 0;
  };
  for (const tile of container.querySelectorAll(":scope > .tile")) {
    const shape = ratio(tile);
    row.push([tile, shape]);
    sum += shape;
    if (sum * aim + gap * (row.length - 1) >= room) set(false);
  }
  set(true);
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
