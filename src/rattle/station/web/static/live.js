// Keep the page up to date. Scores are written where they stand; of anything else the page is asked
// for again, and the parts that are marked with data-live are replaced.
import { localise } from "./times.js";
import { levelSaid, scoreSaid } from "./amounts.js";

const SETTLE_MS = 300;
// Of a large plant a page takes a while: it is asked for a tenth of the time at most.
const PATIENCE = 10;
const BAR_TOP = 1.25; // thresholds, as the server draws it

let stream = null;
let waiting = null;
let restUntil = 0;

export function listen() {
  document.addEventListener("visibilitychange", () => {
    // A browser gives a server six connections: a hidden tab must not hold one.
    if (document.hidden) close();
    else { open(); refresh(); }
  });
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted) { open(); refresh(); } });
  if (!document.hidden) open();
  // All of a page is asked for at once: its first region says how often.
  const region = document.querySelector("[data-every]");
  if (region) setInterval(() => { if (!document.hidden) refresh(); }, 1000 * region.dataset.every);
}

function open() {
  if (stream) return;
  stream = new EventSource("/events");
  stream.addEventListener("open", () => say("live", false));
  stream.addEventListener("error", () => say("not connected", true));
  stream.addEventListener("score", (event) => score(JSON.parse(event.data)));
  for (const kind of ["source", "machine", "incident", "release", "enrolment", "plant", "resync"]) {
    stream.addEventListener(kind, later);
  }
}

function close() {
  stream?.close();
  stream = null;
}

function say(text, late) {
  const place = document.getElementById("live");
  if (!place) return;
  place.hidden = false;
  place.className = late ? "pulse late" : "pulse";
  if (place.textContent !== text) place.textContent = text;
}

function score(heard) {
  for (const card of document.querySelectorAll(`[data-source="${CSS.escape(heard.source)}"]`)) {
    write(card, "score", scoreSaid(heard.y));
    write(card, "level", levelSaid(heard.level_db));
    const bar = card.querySelector('[data-now="bar"]');
    if (bar && heard.y !== null && heard.alarm > 0) {
      const share = Math.min(Math.max(heard.y / (BAR_TOP * heard.alarm), 0), 1);
      bar.setAttribute("width", (100 * share).toFixed(1));
      bar.setAttribute("class", share > 1 / BAR_TOP ? "over" : "now");
    }
  }
  document.dispatchEvent(new CustomEvent("score", { detail: heard }));
}

function write(card, name, text) {
  const place = card.querySelector(`[data-now="${name}"]`);
  if (place && place.textContent !== text) place.textContent = text;
}

function later() {
  if (waiting) return;
  waiting = setTimeout(refresh, Math.max(SETTLE_MS, restUntil - performance.now()));
}

async function refresh() {
  clearTimeout(waiting);
  waiting = null;
  const begun = performance.now();
  try {
    await replaceRegions();
  } finally {
    const now = performance.now();
    restUntil = now + PATIENCE * (now - begun);
  }
}

async function replaceRegions() {
  const regions = [...document.querySelectorAll("[data-live]")];
  const address = new URL(location.href);
  // Stay at the incident that is shown, even where another one is now the first of the queue.
  const at = document.querySelector("[data-at]")?.dataset.at;
  if (at) address.searchParams.set("at", at);
  address.searchParams.delete("done");
  let answer;
  try {
    answer = await fetch(address, { cache: "no-store", headers: { Accept: "text/html" } });
  } catch {
    return; // the station is away: the stream says so, and comes back with it
  }
  if (answer.redirected && new URL(answer.url).pathname === "/login") {
    location.reload();
    return;
  }
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  localise(page);
  for (const region of regions) {
    const newer = page.querySelector(`[data-live="${region.dataset.live}"]`);
    if (newer && newer.innerHTML !== region.innerHTML) replace(region, newer);
  }
  document.dispatchEvent(new CustomEvent("refreshed"));
}

function replace(region, newer) {
  const focused = region.contains(document.activeElement) ? document.activeElement : null;
  const mark = focused?.getAttribute("href") ?? focused?.value;
  const marked = new Set([...region.querySelectorAll('[name="ids"]:checked')].map((box) => box.value));
  region.replaceChildren(...newer.childNodes);
  for (const box of region.querySelectorAll('[name="ids"]')) box.checked = marked.has(box.value);
  if (!mark) return;
  for (const each of region.querySelectorAll("a, input, button")) {
    if ((each.getAttribute("href") ?? each.value) === mark) { each.focus({ preventScroll: true }); break; }
  }
}
