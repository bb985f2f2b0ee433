"""The pytest plugin, as a project uses it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_loading_the_plugin_imports_no_room_of_the_house() -> None:
    script = (
        "import sys, horarium.testing.plugin; print(*[name for name in sys.modules if name.startswith('horarium')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.split() == ["horarium", "horarium.testing", "horarium.testing.plugin"]


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"horarium": "horarium.testing.plugin"}
    assert not any(name.startswith("pytest") for name in project["dependencies"])


def test_a_call_is_kept_until_it_is_run_and_get_runs_it(project: pytest.Pytester) -> None:
    project.makepyfile("""
        from shop import add, call, mail, outbox

        def test_a_task_called_directly_is_its_function():
            assert mail("ana@example.org") == "sent to ana@example.org"

        def test_enqueued(horarium_app, enqueued, assert_enqueued, assert_not_enqueued, run_until_idle):
            outbox.clear()
            handle = mail.delay("ana@example.org")
            assert handle.state == "PENDING" and outbox == []
            assert_enqueued(mail, args=["ana@example.org"], kwargs={}, queue="default", count=1)
            assert_not_enqueued(call)
            assert [str(run.id) for run in run_until_idle()] == [handle.id]
            assert outbox == ["ana@example.org"]
            assert handle.get() == "sent to ana@example.org"
            [sent] = enqueued()
            assert (sent.task, sent.args, sent.state) == ("shop.mail", ("ana@example.org",), "SUCCESS")

        def test_get_runs_what_is_due(horarium_app):
            assert mail.delay("ben@example.org").get() == "sent to ben@example.org"
            assert add.delay(1, 2).get(timeout=5) == 3

        def test_every_test_has_a_store_of_its_own(horarium_app, enqueued):
            assert enqueued() == []
    """)
    project.runpytest().assert_outcomes(passed=4)


def test_time_is_moved_by_hand(project: pytest.Pytester) -> None:
    project.makepyfile("""
        from datetime import datetime, timedelta

        import pytest
        from shop import call, mail

        def test_countdowns_wait_for_the_clock(horarium_app, horarium_clock, run_until_idle):
            handle = mail.apply_async(["ana"], countdown=3600)
            assert run_until_idle() == [] and handle.state == "PENDING"
            horarium_clock.advance(3599)
            assert run_until_idle() == []
            horarium_clock.advance(timedelta(seconds=1))
            assert run_until_idle() == [handle] and handle.state == "SUCCESS"

        def test_retries_follow_in_virtual_time(horarium_app, horarium_clock, run_until_idle):
            handle, before = call.delay(2), horarium_clock.now()
            run_until_idle()
            assert handle.state == "RETRY"
            assert run_until_idle(advance=True) == [handle, handle]
            assert handle.get() == 2 and horarium_clock.now() - before == 120_000

        def test_etas_are_checked(horarium_clock, assert_enqueued):
            mail.apply_async(["ana"], eta=horarium_clock.moment + timedelta(hours=1))
            assert_enqueued(mail, eta=horarium_clock.moment + timedelta(hours=1), countdown=3600)

        def test_what_expires_is_not_run(horarium_app, horarium_clock, run_until_idle):
            handle = mail.apply_async(["ana"], expires=10)
            horarium_clock.advance(11)
            assert run_until_idle() == [] and handle.state == "EXPIRED"

        def test_the_clock_goes_back_only_while_nothing_is_stored(horarium_app, horarium_clock):
            horarium_clock.move_to(datetime(2020, 1, 5))
            assert horarium_clock.moment.year == 2020
            mail.delay("ana")
            with pytest.raises(ValueError, match="before anything is sent"):
                horarium_clock.move_to(datetime(2019, 1, 5))
    """)
    project.runpytest().assert_outcomes(passed=5)


def test_due_schedules_are_fired_and_run(project: pytest.Pytester) -> None:
    project.makepyfile("""
        from datetime import datetime

        import pytest
        from shop import mail, outbox

        from horarium import crontab

        @pytest.fixture(scope="session")
        def horarium_config():
            entry = {"task": "shop.mail", "schedule": crontab(0, 6), "args": ["boss@example.org"]}
            return {"beat_schedule": {"report": entry}, "timezone": "UTC"}

        def test_the_report(horarium_app, horarium_clock, run_due_schedules, run_until_idle, assert_enqueued):
            outbox.clear()
            horarium_clock.move_to(datetime(2026, 1, 5, 5, 0))
            assert run_due_schedules() == 0
            horarium_clock.advance(3600)
            assert run_due_schedules() == 1
            assert_enqueued("shop.mail", schedule="report", args=["boss@example.org"], count=1)
            horarium_clock.advance(24 * 3600)
            assert len(run_until_idle(schedules=True)) == 2
            assert outbox == ["boss@example.org"] * 2
    """)
    project.runpytest().assert_outcomes(passed=1)


def test_the_message_of_an_assertion_shows_what_was_enqueued_instead(project: pytest.Pytester) -> None:
    project.makepyfile("""
        from shop import add, mail

        def test_wrong(horarium_app, assert_enqueued):
            mail.apply_async(["ben@example.org"], {"subject": "bye"}, queue="post")
            add.delay(1, 2)
            assert_enqueued(mail, args=["ana@example.org"], kwargs={"subject": "bye"}, queue="default")

        def test_nothing(horarium_app, assert_enqueued):
            assert_enqueued(mail, count=2)

        def test_too_many(horarium_app, assert_not_enqueued):
            mail.delay("ana@example.org")
            assert_not_enqueued(mail)
    """)
    result = project.runpytest()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "*expected shop.mail('ana@example.org', subject='bye') with queue='default' to be enqueued at least once, "
            "it was not",
            "*instead, 2 enqueued:",
            "*shop.mail('ben@example.org', subject='bye')  queue='post'  PENDING",
            "*args[[]0[]]: expected 'ana@example.org', got 'ben@example.org'",
            "*queue: expected 'default', got 'post'",
            "*shop.add(1, 2)*",
            "*expected shop.mail(...) to be enqueued 2 times, it was not",
            "*nothing was enqueued",
            "*expected shop.mail(...) to be enqueued never, it was once",
        ]
    )


def test_what_never_becomes_idle_is_named(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest
        from shop import again, mail

        def test_a_task_that_sends_itself(horarium_app, run_until_idle):
            again.delay()
            with pytest.raises(AssertionError, match=r"at most 5 runs[^$]*shop.again x 5[^$]*due, in queue"):
                run_until_idle(max_runs=5)

        def test_waiting_for_what_waits_for_its_time(horarium_app, horarium_clock):
            handle = mail.apply_async(["ana"], countdown=60)
            with pytest.raises(TimeoutError, match=r"no worker runs[^$]*waits for its eta in 60 s; move the clock"):
                handle.get(timeout=5)

        def test_a_task_that_nobody_knows(horarium_app, run_until_idle):
            handle = horarium_app.send_task("shop.gone")
            assert run_until_idle(advance=True) == []
            with pytest.raises(AssertionError, match="no task of this name is registered"):
                handle.get()
    """)
    project.runpytest().assert_outcomes(passed=3)


