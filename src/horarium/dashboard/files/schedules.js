// The pages of schedules: the preview follows the writing, complaints go to their fields, "all" ticks all.

const editor = document.getElementById("editor");
const preview = document.getElementById("preview");
const PAUSE = 350; // milliseconds without a key: then somebody has paused in typing

if (editor && preview) {
  let waiting = 0;
  editor.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => preview.dispatchEvent(new CustomEvent("horarium:written")), PAUSE);
  });

  // A quiet slot, or a jitter: into the fields it goes, and the preview follows.
  preview.addEventListener("click", (event) => {
    const fill = event.target.closest("[data-fill]")?.dataset.fill;
    if (!fill) return;
    for (const [name, value] of Object.entries(JSON.parse(fill))) {
      const field = editor.elements[name];
      field.value = value;
      const fold = field.closest("details");
      if (fold) fold.open = true;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.focus();
    }
  });

  // What the scheduler says of a field stands beside it; a field that nobody has touched yet is left in peace.
  const touched = new Set();
  editor.addEventListener("input", (event) => touched.add(event.target.name));
  new MutationObserver(() => {
    const said = new Map([...preview.querySelectorAll("[data-field]")].map((each) => [each.dataset.field, each.textContent]));
    for (const place of editor.querySelectorAll(".wrong")) {
      const name = place.id.slice("wrong-".length);
      const field = editor.querySelector(`[name="${name}"]`);
      const text = said.get(name) ?? "";
      const shown = text !== "" && (touched.has(name) || !place.hidden || field?.value);
      place.textContent = shown ? text : "";
      place.hidden = !shown;
      if (shown) field?.setAttribute("aria-invalid", "true"); else field?.removeAttribute("aria-invalid");
    }
  }).observe(preview, { childList: true, subtree: true });
}

document.addEventListener("change", (event) => {
  const all = event.target.dataset.all;
  if (!all) return;
  for (const box of document.querySelectorAll(`input[type=checkbox][name="${all}"]`)) box.checked = event.target.checked;
});
