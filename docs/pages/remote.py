"""The page of all commands that workers understand: a text, and tables made from the panel."""

from __future__ import annotations

from pathlib import Path

from horarium.panel import BUILT_IN, Entry

TEXT = Path(__file__).with_name("remote.txt")  # ``@inspect`` and ``@control`` stand for the tables


def remote_page() -> str:
    """Return the page of remote control and events."""
    text = TEXT.read_text(encoding="utf-8")
    for kind in ("inspect", "control"):
        commands = {name: entry for name, entry in BUILT_IN.items() if entry.type == kind}
        text = text.replace(f"@{kind}\n", _table(kind, commands))
    return text


def _table(kind: str, commands: dict[str, Entry]) -> str:
    rows = "".join(f"| {_call(name, entry)} | {_about(entry)} |\n" for name, entry in sorted(commands.items()))
    return f"## horarium {kind}\n\n| Command | |\n|---|---|\n{rows}"


def _call(name: str, entry: Entry) -> str:
    words = f"{name} {entry.signature}" if entry.signature else name
    return f"`{words}`".replace("|", r"\|")


def _about(entry: Entry) -> str:
    alias = f" Also `{entry.alias}`." if entry.alias else ""
    hidden = "" if entry.visible else " Not listed by `--list`."
    return f"{entry.help}{alias}{hidden}"
