"""Whatever way a row is edited, the database notes it; what schedulers write is not noted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from beat_in_hand import Beat
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from horarium.contrib.django.beat import changes, tables
from horarium.contrib.django.beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from horarium.contrib.django.models import Change, ScheduleExtra

pytestmark = pytest.mark.django_db
Row = PeriodicTask


def noted() -> set[tuple[str, int, str]]:
    return set(Change.objects.values_list("kind", "row_id", "name"))


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def run(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def row() -> Row:
    hourly = IntervalSchedule.objects.create(every=1, period="hours")
    row = Row.objects.create(name="prices", task="shop.tasks.add", interval=hourly)
    Change.objects.all().delete()
    return row


def _migrated(row: Row) -> None:
    """As a project's data migration does it: by historical models, which send no signals of ours."""
    from django.db.migrations.loader import MigrationLoader

    state = MigrationLoader(connection).project_state(("django_celery_beat", "0019_alter_periodictasks_options"))
    state.apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(pk=row.pk).update(args="[3]")


EDITS: dict[str, Callable[[Row], object]] = {
    "save": lambda row: (setattr(row, "args", "[1, 2]"), row.save()),
    "update": lambda row: Row.objects.update(priority=3),
    "bulk_update": lambda row: Row.objects.bulk_update([Row(pk=row.pk, kwargs='{"a": 1}')], ["kwargs"]),
    "raw SQL": lambda row: run("UPDATE django_celery_beat_periodictask SET enabled = %s WHERE name = 'prices'", False),
    "data migration": _migrated,
    "extra": lambda row: ScheduleExtra.objects.create(periodic_task_id=row.pk, options={"catchup": "none"}),
}


@pytest.mark.parametrize("way", EDITS)
def test_an_edit_is_noted_however_it_is_made_rows_87_92_and_95(way: str, row: Row) -> None:
    EDITS[way](row)
    assert noted() == {("task", row.pk, "")}


def test_rows_made_in_bulk_are_noted(row: Row) -> None:
    Row.objects.bulk_create([Row(name=f"n{n}", task="shop.tasks.add", interval=row.interval) for n in range(3)])
    assert len(noted()) == 3
    Row.objects.bulk_create(
        [Row(name="prices", task="shop.tasks.add", interval=row.interval)], ignore_conflicts=True
    )  # its INSERT OR IGNORE must not turn what a trigger does around
    run("DELETE FROM django_celery_beat_periodictask WHERE name = 'n1'")
    assert {name for _, _, name in noted()} == {"", "n1"}


def test_each_former_name_is_kept(row: Row) -> None:
    Row.objects.update(name="costs")
    Row.objects.update(name="offers")
    Row.objects.all().delete()
    assert noted() == {("task", row.pk, name) for name in ("prices", "costs", "offers")}


@pytest.mark.parametrize(
    ("kind", "make", "edit"),
    [
        ("interval", lambda: IntervalSchedule.objects.create(every=2, period="days"), {"every": 3}),
        ("crontab", lambda: CrontabSchedule.objects.create(minute="5"), {"timezone": "Europe/Berlin"}),
        ("solar", lambda: SolarSchedule.objects.create(event="sunrise", latitude=1, longitude=2), {"latitude": 3}),
        ("clocked", lambda: ClockedSchedule.objects.create(clocked_time=timezone.now()), {"clocked_time": None}),
    ],
)
def test_an_edit_of_what_tasks_share_is_noted(kind: str, make: Callable[[], object], edit: dict[str, object]) -> None:
    Change.objects.all().delete()
    shared = make()
    assert noted() == set()
    edit = {name: value or timezone.now() for name, value in edit.items()}
    type(shared).objects.update(**edit)  # type: ignore[attr-defined]
    assert noted() == {(kind, shared.pk, "")}  # type: ignore[attr-defined]


@pytest.mark.on_postgresql
@pytest.mark.parametrize("way", ["ORM", "raw SQL", "TRUNCATE"])
def test_a_deleted_task_takes_its_options_along(way: str, row: Row) -> None:
    """Else a number that is given out anew would inherit them."""
    ScheduleExtra.objects.create(periodic_task_id=row.pk, options={"catchup": "all"}, origin="settings")
    if way == "ORM":
        Row.objects.all().delete()
    elif way == "TRUNCATE" and is_postgresql():
        run("SET CONSTRAINTS ALL IMMEDIATE")  # none may be pending
        run("TRUNCATE django_celery_beat_periodictask RESTART IDENTITY")
    else:
        run("DELETE FROM django_celery_beat_periodictask")
    assert not ScheduleExtra.objects.exists()


def test_options_of_a_task_that_was_deleted_unseen_are_found(row: Row, beat: Beat) -> None:
    ScheduleExtra.objects.create(periodic_task_id=row.pk + 1, options={"catchup": "all"})
    ScheduleExtra.objects.create(periodic_task_id=row.pk, options={"catchup": "none"})
    beat.look()
    assert list(ScheduleExtra.objects.values_list("pk", flat=True)) == [row.pk]


def test_what_schedulers_write_is_no_edit(row: Row) -> None:
    now = timezone.now()
    Row.objects.update(last_run_at=now, total_run_count=7, date_changed=now)
    ScheduleExtra.objects.create(periodic_task_id=row.pk, error="wrong")
    ScheduleExtra.objects.update(error="")
    row.refresh_from_db()
    row.save()
    assert noted() == set()


def test_a_change_is_forgotten_only_if_no_more_have_come(row: Row) -> None:
    Row.objects.update(priority=1)
    seen = changes.of_tasks("default", 10)
    Row.objects.update(priority=2)
    changes.forget("default", seen)
    [again] = changes.of_tasks("default", 10)
    assert again.number == 2
    changes.forget("default", [again])
    assert noted() == set()


def test_triggers_that_were_lost_are_made_again(row: Row, beat: Beat) -> None:
    beat.look()
    run("DROP TRIGGER horarium_task_updated" + (" ON django_celery_beat_periodictask" if is_postgresql() else ""))
    Row.objects.update(args="[9]")
    assert beat.look() == 0  # nothing has told of it
    beat.clock.advance(2)
    assert beat.look() == 1
    assert tables.triggers_are_there("default")


@pytest.mark.django_db(transaction=True)
def test_the_migration_and_a_scheduler_may_come_in_any_order() -> None:
    assert not tables.ensure("default")
    call_command("migrate", "horarium", "zero", verbosity=0)
    try:
        # The signal after the migration makes what is missing of a project that lists only the app of the tables.
        assert tables.triggers_are_there("default")
        assert tables.missing("default") == tables.Missing()
    finally:
        call_command("migrate", "horarium", verbosity=0)
    assert tables.missing("default") == tables.Missing()
