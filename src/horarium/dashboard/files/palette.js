// Ctrl-K: go to whatever has a name. The server finds; arrows and Enter choose.

const palette = document.getElementById("palette");
const text = document.getElementById("palette-text");
const goals = document.getElementById("palette-goals");
const PAUSE = 120; // milliseconds between two letters that are one word

let asking = null;
let waiting = 0;

function links() { return [...goals.querySelectorAll("a")]; }
function chosen() { return goals.querySelector("a.here"); }

function choose(link) {
  chosen()?.classList.remove("here");
  link?.classList.add("here");
  link?.scrollIntoView({ block: "nearest" });
}

async function find() {
  asking?.abort();
  asking = new AbortController();
  const address = `${palette.dataset.find}?q=${encodeURIComponent(text.value)}`;
  try {
    const answer = await fetch(address, { headers: { "hx-target": "live" }, signal: asking.signal });
    if (answer.ok) goals.innerHTML = await answer.text(); // a block of our own page, escaped by its template
    else goals.textContent = `The dashboard answers ${answer.status}.`;
  } catch (error) {
    if (error.name === "AbortError") return; // somebody typed on
    goals.textContent = "The dashboard cannot be reached.";
  }
  choose(links()[0]);
}

function open() {
  if (palette.open) return;
  palette.showModal();
  text.select();
  find();
}

document.getElementById("go")?.addEventListener("click", open);
document.addEventListener("keydown", (event) => {
  if (palette && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); open(); }
});
text?.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(find, PAUSE);
});
text?.addEventListener("keydown", async (event) => {
  const all = links();
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by && all.length) {
    event.preventDefault();
    choose(all[(all.indexOf(chosen()) + by + all.length) % all.length]);
  } else if (event.key === "Enter") {
    event.preventDefault();
    clearTimeout(waiting);
    await find(); // for what is typed now
    chosen()?.click();
  }
});
