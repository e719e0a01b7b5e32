// Choosing pictures, and doing one thing to all of them at once. What was done can be undone.

import { ask, headers, tell } from "./asking.js";
import { current } from "./grid.js";
import { actions } from "./keyboard.js";
import { refresh } from "./pages.js";
import { chosen, idOf } from "./rows.js";

const AT_ONCE = 1000;
const said = document.querySelector("#said").dataset;
const bulk = () => document.querySelector("#bulk");
let last; // where a range begins
let hovered;
let left; // the picture from which the keyboard went into the bar

export const focused = () => idOf(document.activeElement) ?? hovered;
const targets = () => (chosen.size ? [...chosen] : [focused()].filter(Boolean));

function show() {
  const grid = current();
  const bar = bulk();
  if (bar) {
    bar.hidden = !chosen.size;
    bar.querySelector("[data-number]").textContent = chosen.size.toLocaleString(document.documentElement.lang);
    for (const one of bar.querySelectorAll("[data-cover], [data-step]")) one.hidden = chosen.size !== 1;
    const zip = bar.querySelector("[data-zip]");
    const fits = chosen.size <= Number(zip.dataset.zip);
    zip.querySelector("button").disabled = !fits;
    bar.querySelector("#zip-why").hidden = fits;
    const compare = bar.querySelector("[data-compare]");
    const most = Number(compare.dataset.compare);
    compare.hidden = chosen.size < 2 || chosen.size > most;
    compare.search = new URLSearchParams([...chosen].slice(0, most).map((id) => ["asset", id]));
  }
  document.querySelector("#shelf")?.classList.toggle("choosing", chosen.size > 0);
  for (const row of grid?.mounted ?? []) grid.items.slice(row.start, row.end).forEach((item) => grid.mark(item));
}

export function clear() {
  chosen.clear();
  show();
}

export function toggle(id, range = false) {
  const { items } = current();
  const [from, to] = [last, id].map((one) => items.findIndex((item) => item.id === one));
  if (range && from >= 0 && to >= 0) {
    for (const item of items.slice(Math.min(from, to), Math.max(from, to) + 1)) chosen.add(item.id);
  } else if (!chosen.delete(id)) chosen.add(id);
  last = id;
  show();
}

async function every() {
  const answer = await fetch(`${said.every}?${current().search}`, { headers: headers() }).catch(() => null);
  if (!answer?.ok) return;
  const { ids, more } = await answer.json();
  for (const id of ids) chosen.add(id);
  show();
  if (more) tell(said.more);
}

// Those of the pictures that this page holds.
function here(ids) {
  const wanted = new Set(ids);
  return (current()?.items ?? []).filter((item) => wanted.has(item.id));
}

// What a verb changes in what is seen; gives back how it was.
function apply(verb, body, ids) {
  const grid = current();
  const known = here(ids);
  const before = known.map(({ rating, favorite }) => ({ rating, favorite }));
  known.forEach((item) => {
    if (verb === "rate") item.rating = body.rating;
    if (verb.endsWith("favorite")) item.favorite = verb === "favorite";
    grid.mark(item);
  });
  return () => known.forEach((item, n) => grid.mark(Object.assign(item, before[n])));
}

function leaves(verb, body) {
  const search = new URLSearchParams(current()?.search);
  if (verb === "move") return search.has("project") && search.get("project") !== body.project;
  return verb === "trash" || (verb === "uncollect" && search.get("collection") === body.collection);
}

export async function act(verb, body = {}, ids = targets()) {
  if (!ids.length) return tell(said.taken);
  const [changed, undo, sentences] = [[], [], []];
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const part = ids.slice(at, at + AT_ONCE);
    const revert = apply(verb, body, part);
    const answer = await ask(said.bulk, { verb, ...body, ids: part });
    if (!answer) {
      revert();
      break;
    }
    changed.push(...answer.changed);
    undo.push(...answer.undo);
    sentences.push(answer.sentence);
    forget(answer.not_found);
    if (leaves(verb, body)) forget(part);
  }
  show();
  if (sentences.length) tell(sentences.join(" "), undo.length ? () => takeBack(undo) : null);
  return changed;
}

function forget(ids) {
  for (const id of ids) chosen.delete(id);
  if (ids.length) current()?.remove(ids);
}

async function takeBack(undo) {
  const answer = await ask(said.undoAt, { undo });
  if (!answer) return;
  tell(answer.sentence);
  await (current() ? current().reload() : refresh());
  show();
}

const favorite = (ids = targets()) => {
  const known = here(ids);
  const all = known.length === ids.length && known.every((item) => item.favorite);
  return act(all ? "unfavorite" : "favorite", {}, ids);
};

// What was done in a menu is over: the keyboard is back on the picture that it came from.
const goBack = () => current()?.focus(left ?? [...chosen][0]);
function shut(menu) {
  const inside = menu.contains(document.activeElement);
  menu.open = false;
  if (inside) goBack();
}

