// Paints a ThumbHash behind each picture until its bytes are there (evanw.github.io/thumbhash).
// The hash is a few cosine waves for brightness and two colour differences, four bits each.

const SIDE = 24;

function waves(bytes, cursor, across, down, scale) {
  const found = [];
  for (let y = 0; y < down; y++) {
    for (let x = y ? 0 : 1; x * down < across * (down - y); x++) {
      const byte = bytes[cursor.at >> 1];
      found.push((((cursor.at & 1 ? byte >> 4 : byte & 15) / 7.5) - 1) * scale);
      cursor.at += 1;
    }
  }
  return found;
}

function decode(bytes) {
  const low = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
  const high = bytes[3] | (bytes[4] << 8);
  const clear = low >> 23;
  const wide = high >> 15;
  const edge = high & 7;
  const across = Math.max(3, wide ? (clear ? 5 : 7) : edge);
  const down = Math.max(3, wide ? edge : clear ? 5 : 7);
  const cursor = { at: clear ? 12 : 10 };
  const luma = waves(bytes, cursor, across, down, ((low >> 18) & 31) / 31);
  const warm = waves(bytes, cursor, 3, 3, (((high >> 3) & 63) / 63) * 1.25);
  const rosy = waves(bytes, cursor, 3, 3, (((high >> 9) & 63) / 63) * 1.25);
  return {
    luma: { mean: (low & 63) / 63, across, down, waves: luma },
    warm: { mean: ((low >> 6) & 63) / 31.5 - 1, across: 3, down: 3, waves: warm },
    rosy: { mean: ((low >> 12) & 63) / 31.5 - 1, across: 3, down: 3, waves: rosy },
  };
}

// The colour of the whole picture, at once; the rest can wait until there is time to paint.
export function mean(hash) {
  const bytes = Uint8Array.from(atob(hash.slice(0, 4)), (letter) => letter.charCodeAt(0));
  const low = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
  const [light, yellow, pink] = [(low & 63) / 63, ((low >> 6) & 63) / 31.5 - 1, ((low >> 12) & 63) / 31.5 - 1];
  const blue = light - (2 / 3) * yellow;
  const red = (3 * light - blue + pink) / 2;
  return `rgb(${[red, red - pink, blue].map((one) => Math.round(255 * Math.min(1, Math.max(0, one)))).join(" ")})`;
}

function sample({ mean, across, down, waves: amounts }, cosX, cosY) {
  let value = mean;
  let n = 0;
  for (let y = 0; y < down; y++) {
    for (let x = y ? 0 : 1; x * down < across * (down - y); x++) value += 2 * amounts[n++] * cosX[x] * cosY[y];
  }
  return value;
}

const cosines = (at) => Array.from({ length: 8 }, (_, k) => Math.cos((Math.PI / SIDE) * (at + 0.5) * k));

function paint(hash) {
  const channels = decode(Uint8Array.from(atob(hash), (letter) => letter.charCodeAt(0)));
  const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  const columns = Array.from({ length: SIDE }, (_, x) => cosines(x));
  for (let y = 0, at = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++, at += 4) {
      const [light, yellow, pink] = [channels.luma, channels.warm, channels.rosy].map((channel) =>
        sample(channel, columns[x], columns[y]),
      );
      const blue = light - (2 / 3) * yellow;
      const red = (3 * light - blue + pink) / 2;
      [red, red - pink, blue, 1].forEach((value, n) => (image.data[at + n] = 255 * Math.min(1, Math.max(0, value))));
    }
  }
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

function show(holder) {
  if (holder.closest("[data-grid]:not([data-ready])")) return; // the grid shows what it mounts
  const picture = holder.querySelector("img");
  const { thumbhash } = holder.dataset;
  delete holder.dataset.thumbhash;
  if (!picture || (picture.complete && picture.naturalWidth)) return;
  holder.style.backgroundImage = `url(${paint(thumbhash)})`;
  picture.addEventListener("load", () => holder.style.removeProperty("background-image"), { once: true });
}

const scan = (root) => {
  if (root.matches?.("[data-thumbhash]")) show(root);
  root.querySelectorAll("[data-thumbhash]").forEach(show);
};
scan(document);
// One whose bytes cannot be had is drawn as such, rather than as its words over a colour.
document.addEventListener("error", ({ target }) => target.matches?.("img") && target.classList.add("lost"), true);
for (const one of document.images) one.classList.toggle("lost", one.complete && !one.naturalWidth && Boolean(one.currentSrc));
document.addEventListener("htmx:load", ({ target }) => scan(target));
