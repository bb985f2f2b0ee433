"""Each page of the admin in a real browser: both themes, wide and narrow, under a strict policy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote as percent

import pytest
from browser import OWN_EXCESS, Pages, Site, visitor
from django.contrib.admin.utils import quote

from chromium import started_browser

pytestmark = [pytest.mark.once, pytest.mark.browser]


TASKS = "django_celery_beat/periodictask/"
RESULTS = "django_celery_results/taskresult/"
ID = "0a6444d9-bce5-50f7-b53d-f35cd84ed217"
LONG = "warehouse.reports.tasks.build_the_nightly_report_for_everyone"


@pytest.fixture(scope="module")
def scene() -> Iterator[tuple[Pages, dict[str, str]]]:
    """Be ana, before a scene of runs and schedules in every state."""
    with Site() as site, started_browser() as browser:
        told = site.django(
            "import json\nfrom admin_scene import make_scene\nfrom pages_scene import make_runs\n"
            "from horarium.contrib.django.beat.models import IntervalSchedule, PeriodicTask\n"
            "from horarium.contrib.django.results.models import TaskResult\n"
            f"ids, text = make_runs(), '{LONG}'\nmake_scene()\n"
            f"TaskResult.objects.create(task_id='{ID}', task_name=text, periodic_task_name=text, worker=text)\n"
            "PeriodicTask.objects.create(name=text, task=text, interval=IntervalSchedule.objects.first())\n"
            "print(json.dumps(ids))"
        )
        with visitor(browser, site, "ana") as pages:
            yield pages, json.loads(told)


def _run(key: str) -> str:
    return f"horarium/run/{percent(quote(key))}/change/"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("runs", "horarium/run/"),
        ("runs-failed", "horarium/run/?state=FAILURE"),
        ("run-failed", "failed"),
        ("run-running", "running"),
        ("run-waiting", "waiting"),
        ("run-parent", "parent"),
        ("run-hostile", "hostile"),
        ("run-gone", "horarium/run/nothing/change/"),
        ("queues", "horarium/queue/"),
        ("queue", "horarium/queue/mail/change/"),
        ("workers", "horarium/worker/"),
        ("worker", "horarium/worker/pages-worker/change/"),
        ("index", ""),
        ("schedules", TASKS),
        ("schedule", f"{TASKS}1/change/"),
        ("schedule-bad", f"{TASKS}7/change/"),
        ("schedule-new", f"{TASKS}add/"),
        ("crontabs", "django_celery_beat/crontabschedule/"),
        ("crontab", "django_celery_beat/crontabschedule/1/change/"),
        ("results", RESULTS),
        ("result", f"{RESULTS}1/change/"),
    ],
)
def test_a_page_is_sound_and_fits_a_small_screen(scene: tuple[Pages, dict[str, str]], name: str, path: str) -> None:
    pages, ids = scene
    page = pages.open(_run(ids[path]) if path in ids else path)
    assert page.inner_text("#content h1")
    pages.screenshot(name)
    assert not pages.is_wider_than_screen()
    assert pages.faults == []


@pytest.mark.parametrize("path", ["horarium/run/", "horarium/queue/", "horarium/worker/", TASKS, RESULTS])
def test_no_list_is_cut_off(scene: tuple[Pages, dict[str, str]], path: str) -> None:
    pages, _ = scene
    pages.open(path)
    assert max(pages.cut_off().values()) <= OWN_EXCESS


def test_a_page_that_breaks_the_policy_or_raises_would_be_noticed(scene: tuple[Pages, dict[str, str]]) -> None:
    pages, _ = scene
    page = pages.open("horarium/queue/")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=data: onerror=alert(1)>')")
    page.evaluate("setTimeout(() => { throw new Error('broken') })")
    page.wait_for_timeout(100)  # both are told by themselves, soon
    told, pages.faults[:] = list(pages.faults), []
    assert any("Content Security Policy" in each for each in told) and any("broken" in each for each in told)


def test_words_are_legible_in_both_themes(scene: tuple[Pages, dict[str, str]]) -> None:
    """Every state stands out from the page behind it by 4.5 to 1, as WCAG asks."""
    pages, _ = scene
    for theme in ("light", "dark"):
        pages.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page = pages.open("horarium/run/")
        assert page.evaluate(CONTRASTS) > 4.5, theme
    pages.page.emulate_media(color_scheme="light")


# The least contrast of a state's word with the row that it stands in.
CONTRASTS = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number)
  const light = (colour) => {
    const [r, g, b] = parts(colour).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = (node) => {
    const colour = parts(getComputedStyle(node).backgroundColor)
    return colour.length === 4 && colour[3] === 0 ? behind(node.parentElement) : getComputedStyle(node).backgroundColor
  }
  return Math.min(...[...document.querySelectorAll('.horarium-state, .horarium-small')].map(node => {
    const [a, b] = [light(getComputedStyle(node).color), light(behind(node))].sort((x, y) => y - x)
    return (a + 0.05) / (b + 0.05)
  }))
}"""
