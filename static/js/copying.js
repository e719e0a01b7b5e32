// A button [data-copy="#id"] copies the text of that element, and says so for a moment.

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const label = button.querySelector("span");
  const before = label.textContent;
  await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent.trim());
  label.textContent = "✓";
  setTimeout(() => (label.textContent = before), 1500);
});
