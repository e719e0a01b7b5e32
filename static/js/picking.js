// Pictures of the library become references: from the picker, or dragged from anywhere.

const picker = document.querySelector("#picker");
const composer = () => document.querySelector("[data-desk]");
const ticked = (id) => composer()?.querySelector(`[data-reference][value="asset:${id}"]`);

let adding = Promise.resolve(); // one after another: of requests that have to queue, htmx keeps only the last

const add = (ids) => (adding = adding.then(() => put(ids)).catch(() => null));

async function put(ids) {
  const wanted = ids.filter((id) => !ticked(id));
  if (!wanted.length || !composer()) return;
  const query = new URLSearchParams(wanted.map((id) => ["reference", `asset:${id}`]));
  await htmx.ajax("GET", `/references/tray?${query}`, { target: ".reference.add", swap: "beforebegin" });
  composer().dispatchEvent(new Event("change", { bubbles: true }));
  mark();
}

const mark = () =>
  picker?.querySelectorAll("[data-pick]").forEach((one) => one.setAttribute("aria-pressed", Boolean(ticked(one.dataset.pick))));

document.addEventListener("seedbank:pick", (event) => add(event.detail));
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-picker]")) {
    picker.showModal();
    htmx.trigger("#picker-q", "open");
  }
  if (event.target.closest("[data-close-picker]") || event.target === picker) picker.close();
  const pick = event.target.closest("[data-pick]");
  if (!pick) return;
  const there = ticked(pick.dataset.pick);
  if (there) there.click();
  else add([pick.dataset.pick]);
  mark();
});
picker?.addEventListener("htmx:afterSwap", mark);
