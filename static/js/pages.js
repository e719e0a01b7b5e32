// What the server has of a library: a page of pictures by cursor, or the whole shelf anew.

import { ratio } from "./justify.js";

// What a page of HTML holds: its pictures and the cursors of its ends.
export function read(root) {
  const items = [...root.querySelectorAll(".tile")].map((tile) => ({
    id: tile.id.slice(5),
    shape: ratio(tile),
    html: tile.outerHTML,
    rating: Number(tile.dataset.rating ?? 0),
    favorite: "favorite" in tile.dataset,
    hash: tile.dataset.thumbhash,
    alt: tile.querySelector("img").alt,
  }));
  return {
    items,
    up: root.querySelector("[data-newer]")?.dataset.newer,
    down: root.querySelector("[data-older]")?.dataset.older,
  };
}

export async function page(search, part) {
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries(part)) query.set(name, value);
  const answer = await fetch(`/library?${query}`, { headers: { "HX-Request": "true" } });
  if (!answer.ok) throw new Error(String(answer.status));
  const holder = document.createElement("template"); // inert: nothing is fetched before it is mounted
  holder.innerHTML = await answer.text();
  return read(holder.content);
}

// One after another: a request that has to queue loses its place when the one before it is swapped in.
export async function refresh() {
  while (document.body.classList.contains("htmx-request")) {
    await new Promise((done) => document.body.addEventListener("htmx:afterRequest", done, { once: true }));
  }
  return htmx.ajax("GET", location.pathname + location.search, { target: "#shelf", swap: "outerHTML" });
}
