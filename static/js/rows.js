// Rows of pictures: worked out for all that are known, mounted near the window; the others are the height
// they leave free. Pictures come page by page at both ends, by cursor, never by number.

import { density } from "./density.js";
import { pixels, rowsOf, size } from "./justify.js";
import { complain } from "./notices.js";
import { page, read, refresh } from "./pages.js";
import { mean } from "./placeholders.js";

const MOST = 280; // tiles mounted at once
const AHEAD = 2.5; // windows of pictures to have ready beyond the edge
export const chosen = new Set(); // ids, also of pictures that are not here
export const idOf = (element) => element?.closest?.(".tile")?.id.slice(5);
export const focused = () => idOf(document.activeElement);

const bar = () => document.querySelector(".finder").getBoundingClientRect().bottom;

export class Grid {
  constructor(element) {
    this.element = element;
    this.shelf = element.closest("#shelf");
    this.search = this.shelf.dataset.search;
    this.rows = [];
    this.mounted = new Set();
    this.busy = {};
    this.failed = {};
    const page = read(element);
    this.items = page.items;
    [this.up, this.down] = [page.up, page.down];
    for (const item of this.items) item.tile = document.getElementById(`tile-${item.id}`);
    element.replaceChildren();
  }

  measure() {
    const style = getComputedStyle(this.element);
    this.gap = pixels(style, "--gap");
    this.aim = pixels(style, "--row") * density();
    this.room = Math.floor(this.element.clientWidth);
  }

  // Rows for items from a place on; what stands before them stays.
  lay(from = 0) {
    while (this.rows.length && this.rows.at(-1).end > from) this.unmount(this.rows.pop());
    let at = this.rows.at(-1)?.end ?? 0;
    const shapes = this.items.slice(at).map((item) => item.shape);
    for (const [many, height, full] of rowsOf(shapes, this.room, this.aim, this.gap)) {
      this.rows.push({ start: at, end: at + many, height, full });
      at += many;
    }
    this.stack();
  }

  stack() {
    let top = 0;
    for (const row of this.rows) {
      row.top = top;
      top += row.height + this.gap;
      if (row.element) row.element.style.top = `${row.top}px`;
    }
    this.element.style.height = `${Math.max(0, top)}px`;
  }

  append(items) {
    const known = new Set(this.items.map((item) => item.id));
    const from = this.rows.at(-1)?.full ? this.items.length : (this.rows.at(-1)?.start ?? 0);
    this.items.push(...items.filter((item) => !known.has(item.id)));
    this.lay(from);
  }

  // Above, rows are filled from below, so that nothing that is seen moves; at the very top all are laid anew.
  prepend(items) {
    const known = new Set(this.items.map((item) => item.id));
    const fresh = items.filter((item) => !known.has(item.id));
    this.items.unshift(...fresh);
    if (!this.up) return this.relay();
    const before = this.rows[0]?.top ?? 0;
    const first = this.rows[0];
    let end = fresh.length;
    for (const row of this.rows) [row.start, row.end] = [row.start + end, row.end + end];
    const above = [];
    for (const [many, height, full] of rowsOf(fresh.map((item) => item.shape).reverse(), this.room, this.aim, this.gap)) {
      above.unshift({ start: end - many, end, height, full });
      end -= many;
    }
    this.rows.unshift(...above);
    this.stack();
    if (first) scrollBy({ top: first.top - before, behavior: "instant" });
  }

  get origin() {
    return this.element.getBoundingClientRect().top;
  }

  // The first picture that is seen, and how far below the bar it stands.
  anchor() {
    const edge = bar() - this.origin;
    const row = this.rows[this.rowAt(edge + 1)];
    return row && { at: this.items[row.start].id, off: Math.round(row.top - edge), top: edge <= 0 };
  }

  show(place, centered = false) {
    const index = this.items.findIndex((item) => item.id === place.at);
    const row = this.rows.find((one) => one.start <= index && index < one.end);
    if (!row) return false;
    const room = innerHeight - bar() - row.height;
    const off = centered ? Math.max(8, room / 2) : (place.off ?? 0);
    scrollTo({ top: scrollY + this.origin + row.top - bar() - off, behavior: "instant" });
    this.update();
    return true;
  }

  relay() {
    const place = this.anchor();
    const held = focused();
    this.measure();
    if (this.room <= 0) return;
    for (const row of [...this.mounted]) this.unmount(row);
    this.rows = [];
    this.lay();
    if (place && !place.top) this.show(place);
    this.update();
    this.focus(held);
  }

  // Replace all by the page at a cursor or a picture, and stand there.
  async go(part, place) {
    try {
      const found = await page(this.search, part);
      if (!this.element.isConnected) return false;
      const held = focused();
      for (const row of [...this.mounted]) this.unmount(row);
      [this.items, this.rows, this.up, this.down] = [found.items, [], found.up, found.down];
      this.lay();
      this.update();
      this.focus(held);
      return place ? this.show(place) : this.show({ at: this.items[0]?.id, off: 0 });
    } catch {
      complain(document.querySelector("#notices").dataset.offline);
      return false;
    }
  }

  // The same place with what the server has now.
  reload() {
    const place = this.anchor();
    if (!place || (place.top && !this.up)) return refresh();
    return this.go({ at: place.at }, place);
  }

