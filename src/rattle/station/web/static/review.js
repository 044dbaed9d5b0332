// The queue by keyboard. Every key does what a button or a link does.

const MARKED = "rattle-marked", WAITING = "rattle-keys", SAID = "rattle-said";
const help = document.getElementById("keys");
let isLeaving = false; // the next page is on its way

const marked = () => [...document.querySelectorAll('.queue input[name="ids"]:checked')];
const alike = () => [...document.querySelectorAll("[data-alike]")];
let heard = -1; // the alike one that was played last; before the first is the question itself
const stored = () => new Set(JSON.parse(sessionStorage.getItem(MARKED) ?? "[]"));

// What is typed of all that are marked stays, as the marks do, while one goes through the queue.
const ofAll = () => ["all-fault", "all-comment"].map((id) => document.getElementById(id)).filter(Boolean);
const keepSaid = () => sessionStorage.setItem(SAID, JSON.stringify(ofAll().map((field) => field.value)));

function restoreSaid() {
  const said = JSON.parse(sessionStorage.getItem(SAID) ?? "[]");
  ofAll().forEach((field, place) => { field.value = said[place] ?? ""; });
}

// What was typed of the question alone goes along where nothing was typed of all: it is not lost.
function takeAlong() {
  for (const field of ofAll()) {
    const own = document.querySelector(`#say [name="${field.name}"]`);
    if (!field.value && own && own.value !== own.defaultValue) field.value = own.value;
  }
}

function keep() {
  const ids = marked().map((box) => box.value);
  sessionStorage.setItem(MARKED, JSON.stringify(ids));
  const place = document.querySelector("[data-marked]");
  const count = ids.flatMap((each) => each.split(" ")).length; // a box stands for all that sound alike
  if (place) place.textContent = count ? `${count} marked` : "Mark several";
}

function restore() {
  const ids = stored();
  for (const box of document.querySelectorAll('.queue input[name="ids"]')) box.checked = ids.has(box.value);
  keep();
  // The list scrolls, never the page: on a phone the list is far below what is to be judged.
  const now = document.querySelector(".queue .now");
  const list = now?.closest(".queue");
  if (list) list.scrollTop = now.offsetTop - list.clientHeight / 2;
}

function press(selector) {
  const target = document.querySelector(selector);
  if (!target || isLeaving) return;
  isLeaving = Boolean(target.form || target.href);
  target.click();
}

const waiting = () => sessionStorage.getItem(WAITING) ?? "";

function catchUp() {
  const [key, ...rest] = waiting();
  sessionStorage.setItem(WAITING, rest.join(""));
  if (key) keys[key]();
}

const verdict = (value) => press(`${marked().length ? "#bulk" : "#say"} button[value="${value}"]`);

const field = (name) => document.getElementById(marked().length ? `all-${name}` : name);

function hear(step) {
  const all = alike();
  heard = Math.min(Math.max(heard + step, -1), all.length - 1);
  const place = heard < 0 ? document.querySelector("[data-main]") : all[heard];
  place?.scrollIntoView({ block: "nearest", inline: "nearest" });
  for (const each of all) each.classList.toggle("heard", each === place);
  place?.querySelector("audio")?.play();
}

function takeIn(boxes) {
  const all = boxes.filter(Boolean), out = all.every((box) => box.checked);
  for (const box of all) box.checked = !out;
}

const boxIn = (card) => card?.querySelector('input[name="ids"]');

const keys = {
  j: () => press('a[data-key="j"]'),
  k: () => press('a[data-key="k"]'),
  y: () => verdict("anomaly"),
  n: () => verdict("normal"),
  u: () => verdict("unsure"),
  z: () => press("[data-undo]"),
  f: () => field("fault")?.select(),
  c: () => field("comment")?.focus(),
  x: () => document.querySelector('.queue .now input[name="ids"]')?.click(),
  ArrowRight: () => hear(1),
  ArrowLeft: () => hear(-1),
  e: () => takeIn([boxIn(alike()[heard])]),
  a: () => takeIn(alike().map(boxIn)),
  "?": () => (help?.open ? help.close() : help?.showModal()),
  " ": () => {
    const audio = (alike()[heard] ?? document).querySelector(heard < 0 ? "[data-main] audio" : "audio");
    if (audio) audio.paused ? audio.play() : audio.pause();
  },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = event.target;
  if (at.matches("textarea, input[type=text]")) {
    if (event.key === "Escape" || (event.key === "Enter" && at.matches("input"))) {
      event.preventDefault();
      at.blur();
    }
    return;
  }
  if (event.key === " " && at.closest("a, button, input, summary, audio")) return;
  if (event.key.startsWith("Arrow") && at.closest("audio, [tabindex], textarea")) return;
  if (help?.open && event.key !== "?") return;
  const act = keys[event.key];
  if (!act || event.repeat) return;
  event.preventDefault();
  // Who moves on fast loses no step. A verdict is never on an incident that was not seen.
  if (isLeaving) {
    if ("jk".includes(event.key)) sessionStorage.setItem(WAITING, waiting() + event.key);
    return;
  }
  act();
});

document.addEventListener("change", (event) => { if (event.target.name === "ids") keep(); });
document.addEventListener("refreshed", () => {
  // Something came while nothing waited: show it.
  if (!document.querySelector("[data-at]") && document.querySelector(".queue:not(.still) li")) location.reload();
  restore();
});
const bulk = document.getElementById("bulk");
bulk?.addEventListener("input", keepSaid);
bulk?.addEventListener("submit", () => {
  takeAlong();
  if (marked().length) for (const each of [MARKED, SAID]) sessionStorage.removeItem(each);
});
addEventListener("pageshow", () => { isLeaving = false; });
for (const button of document.querySelectorAll("[data-help]")) {
  button.hidden = false;
  button.addEventListener("click", keys["?"]);
}
restoreSaid();
restore();
document.documentElement.dataset.keys = "on";
catchUp();