function open(id) {
  if (!chosen.size && focused()) toggle(focused());
  const menu = document.getElementById(id);
  if (!chosen.size || !menu) return tell(said.taken);
  for (const other of bulk().querySelectorAll("details[open]")) other.open = false;
  menu.open = true;
  menu.querySelector("input, button")?.focus();
}

const editable = () => bulk()?.dataset.mayEdit === "true";
for (const n of "012345") actions[n] = () => editable() && act("rate", { rating: Number(n) });
const back = actions.Escape;
Object.assign(actions, {
  x: () => focused() && toggle(focused()),
  X: () => focused() && toggle(focused(), true),
  f: () => favorite(),
  t: () => open("tagging"),
  c: () => open("collecting"),
  Delete: () => editable() && act("trash"),
  Escape: () => (chosen.size ? clear() : back()),
});
document.addEventListener("rated", ({ detail }) => act("rate", { rating: detail.rating }, [detail.id]));
document.addEventListener("favored", ({ detail }) => favorite([detail.id]));

document.addEventListener("keydown", (event) => {
  const writing = event.target.closest("input, textarea, select, dialog[open]");
  if ((event.ctrlKey || event.metaKey) && event.key === "a" && !writing && current()) {
    event.preventDefault();
    every();
  }
  if (event.key === "Escape" && event.target.closest("#bulk")) goBack(); // after the menu has shut, or the bar has gone
  if (!event.shiftKey || !event.key.startsWith("Arrow") || !idOf(event.target)) return;
  if (!chosen.has(idOf(event.target))) toggle(idOf(event.target));
  setTimeout(() => focused() && toggle(focused(), true)); // after the arrow has moved the focus
});

let held; // a finger that stays on a picture chooses it
let swallow = false;
document.addEventListener("pointerdown", (event) => {
  swallow = false;
  const id = event.pointerType === "touch" && idOf(event.target);
  if (!id || !event.target.closest("a")) return;
  held = setTimeout(() => {
    swallow = true;
    toggle(id);
  }, 450);
});
for (const name of ["pointerup", "pointercancel", "pointermove"]) {
  document.addEventListener(name, (event) => (name !== "pointermove" || Math.hypot(event.movementX, event.movementY) > 6) && clearTimeout(held), { passive: true });
}
document.addEventListener("contextmenu", (event) => event.pointerType === "touch" && idOf(event.target) && event.preventDefault());
document.addEventListener("focusin", ({ target }) => (left = idOf(target) ?? left));
document.addEventListener("pointerover", (event) => event.pointerType === "mouse" && (hovered = idOf(event.target)));

document.addEventListener("click", (event) => {
  const id = idOf(event.target);
  if (id && current()) {
    if (event.target.closest(".heart")) return favorite([id]);
    if (event.target.closest(".tick")) return toggle(id, event.shiftKey);
    if (!event.target.closest("a") || event.ctrlKey || event.metaKey) return;
    if (swallow) return event.preventDefault();
    if (event.shiftKey || chosen.size) {
      event.preventDefault();
      toggle(id, event.shiftKey);
    }
    return;
  }
  const bar = event.target.closest("#bulk");
  if (!bar) return;
  const button = event.target.closest("button");
  if (button?.matches("[data-clear]")) clear();
  if (button?.matches("[data-all]")) every();
  if (button?.dataset.cover) cover(button.dataset.cover);
  const { verb, rating, collection, project } = button?.dataset ?? {};
  if (!verb || button.form) return;
  bar.querySelectorAll("details[open]").forEach(shut);
  if (verb === "favorite") return favorite();
  const body = { collection, project, rating: rating && Number(rating) };
  act(verb, Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)));
});

async function cover(path) {
  const form = new FormData();
  form.set("asset", [...chosen][0]);
  const answer = await ask(path, form);
  if (answer) tell(answer.sentence);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.matches("[data-tagging]")) {
    event.preventDefault();
    const tag = form.elements.tag.value.trim();
    shut(form.closest("details"));
    if (tag) act(event.submitter?.dataset.verb ?? "tag", { tags: [tag] });
    form.reset();
  }
  if (form.matches("[data-zip]")) form.elements.ids.value = [...chosen].join(" ");
  if (form.dataset.collecting) {
    event.preventDefault();
    const made = await ask(form.dataset.collecting, new FormData(form));
    if (!made) return;
    shut(form.closest("details"));
    await act("collect", { collection: made.id });
    const shelf = location.pathname + location.search; // the new name stands in the rail; the grid stays
    htmx.ajax("GET", shelf, { target: "#collections", select: "#collections", swap: "outerHTML" });
  }
});

let asked;
document.addEventListener("input", ({ target }) => {
  if (!target.dataset.suggest) return;
  clearTimeout(asked);
  asked = setTimeout(async () => {
    const query = new URLSearchParams(current()?.search);
    query.set("start", target.value);
    const answer = await fetch(`${target.dataset.suggest}?${query}`).catch(() => null);
    if (!answer?.ok) return;
    const { tags } = await answer.json();
    target.list.replaceChildren(...tags.map((value) => Object.assign(document.createElement("option"), { value })));
  }, 120);
});

document.addEventListener("grid", show);
