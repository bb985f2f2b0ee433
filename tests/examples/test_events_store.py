"""What the example keeps: one row per event, whoever lists it, and honest counts of what changed; in SQLite and in
PostgreSQL alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from app.event import Listing
from app.sources import Feed, Source
from app.store import Change, EventStore, UnknownSource, open_store

from servers import PostgresServer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HALL, COPYIST = 1, 2


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with PostgresServer() as server:
        yield server.url


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "events.db"
    url: str = request.getfixturevalue("postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return url


@pytest.fixture
def store(database: Path | str) -> Iterator[EventStore]:
    with open_store(database) as store:
        store.register_sources([Source(HALL, "Hall", "http://h"), Source(COPYIST, "Copyist", "http://c")])
        yield store


def listing(number: int = 1, source_id: int = HALL, *, days: int = 5) -> Listing:
    starts = NOW + timedelta(days=days)
    return Listing(
        source_id=source_id,
        uid=f"uid-{number}",
        title=f"Show {number}",
        starts=starts,
        ends=starts + timedelta(hours=1),
        venue="Hall",
        url=f"http://{source_id}/{number}",
    )


def test_storing_twice_changes_nothing(store: EventStore) -> None:
    both = [listing(1), listing(2)]
    assert store.keep(both, now=NOW) == {"new": 2}
    assert store.keep(both, now=NOW) == {"unchanged": 2}
    assert store.count_events() == 2


def test_a_second_source_is_a_duplicate_and_not_an_event(store: EventStore) -> None:
    store.keep([listing()], now=NOW)
    copy = replace(listing(source_id=COPYIST), title="SHOW 1!")
    assert store.keep([copy], now=NOW) == {"duplicates": 1}
    assert [(count.listings, count.events) for count in store.count_by_source()] == [(1, 1), (1, 0)]
    assert store.count_events() == 1


def test_the_house_itself_has_the_last_word_even_when_it_comes_second(store: EventStore) -> None:
    store.keep([replace(listing(source_id=COPYIST), title="SHOW 1!")], now=NOW)
    store.keep([listing()], now=NOW)
    assert [title for _, title, _ in store.upcoming(NOW, 9)] == ["Show 1"]


def test_an_event_that_moves_is_updated_and_not_doubled(store: EventStore) -> None:
    store.keep([listing()], now=NOW)
    assert store.keep([listing(days=6)], now=NOW) == {"updated": 1}
    assert [starts for starts, _, _ in store.upcoming(NOW, 9)] == [NOW + timedelta(days=6)]


def test_what_is_no_longer_listed_is_removed_unless_another_source_lists_it(store: EventStore) -> None:
    store.keep([listing(1), listing(2), listing(2, COPYIST)], now=NOW)
    later = NOW + timedelta(minutes=1)
    assert store.retire(HALL, unseen_since=later, now=later) == 2
    assert [title for _, title, _ in store.upcoming(NOW, 9)] == ["Show 2"]


def test_what_was_just_seen_or_is_past_stays(store: EventStore) -> None:
    store.keep([listing(1, days=-2)], now=NOW)
    store.keep([listing(2)], now=NOW + timedelta(seconds=1))
    assert store.retire(HALL, unseen_since=NOW + timedelta(seconds=1), now=NOW) == 0


def test_a_visit_that_fails_halfway_stores_nothing(store: EventStore) -> None:
    def broken() -> Iterator[Listing]:
        yield listing(1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.keep(broken(), now=NOW)
    assert store.count_events() == 0


def test_feeds_are_remembered_once(store: EventStore) -> None:
    assert store.add_feeds(HALL, [Feed("http://h/a", "A"), Feed("http://h/b", "B")]) == 2
    assert store.add_feeds(HALL, [Feed("http://h/b", "B2")]) == 0
    assert store.feeds(HALL) == [Feed("http://h/a", "A"), Feed("http://h/b", "B2")]


def test_a_source_that_moves_house_loses_its_old_feeds_and_keeps_its_events(store: EventStore) -> None:
    store.add_feeds(HALL, [Feed("http://h/a", "A")])
    store.keep([listing()], now=NOW)
    store.register_sources([Source(HALL, "Hall", "http://new", (Feed("http://new/a", "A"),))])
    assert store.feeds(HALL) == [Feed("http://new/a", "A")]
    assert store.count_events() == 1


def test_an_unknown_source_is_an_error_that_names_the_known_ones(store: EventStore) -> None:
    with pytest.raises(UnknownSource, match="got 9; known are 1, 2"):
        store.source(9)


def test_several_writers_take_turns(database: Path | str, store: EventStore) -> None:
    def write(first: int) -> None:
        with open_store(database) as own:
            for number in range(first, first + 25):
                own.keep([listing(number)], now=NOW)

    together(*(lambda place=place: write(100 * place) for place in range(4)))
    assert store.count_events() == 100


def test_two_visits_of_one_source_at_once_store_it_once(database: Path | str, store: EventStore) -> None:
    def visit() -> None:
        with open_store(database) as own:
            changes.append(own.keep([listing(number) for number in range(20)], now=NOW))

    changes: list[Counter[Change]] = []
    together(visit, visit)
    assert sum(changes, Counter()) == {"new": 20, "unchanged": 20}


def test_those_who_come_first_at_once_make_the_tables_once(database: Path | str) -> None:
    def come() -> None:
        with open_store(database) as own:
            counted.append(own.count_events())

    counted: list[int] = []
    together(*[come] * 4)
    assert counted == [0] * 4


def together(*deeds: Callable[[], None]) -> None:
    """Do all of this at once; what one of them raises is raised."""
    with ThreadPoolExecutor(len(deeds)) as pool:
        for done in [pool.submit(deed) for deed in deeds]:
            done.result()
