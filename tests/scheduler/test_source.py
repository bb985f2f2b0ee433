"""Where the definitions of schedules come from, and what a source in trouble does to a scheduler: nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from beat_ear import Ear
from beat_store import Store
from msgspec.structs import replace

from horarium.app.app import Horarium
from horarium.clock import ManualClock, Seconds
from horarium.errors import EngineUnavailable, ImproperlyConfigured, OwnedByCode, ScheduleRefused
from horarium.event import Recovered, Troubled
from horarium.scheduler.beat import Scheduler
from horarium.scheduler.source import CodeSource, source_for
from horarium.scheduler.sync import save_wanted

MakeApp = Callable[..., Horarium]
EVERY_MINUTE = {"task": "ping", "schedule": 60}


class TableSource:
    """Rows of a table, by name, that a test changes; ``troubles`` are raised one by one."""

    every: Seconds | None = 0.5

    def __init__(self, app: Horarium) -> None:
        self.app = app
        self.rows: dict[str, dict[str, object]] = {}
        self.troubles: list[Exception] = []
        self.shown: list[str] = []
        self.is_closed = False

    def begin(self, engine: object, **_: object) -> int:
        return 0

    def follow(self, engine: object, *, now: int, observer: object) -> int:
        if self.troubles:
            raise self.troubles.pop(0)
        wanted = {
            name: replace(self.app.schedule_entry(name, row), owner="table", app=self.app.main)
            for name, row in self.rows.items()
        }
        return save_wanted(engine, wanted, now=now, observer=observer)  # type: ignore[arg-type]

    def fired(self, names: Sequence[str], engine: object, *, now: int) -> None:
        self.shown += names

    def close(self) -> None:
        self.is_closed = True


def source(app: Horarium) -> TableSource:
    return TableSource(app)


class Mine:
    """A class of a project's own, as ``beat_scheduler`` names it."""

    source = staticmethod(TableSource)


@pytest.mark.parametrize(
    "named",
    [None, "code", "celery.beat:PersistentScheduler", "celery.beat.PersistentScheduler", "redbeat.RedBeatScheduler"],
)
def test_the_code_is_the_source_unless_a_table_is_named_rows_6_and_41(make_app: MakeApp, named: str | None) -> None:
    assert isinstance(source_for(make_app(beat_scheduler=named)), CodeSource)


@pytest.mark.parametrize("named", ["test_source:Mine", "test_source.Mine"])
def test_a_class_of_ones_own_is_named_by_its_path(make_app: MakeApp, named: str) -> None:
    assert type(source_for(make_app(beat_scheduler=named))).__name__ == "TableSource"


@pytest.mark.parametrize("named", ["shop.beat:Scheduler", "nonsense", "beat_ear:Ear", "beat_ear:Nobody"])
def test_a_source_that_there_is_not_is_refused_when_the_scheduler_is_made(make_app: MakeApp, named: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="expected beat_scheduler to name a source of schedules"):
        Scheduler(make_app(beat_scheduler=named))


def test_what_a_table_defines_fires_and_its_edits_count_at_the_next_look(
    make_app: MakeApp, store: Store, clock: ManualClock
) -> None:
    app = make_app()
    table = TableSource(app)
    scheduler = Scheduler(app, source=table)
    table.rows["a"] = EVERY_MINUTE
    assert scheduler.follow(clock.now()) == 1
    table.rows["a"] = {**EVERY_MINUTE, "kwargs": {"city": "Ulm"}}
    assert scheduler.follow(clock.advance(1)) == 1
    scheduler.tick(clock.advance(60))
    assert [bytes(message.kwargs) for message in store.messages("a")] == [b'{"city":"Ulm"}']
    assert table.shown == ["a"]


def test_a_source_in_trouble_is_told_once_and_what_is_stored_fires_on(
    make_app: MakeApp, store: Store, clock: ManualClock, ear: Ear
) -> None:
    app = make_app()
    table = TableSource(app)
    scheduler = Scheduler(app, source=table, observer=ear)
    table.rows["a"] = EVERY_MINUTE
    scheduler.follow(clock.now())
    table.troubles = [EngineUnavailable("the database is away"), ValueError("a bug"), ValueError("a bug")]
    for _ in range(3):
        assert scheduler.follow(clock.advance(61)) == 0
        scheduler.tick(clock.now())
    assert len(store.messages("a")) == 3
    assert [told.where for told in ear.heard(Troubled)] == ["beat source"]
    scheduler.follow(clock.now())
    assert [told.where for told in ear.heard(Recovered)] == ["beat source"]


def test_a_scheduler_with_a_source_of_edits_never_sleeps_past_them(make_app: MakeApp, clock: ManualClock) -> None:
    app = make_app()
    assert Scheduler(app, source=TableSource(app), max_interval=300).tick(clock.now()) == 0.5
    assert Scheduler(app, max_interval=300).tick(clock.now()) == 300


def test_code_and_table_take_over_from_each_other_and_leave_a_persons_alone(
    make_app: MakeApp, store: Store, clock: ManualClock
) -> None:
    app = make_app({"both": EVERY_MINUTE, "only-code": EVERY_MINUTE})
    Scheduler(app).sync(clock.now())
    app.schedules.create("mine", **EVERY_MINUTE)
    first = store.schedule("both")
    table = TableSource(app)
    table.rows = {"both": EVERY_MINUTE, "only-table": EVERY_MINUTE, "mine": {"task": "ping", "schedule": 5}}
    Scheduler(app, source=table).follow(clock.advance(10))
    both = store.schedule("both")
    assert (both.owner, both.id, both.next_fire) == ("table", first.id, first.next_fire)
    assert store.schedule("mine").owner == "person"
    assert store.schedule("mine").spec == first.spec
    Scheduler(app).sync(clock.advance(10))
    assert [(name, store.schedule(name).owner) for name in store.names()] == [
        ("both", "code"),
        ("mine", "person"),
        ("only-code", "code"),
    ]


def test_what_a_table_defines_is_changed_there_and_paused_by_anybody(
    make_app: MakeApp, store: Store, clock: ManualClock
) -> None:
    app = make_app()
    table = TableSource(app)
    table.rows = {"a": {**EVERY_MINUTE, "enabled": False}}
    scheduler = Scheduler(app, source=table)
    scheduler.follow(clock.now())
    with pytest.raises(OwnedByCode, match="the database of app 'shop' defines; change it there"):
        app.schedules.update("a", schedule=5)
    with pytest.raises(OwnedByCode, match="remove it there"):
        app.schedules.delete("a")
    with pytest.raises(ScheduleRefused, match="disabled where the database of app 'shop' defines it"):
        app.schedules.resume("a")
    table.rows = {"a": EVERY_MINUTE}
    scheduler.follow(clock.now())
    app.schedules.pause("a", note="stock-taking")
    scheduler.follow(clock.advance(61))
    scheduler.tick(clock.now())
    assert store.messages("a") == []
    assert app.schedules.update("a", schedule=5, take_over=True).owner == "person"
