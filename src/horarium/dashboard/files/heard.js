// What is live, for those who hear the page: of what is marked data-say, what has changed, in one place and not more
// often than one can listen.

const EVERY = 10000; // milliseconds
const region = document.getElementById("heard");
let told = said();
let last = -EVERY;
let timer = null;

function said() {
  const marked = [...document.querySelectorAll("[data-say]")].filter((each) => !each.hidden);
  return new Map(marked.map((each) => [each.id, each.textContent.replace(/\s+/g, " ").trim()]));
}

function tell() {
  timer = null;
  const now = said();
  const changed = [...now].filter(([id, text]) => text && told.get(id) !== text).map(([, text]) => text);
  told = now;
  if (!changed.length) return;
  last = performance.now();
  region.textContent = changed.join(". ");
}

new MutationObserver(() => {
  timer ??= setTimeout(tell, Math.max(0, last + EVERY - performance.now()));
}).observe(document.body, { childList: true, characterData: true, subtree: true, attributes: true, attributeFilter: ["hidden"] });
