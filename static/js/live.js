// Work as it goes. What moved is told by one stream of events; what it became is asked for then, all of it
// in one question. Where no stream gets through, the question is asked every second instead.
// Answers are out-of-band parts, each replacing its own work; asked for by a part that is never replaced.

const EVERY = 1000; // without a stream
const SAFELY = 10_000; // beside a stream that might have missed something
const SLOWEST = 15_000;
const HELLO_WITHIN = 4000; // else something on the way holds the stream back
const SILENT = 15_000; // the server says something every five seconds
const NEXT_TRY = 60_000;

const here = document.querySelector("[data-events]");
const watched = () => [...document.querySelectorAll("[data-live]")];
const batch = () => document.querySelector("[data-live-batch]");
const busy = () => watched().length > 0 || Boolean(batch());

let asking = false;
let again = false;
let failures = 0;
let source = null;
let heard = 0;
let open = false;
let closedUntil = 0;

async function ask() {
  if (!here || !busy() || document.hidden) return;
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  const live = watched();
  const query = new URLSearchParams(live.slice(0, 60).map((work) => ["seen", work.dataset.live]));
  if (batch()) query.set("batch", batch().dataset.liveBatch);
  let failed = false;
  const note = (event) => (failed ||= event.detail.pathInfo?.requestPath.startsWith("/live"));
  for (const name of ["htmx:sendError", "htmx:responseError"]) document.addEventListener(name, note);
  try {
    await htmx.ajax("GET", `/live?${query}`, { source: here, target: here, swap: "none" });
  } catch {
    failed = true;
  }
  for (const name of ["htmx:sendError", "htmx:responseError"]) document.removeEventListener(name, note);
  asking = false;
  failures = failed ? failures + 1 : 0;
  // What ended gave its hold back, so the rest under the price is another.
  if (watched().length < live.length) document.getElementById("composer")?.dispatchEvent(new Event("quote"));
  if (again && !failed) {
    again = false;
    ask();
  }
}

function hang() {
  source?.close();
  source = null;
  open = false;
}

function listen() {
  if (!here || source || !busy() || document.hidden || Date.now() < closedUntil) return;
  source = new EventSource(here.dataset.events);
  const mine = source;
  heard = Date.now();
  const hear = () => {
    [open, heard] = [true, Date.now()];
  };
  source.addEventListener("still", hear);
  source.addEventListener("look", () => {
    hear();
    ask();
  });
  source.addEventListener("moved", (event) => {
    hear();
    const ids = new Set(JSON.parse(event.data));
    if (batch() || watched().some((work) => ids.has(work.dataset.live.slice(0, 36)))) ask();
  });
  source.addEventListener("error", () => {
    open = false;
    if (mine === source && mine.readyState === EventSource.CLOSED) giveUp(); // refused: there is no room, or no right
  });
}

function giveUp() {
  hang();
  closedUntil = Date.now() + NEXT_TRY;
}

// One watchman for all of it: sleep, lost connections, buffering proxies and pages with nothing to wait for.
let asked = Date.now();
function watch() {
  if (!busy() || document.hidden) hang();
  else {
    const silence = Date.now() - heard;
    if (source && !open && silence > HELLO_WITHIN) giveUp();
    else if (source && open && silence > SILENT) hang();
    listen();
    const pause = open ? SAFELY : Math.min(SLOWEST, EVERY * 2 ** failures);
    if (Date.now() - asked >= pause) {
      asked = Date.now();
      ask();
    }
  }
  setTimeout(watch, 500);
}

// A part in which a button is pressed, or was a moment ago, stays: the click would be lost, or the answer to the press,
// which is newer, and needs it there.
let answering = "";
document.addEventListener("htmx:beforeSwap", (event) => (answering = event.detail.requestConfig.path));
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const pressed = event.detail.target.querySelector(".htmx-request, :active");
  if (pressed && answering.startsWith("/live")) event.detail.shouldSwap = false;
});

// A part that is replaced keeps the focus: on the same link or button, else on its first.
let held = null;
const leads = (element) => element.form?.getAttribute("action") ?? element.getAttribute("href");
document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  const focused = document.activeElement;
  if (detail.target.contains(focused)) held = { part: detail.target.id, leads: leads(focused) };
});
document.addEventListener("htmx:oobAfterSwap", () => {
  if (!held || document.activeElement !== document.body) return;
  const choices = [...document.getElementById(held.part).querySelectorAll("a[href], button:enabled")];
  (choices.find((one) => leads(one) === held.leads) ?? choices[0])?.focus({ preventScroll: true });
  held = null;
});

document.addEventListener("visibilitychange", () => document.hidden || ask());
addEventListener("online", ask);
addEventListener("pagehide", hang);
watch();
