// The large picture: whole, or pixel by pixel with the point that was clicked kept in view.

const stage = document.querySelector("[data-stage]");
const button = document.querySelector("[data-zoom]");
const picture = stage?.querySelector("img");

function toggle(x = 0.5, y = 0.5) {
  const actual = stage.classList.toggle("actual");
  button.setAttribute("aria-pressed", actual);
  if (actual) {
    stage.scrollTo((stage.scrollWidth - stage.clientWidth) * x, (stage.scrollHeight - stage.clientHeight) * y);
  }
}

button?.addEventListener("click", () => toggle());
picture?.addEventListener("click", (event) => {
  const box = picture.getBoundingClientRect();
  toggle((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
});
