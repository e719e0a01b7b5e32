// Keeps "2 min ago" true while a page stands open. Words come from the browser, in the page's language.

const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto", style: "narrow" });
const STEPS = [
  [60, 60, "minute"],
  [3600, 24, "hour"],
  [86_400, 14, "day"],
];

function refresh() {
  for (const moment of document.querySelectorAll("time[datetime]")) {
    const age = (Date.now() - new Date(moment.dateTime)) / 1000;
    const step = STEPS.find(([size, most]) => age >= size && age < size * most);
    if (step) moment.textContent = words.format(-Math.floor(age / step[0]), step[2]);
  }
}

setInterval(() => document.hidden || refresh(), 30_000);
