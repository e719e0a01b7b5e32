// The bell: how many notices are unread, asked again while the page is looked at; and, where the
// browser was allowed to on the page of notices, a word from the browser for each new one.
// Work that somebody left running on another page says here that it is over.

import { announce } from "./notices.js";

const bell = document.querySelector("[data-bell]");
const EVERY = 30_000;
const SOON = 3000; // while work is waited for
const PATIENCE = 120_000; // after so long on one page as seldom as ever
const WAITED = "works-waited-for";
const SEEN = "notices-seen";
const OFF = "notices-off";
const able = "Notification" in window;
const on = () => able && Notification.permission === "granted" && !localStorage.getItem(OFF);

function count(unread) {
  const badge = bell.querySelector("[data-count]");
  badge.textContent = unread > 98 ? "99+" : unread;
  badge.hidden = !unread;
  bell.setAttribute("aria-label", unread ? bell.dataset.some.replace("{n}", unread) : bell.dataset.none);
}

function say(newest) {
  const seen = localStorage.getItem(SEEN);
  if (newest.length) localStorage.setItem(SEEN, newest[0].id);
  if (seen === null || !on()) return;
  for (const one of newest.filter(({ id }) => id > seen).reverse()) word(one, bell.href);
}

// With the same tag a second word of the same work takes the place of the first.
function word({ id, sentence, path }, href) {
  const shown = new Notification("Seedbank", { body: sentence, tag: path || id });
  shown.onclick = () => {
    window.focus();
    location.assign(href);
  };
}

const tile = (id) => document.getElementById(`generation-${id}`) ?? document.querySelector(`[data-comparison="${id}"]`);
const live = () => [...document.querySelectorAll("[data-live]")].map((one) => one.dataset.live.split(":")[0]);
let waited = new Set(JSON.parse(sessionStorage.getItem(WAITED) ?? "[]"));
const told = new Set();

// Whoever looks at its tile sees it without being told.
function over(ended) {
  for (const one of ended) {
    if (told.has(one.id) || (tile(one.id) && !document.hidden)) continue;
    told.add(one.id);
    if (!tile(one.id)) announce(one.sentence, one.path);
    if (on()) word(one, one.path);
  }
}

function leave() {
  const left = [...waited, ...live()].filter((id) => !tile(id) || tile(id).dataset.live);
  sessionStorage.setItem(WAITED, JSON.stringify([...new Set(left)]));
}

async function ask() {
  if (document.hidden && !on()) return;
  const works = [...new Set([...waited, ...live()])].map((id) => ["work", id]);
  try {
    const address = `${bell.dataset.bell}?${new URLSearchParams(works)}`;
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (!answer.ok || answer.redirected) return;
    const { unread, newest, ended, waiting } = await answer.json();
    waited = new Set(waiting);
    count(unread);
    say(newest);
    over(ended);
  } catch {
    // Away for a moment; the next round will tell.
  }
}

function offer(panel) {
  const [state, button] = ["[data-state]", "[data-switch]"].map((one) => panel.querySelector(one));
  const show = () => {
    const denied = Notification.permission === "denied";
    const which = on() ? "on" : "off";
    state.textContent = denied ? state.dataset.denied : state.dataset[which];
    button.textContent = button.dataset[which];
    button.hidden = denied;
  };
  button.addEventListener("click", async () => {
    if (on()) localStorage.setItem(OFF, "1");
    else {
      localStorage.removeItem(OFF);
      await Notification.requestPermission();
      if (localStorage.getItem(SEEN) === null) localStorage.setItem(SEEN, "");
    }
    show();
  });
  panel.hidden = false;
  show();
}

function go() {
  const soon = waited.size && !live().length && performance.now() < PATIENCE;
  setTimeout(() => ask().then(go), soon ? SOON : EVERY);
}

if (bell) {
  go();
  addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => document.hidden || ask());
}
const panel = document.querySelector("[data-browser-notices]");
if (panel && able) offer(panel);
