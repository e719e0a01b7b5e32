// The arena's keys: left, right, up for neither, space for the next pair. Each presses what it stands on.

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.repeat) return;
  if (event.target.closest("input, textarea, select, dialog[open], details[open]")) return;
  if (event.key === " " && event.target.closest("a, button, summary")) return;
  const button = document.querySelector(`[data-vote="${CSS.escape(event.key)}"]`);
  if (!button) return;
  event.preventDefault();
  button.click();
});
