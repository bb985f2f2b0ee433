// The dashboard's own behaviour: the viewer's zone, theme, dialogs and keys. What is live is live.js.
// Nothing here is needed to read a page.

const body = document.body;
const cookiePath = `${body.dataset.base}/`;

// A page that a POST showed: Back and Reload ask for the page where the form was, instead of failing or sending it again.
if (body.dataset.standsAt) history.replaceState(history.state, "", body.dataset.standsAt);

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

// On a telephone not all pages have room in the rail: the one that is open is to be seen.
const rail = document.querySelector(".rail");
const open = rail?.querySelector("[aria-current]");
if (open) rail.scrollLeft = open.offsetLeft - (rail.clientWidth - open.offsetWidth) / 2;

// Copying. Browsers keep their clipboard from pages that came without TLS; those still copy what is selected.
async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (!copy) return;
  const word = copy.dataset.word ??= copy.textContent;
  copied(copy.dataset.copy).then(() => { copy.textContent = "copied"; }, () => { copy.textContent = "not copied"; });
  copy.addEventListener("blur", () => { copy.textContent = word; }, { once: true });
});

// Questions before what is grave.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.ask;
  if (question && !confirm(question)) event.preventDefault();
});

// Keys. None acts while something is typed into, none changes anything without a dialog.
const places = { o: "/", r: "/runs", s: "/schedules", q: "/queues", w: "/workers", f: "/workflows", a: "/alerts" };
let going = false;

function rows() { return [...document.querySelectorAll("[data-rows] tbody tr")]; }
function here() { return document.querySelector("[data-rows] tbody tr.here"); }
let stood = ""; // the id of the row that was chosen: what is live comes anew without the mark

function step(by) {
  const all = rows();
  if (!all.length) return;
  const next = all[Math.min(Math.max(all.indexOf(here()) + by, 0), all.length - 1)];
  here()?.classList.remove("here");
  next.classList.add("here");
  next.scrollIntoView({ block: "nearest" });
  stood = next.id;
}

for (const swapped of ["htmx:after:swap", "htmx:sse:after:message"]) {
  document.addEventListener(swapped, () => { if (stood && !here()) document.getElementById(stood)?.classList.add("here"); });
}

// x selects the row, Shift-x all from the row that was selected last to this one.
let anchor = null;

function select(row) {
  row?.querySelector("input[type=checkbox]")?.click();
  anchor = row?.id ?? null;
}

function selectRange() {
  const all = rows();
  const ends = [all.findIndex((row) => row.id === anchor), all.indexOf(here())];
  if (ends[1] < 0) return;
  if (ends[0] < 0) { select(here()); return; }
  for (const row of all.slice(Math.min(...ends), Math.max(...ends) + 1)) {
    const box = row.querySelector("input[type=checkbox]");
    if (box && !box.checked) box.click();
  }
}

const keys = {
  "/": () => document.getElementById("search")?.focus(),
  "?": () => sheet.showModal(),
  t: switchTheme,
  z: () => document.getElementById("zone")?.click(),
  p: () => document.dispatchEvent(new CustomEvent("horarium:pause")),
  j: () => step(1),
  k: () => step(-1),
  x: () => select(here()),
  X: selectRange,
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
