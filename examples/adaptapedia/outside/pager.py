"""``python -m outside.pager``: where alerts arrive. It shows the title of each, as a telephone does at night."""

from __future__ import annotations

import argparse
import json
import signal
import threading

from outside.moods import MoodyHandler, MoodyServer, serving

PORT = 9202


class PagerHandler(MoodyHandler):
    def answer(self) -> None:
        print(json.loads(self.body)["title"], flush=True)
        self.send(200, {})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m outside.pager")
    parser.add_argument("--port", type=int, default=PORT, help="(%(default)s)")
    choices = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serving(MoodyServer(choices.port, PagerHandler, 0)) as server:
        print(f"pager at {server.address}; Ctrl-C to stop", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
