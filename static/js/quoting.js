// A price stands for the words it was asked with. Whenever the form says something else, however that came about
// (typed before any script ran, filled in by the browser, exchanged, answered late), the price is shown as being
// asked for, and it is asked for until an answer to these very words is there.

const FREE = new Set(["csrfmiddlewaretoken", "token", "project", "file", "shown", "shown_drafts", "blind"]);
const FREE_KINDS = new Set(["submit", "button", "fieldset"]);
const MOST_WAIT = 30_000;

const priced = new WeakMap(); // of a form: the words its price is for
const asked = new WeakMap(); // of a request, or a press that may have to wait: the words it took along
const busy = new WeakSet(); // places whose prices are being asked for, one question at a time
let waiting;
let wait = 0;

const place = () => document.querySelector("[data-quoted]");
const form = () => place()?.closest("form");

// What a control says, or said as it came from the server.
function said(control, served) {
  if (control.type === "checkbox" || control.type === "radio") {
    return control[served ? "defaultChecked" : "checked"] ? control.value : null;
  }
  if (!control.options) return control[served ? "defaultValue" : "value"];
  return served ? ([...control.options].find((one) => one.defaultSelected) ?? control.options[0]).value : control.value;
}

export function words(served = false) {
  const named = [...form().elements].filter(({ name, type }) => name && !FREE.has(name) && !name.startsWith("preset_") && !FREE_KINDS.has(type));
  return JSON.stringify(named.map((control) => [control.name, said(control, served)]).filter(([, value]) => value !== null));
}

function ask(delay) {
  clearTimeout(waiting);
  waiting = setTimeout(() => place() && htmx.trigger(place(), "unpriced"), delay);
}

// The price that a form comes with is that of what the server put in.
function meet() {
  if (!priced.has(form())) priced.set(form(), words(true));
}

function look(delay = 0) {
  if (!form()) return;
  meet();
  const stale = priced.get(form()) !== words();
  form().toggleAttribute("data-unpriced", stale);
  if (stale && !busy.has(place())) ask(delay); // otherwise once that is answered
}

for (const [name, delay] of [["input", 250], ["change", 80]]) {
  document.addEventListener(name, (event) => form()?.contains(event.target) && look(delay), true);
}
// Prices as they are now, whether or not the form changed.
document.addEventListener("quote", () => (look(), ask(80)), true);

document.addEventListener("submit", (event) => event.target === form() && asked.set(event, words()), true);
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (!form()?.contains(detail.elt)) return;
  asked.set(detail.xhr, asked.get(detail.requestConfig.triggeringEvent) ?? words());
  if (detail.elt === place()) busy.add(place());
});
// An answer to other words would undo what was typed since. One that comes while something is pressed would exchange
// it under the finger, and the click would be lost; it is asked for again.
const pressed = () => Boolean(form()?.querySelector(":active"));
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target !== place()) return;
  if (pressed()) priced.set(form(), null);
  if (pressed() || asked.get(detail.xhr) !== words()) detail.shouldSwap = false;
});
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (!form()) return;
  meet();
  if (detail.target === place()) priced.set(form(), words()); // without what the answer took away
  else if (detail.requestConfig?.elt.matches("form") && asked.has(detail.xhr)) {
    priced.set(form(), asked.get(detail.xhr)); // the button came back, as it was pressed
  }
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (!asked.has(detail.xhr)) return;
  busy.delete(detail.requestConfig.elt);
  const { status } = detail.xhr;
  if (status && status < 300) {
    wait = 0;
    look(pressed() ? 250 : 0);
  } else if (!status || status > 428) {
    wait = Math.min(MOST_WAIT, 2 * wait || 1000);
    setTimeout(look, wait);
  }
});
for (const name of ["pageshow", "online"]) addEventListener(name, () => look());
document.addEventListener("htmx:load", () => look());
look();
