// How large the pictures of the library stand; remembered on this machine, not in the address.

const KEY = "density";
const slider = document.querySelector("[data-density]");

export const density = () => Number(localStorage.getItem(KEY) ?? 100) / 100 || 1;

if (slider) {
  slider.value = density() * 100;
  slider.addEventListener("input", () => {
    localStorage.setItem(KEY, slider.value);
    document.dispatchEvent(new Event("density"));
  });
}
