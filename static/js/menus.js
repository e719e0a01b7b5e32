// Menus are <details>; one is open at a time, and Escape or a click elsewhere closes it.

const open = () => document.querySelectorAll("details[data-menu][open]");

document.addEventListener("click", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
// A sheet that would stand out at the right edge hangs from the right side of its button.
function hang(sheet) {
  if (!sheet) return;
  sheet.classList.remove("leftward");
  sheet.classList.toggle("leftward", sheet.getBoundingClientRect().right > document.documentElement.clientWidth);
}
document.addEventListener("toggle", ({ target }) => hang(target.matches("details[data-menu][open]") && target.querySelector(":scope > .sheet")), true);
// Where something is to be typed, that is where the keyboard goes, unless whoever opened it has put it inside.
const FIELD = "input:not([type=hidden], [type=radio], [type=checkbox], [type=file]), textarea";
document.addEventListener("toggle", ({ target }) => {
  const around = target.contains(document.activeElement) && !document.activeElement.matches("summary");
  if (!target.matches("details:is([data-menu], [data-key-collect])[open]") || around) return;
  [...target.querySelectorAll(FIELD)].find((one) => one.checkVisibility())?.focus();
}, true);
document.addEventListener("htmx:afterSwap", ({ target }) => hang(target.closest("details[data-menu][open] > .sheet"))); // what was asked for is wider
