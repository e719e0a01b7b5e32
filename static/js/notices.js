// Notices go away by themselves, except those that say what went wrong; focus or hover keeps them.

const STAYS = 10_000;
const notices = document.querySelector("#notices");

// Work that one sees begin need not be pointed at: it shows below the bar and above the middle of the window.
function inSight(work) {
  const { top, bottom } = work?.getBoundingClientRect() ?? { top: Infinity, bottom: 0 };
  return top < innerHeight / 2 && bottom > 120;
}

function tend(notice) {
  if (notice.dataset.tended !== undefined) return;
  notice.dataset.tended = "";
  for (const one of notices.querySelectorAll(".queued")) if (notice.matches(".queued") && one !== notice) one.remove();
  if (notice.classList.contains("bad")) return;
  if (notice.matches(".queued") && inSight(document.querySelector(notice.querySelector("a").hash))) return notice.remove();
  let timer;
  const start = () => (timer = setTimeout(() => notice.remove(), STAYS));
  const hold = () => clearTimeout(timer);
  for (const [name, act] of [["pointerenter", hold], ["focusin", hold], ["pointerleave", start], ["focusout", start]]) {
    notice.addEventListener(name, act);
  }
  start();
}

function put(sentence, path) {
  const notice = document.createElement("div");
  notice.className = "notice";
  notice.dataset.notice = "";
  const text = document.createElement("p");
  if (path) text.append(Object.assign(document.createElement("a"), { href: path, textContent: sentence }));
  else text.textContent = sentence;
  const dismiss = document.createElement("button");
  Object.assign(dismiss, { type: "button", className: "small", textContent: notices.dataset.close ?? "OK" });
  dismiss.dataset.dismiss = "";
  notice.append(text, dismiss);
  return notice;
}

export function announce(sentence, path) {
  notices.append(put(sentence, path));
}

export function complain(sentence) {
  if ([...notices.querySelectorAll("p")].some((one) => one.textContent === sentence)) return;
  const notice = put(sentence);
  notice.classList.add("bad");
  notices.append(notice);
}

notices?.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest("[data-notice]").remove());
new MutationObserver(() => notices.querySelectorAll("[data-notice]").forEach(tend)).observe(notices, { childList: true });
notices.querySelectorAll("[data-notice]").forEach(tend);

const quiet = (event) => event.detail.requestConfig?.path.startsWith("/live");
for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => quiet(event) || complain(notices.dataset.offline));
}
document.addEventListener("htmx:responseError", (event) => quiet(event) || complain(notices.dataset.broken));
