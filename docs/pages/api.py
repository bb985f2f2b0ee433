"""The page of the API: its routes, from the OpenAPI document and from Flower's routes."""

from __future__ import annotations

from typing import Any

from horarium.dashboard.api.application import document
from horarium.dashboard.api.door import CSRF
from horarium.dashboard.flower import known_routes
from pages.problems import problem_table

INTRODUCTION = f"""\
# The API

<!-- Made by docs/generate.py from src/horarium/dashboard/api/ and src/horarium/dashboard/flower/. -->

`horarium web` serves it below `/api/v1`, with the pages; so does an application that mounts the dashboard, below
its prefix. The whole document (OpenAPI 3.1) is at `/api/v1/openapi.json`, and as a page at `/api/v1/docs`. How to
use it: [use the API](../how-to/use-the-api.md).

## What holds for every route

- **Who may.** A token (`Authorization: Bearer hor_…`, see `horarium tokens add`), a password (`Basic`), or the
  session of a browser, whose changes need the header `{CSRF}`. Each route names the least role: viewer, operator,
  editor, admin.
- **Refusals** are `application/problem+json` (RFC 9457) with [`code`](#codes-of-refusals) for programs, `hint` for
  people, and `request_id`, which is also in the log of the server and in the header `X-Request-Id`. 401 nobody known,
  403 not allowed, 404 not there, 409 not as things stand, 412 somebody has changed it since, 413 too much, 422 not to
  be understood, 429 too often, 503 the store is away: try again.
- **Nothing is ignored.** A field of the query or of a body that nobody would read is a 422.
- **Pages** are `{{items, next, prev, approx_total, total_is_capped}}`. `next` and `prev` go into `cursor=`, as they
  are and with the same question. `prev` leads back eight pages. `approx_total` is null where only counting would
  tell.
- **`Idempotency-Key`** on every POST that changes something: a repeat with it within a day does nothing, and is
  answered as before, with the header `Idempotent-Replayed: true`; another request of the same route with the same
  key is a 409. What was refused may be sent again with its key. A request that was cut off in the middle, so that
  nobody knows whether it was done, is not done again: the repeat is a 409 `key_in_use`. Calls, retries and orders for
  many runs hold longer, as long as the run is kept, or for a week: their id is made of the key. These, and a priority,
  are answered with what there is now. A new token is told once, so that a repeat is a 409.
- **`ETag` and `If-Match`** on schedules: a change of a version that is not the stored one any more is a 412.
- **Moments** are RFC 3339 in UTC, durations seconds, ids text. Moments that are given must say their offset.
- **Every change** is in the audit, with who, from where, and the reason that was given.
- Within v1 only fields and routes are added.

## Routes

| Route | Role | What it does |
|---|---|---|
"""
FLOWER = """
## As Flower has it

The same addresses, shapes and status codes as Flower 2; errors are a plain sentence. See
[come from Flower](../how-to/come-from-flower.md).

| Route | Role | What it does |
|---|---|---|
"""
BESIDES = {
    "/metrics": "Numbers for Prometheus: see [metrics](metrics.md).",
    "/healthcheck": "`OK`.",
    "/task/{part:path}": "Leads to the run's page.",
    "/worker/{part:path}": "Leads to the worker's page.",
    "/broker": "Leads to the queues.",
}


def api_page() -> str:
    """Return the page of all routes of the API."""
    rows = [
        f"| `{method.upper()} {path}` | {operation['x-role']} | {_line(operation['description'])} |\n"
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
    ]
    flower = [
        f"| `{method} {path.replace('{part:path}', '{name}')}` | {role.word} | {_line(about or BESIDES[path])} |\n"
        for method, path, role, about in known_routes()
    ]
    return f"{INTRODUCTION}{''.join(sorted(rows, key=_place))}{problem_table()}{FLOWER}{''.join(flower)}"


def _place(row: str) -> Any:
    path = row.split("`")[1].split()[1]
    return path.split("/")[1], path


def _line(text: str) -> str:
    """Return the first paragraph of a docstring as one line."""
    return " ".join(text.split("\n\n")[0].split()).replace("``", "`").replace("|", r"\|")
