// Keeps the reader's place while the live block is made anew: what is under the pointer stays there, and what the reader
// has opened, marked, focused or selected stays so.
//
// The children of [data-keep] are rows. They never change their order. While the reader is in such a list or below it,
// no row is put in or taken out: how many are new is told in the list's #news-…, and they come when the reader asks, or
// at the next change after the reader has gone elsewhere.

const UNITS = "[data-rows] tbody tr, [data-hold]";
const TEXTS = "pre, p, li, dd, summary"; // what a selection of text may lie in, besides rows
const block = document.getElementById("live");
let frozen = []; // what is not touched by the change to come
let latest = ""; // the block as the server has it

function hasSelection(element) {
  const selection = getSelection();
  return !selection.isCollapsed && selection.containsNode(element, true);
}

function isHeld(element) {
  return element.matches(":hover, :focus-within") || element.querySelector("input:checked, details[open]") !== null || hasSelection(element);
}

function freeze() {
  for (const element of frozen) element.removeAttribute("hx-morph-skip");
  frozen = [...block.querySelectorAll(UNITS)].filter(isHeld);
  if (!getSelection().isCollapsed) frozen.push(...[...block.querySelectorAll(TEXTS)].filter(hasSelection));
  for (const element of frozen) element.setAttribute("hx-morph-skip", "");
}

// Whether something of the reader's is in a list or comes after it, where rows that come or go would move it.
function isBefore(list) {
  const selection = getSelection();
  const theirs = [[...document.querySelectorAll(":hover")].pop(), document.activeElement, selection.isCollapsed ? null : selection.anchorNode];
  const isMoved = (node) => {
    const where = list.compareDocumentPosition(node);
    return list === node || Boolean(where & (Node.DOCUMENT_POSITION_CONTAINED_BY | Node.DOCUMENT_POSITION_FOLLOWING));
  };
  return theirs.some((node) => node && isMoved(node)) || list.querySelector(".here, input:checked, details[open]") !== null;
}

// A row that is no longer in the list, but in the reader's place.
function gone(row) {
  row.removeAttribute("id"); // it may stand elsewhere now
  row.classList.add("gone");
  row.title = "No longer in this list";
  row.setAttribute("hx-morph-skip", "");
  return row.cloneNode(true);
}

function arrange(shown, list, isPinned) {
  const coming = new Map([...list.children].map((row) => [row.id, row]));
  const rows = [];
  for (const row of [...shown.children]) {
    if (coming.has(row.id)) rows.push(coming.get(row.id));
    else if (isPinned) rows.push(gone(row));
  }
  const fresh = [...list.children].filter((row) => !rows.includes(row));
  if (!isPinned) {
    for (const row of fresh) rows.splice(rows.indexOf(row.previousElementSibling) + 1, 0, row);
  }
  list.replaceChildren(...rows);
  return isPinned ? fresh.length : 0;
}

function tell(id, number) {
  const news = document.getElementById(`news-${id}`);
  if (!news) return;
  if (!number) { news.replaceChildren(); return; }
  const button = news.querySelector("button") ?? document.createElement("button");
  button.type = "button";
  button.dataset.show = id;
  button.textContent = `${number} new · show`;
  if (!news.contains(button)) news.append(button);
}

// Return the block so that nothing of it moves the reader; ``shown``: a list whose new rows the reader has asked for.
function kept(text, shown = "") {
  const template = document.createElement("template");
  template.innerHTML = text;
  for (const list of template.content.querySelectorAll("[data-keep]")) {
    const old = document.getElementById(list.id);
    if (old) tell(list.id, arrange(old, list, list.id !== shown && isBefore(old)));
  }
  return template.innerHTML;
}

block?.addEventListener("htmx:sse:before:message", (event) => {
  const { message } = event.detail;
  if (event.defaultPrevented || message.event) return;
  latest = message.data;
  freeze();
  message.data = kept(latest);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-show]");
  if (!button || !latest) return;
  freeze();
  const text = kept(latest, button.dataset.show);
  htmx.swap({ text, target: block, sourceElement: block, swap: "innerMorph" });
});

htmx.registerExtension("place", {
  htmx_before_morph_attr: (element, { attrName, newValue }) => {
    if (attrName === "open" && element.matches("details")) return false; // the reader's, once it is there
    if (attrName !== "class" || !element.classList.contains("here")) return true;
    element.className = `${newValue ?? ""} here`.trim();
    return false;
  },
});