def test_settings_parameters_and_includes_can_be_overridden(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import sys

        import pytest

        @pytest.fixture(scope="session")
        def horarium_config():
            return {"task_default_queue": "shop"}

        @pytest.fixture(scope="session")
        def horarium_parameters():
            return {"main": "shop", "timezone": "Europe/Berlin"}

        @pytest.fixture(scope="session")
        def horarium_includes():
            return ["shop"]

        def test_them(horarium_app, assert_enqueued):
            assert "shop" in sys.modules and "shop.mail" in horarium_app.tasks
            assert (horarium_app.main, horarium_app.conf.timezone) == ("shop", "Europe/Berlin")
            horarium_app.send_task("shop.mail", ["ana"])
            assert_enqueued("shop.mail", queue="shop")

        @pytest.mark.horarium(task_default_queue="other")
        def test_the_mark(horarium_app):
            assert horarium_app.conf.task_default_queue == "other"

        @pytest.mark.horarium(store="sqlite:///shop.db")
        def test_another_store(horarium_app, run_until_idle, enqueued):
            handle = horarium_app.send_task("shop.mail", ["ana"])
            assert horarium_app.engine.capabilities.name == "sqlite"
            assert run_until_idle() == [handle] and handle.get() == "sent to ana"
            assert [sent.task for sent in enqueued()] == ["shop.mail"]
    """)
    project.runpytest("--strict-markers").assert_outcomes(passed=3)


def test_the_projects_own_app_is_put_on_a_store_in_memory(project: pytest.Pytester) -> None:
    project.makepyfile(
        ours="""
        from horarium import Horarium

        app = Horarium("ours", store="sqlite:////nowhere/at/all.db", task_always_eager=True)

        @app.task
        def greet(name):
            return f"hello {name}"
        """
    )
    project.makeini("[pytest]\nfilterwarnings = error\nhorarium_app = ours:app\n")
    project.makepyfile("""
        from ours import app, greet

        def test_it(horarium_app, assert_enqueued, run_until_idle):
            assert horarium_app is app
            handle = greet.delay("ana")
            assert_enqueued(greet, count=1)
            run_until_idle()
            assert handle.get() == "hello ana"

        def test_afterwards_all_is_as_before():
            assert app.conf.task_always_eager is True and app.connection.is_open is False
    """)
    project.runpytest().assert_outcomes(passed=2)


def test_an_ini_option_that_names_no_app_says_so(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nhorarium_app = shop:outbox\n")
    project.makepyfile("def test_it(horarium_app): pass")
    result = project.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*expected the ini option horarium_app to name a Horarium, 'shop:outbox' is*"])


def test_the_processes_own_app_is_neither_used_nor_changed(project: pytest.Pytester) -> None:
    project.makepyfile("""
        from shop import mail

        from horarium import Horarium, current_app

        ours = Horarium("ours", store="sqlite:////nowhere/at/all.db")

        def test_inside(horarium_app):
            assert current_app() is horarium_app
            assert mail.delay("ana").get() == "sent to ana"

        def test_outside():
            assert current_app() is ours and ours.connection.is_open is False
    """)
    project.runpytest().assert_outcomes(passed=2)


def test_a_worker_in_a_thread_works_while_the_test_goes_on(project: pytest.Pytester) -> None:
    project.makepyfile("""
        from threading import get_ident

        import pytest
        from shop import add, call, mail

        @pytest.fixture(scope="session")
        def horarium_worker_parameters():
            return {"concurrency": 2}

        def test_results_come(horarium_app, horarium_worker):
            @horarium_app.task
            def where():
                return get_ident()

            assert where.apply_async(queue="anywhere").get(timeout=10) != get_ident()
            assert add.delay(1, 2).get(timeout=10) == 3
            assert mail.delay("ana").get(timeout=10) == "sent to ana"

        def test_it_follows_the_clock(horarium_app, horarium_clock, horarium_worker, run_until_idle):
            handle = call.delay(3)
            run_until_idle(advance=True)
            assert handle.get(timeout=10) == 3

        @pytest.mark.horarium(task_soft_time_limit=0.05)
        def test_limits_hold(horarium_app, horarium_worker):
            @horarium_app.task
            def spin():
                while True:
                    pass

            with pytest.raises(Exception) as raised:
                spin.delay().get(timeout=10)
            assert type(raised.value).__name__ == "SoftTimeLimitExceeded"

        def test_the_sessions_worker(horarium_session_app, horarium_session_worker):
            assert add.delay(3, 4).get(timeout=10) == 7
    """)
    project.runpytest().assert_outcomes(passed=4)


def test_it_works_under_xdist(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest
        from shop import mail

        @pytest.mark.parametrize("number", range(6))
        def test_it(horarium_app, horarium_session_worker, enqueued, number):
            assert mail.delay(str(number)).get() == f"sent to {number}"
            assert len(enqueued()) == 1
    """)
    project.runpytest_subprocess("-n", "2", "-p", "no:cacheprovider", timeout=60).assert_outcomes(passed=6)


def test_what_is_meant_for_the_test_gets_through_a_task(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest

        def test_it(horarium_app, run_until_idle):
            @horarium_app.task
            def give_up():
                pytest.fail("from inside the task")

            give_up.delay()
            run_until_idle()
    """)
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*from inside the task*"])
