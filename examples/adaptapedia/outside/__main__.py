"""``python -m outside`` serves both, where the settings look for them."""

from __future__ import annotations

import argparse
import signal
import threading

from outside.sparql_server import sparql_server
from outside.tmdb_server import tmdb_server

SPARQL_PORT = 9200
TMDB_PORT = 9201


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m outside")
    parser.add_argument("--sparql-port", type=int, default=SPARQL_PORT, help="(%(default)s)")
    parser.add_argument("--tmdb-port", type=int, default=TMDB_PORT, help="(%(default)s)")
    parser.add_argument("--sparql-nth", type=int, default=5, help="have a mood at each so many-th request; 0: never")
    parser.add_argument("--tmdb-nth", type=int, default=45, help="likewise")
    choices = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with (
        sparql_server(choices.sparql_port, choices.sparql_nth) as sparql,
        tmdb_server(choices.tmdb_port, choices.tmdb_nth) as tmdb,
    ):
        print(f"SPARQL at {sparql}\nfilms at {tmdb}; Ctrl-C to stop", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
