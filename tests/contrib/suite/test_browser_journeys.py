"""What people do in the admin, from the login to the end, with a real worker behind it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

import pytest
from browser import PASSWORD, Pages, Site, visitor
from playwright.sync_api import Browser, Locator, expect

from chromium import started_browser
from horarium import Horarium

pytestmark = [pytest.mark.once, pytest.mark.browser]


class World(NamedTuple):
    """The site at work, a browser, and somebody who sends tasks."""

    site: Site
    browser: Browser
    sender: Horarium

    def send(self, task: str, *args: object, queue: str = "default") -> str:
        return str(self.sender.send_task(task, args=args, queue=queue).id)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Site() as site, started_browser() as browser:
        site.begin("worker", "-m", "horarium", "-A", "site_project", "worker", "-c", "2", "-n", "shop@here")
        site.begin("beat", "-m", "horarium", "-A", "site_project", "beat")
        with Horarium("sender", store=site.store, set_as_current=False) as sender:
            yield World(site, browser, sender)


@pytest.fixture
def ana(world: World) -> Iterator[Pages]:
    with visitor(world.browser, world.site, "ana") as pages:
        yield pages


def _choose(pages: Pages, action: str, *keys: str) -> None:
    """Tick rows of a list, and let an action be done to them."""
    for key in keys:
        pages.page.check(f"input.action-select[value='{key}']")
    expect(pages.page.locator(".action-counter")).to_contain_text(f"{len(keys)} of")
    pages.page.select_option("select[name=action]", label=action)
    pages.page.click("button[name=index]")


def test_a_superuser_that_createsuperuser_made_logs_in_as_ever_row_105(world: World) -> None:
    with visitor(world.browser, world.site) as pages:
        page = pages.open("")
        expect(page).to_have_url(f"{world.site.url}/admin/login/?next=/admin/")
        page.fill("#id_username", "ana")
        page.fill("#id_password", PASSWORD)
        page.click("input[type=submit]")
        expect(page).to_have_url(f"{world.site.url}/admin/")
        for name in ("Runs", "Queues", "Workers"):
            expect(page.locator("#content").get_by_role("link", name=name, exact=True)).to_be_visible()


TASKS = "django_celery_beat/periodictask/"


def _listed(pages: Pages, name: str) -> Locator:
    """Return the row of a periodic task in the list."""
    return pages.page.locator("#result_list tbody tr", has_text=name)


def _do_to(pages: Pages, name: str, action: str) -> None:
    pages.open(TASKS)
    _listed(pages, name).locator("input.action-select").check()
    pages.page.select_option("select[name=action]", label=action)
    pages.page.click("button[name=index]")


def test_a_schedule_is_written_previewed_saved_and_run_now_row_101(world: World, ana: Pages) -> None:
    page = ana.open("django_celery_beat/crontabschedule/add/")
    page.fill("#id_minute", "30")
    page.fill("#id_hour", "2")
    page.select_option("#id_timezone", "Europe/Berlin")
    expect(page.locator("#hor-preview")).to_contain_text("02:30")
    page.click("input[name=_save]")
    expect(page.locator(".messagelist .success")).to_be_visible()
    page = ana.open(f"{TASKS}add/")
    page.fill("#id_name", "nightly sum")
    page.fill("#id_task", "shop.tasks.add")
    page.fill("#id_args", "[20, 22]")
    page.click(".field-crontab .select2-selection")
    page.click(".select2-results__option:has-text('30 2 * * *')")
    expect(page.locator("#hor-preview")).to_contain_text("Europe/Berlin")
    expect(page.locator("#hor-preview tbody tr").first).to_contain_text("02:30")
    page.click("input[name=_continue]")
    page.get_by_role("button", name="Run task now").click()
    page.locator(".messagelist a").last.click()
    expect(page.locator("#content h1")).to_contain_text("shop.tasks.add")
    ana.await_text(page.url.removeprefix(f"{world.site.url}/admin/"), "succeeded")
    page = ana.open(f"horarium/run/?{urlencode({'schedule': 'nightly sum'})}")
    page.get_by_role("link", name="nightly sum").click()
    expect(page.locator("#id_name")).to_have_value("nightly sum")
    expect(page.locator("#hor-runs")).to_contain_text("by hand (ana)")


def test_a_schedule_is_disabled_enabled_and_paused_until_tomorrow(world: World, ana: Pages) -> None:
    world.site.django(
        "from horarium.contrib.django.beat.models import IntervalSchedule, PeriodicTask\n"
        "second = IntervalSchedule.objects.create(every=1, period='seconds')\n"
        "PeriodicTask.objects.create(name='pulse', task='shop.tasks.add', args='[1, 1]', interval=second)"
    )
    ana.await_text("horarium/run/?schedule=pulse", "succeeded")
    _do_to(ana, "pulse", "Disable selected tasks")
    expect(_listed(ana, "pulse")).to_contain_text("disabled")
    _do_to(ana, "pulse", "Enable selected tasks")
    expect(_listed(ana, "pulse")).not_to_contain_text("disabled")
    _do_to(ana, "pulse", "Pause selected tasks…")
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    ana.page.fill("input[name=until_0]", f"{tomorrow:%Y-%m-%d}")
    ana.page.fill("input[name=until_1]", "09:00:00")
    ana.page.fill("input[name=note]", "stocktaking")
    ana.page.click("input.default")
    expect(_listed(ana, "pulse")).to_contain_text("paused")
    _listed(ana, "pulse").locator("th a").first.click()
    expect(ana.page.locator("#content")).to_contain_text("stocktaking")
    ana.page.get_by_role("link", name="History").click()
    expect(ana.page.locator("#change-history")).to_contain_text("Paused until")


def test_a_failed_run_is_found_and_run_again(world: World, ana: Pages) -> None:
    id = world.send("shop.tasks.fail", "<b>no</b>")
    page = ana.await_text(f"horarium/run/{id}/change/", "failed")
    assert "ValueError: <b>no</b>" in page.inner_text("#content")
    ana.open("horarium/run/?state=FAILURE")
    _choose(ana, "Run again", id)
    page.get_by_role("link", name="sent again as").click()
    expect(page.locator("#content h1")).to_contain_text("shop.tasks.fail")
    again = page.url.split("/")[-3]
    page = ana.await_text(f"horarium/run/{again}/change/", "attempt 1 failed")
    assert id in page.inner_text("#content")
    page.get_by_role("button", name="Run again").click()
    expect(page.locator(".messagelist")).to_contain_text("sent again as")
    page.get_by_role("link", name="History").click()
    expect(page.locator("#change-history")).to_contain_text("sent again as")


def test_what_waits_is_cancelled_and_a_queue_is_purged(world: World, ana: Pages) -> None:
    page = ana.open("horarium/queue/default/change/")
    page.fill("input[name=reason]", "stocktaking")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#content")).to_contain_text("Paused by ana")
    ids = [world.send("shop.tasks.add", n, 1, queue="low") for n in range(3)]
    page = ana.open("horarium/run/?queue=low")
    _choose(ana, "Cancel", ids[0])
    expect(page.locator(".messagelist")).to_contain_text("cancelled")
    ana.open("horarium/queue/")
    _choose(ana, "Purge: cancel all that waits", "low")
    expect(page.locator("#content")).to_contain_text("2 waiting runs end as cancelled")
    page.click("input[type=submit]")
    expect(page.locator(".messagelist")).to_contain_text("2 runs cancelled")
    page = ana.open("horarium/run/?queue=low&state=REVOKED")
    expect(page.locator("input.action-select")).to_have_count(3)
    page = ana.open("horarium/queue/default/change/")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".messagelist")).to_contain_text("resumed")


def test_whoever_may_only_look_sees_and_cannot_do_row_104(world: World) -> None:
    id = world.send("shop.tasks.add", 1, 2)
    with visitor(world.browser, world.site, "vic") as pages:
        page = pages.await_text(f"horarium/run/{id}/change/", "succeeded")
        for name in ("Run again", "Cancel", "Cancel, and stop it if it runs"):
            button = page.get_by_role("button", name=name, exact=True)
            expect(button).to_be_disabled()
            assert "needs horarium." in (button.get_attribute("title") or "")
        token = page.input_value(".horarium-acts input[name=csrfmiddlewaretoken]")
        forced = page.request.post(
            page.url, form={"csrfmiddlewaretoken": token, "action": "retry"}, headers={"Referer": page.url}
        )
        assert forced.status == 403
        page = pages.open("horarium/worker/")
        expect(page.locator("select[name=action] option:not([disabled])")).to_have_count(1)


def test_a_worker_is_stopped_from_its_page(world: World, ana: Pages) -> None:
    page = ana.await_text("horarium/worker/", "shop@here")
    page.get_by_role("link", name="shop@here").click()
    expect(page.locator("#content")).to_contain_text("shop.tasks.add")
    page.get_by_role("button", name="Stop when its runs are done").click()
    page.click("input[type=submit]")
    expect(page.locator(".messagelist")).to_contain_text("is told to stop")
    ana.await_text("horarium/worker/", "No worker is alive")
