// Every press of the form's button is sent, one after another, with the words and the token as they stood then: of
// requests that have to queue, htmx keeps only the last, and it would read the form when that one is sent.

import { complain } from "./notices.js";
import { words } from "./quoting.js";

const composer = () => document.querySelector("#composer");
const presses = new WeakMap(); // of a submit: what was pressed
const waiting = new Set(); // not on their way yet
let before = Promise.resolve();
let turn = 0;
let last; // the last press, until it is taken

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form !== composer()) return;
  event.preventDefault();
  event.stopPropagation(); // htmx would send it, too
  const { name = "", value } = event.submitter ?? {};
  const said = words() + name;
  const data = new FormData(form);
  if (name) data.set(name, value);
  // The same again before it is taken is the same wish; other words in between make it another.
  const token = data.get("token");
  if (last?.said !== said) last = { said, token: last ? `${token.split(".")[0]}.${++turn}` : token };
  data.set("token", last.token);
  const press = { data, path: form.getAttribute("action"), wish: last };
  presses.set(event, press);
  waiting.add(press);
  const send = () => waiting.delete(press) && htmx.ajax("POST", press.path, { source: composer(), event });
  before = before.then(send).catch(() => null);
}, true);

document.addEventListener("htmx:configRequest", ({ detail }) => {
  const press = presses.get(detail.triggeringEvent);
  if (!press) return;
  const { csrfmiddlewaretoken } = detail.parameters;
  Object.assign(detail, { path: press.path, parameters: press.data }); // not that of a button which has the focus by now
  detail.parameters.set("csrfmiddlewaretoken", csrfmiddlewaretoken);
});

// What was not taken is told with its words, where the form has others by now.
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const press = presses.get(detail.requestConfig.triggeringEvent);
  if (!press) return;
  const { status } = detail.xhr;
  if (status && status < 300) {
    if (last === press.wish) last = null;
    return;
  }
  const prompt = press.data.get("prompt");
  if (composer().elements.prompt.value === prompt) return;
  const wrong = [...composer().querySelectorAll(".error:not(:empty)")].map((one) => one.textContent.trim()).join(" ");
  const { broken, offline } = document.querySelector("#notices").dataset;
  complain(`${prompt} – ${(status === 422 && wrong) || (status ? broken : offline)}`);
});

// Who leaves has pressed all the same.
addEventListener("pagehide", () => {
  for (const { path, data } of waiting) navigator.sendBeacon(path, data);
});
