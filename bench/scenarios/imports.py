"""How long does the import take that a calling program begins with, and does it load web or database clients?

Measured inside fresh interpreters, byte code and page cache warm, so that the interpreter's own start is left out.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from bench.peer import Peer
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import ROOT
from bench.venue import Venue

# What a program that only calls tasks should not have to load. The embedded store's own client counts as one.
DATABASE_CLIENTS = {
    "apsw",
    "sqlite3",
    "redis",
    "hiredis",
    "psycopg",
    "psycopg2",
    "asyncpg",
    "coredis",
    "MySQLdb",
    "sqlalchemy",
}
BROKER_CLIENTS = {"amqp", "kombu", "pika"}
WEB = {"fastapi", "starlette", "uvicorn", "jinja2", "flask", "django", "aiohttp", "requests", "httpx", "http.server"}
CLIENTS = frozenset(DATABASE_CLIENTS | BROKER_CLIENTS | WEB)

_PROGRAM = """
import time
began = time.perf_counter()
{statement}
took = time.perf_counter() - began
import json, sys
print(json.dumps([took * 1000.0, sorted(sys.modules)]))
"""


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    python = venue.python(peer)
    _import_once(python, peer.imports)  # warms byte code and page cache
    takes, modules = zip(*(_import_once(python, peer.imports) for _ in range(size.imports)), strict=True)
    clients = sorted(CLIENTS & set(modules[-1]))
    facts = {"import": peer.imports, "clients loaded": ", ".join(clients) or "none"}
    return {"import": list(takes), "clients": [float(len(clients))]}, facts


def _import_once(python: str, statement: str) -> tuple[float, list[str]]:
    program = _PROGRAM.format(statement=statement)
    answer = subprocess.run([python, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    took, modules = json.loads(answer.stdout)
    return took, modules


SCENARIO = Scenario(
    name="import",
    question="the import a calling program begins with",
    metrics=(
        Metric(name="time", unit="ms", samples="import"),
        Metric(name="clients loaded", unit="", samples="clients"),
    ),
    measure=measure,
    rounds=1,
)
