// The pages of runs: suggestions while a question is typed, and how many are selected.

const question = document.getElementById("question");
const list = document.getElementById("suggestions");
const words = question ? JSON.parse(question.dataset.words || "{}") : {};

// The word at the end of what stands before the cursor, as far as it is typed.
function current() {
  const before = question.value.slice(0, question.selectionStart);
  const word = before.match(/[^\s()]*$/)[0];
  const bare = word.replace(/^-/, "");
  return { start: before.length - bare.length, word: bare };
}

function suggestions({ word }) {
  const [, field, value] = word.match(/^(state|task):(.*)$/) || [];
  if (field) {
    const last = value.split(",").pop().toLowerCase();
    const head = word.slice(0, word.length - last.length);
    return (words[field] || [])
      .filter((each) => each.toLowerCase().includes(last) && each.toLowerCase() !== last)
      .slice(0, 12)
      .map((each) => ({ text: head + (/[\s"(),*?]/.test(each) ? JSON.stringify(each) : each), hint: "", ends: true }));
  }
  if (word.includes(":")) return [];
  return Object.entries(words.fields || {})
    .filter(([name]) => name.startsWith(word.toLowerCase()))
    .map(([name, [hint, example]]) => ({ text: example.slice(0, example.search(/[:>]/) + 1).replace("args.order", "args."), hint, ends: false }));
}

function offer() {
  const place = current();
  const found = suggestions(place);
  list.replaceChildren(...found.map((each, number) => {
    const item = document.createElement("li");
    item.role = "option";
    item.id = `suggestion-${number}`;
    item.append(each.text);
    if (each.hint) { const hint = document.createElement("small"); hint.textContent = each.hint; item.append(hint); }
    item.addEventListener("mousedown", (event) => { event.preventDefault(); take(each, place); });
    return item;
  }));
  close(!found.length);
}

function close(wanted = true) {
  list.hidden = wanted;
  question.setAttribute("aria-expanded", String(!wanted));
  question.removeAttribute("aria-activedescendant");
}

function take(each, { start }) {
  const after = question.value.slice(question.selectionStart);
  const text = each.text + (each.ends ? " " : "");
  question.value = question.value.slice(0, start) + text + after;
  question.setSelectionRange(start + text.length, start + text.length);
  offer();
}

function chosen() { return list.querySelector("[aria-selected=true]"); }

function choose(by) {
  const items = [...list.children];
  const place = items.indexOf(chosen());
  items[place]?.removeAttribute("aria-selected");
  const next = items[(place + by + items.length + (place < 0 && by < 0 ? 1 : 0)) % items.length];
  next?.setAttribute("aria-selected", "true");
  next?.scrollIntoView({ block: "nearest" });
  if (next) question.setAttribute("aria-activedescendant", next.id);
}

if (question) {
  question.addEventListener("input", offer);
  question.addEventListener("focus", () => { if (question.value === "") offer(); });
  question.addEventListener("blur", () => close());
  question.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { choose(event.key === "ArrowDown" ? 1 : -1); event.preventDefault(); }
    if (event.key === "Escape") { close(); event.preventDefault(); }
    if ((event.key === "Enter" || event.key === "Tab") && chosen()) {
      chosen().dispatchEvent(new MouseEvent("mousedown", { cancelable: true }));
      event.preventDefault();
    }
  });
}

// How many are selected; all of a page at once; ranges with Shift.
const bulk = document.getElementById("bulk");

function boxes() { return [...document.querySelectorAll("input[type=checkbox][form=bulk]")]; }

function count() {
  const number = boxes().filter((box) => box.checked).length;
  bulk.classList.toggle("some", number > 0);
  document.getElementById("selected").textContent = number ? `${number} selected:` : "Selected:";
}

let last = null;
if (bulk) {
  for (const button of bulk.querySelectorAll("[data-select]")) button.hidden = false;
  document.addEventListener("click", (event) => {
    const box = event.target.closest("input[type=checkbox][form=bulk]");
    if (box) {
      const all = boxes();
      if (event.shiftKey && last && all.includes(last)) {
        const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
        for (const each of all.slice(from, to + 1)) each.checked = box.checked;
      }
      last = box;
    }
    if (event.target.closest("[data-select=page]")) {
      const isAll = boxes().every((each) => each.checked);
      for (const each of boxes()) each.checked = !isAll;
    }
    count();
  });
  document.addEventListener("htmx:after:swap", count);
  addEventListener("pageshow", count);
}
