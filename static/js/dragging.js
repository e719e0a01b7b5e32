// Pictures dragged onto a collection go into it; within one they are put in order, also by [ and ], and by a finger.

import { ask } from "./asking.js";
import { current } from "./grid.js";
import { actions } from "./keyboard.js";
import { chosen } from "./rows.js";
import { act, focused } from "./selecting.js";

let dragged = [];
export const inside = () => dragged.length > 0;
const placing = () => document.querySelector("#shelf")?.dataset.placing;
const unmark = () => document.querySelectorAll(".over-before, .over-after, .over").forEach((one) => one.classList.remove("over-before", "over-after", "over"));

document.addEventListener("dragstart", (event) => {
  const id = event.target.closest?.(".tile[id]")?.id.slice(5);
  if (!id || !current()) return;
  dragged = chosen.has(id) ? [...chosen] : [id];
  event.dataTransfer.setData("text/plain", dragged.join("\n"));
  event.dataTransfer.effectAllowed = "copyMove";
});
document.addEventListener("dragend", () => {
  dragged = [];
  unmark();
});

const side = (event, tile) => {
  const box = tile.getBoundingClientRect();
  return event.clientX > box.left + box.width / 2;
};

document.addEventListener("dragover", (event) => {
  if (!inside()) return;
  unmark();
  const collection = event.target.closest("[data-droppable]");
  const tile = placing() && event.target.closest(".grid .tile");
  if (!collection && !tile) return;
  event.preventDefault();
  if (collection) collection.classList.add("over");
  else tile.classList.add(side(event, tile) ? "over-after" : "over-before");
});

document.addEventListener("drop", (event) => {
  if (!inside()) return;
  const ids = dragged;
  const collection = event.target.closest("[data-droppable]");
  const tile = placing() && event.target.closest(".grid .tile");
  unmark();
  if (!collection && !tile) return;
  event.preventDefault();
  if (collection) act("collect", { collection: collection.dataset.collection }, ids);
  else if (!ids.includes(tile.id.slice(5))) place(ids, tile.id.slice(5), side(event, tile));
});

async function place(ids, beside, after) {
  const grid = current();
  const before = [...grid.items];
  grid.move(ids, beside, after);
  if (await ask(placing(), { ids, [after ? "after" : "before"]: beside })) return;
  grid.items = before;
  grid.relay();
}

async function step(by, id = focused()) {
  const grid = current();
  if (!placing() || !grid || !id) return;
  const beside = grid.items[grid.items.findIndex((item) => item.id === id) + by];
  if (!beside) return;
  const done = place([id], beside.id, by > 0);
  if (!document.activeElement.closest("[data-step]")) grid.item(id).tile?.querySelector("a").focus();
  await done;
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-step]");
  if (button) step(Number(button.dataset.step), [...chosen][0]);
});
actions["["] = () => step(-1);
actions["]"] = () => step(1);
