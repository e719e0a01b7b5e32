// Light or dark is chosen without leaving the page: what was typed into it, or is shown this once, stays.

document.addEventListener("htmx:afterRequest", ({ target, detail }) => {
  if (!target.matches("[data-theming]") || !detail.successful) return;
  const chosen = detail.requestConfig.triggeringEvent.submitter;
  for (const button of target.elements.theme) button.setAttribute("aria-pressed", button === chosen);
  document.querySelector("meta[name=color-scheme]").content = chosen.value || "light dark";
  if (chosen.value) document.documentElement.dataset.theme = chosen.value;
  else delete document.documentElement.dataset.theme;
});
