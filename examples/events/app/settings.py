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
    """The choices, with their variables: EVENTS_RUN, EVENTS_DEMO, EVENTS_HTTP_TIMEOUT, EVENTS_RETRY_BACKOFF."""

    run_folder: Path  # both databases and the worker's log live here
    demo: bool  # things fire every few seconds, not once a day
    http_timeout: float  # seconds
    retry_backoff: int  # seconds before the first retry; doubled each time

    @property
    def database(self) -> Path:
        return self.run_folder / "events.db"

    @property
    def store_url(self) -> str:
        return f"sqlite:///{self.run_folder / 'horarium.db'}"


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    demo = environment.get("EVENTS_DEMO", "") not in ("", "0")
    return Settings(
        run_folder=Path(environment.get("EVENTS_RUN", HERE / "run")).resolve(),
        demo=demo,
        http_timeout=float(environment.get("EVENTS_HTTP_TIMEOUT", "1" if demo else "10")),
        retry_backoff=int(environment.get("EVENTS_RETRY_BACKOFF", "1" if demo else "60")),
    )
