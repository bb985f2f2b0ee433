"""`python -m bench`: measure, print, keep, and (with --check) judge."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from rich.console import Console

from bench import environments, page
from bench.bars import judge
from bench.peer import Peer
from bench.peers import PEERS
from bench.run import Report, run
from bench.scenario import QUICK, Size
from bench.scenarios import DEFAULT, SCENARIOS
from bench.servers.postgres import PostgresKind
from bench.servers.rabbitmq import RabbitKind
from bench.servers.redis import RedisKind
from bench.show import show, show_bars
from bench.venue import Venue

Chosen = TypeVar("Chosen")

BEGUN = time.monotonic()
RESULTS = Path(__file__).parent / "results"
README = Path(__file__).parent / "README.md"


def main() -> int:
    """Return 0; 1 if something failed, or if --check finds a bar missed."""
    wanted = _arguments()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # unwinds, so all that was started ends
    console = Console(width=None if sys.stdout.isatty() else 160)
    with tempfile.TemporaryDirectory(prefix="horarium-bench-", dir=wanted.dir) as directory:
        venue = _venue(wanted, Path(directory))
        if wanted.install:
            _install(venue, wanted.peers)
        report = run(wanted.scenarios, wanted.peers, _size(wanted), venue, Path(directory), _progress)
    judgements = judge(report)
    show(report, SCENARIOS, console)
    show_bars(judgements, console)
    if wanted.out or not wanted.quick:
        console.print(f"kept in {_keep(report, wanted.out or RESULTS)}", highlight=False)
    if wanted.page:
        console.print(page.remake(README, RESULTS), highlight=False)
    missed = any(judgement.state == "missed" for judgement in judgements)
    return 1 if report.failures or (wanted.check and missed) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Horarium beside its peers.")
    scenarios = {scenario.name: scenario for scenario in SCENARIOS}
    peers = {peer.name: peer for peer in PEERS}
    parser.add_argument("--scenarios", metavar="A,B", type=_chosen_from(scenarios), default=list(DEFAULT))
    parser.add_argument("--peers", metavar="A,B", type=_chosen_from(peers), default=list(PEERS))
    parser.add_argument("--quick", action="store_true", help="a few tasks, one round: shows that it runs, no more")
    parser.add_argument("--rounds", type=int, metavar="N", help=f"rounds of each scenario ({Size().rounds})")
    parser.add_argument("--tasks", type=int, metavar="N", help="tasks in drain (some seconds' worth)")
    parser.add_argument("--redis-aof", choices=("always", "everysec", "no"), help="let all Redis servers keep a log")
    parser.add_argument("--install", action="store_true", help="first make what environments are missing")
    parser.add_argument(
        "--environments", type=Path, metavar="DIR", default=environments.DEFAULT, help=argparse.SUPPRESS
    )
    parser.add_argument("--page", action="store_true", help="remake the tables and the chart of bench/README.md")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bar is missed")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep the report here, not in bench/results")
    parser.add_argument("--dir", type=Path, metavar="DIR", help="put the stores here (a real disk, not tmpfs)")
    return parser.parse_args()


def _chosen_from(known: Mapping[str, Chosen]) -> Callable[[str], list[Chosen]]:
    def choose(names: str) -> list[Chosen]:
        if unknown := [name for name in names.split(",") if name not in known]:
            raise argparse.ArgumentTypeError(
                f"expected names out of {', '.join(known)}; got {', '.join(unknown)}; separate several by commas"
            )
        return [known[name] for name in names.split(",")]

    return choose


def _venue(wanted: argparse.Namespace, directory: Path) -> Venue:
    return Venue(
        wanted.environments,
        {
            "redis": RedisKind(wanted.redis_aof),
            "postgres": PostgresKind(directory / "postgres"),
            "rabbitmq": RabbitKind(),
        },
    )


def _install(venue: Venue, peers: list[Peer]) -> None:
    for venv in dict.fromkeys(peer.venv for peer in peers if peer.venv):
        _progress(f"environment of {venv}")
        venue.make(venv)


def _size(wanted: argparse.Namespace) -> Size:
    size = QUICK if wanted.quick else Size()
    return msgspec.structs.replace(
        size, rounds=wanted.rounds or size.rounds, drain_tasks=wanted.tasks or size.drain_tasks
    )


def _progress(line: str) -> None:
    minutes, seconds = divmod(int(time.monotonic() - BEGUN), 60)
    print(f"{minutes:02}:{seconds:02} {line}", file=sys.stderr, flush=True)


def _keep(report: Report, directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{report.begun[:19].replace(':', '')}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    return path


if __name__ == "__main__":
    sys.exit(main())
