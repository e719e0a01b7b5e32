// The composer: pictures dropped or pasted become references; one unticked leaves the tray.

const composer = () => document.querySelector("[data-desk]");
const pictures = (files) => [...files].filter((file) => file.type.startsWith("image/"));

function bring(files) {
  const input = document.querySelector("#reference-file");
  if (!files.length || !input) return;
  const hand = new DataTransfer();
  files.forEach((file) => hand.items.add(file));
  input.files = hand.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

const over = (event) =>
  event.target.closest?.("[data-desk]") && ["Files", "text/uri-list"].some((type) => event.dataTransfer.types.includes(type));

// A picture of ours, dragged from any page of ours: its link says which.
const dragged = (data) => {
  const link = data.getData("text/uri-list").split("\n").find((line) => line.startsWith(location.origin));
  return link?.match(/\/(?:pictures|assets)\/([0-9a-f-]{36})/)?.[1];
};

document.addEventListener("dragover", (event) => {
  if (!over(event)) return;
  event.preventDefault();
  composer().classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (!composer()?.contains(event.relatedTarget)) composer()?.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  if (!over(event)) return;
  event.preventDefault();
  composer().classList.remove("dropping");
  const ours = dragged(event.dataTransfer);
  if (ours) return document.dispatchEvent(new CustomEvent("seedbank:pick", { detail: [ours] }));
  bring(pictures(event.dataTransfer.files));
});
document.addEventListener("paste", (event) => {
  const found = pictures(event.clipboardData?.files ?? []);
  if (!composer() || !found.length) return;
  event.preventDefault();
  bring(found);
});

// Ticked off means out of the tray; new prices follow.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-reference]:not(:checked)")) {
    event.target.closest(".reference").remove();
    htmx.trigger(composer(), "quote");
  }
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.id !== "reference-file") return;
  event.target.value = "";
  if (event.detail.successful) htmx.trigger(composer(), "quote");
});

// Enter in the name of a new preset keeps the preset; anywhere else in the form it generates.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.id !== "preset-name") return;
  event.preventDefault();
  document.querySelector("[data-keep-preset]").click();
});

// Somebody who signed in again in another tab has a new token; the form sends that one.
document.addEventListener("htmx:configRequest", (event) => {
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
  const { parameters } = event.detail;
  if (token && parameters.csrfmiddlewaretoken) parameters.csrfmiddlewaretoken = token;
});

// The form is exchanged as a whole for another mode or preset, or with what to mend; what was changed since it was sent
// goes along.
const sent = new WeakMap(); // of a request, or a press that may have to wait: the form's state
let later = [];
const ticks = (control) => control.type === "checkbox" || control.type === "radio";
function state() {
  const controls = composer().querySelectorAll(":is(input, textarea, select)[id]:not([type=hidden], [type=file])");
  return new Map([...controls].map((one) => [one.id, ticks(one) ? one.checked : one.value]));
}
document.addEventListener("submit", (event) => event.target === composer() && sent.set(event, state()), true);
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (composer()?.contains(detail.elt)) sent.set(detail.xhr, sent.get(detail.requestConfig.triggeringEvent) ?? state());
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const before = sent.get(detail.xhr);
  later = before && detail.target === composer() ? [...state()].filter(([id, value]) => before.get(id) !== value) : [];
});
document.addEventListener("htmx:afterSwap", () => {
  for (const [id, value] of later.splice(0)) {
    const control = document.getElementById(id);
    if (control) control[ticks(control) ? "checked" : "value"] = value;
  }
});

// A form that comes back with what to mend shows the first of it, and the keyboard is there.
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const wrong = detail.xhr?.status === 422 && detail.target.matches("[data-desk]") && composer().querySelector(".error:not(:empty)");
  if (!wrong) return;
  const group = wrong.closest("fieldset");
  const control = composer().querySelector(`[aria-describedby~="${wrong.id}"]`) ?? group?.querySelector(":checked") ?? group?.querySelector("input");
  if (!control) return; // it is said beside the button, which has the keyboard
  control.focus({ preventScroll: true });
  wrong.scrollIntoView({ block: "center", behavior: "instant" });
});
