"""Schedulers beside Horarium's: one process each, as they come, without a worker. Redis carries Celery's messages."""

from __future__ import annotations

from bench.peer import Peer, ServerName

_PLAN = ("BENCH_PLAN", "{directory}/plan.json")
_SCENARIOS = ("due",)
_MANY, _FEW = 10_000, 1_000  # what is given to one that fires some hundreds a second, and to one that does not


def _beat(
    name: str, label: str, venv: str, servers: tuple[ServerName, ...], at_once: int, beside: str, *arguments: str
) -> Peer:
    app = f"bench.apps.{name}_app"
    stores = {"celery_beat": "{redis}/0", "redbeat": "{redis}", "django_celery_beat": "{postgres}"}
    return Peer(
        name=name,
        label=label,
        app=app,
        scenarios=_SCENARIOS,
        venv=venv,
        servers=servers,
        settings=(("BENCH_STORE", stores[name]), ("BENCH_BROKER", "{redis}/0"), _PLAN),
        scheduler=("-m", "celery", "-A", app, "beat", "-l", "warning", "--pidfile", "", *arguments),
        at_once=at_once,
        beside=beside,
    )


def _apscheduler(name: str, label: str, servers: tuple[ServerName, ...], store: str, beside: str) -> Peer:
    return Peer(
        name=name,
        label=f"APScheduler, {label}",
        app="bench.apps.apscheduler_app",
        scenarios=_SCENARIOS,
        venv="apscheduler",
        servers=servers,
        settings=(("BENCH_STORE", store), ("BENCH_FIRED", "{directory}/fired"), _PLAN),
        scheduler=("-m", "bench.apps.apscheduler_app"),
        at_once=_MANY,
        beside=beside,
    )


PEERS = (
    _beat("celery_beat", "Celery beat", "celery", ("redis",), _FEW, "horarium_redis", "-s", "{directory}/beat"),
    _beat("redbeat", "RedBeat", "redbeat", ("redis",), _MANY, "horarium_redis", "-S", "redbeat.RedBeatScheduler"),
    _beat(
        "django_celery_beat",
        "django-celery-beat, PostgreSQL",
        "django_celery_beat",
        ("postgres", "redis"),
        _FEW,
        "horarium_postgres",
        "-S",
        "django_celery_beat.schedulers:DatabaseScheduler",
    ),
    _apscheduler("apscheduler_memory", "memory", (), "", "horarium_sqlite"),
    _apscheduler("apscheduler_postgres", "PostgreSQL", ("postgres",), "{postgres}", "horarium_postgres"),
)
