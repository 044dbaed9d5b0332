// The course of a machine, from weeks down to seconds: drag to zoom, double-click to go back. It takes
// the place of the picture that the server drew, and shows the same.
import uPlot from "./uplot/uPlot.esm.js";
import { scoreSaid } from "./amounts.js";
import { clock, day, full as exact, second } from "./times.js";

const HEADROOM = 4; // as pages/curves.py
const SHORTEST_S = 30, LONGEST_S = 365 * 86400;
const HEIGHT = 260;
const MOST_MARKED = 200; // as pages/machine.py
const MINUTE_S = 60;
const LATEST_S = 5 * MINUTE_S; // a minute is stored long before it is so old

const place = document.querySelector("[data-timeline]");
const target = place.querySelector("[data-plot]");
const { machine, source } = place.dataset;
const whole = { begin: Number(place.dataset.begin), end: Number(place.dataset.end) };
let span = { ...whole };
let shown = null; // what was heard, incidents and thresholds of the span
let plot = null;
let asked = 0;
const live = []; // scores that came while the page was open, until their minutes are stored

const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
const iso = (seconds) => new Date(1000 * seconds).toISOString();
const seconds = (text) => Date.parse(text) / 1000;

async function ask(path, query) {
  const answer = await fetch(`/api/v1/${path}?${new URLSearchParams(query)}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function show(next) {
  const length = Math.min(Math.max(next.end - next.begin, SHORTEST_S), LONGEST_S);
  const begin = Math.min(next.begin, Date.now() / 1000 + 86400 - length);
  const number = ++asked;
  const bounds = { source, begin: iso(begin), end: iso(begin + length) };
  const path = `machines/${encodeURIComponent(machine)}`;
  const of = (level) => ask("incidents", { ...bounds, kind: "machine", level, limit: MOST_MARKED });
  const [heard, held, alarms, watches] = await Promise.all([
    ask(`${path}/timeline`, { ...bounds, points: Math.max(Math.min(target.clientWidth, 1200), 100) }),
    ask(`${path}/thresholds`, bounds),
    of("alarm"), of("watch"),
  ]);
  if (number !== asked) return; // a newer question is on its way
  // The whole span has moved along since it was asked for.
  const follows = next === whole;
  span = follows ? { ...whole } : { begin, end: begin + length };
  const incidents = [...alarms.incidents, ...watches.incidents];
  place.querySelector("[data-not-all]").hidden = !alarms.before && !watches.before;
  const stored = heard.lost.findLastIndex((lost) => lost !== null);
  shown = { heard, held: held.thresholds, incidents, stored, follows, at: whole.end };
  for (const each of live) add(each);
  draw();
}

// Why a stretch was not scored; windows come every few seconds, so that one between two is no gap.
function gap({ lost, fitness, operating }, place) {
  if (lost[place] === null || lost[place] >= 0.2 || fitness[place]) return "unheard";
  return ["off", "idle"].includes(operating[place]) ? "off" : null;
}

function columns() {
  const { heard, held } = shown;
  const kept = [...heard.at.keys()].filter((place) => heard.highest[place] !== null || gap(heard, place));
  const pick = (values) => kept.map((place) => values[place]);
  const at = pick(heard.at).map((begin) => begin + heard.step_s / 2);
  const level = (name) => {
    const changes = held.filter((each) => each.level === name);
    return at.map((now) => changes.findLast((each) => seconds(each.active_from) <= now)?.value ?? null);
  };
  return [at, pick(heard.lowest), pick(heard.highest), level("watch"), level("alarm")];
}

function range(data) {
  const scores = [...data[1], ...data[2]].filter((score) => score !== null);
  const limits = [...data[3], ...data[4]].filter((limit) => limit !== null);
  const low = Math.min(0, ...scores);
  const heard = scores.length ? Math.max(...scores) : Math.max(1, ...limits);
  const near = limits.filter((limit) => limit - low <= HEADROOM * (heard - low));
  return [low, low + 1.08 * (Math.max(heard, ...near) - low || 1)];
}

function draw() {
  const data = columns();
  const scales = { x: span, y: range(data) };
  if (!plot) {
    target.replaceChildren();
    target.append(buttons());
    plot = new uPlot(options(), data, target);
    place.dataset.ready = "yes";
  }
  plot.batch(() => {
    plot.setData(data, false);
    plot.setScale("x", { min: scales.x.begin, max: scales.x.end });
    plot.setScale("y", { min: scales.y[0], max: scales.y[1] });
  });
}

function options() {
  const axis = { stroke: () => colour("--soft"), grid: { stroke: () => colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const held = uPlot.paths.stepped({ align: 1 });
  const times = (_, at) => {
    const form = span.end - span.begin > 2 * 86400 ? day : span.end - span.begin > 600 ? clock : second;
    return at.map((each) => form.format(1000 * each));
  };
  const said = (_, value) => (value === null || value === undefined ? "–" : scoreSaid(value));
  return {
    width: target.clientWidth,
    height: HEIGHT,
    scales: { x: { time: true, auto: false }, y: { auto: false } },
    axes: [{ ...axis, values: times, space: 84, size: 28 }, { ...axis, size: 44 }],
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
    legend: { live: true },
    series: [
      { label: "at", value: (_, at) => (at === null ? "–" : exact.format(1000 * at)) },
      { label: "lowest", stroke: () => colour("--normal"), width: 0, points: { show: false }, value: said },
      { label: "highest", stroke: () => colour("--normal"), width: 1.6, points: { show: false }, value: said },
      { label: "watch above", stroke: () => colour("--anomaly"), width: 1.4, dash: [5, 4], points: { show: false }, value: said, paths: held },
      { label: "alarm above", stroke: () => colour("--anomaly"), width: 1.4, points: { show: false }, value: said, paths: held },
    ],
    bands: [{ series: [2, 1], fill: () => `${colour("--normal")}38` }],
    hooks: {
      drawClear: [bands],
      setSelect: [(u) => {
        if (u.select.width < 6) return;
        const next = { begin: u.posToVal(u.select.left, "x"), end: u.posToVal(u.select.left + u.select.width, "x") };
        u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        show(next).catch(fail);
      }],
      ready: [(u) => {
        u.over.addEventListener("dblclick", () => show(whole).catch(fail));
        u.over.addEventListener("click", (event) => open(u, event));
      }],
    },
  };
}

// A click on an incident leads to it; a click after a drag is none.
function open(u, event) {
  if (event.detail !== 1 || u.select.width > 0) return;
  const at = u.posToVal(event.offsetX, "x");
  const near = (6 / u.over.clientWidth) * (span.end - span.begin);
  const hit = shown.incidents.find((each) =>
    seconds(each.opened) - near <= at && at <= (each.ended ? seconds(each.ended) : Date.now() / 1000) + near);
  if (hit) location.assign(`/incidents/${encodeURIComponent(hit.id)}`);
}

function hatch(ctx) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const lines = tile.getContext("2d");
  lines.strokeStyle = colour("--muted");
  lines.lineWidth = 2;
  for (const x of [-8, 0, 8]) { lines.moveTo(x, 8); lines.lineTo(x + 8, 0); }
  lines.stroke();
  return ctx.createPattern(tile, "repeat");
}

function bands(u) {
  const { heard, incidents, stored } = shown;
  const { ctx, bbox } = u;
  const x = (at) => Math.min(Math.max(u.valToPos(at, "x", true), bbox.left), bbox.left + bbox.width);
  const fill = (from, to, style, share, narrowest) => {
    ctx.globalAlpha = share;
    ctx.fillStyle = style;
    ctx.fillRect(x(from), bbox.top, Math.max(x(to) - x(from), narrowest), bbox.height);
  };
  const [unheard, off, odd] = [hatch(ctx), colour("--muted"), colour("--anomaly")];
  ctx.save();
  // After what is stored there is nothing to say: that minute is not over.
  const first = heard.lost.findIndex((lost) => lost !== null);
  for (let place = Math.max(first, 0); place <= stored; place++) {
    const begin = heard.at[place];
    const why = gap(heard, place);
    if (why === "unheard") fill(begin, begin + heard.step_s, unheard, 0.5, 0);
    else if (why === "off") fill(begin, begin + heard.step_s, off, 0.28, 0);
  }
  for (const each of incidents) {
    const ended = each.ended ? seconds(each.ended) : Date.now() / 1000;
    if (ended < span.begin || seconds(each.opened) > span.end) continue;
    fill(seconds(each.opened), ended, odd, 0.2, 3 * devicePixelRatio);
  }
  ctx.restore();
}

function buttons() {
  const bar = document.createElement("div");
  bar.className = "verbs zoom";
  const length = () => span.end - span.begin;
  for (const [text, name, next] of [
    ["←", "Earlier", () => ({ begin: span.begin - length() / 2, end: span.end - length() / 2 })],
    ["→", "Later", () => ({ begin: span.begin + length() / 2, end: span.end + length() / 2 })],
    ["+", "Zoom in", () => ({ begin: span.begin + length() / 4, end: span.end - length() / 4 })],
    ["−", "Zoom out", () => ({ begin: span.begin - length() / 2, end: span.end + length() / 2 })],
    ["Reset", "Back to the whole span", () => whole],
  ]) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = text;
    button.setAttribute("aria-label", name);
    button.title = name;
    button.addEventListener("click", () => show(next()).catch(fail));
    bar.append(button);
  }
  return bar;
}

function fail() {
  // The picture of the server, or the last plot, stays; the live sign tells that the station is away.
  place.dataset.ready = "no";
}

function add({ now, y }) {
  const { at, highest, lowest, lost, fitness, operating, step_s: step } = shown.heard;
  if (now < at[0] || now > span.end) return;
  const place = at.findLastIndex((begin) => begin <= now);
  if (place >= 0 && now - at[place] < step) {
    highest[place] = Math.max(highest[place] ?? y, y);
    // What is stored may be of minutes, each by its highest.
    if (place > shown.stored) lowest[place] = Math.min(lowest[place] ?? y, y);
  } else {
    at.push(Math.floor(now / step) * step);
    highest.push(y); lowest.push(y); lost.push(0); fitness.push(""); operating.push("running");
  }
}

document.addEventListener("score", ({ detail: heard }) => {
  // Sound goes on: the whole span, where it is shown, moves along with it.
  const now = heard.at === undefined ? NaN : seconds(heard.at);
  if (!shown || heard.source !== source || heard.y === null || !(now > whole.end)) return;
  live.push({ now, y: heard.y });
  while (live[0].now < now - LATEST_S) live.shift();
  whole.begin += now - whole.end;
  whole.end = now;
  if (shown.follows) span = { ...whole };
  if (now > span.end) return;
  add(live.at(-1));
  draw();
  if (!shown.follows || now - shown.at < MINUTE_S) return;
  shown.at = now; // another minute is stored by now: ask once
  show(whole).catch(fail);
});
addEventListener("resize", () => plot?.setSize({ width: target.clientWidth, height: HEIGHT }));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot?.redraw());
show(whole).catch(fail);
