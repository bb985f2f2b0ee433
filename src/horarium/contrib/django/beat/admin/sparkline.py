"""The last runs of a schedule as a picture: the bars of observe/bars.py, as the admin dresses them."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from horarium.contrib.django.beat.admin.words import NOTHING
from horarium.observe.bars import BARS, GAP, HEIGHT, WIDTH, bars_of, in_words
from horarium.outcome import Run


def sparkline(runs: Sequence[Run]) -> SafeString:
    """Return a picture of runs, given newest first, with the same in words for who does not see it."""
    if not runs:
        return NOTHING
    bars = format_html_join("", '<path class="hor-{}" d="{}"/>', bars_of(runs).items())
    width = BARS * (WIDTH + GAP)
    text = in_words(runs[:BARS])
    return format_html(
        '<svg class="hor-spark" role="img" width="{}" height="{}" viewBox="0 0 {} {}" aria-label="{}">'
        "<title>{}</title>{}</svg>",
        *(width, HEIGHT, width, HEIGHT, text, text, bars),
    )
