// Asks the server for a deed and says what came of it; never loses a refusal.

import { complain } from "./notices.js";

const said = document.querySelector("#said")?.dataset ?? {};
const notices = document.querySelector("#notices");

export const headers = () => ({ Accept: "application/json", "HX-Request": "true", "X-CSRFToken": said.token });

let before = Promise.resolve();

// The answer's JSON, or null after having said why there is none. Deeds reach the server one after another, in the
// order in which they were done: two on their way at once might come in the other order, and the older would stay.
export function ask(...deed) {
  const mine = before.then(() => send(...deed));
  before = mine.catch(() => null);
  return mine;
}

async function send(path, body, method = "POST") {
  let answer;
  try {
    const json = typeof body === "object" && !(body instanceof FormData);
    answer = await fetch(path, {
      method,
      headers: json ? { ...headers(), "Content-Type": "application/json" } : headers(),
      body: json ? JSON.stringify(body) : body,
    });
  } catch {
    return complain(notices.dataset.offline), null;
  }
  return read(answer.status, answer.headers.get("Content-Type") ?? "", await answer.text());
}

export function read(status, kind, text) {
  if (kind.startsWith("application/json")) {
    const found = JSON.parse(text);
    if (status < 300) return found;
    complain(found.error ?? notices.dataset.broken);
  } else if (status === 422) {
    notices.insertAdjacentHTML("beforeend", text); // our own notice: signed out, with the way back
  } else {
    complain(notices.dataset.broken);
  }
  return null;
}

// A sentence with an Undo for as long as the notice stays.
export function tell(sentence, undo) {
  const notice = document.createElement("div");
  notice.className = "notice";
  notice.dataset.notice = "";
  notice.append(Object.assign(document.createElement("p"), { textContent: sentence }));
  if (undo) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "small", textContent: said.undo });
    button.dataset.undoing = "";
    button.addEventListener("click", () => (notice.remove(), undo()), { once: true });
    notice.append(button);
  }
  const close = Object.assign(document.createElement("button"), { type: "button", className: "small", textContent: notices.dataset.close });
  close.dataset.dismiss = "";
  notice.append(close);
  for (const older of notices.querySelectorAll("[data-told]")) older.remove();
  notice.dataset.told = "";
  notices.append(notice);
}
