// A link that was just made is ready to be copied, or handed on by the device's own means.

function ready(root) {
  if (navigator.share) for (const button of root.querySelectorAll("[data-hand-on]")) button.hidden = false;
  root.querySelector("[data-made] [data-copy]")?.focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-hand-on]");
  if (!button) return;
  const url = document.querySelector(button.dataset.handOn).textContent.trim();
  navigator.share({ url }).catch(() => null); // closed without a choice
});
document.addEventListener("htmx:load", ({ target }) => target.id === "shares" && ready(target));
ready(document);
