// What is being written outlives the tab: kept in this browser, for each person and project, until it is sent.

const composer = () => document.querySelector("#composer");
const place = () => `seedbank.draft.${composer()?.dataset.draft}`;
const NOT_KEPT = new Set(["csrfmiddlewaretoken", "token", "project", "shown", "shown_drafts", "file"]);
let waiting;
let coming = []; // references that were kept, and are on their way into the form
let changed = false; // since it was sent or opened

function write() {
  clearTimeout(waiting);
  const form = composer();
  if (!form || !changed) return;
  const fields = [...new FormData(form), ...coming].filter(([name, value]) => !NOT_KEPT.has(name) && typeof value === "string");
  try {
    if (fields.some(([name, value]) => ["prompt", "references", "negative_prompt"].includes(name) && value.trim())) {
      localStorage.setItem(place(), JSON.stringify(fields));
    } else localStorage.removeItem(place());
  } catch {
    // a browser that keeps nothing, or is full
  }
}

function kept() {
  try {
    return JSON.parse(localStorage.getItem(place()) ?? "null");
  } catch {
    return null;
  }
}

function fill(form, fields) {
  const said = new Map();
  for (const [name, value] of fields) said.set(name, [...(said.get(name) ?? []), value]);
  for (const control of form.elements) {
    if (!control.name || NOT_KEPT.has(control.name) || ["references", "many"].includes(control.name) || control.type === "submit") continue;
    const values = said.get(control.name);
    if (control.type === "radio" || control.type === "checkbox") control.checked = Boolean(values?.includes(control.value));
    else if (values) control.value = values[0];
  }
  const folded = [...form.querySelectorAll(".folded [name]")].some((one) => one.value && one.type !== "checkbox");
  if (folded) form.querySelector(".folded").open = true;
  return (said.get("references") ?? []).map((one) => one.replace("asset:", ""));
}

async function restore() {
  if (!composer()?.matches("[data-fresh]")) return;
  const fields = kept();
  const joins = new URLSearchParams(location.search).has("reference"); // a picture to build on, beside what is kept
  if (!fields && !joins) return;
  if (fields) await refill(fields);
  changed ||= joins;
  htmx.trigger(composer(), "quote");
}

async function refill(fields) {
  const value = (name) => fields.find(([one]) => one === name)?.[1] ?? "";
  if (value("many") && !composer().elements.many.value) {
    await htmx.ajax("POST", "/composer?as=many", { source: "#composer", target: "#composer", swap: "outerHTML" });
  }
  const ids = fill(composer(), fields);
  coming = ids.map((id) => ["references", `asset:${id}`]);
  arrived();
  if (ids.length) document.dispatchEvent(new CustomEvent("seedbank:pick", { detail: ids }));
}

function arrived() {
  const there = new FormData(composer()).getAll("references");
  coming = coming.filter(([, value]) => !there.includes(value));
}

for (const name of ["input", "change", "quote"]) {
  document.addEventListener(name, (event) => {
    if (!event.target.closest?.("#composer")) return;
    changed ||= name !== "quote";
    arrived();
    clearTimeout(waiting);
    waiting = setTimeout(write, 250);
  });
}
addEventListener("pagehide", write);
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { elt, xhr, requestConfig } = event.detail;
  if (elt !== composer() || requestConfig.path !== composer().getAttribute("action") || xhr.status >= 300) return;
  clearTimeout(waiting);
  changed = false;
  coming = [];
  localStorage.removeItem(place());
});
restore();
