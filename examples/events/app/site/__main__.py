"""Serve the site until Ctrl-C, and enter its pages as the sources of the example's database.

For working by hand, with the worker in another terminal; ``make run`` does all of it at once.
"""

from __future__ import annotations

import argparse
import signal
from datetime import datetime

from app.settings import ZONE, read_settings
from app.site.server import EventSite
from app.sources import sources_of
from app.store import open_store

PORT = 8808


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m app.site", description="Serve the sites that are scraped.")
    parser.add_argument("--port", type=int, default=PORT, help="%(default)s; 0: a free one")
    choices = parser.parse_args()
    stop = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    with EventSite(datetime.now(ZONE).date(), port=choices.port) as site:
        with open_store(read_settings().database) as store:
            store.register_sources(sources_of(site.url))
        print(f"serving {site.url}, Ctrl-C to stop", flush=True)
        signal.sigwait(stop)


if __name__ == "__main__":
    main()
