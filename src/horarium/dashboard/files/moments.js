// Times: UTC, the schedule's own zone and how long ago, for whoever points at one, taps it or comes to it by keys; and a
// word when this browser's clock is not the server's.

const PATIENCE = 2000; // milliseconds that two clocks may differ before somebody is told

const body = document.body;
const now = Number(body.dataset.now); // the server's, when it made the page

// The page was made after this browser had asked and before the answer began: outside of that the clocks differ.
const asked = performance.getEntriesByType("navigation")[0];
const start = performance.timeOrigin;
const earliest = start + (asked?.requestStart ?? 0);
const latest = start + (asked?.responseStart || performance.now());
const ahead = now < earliest ? earliest - now : now > latest ? latest - now : 0;

const skew = document.getElementById("skew");
if (skew && Math.abs(ahead) > PATIENCE) {
  skew.textContent = `This browser's clock is ${distance(ahead)} ${ahead > 0 ? "ahead of" : "behind"} the dashboard's. Times here are the dashboard's.`;
  skew.hidden = false;
}

function distance(milliseconds) {
  const seconds = Math.abs(milliseconds) / 1000;
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${Math.round(seconds)} s`;
}

const tip = document.createElement("div");
tip.id = "tip";
tip.role = "tooltip";
tip.hidden = true;
body.append(tip);
let shown = null;

function show(moment) {
  hide();
  if (!moment) return;
  if (moment.title) { // the browser's own would stand beside ours
    moment.dataset.exactly = moment.title;
    moment.removeAttribute("title");
  }
  const away = Date.now() - ahead - Date.parse(moment.dateTime);
  tip.textContent = `${moment.dataset.exactly ?? moment.dateTime} · ${away >= 0 ? `${distance(away)} ago` : `in ${distance(away)}`}`;
  tip.hidden = false;
  moment.setAttribute("aria-describedby", "tip");
  shown = moment;
  put();
}

// Below the moment, or above it where there is no room; it goes along when the page is scrolled.
function put() {
  if (!shown) return;
  const place = shown.getBoundingClientRect();
  if (place.bottom < 0 || place.top > innerHeight) { hide(); return; }
  const isLow = place.bottom + tip.offsetHeight + 8 > innerHeight;
  tip.style.left = `${Math.max(4, Math.min(place.left, innerWidth - tip.offsetWidth - 4))}px`;
  tip.style.top = `${isLow ? place.top - tip.offsetHeight - 4 : place.bottom + 4}px`;
}

function hide() {
  shown?.removeAttribute("aria-describedby");
  shown = null;
  tip.hidden = true;
}

function meant(event) { return event.target.closest?.("time[datetime]") ?? null; }

for (const kind of ["pointerover", "focusin", "click"]) {
  document.addEventListener(kind, (event) => { const moment = meant(event); if (moment || kind !== "pointerover") show(moment); });
}
document.addEventListener("pointerout", (event) => { if (meant(event) === shown) hide(); });
document.addEventListener("focusout", (event) => { if (meant(event) === shown) hide(); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
document.addEventListener("scroll", put, { capture: true, passive: true });
for (const swapped of ["htmx:after:swap", "htmx:sse:after:message"]) { // the same moment, without our marks on it
  document.addEventListener(swapped, () => { if (shown) show(shown.isConnected ? shown : null); });
}
