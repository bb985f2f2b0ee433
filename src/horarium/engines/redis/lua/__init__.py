"""The scripts of the Redis engine, one per file, by name; what several of them need stands in ``parts``.

A line ``--#include calls put`` is replaced by those parts. A script is sent by its digest; only a server that does not
know it (just started, or flushed) is sent the text.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from msgspec import Struct

from horarium.engines.statements import read_statements

FOLDER = Path(__file__).parent
INCLUDE = re.compile(r"^--#include (.+)$", re.MULTILINE)


class Script(Struct, frozen=True):
    name: str
    text: str
    digest: str


def _read() -> dict[str, Script]:
    parts = {path.stem: path.read_text(encoding="utf-8") for path in (FOLDER / "parts").glob("*.lua")}
    scripts = {}
    for name, body in read_statements(FOLDER, ".lua").items():
        text = INCLUDE.sub(lambda line: "\n".join(parts[part] for part in line[1].split()), body)
        scripts[name] = Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
    return scripts


SCRIPTS = _read()
