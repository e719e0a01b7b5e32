// While work runs, one question a second for all of it; none while the page is hidden.
// What changed comes back as out-of-band parts, each replacing its own work.

const EVERY = 1000;
const SLOWEST = 15_000;
let wait = EVERY;
let asking = false;

async function ask() {
  const live = [...document.querySelectorAll("[data-live]")];
  if (!live.length || document.hidden || asking) return;
  asking = true;
  const query = new URLSearchParams(live.slice(0, 60).map((work) => ["seen", work.dataset.live]));
  let failed = false;
  const note = (event) => (failed ||= event.detail.pathInfo?.requestPath.startsWith("/live"));
  for (const name of ["htmx:sendError", "htmx:responseError"]) document.addEventListener(name, note);
  try {
    await htmx.ajax("GET", `/live?${query}`, { source: "#announce", target: "#announce", swap: "none" });
  } catch {
    failed = true;
  }
  for (const name of ["htmx:sendError", "htmx:responseError"]) document.removeEventListener(name, note);
  asking = false;
  // What ended gave its hold back, so the rest under the price is another.
  const left = document.querySelectorAll("[data-live]").length;
  if (left < live.length) document.getElementById("composer")?.dispatchEvent(new Event("quote"));
  wait = failed ? Math.min(SLOWEST, wait * 2) : EVERY; // a server that is away is not hammered
}

async function watch() {
  await ask();
  setTimeout(watch, wait);
}

document.addEventListener("visibilitychange", () => document.hidden || ask());
watch();
