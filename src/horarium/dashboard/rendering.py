"""Templates, and what they say of moments, durations, states and foreign text.

Everything is escaped; times stand in the viewer's zone with its name, and tell UTC when asked.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from msgspec import Raw

from horarium.clock import Instant
from horarium.dashboard.ask import Ask, part
from horarium.dashboard.assets import Assets
from horarium.dashboard.person import Role
from horarium.observe.looks import look_of
from horarium.observe.moments import age, day_and_time, exact, iso, span
from horarium.observe.text import json_text, visible
from horarium.version import __version__

TEMPLATES = Path(__file__).parent / "templates"
LIVE = "live"  # the block that is sent anew


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
        "said": lambda value: json_text(Raw(msgspec.json.encode(value))),
    }
    made.globals |= {"look_of": look_of, "Role": Role, "version": __version__, "asset": Assets.shared().path}
    return made


@pass_context
def moment(context: Context, instant: Instant | None, empty: str = "–") -> str | Markup:
    """Return a moment as an element: in the viewer's zone, with UTC as its title. Nothing in it moves on with the
    clock, or every page would be new every second; the browser adds how long ago it was."""
    if instant is None:
        return empty
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        iso(instant), exact(instant), day_and_time(instant, context["zone"], now=context["now"])
    )


def roughly(number: int, most: int = 10_000) -> str:
    """Return a number as people need it; beyond ``most`` nobody needs to know."""
    return f"{most:,}+" if number > most else f"{number:,}"
