"""How long things are kept, what is hidden, what this is, and what to send to whoever helps."""

from __future__ import annotations

import msgspec

from horarium.app.bugreport import bugreport, hidden
from horarium.dashboard.ask import Ask, Download, Shown
from horarium.dashboard.audit import AUDIT_KEPT
from horarium.dashboard.person import Role
from horarium.dashboard.rooms.settings.shelf import TABS, room
from horarium.observe.moments import iso
from horarium.settings_table import TABLE

KEEPING = ("result_expires", "result_failure_expires", "keep_", "max_", "worker_output", "redact")


@room.page("/settings/keeping", live=False)
def keeping(ask: Ask) -> Shown:
    names = [name for name in TABLE if name.startswith(KEEPING)]
    rows = [
        (name, hidden(name, ask.app.conf[name]), TABLE[name].doc, ask.app.conf.value_set_for(name)) for name in names
    ]
    context = {"tabs": TABS, "rows": rows, "audit_kept": AUDIT_KEPT}
    return Shown(template="settings/keeping.html", title="Settings", context=context)


@room.page("/settings/about", live=False)
def about(ask: Ask) -> Shown:
    context = {"tabs": TABS, "report": bugreport(ask.app), "store": ask.engine.capabilities}
    return Shown(template="settings/about.html", title="Settings", context=context)


@room.page("/settings/diagnostics", role=Role.ADMIN, live=False, is_long=True)
def diagnostics(ask: Ask) -> Download:
    """Everything that whoever helps asks for first. Passwords, tokens and keys are not in it, nor arguments or
    results."""
    counts = ask.engine.inspector.counts()
    facts = {
        "made": iso(ask.now),
        "store": msgspec.to_builtins(ask.engine.capabilities),
        "counts": msgspec.to_builtins(counts),
        "workers": [msgspec.to_builtins(each) for each in ask.engine.inspector.workers(now=ask.now)],
    }
    body = bugreport(ask.app).encode() + b"\n" + msgspec.json.format(msgspec.json.encode(facts), indent=2) + b"\n"
    return Download(name="horarium-diagnostics.txt", body=body, media="text/plain; charset=utf-8")
