"""Templates, and what they say of moments, durations, states and foreign text.

Everything is escaped; times stand in the viewer's zone with its name, and tell UTC when asked.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from msgspec import Raw

from horarium.clock import Instant
from horarium.dashboard.ask import Ask, part
from horarium.dashboard.assets import Assets
from horarium.dashboard.person import Role
from horarium.observe.looks import look_of
from horarium.observe.moments import age, day_and_time, exact, iso, local, span, zone_or_utc
from horarium.observe.text import json_text, visible
from horarium.version import __version__

TEMPLATES = Path(__file__).parent / "templates"
LIVE = "live"  # the block that is sent anew
# By what an environment is called: the most careful colour is looked for first.
ENVIRONMENTS = {
    "production": {"prod", "production", "live", "prd"},
    "staging": {"staging", "stage", "stg", "preprod", "preproduction", "uat"},
    "testing": {"test", "testing", "qa", "ci", "integration"},
    "development": {"dev", "development", "local", "sandbox", "demo"},
}


def render(template: str, ask: Ask, context: dict[str, Any], *, block: str | None = None) -> str:
    """Return a page, or one block of it. ``context`` may hold anything that the template knows."""
    found = environment().get_template(template)
    values = {"ask": ask, "me": ask.person, "now": ask.now, "zone": ask.zone, "stands_at": "", **context}
    values["parts"] = environment().get_template("parts.html").make_module(values)  # blocks do not see imports
    if block is None:
        return found.render(values)
    return "".join(found.blocks[block](found.new_context(values)))


def has_block(template: str, block: str) -> bool:
    return block in environment().get_template(template).blocks


@cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "moment": moment,
        "age": age,
        "span": span,
        "visible": visible,
        "json_text": json_text,
        "part": part,
        "quoted": lambda text: quote(str(text), safe=""),
        "roughly": roughly,
        "exact": exact,
        "ticked": ticked,
        "environment_kind": environment_kind,
        "said": lambda value: json_text(Raw(msgspec.json.encode(value))),
    }
    made.globals |= {"look_of": look_of, "Role": Role, "version": __version__, "asset": Assets.shared().path}
    return made


@pass_context
def moment(context: Context, instant: Instant | None, empty: str = "–", there: str = "") -> str | Markup:
    """Return a moment as an element: in the viewer's zone, with UTC as its title, and the same ``there``, the zone of
    what it is about, where that is another one. Nothing in it moves on with the clock, or every page would be new every
    second; the browser adds how long ago it was, to whoever points at it or comes to it by keys."""
    if instant is None:
        return empty
    said = exact(instant)
    if there and (there := zone_or_utc(there)) not in (context["zone"], "UTC"):
        said += f" · {' '.join(local(instant, there).split())} in {there}"
    return Markup('<time datetime="{}" title="{}" tabindex="0">{}</time>').format(
        iso(instant), said, day_and_time(instant, context["zone"], now=context["now"])
    )


def ticked(text: str) -> Markup:
    """Return a line of our own documentation: what stands between backticks as code."""
    parts = (
        escape(each) if place % 2 == 0 else Markup("<code>{}</code>").format(each)
        for place, each in enumerate(text.split("`"))
    )
    return Markup("").join(parts)


def environment_kind(name: str) -> str:
    """Return what kind of environment goes by a name, for its colour: production, staging, testing, development; other
    for a name that says nothing of it."""
    words = re.split(r"[^a-z]+", name.casefold())
    return next((kind for kind, known in ENVIRONMENTS.items() if known.intersection(words)), "other")


def roughly(number: int, most: int = 10_000) -> str:
    """Return a number as people need it; beyond ``most`` nobody needs to know."""
    return f"{most:,}+" if number > most else f"{number:,}"
