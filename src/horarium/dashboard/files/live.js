// What is live: the page's block, sent anew by the server when it has changed, or asked for where a stream does not come
// through. A row that is selected, focused, hovered or open stays as it is.

const POLL_EVERY = 5000; // milliseconds, where no stream comes through
const POLLS = 12; // then the stream is tried again
const SILENT = 40000; // milliseconds; the dashboard says something each 15 s: it hangs, or the way is cut

const live = document.getElementById("live");
const pulse = document.getElementById("pulse");
const stale = document.getElementById("stale");
let isPaused = false;
let timer = null;
let polls = 0;
let heard = null; // when the stream last said something
let connection = null;

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

function complain(text) {
  stale.textContent = text;
  stale.hidden = !text;
}

// Ask for the block once, as the stream would send it.
async function look() {
  const connect = new URL(live.getAttribute("hx-sse:connect"), location.href);
  const answer = await fetch(document.body.dataset.base + connect.searchParams.get("view"), { headers: { "HX-Target": "live" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const text = await answer.text();
  hold();
  await htmx.swap({ text, target: live, sourceElement: live, swap: "innerMorph" });
  live.dispatchEvent(new CustomEvent("htmx:sse:after:message"));
}

async function poll() {
  if (document.hidden || isPaused) return;
  try {
    await look();
    complain("");
    show("live", "every 5 s");
  } catch (error) {
    complain(`The dashboard does not answer (${error.message}); what is below may be old.`);
    show("lost", "reconnecting");
  }
  polls += 1;
  if (polls % POLLS === 0 && !live._htmx?.sse) {
    htmx.ajax("GET", live.getAttribute("hx-sse:connect"), { source: live, target: live, swap: "innerMorph" });
  }
}

function fallBack() {
  if (timer === null) timer = setInterval(poll, POLL_EVERY);
}

function streams() {
  clearInterval(timer);
  timer = null;
  if (!isPaused) show("live", "live");
}

function pause() {
  isPaused = !isPaused;
  show(isPaused ? "paused" : "live", isPaused ? "paused" : "live");
  if (!isPaused) look().catch(fallBack);
}

if (live) {
  live.addEventListener("htmx:sse:before:message", (event) => {
    heard = Date.now();
    if (isPaused && !event.detail.message.event) event.preventDefault();
    hold();
  });
  live.addEventListener("htmx:sse:after:connection", (event) => {
    heard = Date.now();
    connection = event.detail.connection;
    streams();
  });
  setInterval(() => {
    if (!connection || timer !== null || document.hidden || Date.now() - heard < SILENT) return;
    heard = Date.now();
    show("lost", "reconnecting");
    connection.reader?.cancel();
  }, POLL_EVERY);
  for (const failure of ["htmx:sse:error", "htmx:error", "htmx:response:error"]) {
    live.addEventListener(failure, (event) => {
      if (event.target !== live) return;
      show("lost", "reconnecting");
      fallBack();
    });
  }
  setTimeout(() => { // a stream that opened, or failed, before we listened
    connection ??= live._htmx?.sse ?? null;
    heard ??= Date.now();
    if (!connection) fallBack();
  }, POLL_EVERY / 2);
  live.addEventListener("stale", (event) => complain(event.detail.data));
  live.addEventListener("fresh", () => complain(""));
  live.addEventListener("version", (event) => {
    if (event.detail.data !== document.body.dataset.version) complain("Horarium was upgraded; reload this page.");
  });
  document.addEventListener("horarium:pause", pause);
}
