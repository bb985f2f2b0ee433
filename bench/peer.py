"""What a peer is: one library in one configuration. All of it is data; bench/stage.py acts on it.

Texts may name what is only known when it is measured: ``{directory}``, ``{redis}``, ``{postgres}``, ``{rabbitmq}``, and
in commands ``{process}``, which no other process of the same measurement is called.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

CHILDREN = 2  # worker processes, the same for all
TWICE = ("-m", "bench.apps.twice")  # in front of a worker that knows no second process

ServerName: TypeAlias = Literal["redis", "postgres", "rabbitmq"]


class Peer(Struct, frozen=True, kw_only=True):
    """One library in one configuration."""

    name: str
    label: str
    app: str  # the module with its tasks, see bench/apps
    scenarios: tuple[str, ...]
    venv: str = ""  # its virtual environment, made from bench/requirements/<venv>.txt; "": the one the bench runs in
    needs: tuple[str, ...] = ()  # modules that must be importable where ``venv`` is ""
    servers: tuple[ServerName, ...] = ()  # started for it, and for it alone
    worker: tuple[str, ...] = ()  # arguments of its interpreter, for a worker with CHILDREN processes
    scheduler: tuple[str, ...] = ()  # the same for the scheduler; empty where the worker has one of its own
    probe: tuple[str, ...] = ()  # arguments of its interpreter, for a health probe that costs no more than it must
    settings: tuple[tuple[str, str], ...] = ()  # environment variables
    at_once: int = 0  # the most schedules it is given that come due at one instant
    imports: str = ""  # the statement a program begins with
    pace: int = 2_000  # about as many tasks a second as it drains here: sizes its drain, judges nothing
    keeps: bool = True  # what a killed worker held runs again, sooner or later
    killed: str = ""  # how that is, in words
    beside: str = ""  # the peer on the same kind of store that it is compared with: ours
