"""What the surroundings may choose. Read from the environment once, when a program of the example starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

HERE = Path(__file__).resolve().parent.parent
TIMEZONE = "America/New_York"
ZONE = ZoneInfo(TIMEZONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The choices, with their variables. Without REDIS_URL and DATABASE_URL both are SQLite files in the folder."""

    run_folder: Path  # EVENTS_RUN: files live here
    database: Path | str  # DATABASE_URL, of a PostgreSQL: the example's own tables
    store_url: str  # REDIS_URL: what Horarium keeps
    demo: bool  # EVENTS_DEMO: things fire every few seconds, not once a day
    embedded: bool  # EVENTS_EMBEDDED: the API brings worker and scheduler along
    http_timeout: float  # EVENTS_HTTP_TIMEOUT, seconds
    retry_backoff: int  # EVENTS_RETRY_BACKOFF, seconds before the first retry; doubled each time


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    demo = _is_on(environment.get("EVENTS_DEMO"))
    folder = Path(environment.get("EVENTS_RUN", HERE / "run")).resolve()
    return Settings(
        run_folder=folder,
        database=environment.get("DATABASE_URL") or folder / "events.db",
        store_url=environment.get("REDIS_URL") or f"sqlite:///{folder / 'horarium.db'}",
        demo=demo,
        embedded=_is_on(environment.get("EVENTS_EMBEDDED")),
        http_timeout=float(environment.get("EVENTS_HTTP_TIMEOUT", "1" if demo else "10")),
        retry_backoff=int(environment.get("EVENTS_RETRY_BACKOFF", "1" if demo else "60")),
    )


def _is_on(value: str | None) -> bool:
    return value not in (None, "", "0")
