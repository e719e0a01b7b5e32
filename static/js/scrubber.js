// The months at the right edge: press or drag to stand anywhere in the library at once.

import { current } from "./grid.js";

const HIGH = 28;
const nav = () => document.querySelector("#scrubber");

// As many months as there is room for, and of each year the first that is shown says its name.
function thin() {
  const months = [...nav().querySelectorAll("a")];
  const most = Math.max(2, Math.floor((nav().clientHeight || innerHeight - 200) / HIGH));
  const step = Math.max(1, Math.ceil(months.length / most));
  let year;
  months.forEach((month, n) => {
    month.hidden = n % step > 0;
    const mine = month.dataset.month.slice(0, 4);
    month.classList.toggle("year", !month.hidden && mine !== year);
    if (!month.hidden) year = mine;
  });
  nav().hidden = months.length < 2;
  nav().dataset.ready = "";
  follow();
}

const monthOf = (id) => new Date(parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toISOString().slice(0, 7);

function follow() {
  const place = current()?.anchor();
  if (!place || !nav()) return;
  const month = monthOf(place.at);
  const shown = [...nav().querySelectorAll("a:not([hidden])")];
  const here = shown.filter((one) => one.dataset.month >= month).at(-1) ?? shown[0];
  for (const one of shown) one === here ? one.setAttribute("aria-current", "true") : one.removeAttribute("aria-current");
}

const go = (month) => month && current()?.go({ before: month.dataset.before }, null);

document.addEventListener("click", (event) => {
  const month = event.target.closest("#scrubber a");
  if (!month || event.ctrlKey || event.metaKey || !current()) return;
  event.preventDefault();
  go(month);
});
let over;
document.addEventListener("pointerdown", (event) => event.target.closest("#scrubber") && nav().classList.add("dragging"));
document.addEventListener("pointermove", (event) => {
  if (!nav()?.classList.contains("dragging")) return;
  over = document.elementFromPoint(nav().getBoundingClientRect().left + 8, event.clientY)?.closest("#scrubber a");
  for (const one of nav().querySelectorAll("a")) one.classList.toggle("over", one === over);
});
document.addEventListener("pointerup", (event) => {
  if (!nav()?.classList.contains("dragging")) return;
  nav().classList.remove("dragging");
  if (over && !event.target.closest("#scrubber a")?.isSameNode(over)) go(over);
  over?.classList.remove("over");
  over = undefined;
});
document.addEventListener("dragstart", (event) => event.target.closest("#scrubber") && event.preventDefault());
let following;
let quiet;
document.addEventListener("scrolled", () => {
  following ??= setTimeout(() => {
    following = undefined;
    follow();
  }, 120);
  nav()?.classList.add("moving");
  clearTimeout(quiet);
  quiet = setTimeout(() => nav()?.classList.remove("moving"), 900);
});
document.addEventListener("htmx:load", ({ target }) => target.id === "scrubber" && thin());
addEventListener("resize", () => nav()?.children.length && thin());
