"""Events as lines of text, as ``celery events --dump`` writes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

WORDS = {"worker-online": "started", "worker-offline": "shutdown", "worker-heartbeat": "heartbeat"}
NAMES_KEPT = 4096


class Dumper:
    """Says each event in one line. Tasks whose beginning it has seen are called by their names and arguments."""

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._tasks: dict[str, str] = {}

    def on_event(self, event: dict[str, Any]) -> None:
        """Say an event; the handler of a receiver."""
        fields = dict(event)
        moment = datetime.fromtimestamp(fields.pop("timestamp"), UTC)
        type, hostname = str(fields.pop("type")), fields.pop("hostname")
        words = WORDS.get(type, type.replace("-", " "))
        task = self._task_of(type, fields) if type.startswith("task-") else ""
        told = ", ".join(f"{key}={fields[key]}" for key in sorted(fields))
        self._say(f"{hostname} [{moment}] {words}{':' if told else ''} {task}{' ' if task else ''}{told}")

    def _task_of(self, type: str, fields: dict[str, Any]) -> str:
        uuid = str(fields.pop("uuid", ""))
        if type in ("task-sent", "task-received"):
            while len(self._tasks) >= NAMES_KEPT:
                del self._tasks[next(iter(self._tasks))]
            name, args, kwargs = fields.pop("name", ""), fields.pop("args", ""), fields.pop("kwargs", "")
            self._tasks[uuid] = f"{name}({uuid}) args={args} kwargs={kwargs}"
        return self._tasks.get(uuid, f"({uuid})")