  update() {
    if (!this.rows.length) return;
    const edge = -this.origin;
    const rows = this.near(edge, edge + innerHeight);
    for (const row of [...this.mounted]) if (!rows.has(row) && !row.element.contains(document.activeElement)) this.unmount(row);
    for (const row of rows) this.mount(row);
    if (document.activeElement !== document.body) delete this.wanted;
    if (this.wanted) this.focus(this.wanted);
    const height = this.rows.at(-1).top + this.rows.at(-1).height;
    if (this.down && edge + innerHeight * (1 + AHEAD) > height) this.fetch("down");
    if (this.up && edge < innerHeight * AHEAD) this.fetch("up");
  }

  // The rows to mount: those in the window, and as many around it as there is room for.
  near(top, bottom) {
    for (let around = innerHeight; ; around /= 2) {
      const first = this.rowAt(top - around);
      const found = new Set();
      let tiles = 0;
      for (let n = first; n < this.rows.length && this.rows[n].top < bottom + around; n++) {
        found.add(this.rows[n]);
        tiles += this.rows[n].end - this.rows[n].start;
      }
      if (tiles <= MOST || around < 40) return found;
    }
  }

  rowAt(y) {
    let [low, high] = [0, this.rows.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].top + this.rows[middle].height < y) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  mount(row) {
    if (row.element) return;
    row.element = document.createElement("div");
    row.element.className = "tiles-row";
    row.element.style.top = `${row.top}px`;
    const items = this.items.slice(row.start, row.end);
    if (items.every((item) => item.tile)) row.element.append(...items.map((item) => item.tile));
    else row.element.innerHTML = items.map((item) => item.html).join("");
    items.forEach((item, n) => {
      const tile = row.element.children[n];
      item.tile = tile;
      size(tile, item.shape, row.height);
      const picture = tile.querySelector("img");
      picture.sizes = `${Math.ceil(row.height * item.shape)}px`;
      if (item.hash && !picture.complete) tile.style.backgroundColor = mean(item.hash);
      if (!tile.querySelector(".tick")) tile.append(document.querySelector("#tile-tools").content.cloneNode(true));
      this.mark(item);
    });
    const after = [...this.mounted].filter((one) => one.top > row.top).sort((a, b) => a.top - b.top)[0];
    this.element.insertBefore(row.element, after?.element ?? null);
    this.mounted.add(row);
    requestIdleCallback(() => row.element?.dispatchEvent(new Event("htmx:load", { bubbles: true })), { timeout: 200 });
  }

  unmount(row) {
    if (!row.element) return;
    for (const item of this.items.slice(row.start, row.end)) delete item.tile;
    row.element.remove();
    delete row.element;
    this.mounted.delete(row);
  }

  // A tile says what is known of its picture.
  mark(item) {
    const { tile } = item;
    if (!tile) return;
    const set = (name, value) => (value ? (tile.dataset[name] = value === true ? "" : value) : delete tile.dataset[name]);
    set("rating", item.rating);
    set("favorite", item.favorite);
    set("chosen", chosen.has(item.id));
    tile.querySelector(".tick")?.setAttribute("aria-pressed", chosen.has(item.id));
    tile.querySelector(".heart")?.setAttribute("aria-pressed", Boolean(item.favorite));
  }

  async fetch(side) {
    if (this.busy[side] || this.failed[side] > Date.now()) return;
    this.busy[side] = true;
    try {
      const found = await page(this.search, side === "down" ? { before: this.down } : { after: this.up });
      if (!this.element.isConnected) return;
      this[side] = found[side];
      if (side === "down") this.append(found.items);
      else this.prepend(found.items);
      delete this.failed[side];
    } catch {
      this.failed[side] = Date.now() + 4000; // asked again when somebody scrolls on
      complain(document.querySelector("#notices").dataset.offline);
    } finally {
      this.busy[side] = false;
    }
    this.update();
  }

  item(id) {
    return this.items.find((one) => one.id === id);
  }

  // A picture that is taken down and put up again keeps the keyboard's focus.
  focus(id) {
    this.item(id)?.tile?.querySelector("a").focus({ preventScroll: true });
  }

  // The keyboard's focus for a picture, in sight; one that is not here yet has it once it is, if nothing else has.
  want(id) {
    this.wanted = id;
    const box = this.item(id)?.tile?.getBoundingClientRect();
    if (box?.bottom > bar() && box.top < innerHeight) this.update();
    else this.show({ at: id }, true);
  }

  remove(ids) {
    const gone = new Set(ids);
    const at = this.items.findIndex((item) => item.id === focused());
    const kept = this.items.filter((item) => !gone.has(item.id));
    if (kept.length === this.items.length) return;
    const next = this.items.slice(at).find((item) => !gone.has(item.id)) ?? kept.at(-1);
    const place = this.anchor();
    if (place && gone.has(place.at)) {
      const from = this.items.findIndex((item) => item.id === place.at);
      place.at = (this.items.slice(from).find((item) => !gone.has(item.id)) ?? kept.at(-1))?.id;
    }
    for (const row of [...this.mounted]) this.unmount(row);
    [this.items, this.rows] = [kept, []];
    if (!kept.length && !this.up && !this.down) return refresh();
    this.lay();
    if (place && !place.top) this.show(place);
    this.update();
    if (at >= 0) this.focus(next?.id);
  }

  // To just before (or after) another picture.
  move(ids, beside, after) {
    const moved = ids.map((id) => this.item(id)).filter(Boolean);
    const left = this.items.filter((item) => !ids.includes(item.id));
    const at = left.findIndex((item) => item.id === beside) + (after ? 1 : 0);
    left.splice(at, 0, ...moved);
    this.items = left;
    this.relay();
  }
}
