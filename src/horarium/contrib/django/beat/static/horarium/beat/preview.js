// While a schedule is being written, ask the server when it would run, and show that. Texts are set as texts, never as
// markup. Without this script the panel shows what is saved.
"use strict";
(function () {
  const PAUSE = 350; // milliseconds without a key before we ask
  const panel = document.getElementById("hor-preview");
  if (panel) {
    start(panel);
  } else {
    document.addEventListener("DOMContentLoaded", function () {
      const late = document.getElementById("hor-preview");
      if (late) start(late);
    });
  }

  function start(panel) {
    const form = panel.closest("form");
    const body = document.getElementById("hor-preview-body");
    if (!form || !form.querySelector("input[name=csrfmiddlewaretoken]")) return;
    let timer = 0;
    let asked = 0;
    function later() {
      window.clearTimeout(timer);
      timer = window.setTimeout(ask, PAUSE);
    }
    function ask() {
      const mine = ++asked;
      const data = new FormData(form);
      if (panel.dataset.pk) data.set("_pk", panel.dataset.pk);
      fetch(panel.dataset.url, { method: "POST", body: data, credentials: "same-origin" })
        .then(function (answer) {
          if (!answer.ok) throw new Error(answer.status + " " + answer.statusText);
          return answer.json();
        })
        .then(function (found) {
          if (mine === asked) show(body, found);
        })
        .catch(function (error) {
          if (mine === asked) show(body, { errors: ["No preview: " + error.message], notes: [], runs: [], changes: [] });
        });
    }
    form.addEventListener("input", later);
    // The boxes that search tell of a choice by jQuery alone.
    const jQuery = window.django && window.django.jQuery;
    if (jQuery) jQuery(form).on("change", later);
    else form.addEventListener("change", later);
    // A form that came back with errors holds what was written; the panel, what is saved.
    if (form.querySelector(".errornote")) ask();
  }

  function show(body, found) {
    const parts = [];
    if (found.text) {
      const line = document.createElement("p");
      line.append(element("strong", found.text), " ", element("span", found.zone, "quiet"));
      parts.push(line);
    }
    found.errors.forEach(function (each) { parts.push(element("p", each, "errornote")); });
    found.notes.forEach(function (each) { parts.push(element("p", each, "quiet")); });
    if (found.runs.length) parts.push(table(found.runs));
    if (found.changes.length) {
      parts.push(element("h3", "Clock changes that touch it"), table(found.changes));
    }
    body.replaceChildren.apply(body, parts);
  }

  function table(rows) {
    const made = document.createElement("table");
    const body = made.createTBody();
    rows.forEach(function (each) {
      const row = body.insertRow();
      row.append(
        element("td", each.local, "nowrap"),
        element("td", each.utc, "nowrap quiet"),
        element("td", each.away, "quiet"),
        element("td", each.remark)
      );
    });
    return made;
  }

  function element(name, text, classes) {
    const made = document.createElement(name);
    made.textContent = text;
    if (classes) made.className = classes;
    return made;
  }
})();
