// The dashboard's own behaviour: the viewer's zone, theme, keys, dialogs, and the rules of what is live.
// Nothing here is needed to read a page.

const body = document.body;
const cookiePath = `${body.dataset.base}/`;

export function remember(name, value) {
  document.cookie = `horarium_${name}=${encodeURIComponent(value)}; path=${cookiePath}; max-age=31536000; samesite=lax`;
}

function remembered(name) {
  const found = document.cookie.split("; ").find((each) => each.startsWith(`horarium_${name}=`));
  return found ? decodeURIComponent(found.split("=")[1]) : "";
}

// The zone: the browser's own, unless another one was chosen in the settings.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (!remembered("zone") && zone) {
  remember("zone", zone);
  const shown = document.getElementById("zone")?.textContent.trim();
  if (shown && shown !== zone && !sessionStorage.getItem("horarium-zone")) {
    sessionStorage.setItem("horarium-zone", zone); // once: a browser without cookies must not go round and round
    location.reload();
  }
}

// Light and dark.
function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  remember("theme", root.dataset.theme);
  document.dispatchEvent(new CustomEvent("horarium:theme"));
}
document.getElementById("theme")?.addEventListener("click", switchTheme);

const sheet = document.getElementById("keysheet");
document.getElementById("keys")?.addEventListener("click", () => sheet.showModal());
document.getElementById("zone")?.addEventListener("click", () => { location.href = `${body.dataset.base}/settings`; });

document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard?.writeText(copy.dataset.copy);
});

// How long ago, by the server's clock, when one points at a moment.
const ahead = Date.now() - Number(body.dataset.now);

function distance(milliseconds) {
  const seconds = Math.abs(milliseconds) / 1000;
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${Math.round(seconds)} s`;
}

document.addEventListener("pointerover", (event) => {
  const moment = event.target.closest("time[datetime]");
  if (!moment) return;
  const away = Date.now() - ahead - Date.parse(moment.dateTime);
  const utc = moment.title.split(" · ")[0];
  moment.title = `${utc} · ${away >= 0 ? `${distance(away)} ago` : `in ${distance(away)}`}`;
});

// Questions before what is grave.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.ask;
  if (question && !confirm(question)) event.preventDefault();
});

// What is live. A row that is selected, focused, hovered or open stays as it is.
const live = document.getElementById("live");
const pulse = document.getElementById("pulse");
const stale = document.getElementById("stale");
const silent = 40000; // ms: the dashboard says something each 15 s; who says nothing hangs, or the way is cut
let paused = false;
let stream = null;
let heard = 0;

function show(state, word) {
  pulse.dataset.state = state;
  pulse.querySelector(".word").textContent = word;
}

function isHeld(row) {
  return row.matches(":hover, :focus-within") || row.querySelector("input:checked, details[open]") !== null;
}

function hold() {
  for (const row of live.querySelectorAll("[data-rows] tbody tr, [data-hold]")) {
    row.toggleAttribute("hx-morph-skip", isHeld(row));
  }
}

export function pause(wanted = !paused) {
  paused = wanted;
  show(paused ? "paused" : "live", paused ? "paused" : "live");
}

if (live) {
  live.addEventListener("htmx:sse:before:message", (event) => {
    heard = Date.now();
    if (paused && !event.detail.message.event) event.preventDefault();
    hold();
  });
  live.addEventListener("htmx:sse:after:connection", (event) => {
    heard = Date.now();
    stream = event.detail.connection;
    if (!paused) show("live", "live");
  });
  live.addEventListener("htmx:sse:error", () => show("lost", "reconnecting"));
  live.addEventListener("stale", (event) => { stale.textContent = event.detail.data; stale.hidden = false; });
  live.addEventListener("fresh", () => { stale.hidden = true; });
  setInterval(() => {
    if (!stream || document.hidden || Date.now() - heard < silent) return;
    heard = Date.now();
    show("lost", "reconnecting");
    stream.reader?.cancel();
  }, 5000);
}

// Keys. None acts while something is typed into, none changes anything without a dialog.
const places = { o: "/", r: "/runs", s: "/schedules", q: "/queues", w: "/workers", f: "/workflows", a: "/alerts" };
let going = false;

function rows() { return [...document.querySelectorAll("[data-rows] tbody tr")]; }
function here() { return document.querySelector("[data-rows] tbody tr.here"); }

function step(by) {
  const all = rows();
  if (!all.length) return;
  const next = all[Math.min(Math.max(all.indexOf(here()) + by, 0), all.length - 1)];
  here()?.classList.remove("here");
  next.classList.add("here");
  next.scrollIntoView({ block: "nearest" });
}

const keys = {
  "/": () => document.getElementById("search")?.focus(),
  "?": () => sheet.showModal(),
  t: switchTheme,
  p: () => live && pause(),
  j: () => step(1),
  k: () => step(-1),
  x: () => here()?.querySelector("input[type=checkbox]")?.click(),
  Enter: () => here()?.querySelector("a")?.click(),
  e: () => document.querySelector("[data-key=e]")?.click(),
  c: () => document.querySelector("[data-key=c]")?.click(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, dialog[open], [contenteditable]")) return;
  if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
  if (going) {
    going = false;
    if (places[event.key]) { location.href = body.dataset.base + places[event.key]; event.preventDefault(); }
    return;
  }
  if (event.key === "g") { going = true; return; }
  const act = keys[event.key];
  if (act) { act(); event.preventDefault(); }
});
