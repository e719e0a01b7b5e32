// The composer: pictures dropped or pasted become references; one unticked leaves the tray.

const composer = () => document.querySelector("#composer");
const pictures = (files) => [...files].filter((file) => file.type.startsWith("image/"));

function bring(files) {
  const input = document.querySelector("#reference-file");
  if (!files.length || !input) return;
  const hand = new DataTransfer();
  files.forEach((file) => hand.items.add(file));
  input.files = hand.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

const over = (event) => event.target.closest?.("#composer") && [...event.dataTransfer.types].includes("Files");

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

// Prices of a form that has changed since they were asked would undo the change; newer ones are on their way.
let changes = 0;
let asked = 0;
const ofPrices = (event) => event.detail.elt?.id === "prices";
for (const name of ["input", "change", "quote"]) {
  document.addEventListener(name, (event) => event.target.closest("#composer") && (changes += 1), true);
}
document.addEventListener("htmx:beforeRequest", (event) => ofPrices(event) && (asked = changes));
document.addEventListener("htmx:beforeSwap", (event) => {
  if (ofPrices(event) && asked !== changes) event.detail.shouldSwap = false;
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.id !== "reference-file") return;
  event.target.value = "";
  htmx.trigger(composer(), "quote");
});
