"""What `make bench` writes into the README: made from a kept report, between the marks, and from a whole one only."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from bench.peers import PEERS
from bench.run import Entry, Report
from bench.scenario import QUICK, Figure, Size
from bench.scenarios import DEFAULT

from bench import page

README = f"# Title\n\nSaid by hand.\n\n{page.BEGIN}: edits are lost -->\n\nold\n\n<!-- {page.END}\n\nMore by hand.\n"


def report(begun: str = "2026-01-02T03:04:05+00:00", size: Size | None = None) -> Report:
    rate = Figure(metric="tasks", unit="/s", value=25_000.0, low=24_000.0, high=26_000.0, samples=3)
    slow = Figure(metric="tasks", unit="/s", value=500.0, low=500.0, high=500.0, samples=1)
    lost = {"child": "not within 75 s", "host": "not within 75 s"}
    return Report(
        begun=begun,
        machine={"cpu": "a processor", "kernel": "Linux", "python": "CPython", "stores in": "/tmp/x (ext4)"},
        size=size or Size(),
        scenarios=[scenario.name for scenario in DEFAULT],
        peers=[peer.name for peer in PEERS],
        pulses={"before": "load 0.10"},
        entries=[
            Entry(scenario="drain", peer="horarium_redis", label="Horarium, Redis", figures=[rate]),
            Entry(scenario="drain", peer="huey_redis", label="Huey, Redis", figures=[slow], facts={"huey": "9.9"}),
            Entry(scenario="recovery", peer="huey_redis", label="Huey, Redis", facts=lost),
        ],
        absent={"arq": "no environment"},
    )


def keep(kept: Report, results: Path) -> None:
    (results / f"{kept.begun[:19].replace(':', '')}.json").write_bytes(msgspec.json.encode(kept))


def test_the_table_has_a_row_for_each_peer_that_took_part_with_figures_ranges_and_what_was_lost() -> None:
    made = "\n".join(page.lines(report(), {}))

    ours = next(line for line in made.splitlines() if line.startswith("| Horarium, Redis |"))
    theirs = next(line for line in made.splitlines() if line.startswith("| Huey, Redis |"))
    assert "25,000 (24,000 - 26,000)" in ours
    assert "| 500 |" in theirs
    assert theirs.count("not within 75 s") == 2
    assert "arq took no part: no environment" in made
    assert "huey: 9.9" in made
    assert "drain: tasks of horarium_redis >= 25,000 | met" in made


def test_the_table_of_schedules_is_of_the_newest_run_that_measured_them_and_has_its_bars() -> None:
    quick = Figure(metric="until enqueued, 10,000 of 10,000 due", unit="s", value=0.5, low=0.4, high=0.6, samples=2)
    rate = Figure(metric="rate, 1,000 of 10,000 due", unit="/s", value=27.0, low=26.0, high=28.0, samples=2)
    measured = msgspec.structs.replace(
        report("2026-02-03T00:00:00+00:00"),
        scenarios=list(page.SCHEDULES),
        entries=[
            Entry(scenario="due", peer="horarium_redis", label="Horarium, Redis", figures=[quick]),
            Entry(scenario="due", peer="celery_beat", label="Celery beat", figures=[rate], facts={"celery": "9.9"}),
        ],
    )

    made = "\n".join(page.lines(report(), dict.fromkeys(page.SCHEDULES, measured)))

    assert "### Schedules (2026-02-03)" in made
    assert "| Celery beat |  |  |  | 27 |" in made
    assert "- Celery beat: celery: 9.9" in made
    assert "due: until enqueued, 10,000 of 10,000 due of horarium_redis <= 1 | met | 0.5" in made


def test_a_run_is_whole_without_the_peers_that_are_only_measured_when_asked_for() -> None:
    usual = [peer.name for peer in PEERS if {scenario.name for scenario in DEFAULT} & set(peer.scenarios)]

    assert page.is_whole(msgspec.structs.replace(report(), peers=usual))
    assert not page.is_whole(msgspec.structs.replace(report(), peers=usual[1:]))


def test_what_is_written_by_hand_stays_and_what_stood_between_the_marks_goes(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(README)

    page.insert(readme, "new")
    page.insert(readme, "newest")

    assert readme.read_text() == README.replace("old", "newest")


def test_a_readme_without_the_marks_is_refused(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("# Title\n")

    with pytest.raises(ValueError, match="put them back"):
        page.insert(readme, "new")


def test_the_newest_whole_report_is_shown_not_a_quick_or_an_unreadable_one(tmp_path: Path) -> None:
    keep(report("2026-01-01T00:00:00+00:00"), tmp_path)
    keep(report("2026-01-02T00:00:00+00:00"), tmp_path)
    keep(report("2026-01-03T00:00:00+00:00", size=QUICK), tmp_path)
    (tmp_path / "2026-01-04T000000.json").write_text('{"form": "an older one"}')

    found = page.newest(tmp_path, page.is_whole)

    assert found is not None
    assert found.begun.startswith("2026-01-02")


def test_without_a_whole_report_the_readme_stays_as_it_is(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(README)

    said = page.remake(readme, tmp_path)

    assert "stays as it is" in said
    assert readme.read_text() == README


def test_the_chart_names_every_peer_that_was_measured(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="only the bench's own environment has matplotlib")
    from bench.chart import draw

    draw(report(), tmp_path / "chart.svg")

    assert "Huey, Redis" in (tmp_path / "chart.svg").read_text()


def test_the_readme_of_the_bench_has_the_marks() -> None:
    text = (Path(page.__file__).parent / "README.md").read_text()

    assert text.index(page.BEGIN) < text.index(page.END)
