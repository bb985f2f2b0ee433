// What is live: the page's block, sent anew by the server when it has changed, or asked for where a stream does not come
// through. What stays as it is meanwhile is place.js. A tab that nobody sees asks for nothing.

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
let asOf = Date.now(); // when what is shown was last known to be so
let connection = null;

function show(state, word) {
  pulse.dataset.state = state;
  pulse.querySelector(".word").textContent = word;
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}; trying again.`;
}

function complain(text) {
  stale.textContent = text;
  stale.hidden = !text;
}

const ahead = Date.now() - Number(document.body.dataset.now); // of the server's clock
const clock = new Intl.DateTimeFormat("en-GB", {
  timeZone: document.getElementById("zone").textContent.trim(),
  hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short",
});

function lose(why) {
  complain(`As of ${clock.format(asOf - ahead)}: ${why}; trying again.`);
  show("lost", "reconnecting");
}

// Ask for the block once, as the stream would send it.
async function look() {
  const connect = new URL(live.getAttribute("hx-sse:connect"), location.href);
  const answer = await fetch(document.body.dataset.base + connect.searchParams.get("view"), { headers: { "HX-Target": "live" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const message = { data: await answer.text(), event: "" };
  live.dispatchEvent(new CustomEvent("htmx:sse:before:message", { detail: { message } }));
  await htmx.swap({ text: message.data, target: live, sourceElement: live, swap: "innerMorph" });
  live.dispatchEvent(new CustomEvent("htmx:sse:after:message", { detail: { message } }));
}

function connect() {
  htmx.ajax("GET", live.getAttribute("hx-sse:connect"), { source: live, target: live, swap: "innerMorph" });
}

async function poll() {
  if (document.hidden || isPaused) return;
  try {
    await look();
    complain("");
    show("live", "every 5 s");
  } catch (error) {
    lose(`the dashboard does not answer (${error.message})`);
  }
  polls += 1;
  if (polls % POLLS === 0 && !live._htmx?.sse) connect();
}

function fallBack() {
  if (timer === null) timer = setInterval(poll, POLL_EVERY);
}

function streams() {
  clearInterval(timer);
  timer = null;
  complain("");
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
    if (stale.hidden && event.detail.message.event !== "version") asOf = heard; // that comes before the first look
    if (isPaused && !event.detail.message.event) event.preventDefault();
  });
  live.addEventListener("htmx:sse:after:connection", (event) => {
    heard = Date.now();
    connection = event.detail.connection;
    streams();
  });
  setInterval(() => {
    if (!connection || timer !== null || document.hidden || Date.now() - heard < SILENT) return;
    heard = Date.now();
    lose("the dashboard says nothing");
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
  live.addEventListener("stale", (event) => complain(sentence(event.detail.data)));
  live.addEventListener("fresh", () => complain(""));
  live.addEventListener("version", (event) => {
    if (event.detail.data !== document.body.dataset.version) complain("Horarium was upgraded; reload this page.");
  });
  document.addEventListener("horarium:pause", pause);
  document.addEventListener("htmx:before:request", (event) => { if (document.hidden) event.preventDefault(); });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    heard = Date.now(); // it was not listened to
    if (timer !== null) poll();
    if (!connection) connect();
  });
}
