"""Foreign text as people may see it: whatever it holds, it is shown, and never obeyed by a browser or a terminal.

Escaping for HTML is the templates' business; here invisible and reordering characters are made visible, and what is too
long for a page is cut.
"""

from __future__ import annotations

from contextlib import suppress

import msgspec
from msgspec import Raw

LONG = 10_000  # characters of an argument, a result, a traceback that are shown
SHORT = 200  # of a name
ONE_LINE = 80  # JSON up to here needs no indenting

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
_REORDERING = {
    code: f"\\u{code:04x}" for code in (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
}
_VISIBLE = _CONTROLS | _REORDERING
_BREAKS = {ord("\n"): "\\n", ord("\t"): "\\t"}


def visible(text: object, limit: int | None = SHORT) -> str:
    """Return a text with every character to be seen, and no more than ``limit`` of them; None: all."""
    shown = str(text)
    cut = 0 if limit is None else len(shown) - limit
    shown = shown[:limit].translate(_VISIBLE)
    return f"{shown} … and {cut:,} characters more" if cut > 0 else shown


def one_line(text: object, limit: int | None = SHORT) -> str:
    """Return the same as one line and one cell, for logs, rows and headers of mails: in a second one foreign text could
    say anything."""
    return visible(text, limit).translate(_BREAKS)


def json_text(raw: Raw | None, limit: int = LONG) -> str:
    """Return stored JSON as it is, only indented where it is long: numbers keep all their digits."""
    if raw is None:
        return ""
    data = bytes(raw)
    head = data[: 4 * limit]
    if len(head) == len(data) > ONE_LINE:
        with suppress(msgspec.DecodeError):  # then it is shown as it is stored
            head = msgspec.json.format(data, indent=2)
    text = head.decode("utf-8", "replace")
    if len(head) < len(data):
        return visible(text[:limit], limit) + f" … of {len(data):,} bytes"
    return visible(text, limit)
