"""What ``make run`` shows of this example."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from app.settings import TIMEZONE, ZONE, read_settings
from app.site.server import EventSite
from app.sources import sources_of
from app.store import open_store

from horarium import Horarium
from live.shows import Show

PORT = 8808  # of the sites that are scraped


@contextmanager
def sites(folder: Path) -> Iterator[Mapping[str, str]]:
    """Serve the sites that are scraped, and enter them as sources."""
    with _open_site() as site:
        with open_store(read_settings().database) as store:
            store.register_sources(sources_of(site.url))
        yield {}


def load() -> Horarium:
    from app.celery_app import app

    return app


def facts() -> Mapping[str, str]:
    with open_store(read_settings().database) as store:
        counted = {
            count.source.name: f"{count.listings} listed, {count.events} of them first here"
            for count in store.count_by_source()
        }
        return counted | {"events stored": str(store.count_events())}


def _open_site() -> EventSite:
    """Return the site on its port or, if somebody has that, on a free one."""
    day = datetime.now(ZONE).date()
    try:
        return EventSite(day, port=PORT)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return EventSite(day)


SHOW = Show(
    name="events",
    app="app.celery_app",
    load=load,
    facts=facts,
    outside=sites,
    site=("-m", "uvicorn", "app.api:api", "--port", "{port}"),
    zone=TIMEZONE,
    hint="the community calendar is moody: its runs are retried; the site is the API, see /docs there",
)
