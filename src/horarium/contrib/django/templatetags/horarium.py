"""How a page of Horarium's shows moments, states and foreign text. Everything that is returned is escaped."""

from __future__ import annotations

from django import template
from django.utils import timezone
from django.utils.html import format_html

from horarium.clock import Instant, Seconds
from horarium.contrib.django.pages import text
from horarium.observe.looks import look_of
from horarium.observe.moments import exact, iso, span
from horarium.observe.text import SHORT
from horarium.observe.text import visible as visible_text

register = template.Library()


@register.filter
def moment(instant: Instant | None) -> str:
    """Show a moment in the viewer's zone; UTC is its title."""
    if instant is None:
        return "–"
    return _time(instant, text.moment(instant))


@register.filter
def day_hour(instant: Instant | None) -> str:
    """Show a moment without its zone, where the page names it once; the year only if it is another one."""
    if instant is None:
        return "–"
    here = text.local(instant)
    same_year = here.year == timezone.localtime().year
    return _time(instant, f"{here.day} {here:%b %H:%M:%S}" if same_year else f"{here:%Y-%m-%d %H:%M:%S}")


@register.filter
def hour(instant: Instant | None) -> str:
    """Show only the hour of a moment, where the day stands beside it."""
    if instant is None:
        return "–"
    return _time(instant, f"{text.local(instant):%H:%M:%S}")


@register.filter
def lasting(seconds: Seconds | None) -> str:
    """Show a duration."""
    return "–" if seconds is None else span(seconds)


@register.filter
def visible(value: object, limit: int = SHORT) -> str:
    """Show foreign text; the template escapes it."""
    return visible_text(value, limit)


@register.filter
def state(word: str) -> str:
    """Show a state: a sign, a word and a colour; the name that Celery's users know is its title."""
    look = look_of(word)
    return format_html(
        '<span class="horarium-state horarium-{}" title="{}"><span aria-hidden="true">{}</span> {}</span>',
        look.tone,
        visible_text(word),
        look.sign,
        visible_text(look.word, 40),
    )


def _time(instant: Instant, shown: str) -> str:
    return format_html('<time datetime="{}" title="{}">{}</time>', iso(instant), exact(instant), shown)
