// What happens, as it happens: asks for what was told since, and puts it on top. Everything is shown as text.

const EVERY = 1000; // milliseconds
const KEPT = 300; // rows
const LABELS = ["When", "Event", "Task", "Run", "Who", "Details"];
const table = document.getElementById("monitor");
const body = table.tBodies[0];
const said = document.getElementById("monitor-said");
const button = document.getElementById("monitor-pause");
const only = document.getElementById("monitor-only");
const empty = document.getElementById("monitor-empty");
const beats = document.getElementById("monitor-beats");

let place = table.dataset.place;
let isPaused = false;
let held = 0; // events that came while it was paused
let seen = 0;

function cell(label, child) {
  const made = document.createElement("td");
  made.dataset.label = label;
  made.append(child);
  return made;
}

function link(address, text) {
  const made = document.createElement("a");
  made.href = address;
  made.textContent = text;
  return made;
}

function row(event) {
  const made = document.createElement("tr");
  const when = document.createElement("span");
  when.textContent = event.at;
  when.title = event.utc;
  const what = document.createElement("span");
  what.className = `state ${event.tone}`;
  what.textContent = event.type;
  const run = event.id ? link(table.dataset.runs + encodeURIComponent(event.id), event.id.slice(-12)) : "–";
  const details = document.createElement("span");
  details.textContent = event.detail;
  [when, what, event.task || "–", run, event.who, details].forEach((child, at) => made.append(cell(LABELS[at], child)));
  made.dataset.words = [event.type, event.task, event.id, event.who, event.detail].join(" ").toLowerCase();
  return made;
}

function sift() {
  const wanted = only.value.trim().toLowerCase();
  for (const each of body.rows) each.hidden = wanted !== "" && !each.dataset.words.includes(wanted);
}

function tell(trouble = "") {
  empty.hidden = body.rows.length > 0;
  const words = trouble || (isPaused ? `Paused; ${held} more since.` : seen ? `${seen} events.` : "Waiting for what happens next.");
  if (said.textContent !== words) said.textContent = words;
}

async function look() {
  const query = new URLSearchParams({ after: place });
  if (beats.checked) query.set("heartbeats", "1");
  const answer = await fetch(`${table.dataset.events}?${query}`);
  if (!answer.ok) throw new Error(String(answer.status));
  const told = await answer.json();
  if (isPaused) {
    held = told.more ? `${told.events.length}+` : told.events.length;
    return false; // the place stays: they are shown when it goes on
  }
  place = told.next;
  seen += told.events.length;
  if (told.missed) body.prepend(gap());
  for (const event of told.events) body.prepend(row(event));
  while (body.rows.length > KEPT) body.rows[body.rows.length - 1].remove();
  if (told.events.length) sift();
  return told.more;
}

function gap() {
  const made = document.createElement("tr");
  const text = document.createElement("td");
  text.colSpan = LABELS.length;
  text.textContent = "Some events are missing here: more happened than the journal keeps.";
  made.dataset.words = "";
  made.append(text);
  return made;
}

async function go() {
  let more = false;
  if (!document.hidden) {
    try {
      more = await look();
      tell();
    } catch {
      tell("The dashboard does not answer; trying again.");
    }
  }
  setTimeout(go, more ? 50 : EVERY);
}

button.addEventListener("click", () => {
  isPaused = !isPaused;
  held = 0;
  button.textContent = isPaused ? "Go on" : "Pause";
  button.setAttribute("aria-pressed", String(isPaused));
  tell();
});
document.getElementById("monitor-clear").addEventListener("click", () => { body.replaceChildren(); seen = 0; tell(); });
only.addEventListener("input", sift);
document.addEventListener("keydown", (event) => {
  if (event.key === "p" && !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.closest("input, textarea")) button.click();
});

go();
