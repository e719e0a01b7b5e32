// A picture dropped anywhere on the page, pasted or chosen is looked for at once.

import { complain } from "./notices.js";

const MOST_BYTES = 64 * 1024 * 1024;
const form = document.querySelector("#find");
const preview = form.querySelector("[data-preview]");
const over = document.querySelector("[data-over]");
const input = form.elements.file;

function look() {
  const [file] = input.files;
  if (!file) return;
  if (file.size > MOST_BYTES) return complain(form.dataset.large);
  URL.revokeObjectURL(preview.src);
  preview.src = URL.createObjectURL(file);
  preview.hidden = false;
  form.requestSubmit();
}

function show(files) {
  const file = [...files].find((one) => one.type.startsWith("image/")) ?? files[0];
  if (!file) return complain(form.dataset.none);
  const carried = new DataTransfer();
  carried.items.add(file);
  input.files = carried.files;
  look();
}

input.addEventListener("change", look);
preview.addEventListener("error", () => (preview.hidden = true)); // what the browser cannot show, the server may know
document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) show(event.clipboardData.files);
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  over.hidden = false;
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) over.hidden = true;
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  over.hidden = true;
  show(event.dataTransfer.files);
});
