"""The guide of the events aggregator (003): scrapers behind a FastAPI, with Celery, Beat and Flower beside it."""

from __future__ import annotations

import json
import os
import re
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from journey import Journey
from place import Place, place_for
from playwright.sync_api import expect

from servers import free_port

journey = Journey("events")
APP = "app/celery_app.py"
TASKS = "app/tasks.py"
H = "horarium -A app.celery_app"
CALL = f"{H} call app.tasks"
WORKER = f"{H} worker --loglevel=INFO --concurrency=2"
BEAT = f"{H} beat --loglevel=INFO"
NEXT = f"{H} schedules next"
STORED = "schedules of the code stored"
ANN = ("ann", "secret")
NEW_TASK = '''

@app.task(bind=True, max_retries=3, default_retry_delay=60, autoretry_for=(httpx.HTTPError,))
def my_new_scraper(self: Task, source_id: int) -> dict[str, Any]:
    """Count the bytes of a source's page."""
    with open_store(settings.database) as store:
        source = store.source(source_id)
    with Fetcher(timeout=settings.http_timeout) as fetcher:
        return {"status": "success", "items_scraped": len(fetcher.get(source.url).content)}
'''
NEW_ENTRY = """
    "my-new-scraper-daily": {
        "task": "app.tasks.my_new_scraper",
        "schedule": crontab(minute=0, hour=7),  # 7:00 AM daily
        "kwargs": {"source_id": 1},
    },
}

# The same work"""
DEADLY_TASK = '''

@app.task
def eat_memory() -> None:
    """End as the kernel ends what eats too much."""
    import os
    import signal

    os.kill(os.getpid(), signal.SIGKILL)
'''


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("world", ["alone", "servers"])
def test_the_guide_is_followed_from_its_first_line_to_its_last(world: str, tmp_path: Path) -> None:
    ports = {"SITES": free_port(), "API": free_port(), "FLOWER": free_port()}
    flower = {"FLOWER_ADDRESS": "127.0.0.1", "FLOWER_BASIC_AUTH": ":".join(ANN)}
    with place_for("events", tmp_path, world, **flower, EVENTS_RETRY_BACKOFF="1", EVENTS_HTTP_TIMEOUT="300") as place:
        place.environment |= {f"{name}_PORT_HERE": str(port) for name, port in ports.items()}
        open_sites(place)
        journey.walk(place)
        place.leave()


def open_sites(place: Place) -> None:
    place.begin("sites", f"python -m app.site --port {port_of(place, 'SITES')}")
    place.shows("sites", "serving")


def port_of(place: Place, name: str) -> str:
    return place.environment[f"{name}_PORT_HERE"]


def address_of(place: Place, name: str) -> str:
    return f"http://127.0.0.1:{port_of(place, name)}"


def begin(place: Place, name: str, procfile: str = "Procfile") -> None:
    """Start one line of a Procfile; its ports are free ones."""
    lines = dict(line.split(": ", 1) for line in (place.home / procfile).read_text().splitlines())
    line = lines[name].replace("8000", port_of(place, "API")).replace("5555", port_of(place, "FLOWER"))
    place.begin(name, line)


def restart(place: Place, name: str) -> None:
    place.end(name)
    begin(place, name)


def ask(place: Place, name: str, method: str, path: str, **options: Any) -> httpx.Response:
    with httpx.Client(base_url=address_of(place, name), trust_env=False, timeout=60) as client:
        return client.request(method, path, **options)


@journey.step(
    "API, worker, beat and Flower start apart, in any order, each with its own log",
    where="003:57",
    rows=(1, 3, 4, 10, 21, 126),
)
def all_services_start_apart(place: Place) -> None:
    for name in ("flower", "beat", "worker", "api"):
        begin(place, name)
    place.shows("worker", "ready.")
    place.shows("worker", "concurrency: 2")
    place.shows("beat", "beat: Starting...")
    place.shows("beat", f"4 {STORED}")
    place.shows("api", "Application startup complete")
    place.shows("flower", f"dashboard: {address_of(place, 'FLOWER')}/")
    store = "redis://" if place.world == "servers" else "sqlite:///"
    place.type(f"{H} doctor", store, "1 worker alive", "1 scheduler alive", "4 schedules, none late")
    assert "app.tasks.scrape_vanwezel" in place.text_of("worker")
    assert "app.tasks.scrape_vanwezel" not in place.text_of("api")


@journey.step("The schedule is that of the app's module", where="003:121", rows=(6, 43, 71, 78))
def the_schedule_is_listed(place: Place) -> None:
    place.type(f"{H} schedules list", "scrape-vanwezel-daily", "crontab 0 6 * * *", "crontab */15 * * * *")
    place.type(f"{H} schedules show scrape-vanwezel-daily", '{"source_id":1}', "America/New_York", "06:00:00")


@journey.step("One line of Python sends a task and ends", where="003:141", rows=(19, 20, 65))
def one_line_of_python_sends_a_task(place: Place) -> None:
    place.type('python -c "from app.tasks import scrape_vanwezel; scrape_vanwezel.delay(source_id=1, delay=0)"')
    place.shows("worker", "] succeeded in ")
    place.type(f"{H} runs list --task app.tasks.scrape_vanwezel", "SUCCESS")


@journey.step("The API's async handlers send, and tell how far it is", where="003:157", rows=(68, 69))
def the_api_sends(place: Place) -> None:
    sent = ask(place, "API", "POST", "/sources/3/visits")
    assert sent.status_code == 202
    where = sent.headers["location"]
    assert ask(place, "API", "GET", where).json()["task"] == "app.tasks.ingest_source"
    assert ask(place, "API", "GET", "/health").json()["status"] == "healthy"
    assert ask(place, "API", "POST", "/sources/99/visits").status_code == 404
    assert "event: end" in ask(place, "API", "GET", f"{where}/events").text
    visit = ask(place, "API", "GET", where).json()
    assert (visit["state"], visit["result"]["status"]) == ("SUCCESS", "success"), visit
    assert len(ask(place, "API", "GET", "/events?limit=3").json()) == 3
    told = place.shell(
        "from app.tasks import scrape_vanwezel\n"
        "result = scrape_vanwezel.delay(source_id=1, delay=0)\n"
        "print(f'Task ID: {result.id}', f'Ready: {result.ready()}')\n"
        "print(f'Result: {result.get(timeout=300)}', result.ready())"
    )
    assert re.search(r"Task ID: [0-9a-f-]{36} Ready: (True|False)\nResult: {'status': 'success'.*} True", told), told


@journey.step("Each task of the table is called by its name", where="003:180", rows=(51, 57, 58, 70, 136))
def each_task_is_called_by_its_name(place: Place) -> None:
    wait = "--wait --timeout 60 --kwargs="
    place.type(f"""{CALL}.scrape_vanwezel {wait}'{{"source_id": 1, "delay": 0}}'""", '"status":"success"')
    place.type(f"""{CALL}.scrape_mote {wait}'{{"source_id": 2, "months_ahead": 2}}'""", '"feeds_new":4')
    for said in ('"new":5', '"unchanged":5'):  # the second time nothing is stored twice
        place.type(f"""{CALL}.ingest_source {wait}'{{"source_id": 4, "limit": 5}}'""", said)
    told = place.type(f"{CALL}.ingest_all_sources --wait --timeout 60", '"sources":[2,3,4]')
    place.shows("worker", f"Task app.tasks.ingest_source[{json.loads(told.splitlines()[0])['task_ids'][0]}] succeeded")
    place.type(f"{CALL}.health_check --wait --timeout 60", '"status":"healthy"', '"sources":4')


@journey.step(
    "Flower: workers, failed and queued runs, a traceback, the depth of a queue, and orders for a worker",
    where="003:190",
    rows=(63, 113, 114, 115, 116, 117, 118, 119, 133),
)
def flower_shows_it(place: Place) -> None:
    failed = place.type(f"""{CALL}.ingest_source --kwargs='{{"source_id": 99}}'""").strip()
    place.shows("worker", f"Task app.tasks.ingest_source[{failed}]")
    place.shows("worker", "Traceback")
    waiting = place.type(f"{CALL}.health_check --queue nightly").strip()
    place.type(f"{H} result --traceback --timeout 60 {failed}", "UnknownSource", "known are 1, 2, 3, 4", code=1)
    page, flower = place.page, address_of(place, "FLOWER")
    page.goto(f"{flower}/workers")
    page.get_by_label("Name").fill(ANN[0])
    page.get_by_label("Password").fill(ANN[1])
    page.get_by_role("button", name="Log in", exact=True).click()
    alive = page.locator("tr", has_text="worker@").locator(".state.good")
    expect(alive).to_contain_text("alive")
    page.goto(f"{flower}/runs?q=state:failed task:app.tasks.ingest_source")
    expect(page.locator("table.runs tbody tr")).to_have_count(1)
    page.locator(f"#run-{failed} a").click()
    expect(page.locator("#attempts pre")).to_contain_text("raise UnknownSource(")
    expect(page.locator("#block-arguments, #block-args, #block-kwargs").first).to_contain_text("99")
    page.goto(f"{flower}/runs?q=state:queued")
    expect(page.locator(f"#run-{waiting}")).to_contain_text("nightly")
    page.goto(f"{flower}/broker")
    expect(page.locator(".notice.bad")).to_contain_text("holds 1 message, and no live worker reads it")
    workers_are_told(place)
    place.type(f"{H} control revoke {waiting}")


def workers_are_told(place: Place) -> None:
    """By the API, and by the page of one: children are replaced, slots are added. Nobody unknown may."""
    ((name, known),) = workers_in_flower(place).items()
    assert known["stats"]["pool"]["max-concurrency"] == 2
    path = f"/api/worker/pool/restart/{name}"
    assert ask(place, "FLOWER", "POST", path).status_code == 401
    assert ask(place, "FLOWER", "POST", path, auth=ANN).json() == {"message": f"Restarting '{name}' worker's pool"}
    page = place.page
    page.goto(f"{address_of(place, 'FLOWER')}/worker/{name}")
    page.get_by_text("Slots…").click()
    page.get_by_label("Slots in all").fill("3")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator(".notice.good")).to_be_visible()
    place.until(lambda: workers_in_flower(place)[name]["stats"]["pool"]["max-concurrency"] == 3)


def workers_in_flower(place: Place) -> dict[str, Any]:
    known: dict[str, Any] = ask(place, "FLOWER", "GET", "/api/workers", auth=ANN).json()
    return known


@journey.step(
    "Settings: JSON only, Eastern time, results for an hour, late acknowledgement, two slots",
    where="003:212",
    rows=(21, 31, 33, 34, 35, 39, 40, 43),
)
def settings_hold(place: Place) -> None:
    seen = json.loads(place.type(f"{H} inspect conf -j").splitlines()[0])
    (conf,) = seen.values()
    wanted = {"accept_content": ["json"], "timezone": "America/New_York", "result_expires": 3600.0}
    assert conf | wanted | {"task_acks_late": True, "worker_concurrency": 2} == conf
    assert conf["store"].startswith("redis://" if place.world == "servers" else "sqlite:///")
    told = place.shell(
        "from app.tasks import app, health_check, settings\n"
        "print(app.conf.task_serializer, app.conf.result_serializer, app.conf.enable_utc, settings.database)\n"
        "try:\n    health_check.apply_async(serializer='pickle')\n"
        "except Exception as error:\n    print(type(error).__name__)"
    )
    database = place.environment.get("DATABASE_URL", str(place.home.parent / "run" / "events.db"))
    assert told.split() == ["json", "json", "True", database, "InvalidArguments"]
    place.type(f"{H} check", "worker_prefetch_multiplier: has no effect", "task_reject_on_worker_lost: has no effect")


@journey.step("Six in the morning is six in New York, all year", where="003:227", rows=(35, 80, 129))
def six_is_six_all_year(place: Place) -> None:
    simulate = f"{H} schedules simulate scrape-vanwezel-daily --firings --json --to 2d --from"
    spring = place.type(f"{simulate} 2027-03-13", "from here on EDT, before EST")
    autumn = place.type(f"{simulate} 2027-11-06", "from here on EST, before EDT")
    for said, hours in ((spring, ("13T11:00", "14T10:00")), (autumn, ("06T10:00", "07T11:00"))):
        instants = [firing["at"] for firing in json.loads(said)["firings"]]
        assert [hour in instant for hour, instant in zip(hours, instants, strict=True)] == [True, True], instants
    place.type(f"{NEXT} scrape-vanwezel-daily -n 5", "06:00:00 E", ":00:00.000Z")


@journey.step("Three workers; one is killed, and its task runs again elsewhere", where="003:234", rows=(14, 44))
def one_of_three_workers_is_killed(place: Place) -> None:
    for name in ("worker2", "worker3"):
        place.begin(name, f"{WORKER} -n {name}@%h")
        place.shows(name, "ready.")
    place.process("sites").send_signal(signal.SIGSTOP)
    id = place.type(f"""{CALL}.scrape_vanwezel --kwargs='{{"source_id": 1, "delay": 0}}'""").strip()
    names = ("worker", "worker2", "worker3")
    place.until(lambda: any(id in place.text_of(name) for name in names))
    killed = re.search(r"->  (worker\d?)@\S+ OK\n[^>]*" + id, place.type_until(f"{H} inspect active", id))
    assert killed is not None
    process = place.process(killed[1])
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    place.process("sites").send_signal(signal.SIGCONT)
    place.type(f"{H} result --timeout 80 {id}", '"status":"success"')
    place.type(f"{H} runs show {id}", "attempt  2")


@journey.step("All forms of crontab that the guide lists", where="003:244", rows=(71, 73, 74, 75, 76, 77))
def all_forms_of_crontab(place: Place) -> None:
    forms = {
        "crontab(minute=0, hour=6)": 30,
        'crontab(minute="*/15")': 4 * 24 * 30,
        'crontab(minute=0, hour="*/2")': 12 * 30,
        'crontab(minute=0, hour=8, day_of_week="mon")': 4,
        "crontab(minute=30, hour=6, day_of_month=1)": 1,
        'crontab(30, 6, "*", 1, "*")': 1,
    }
    entries = "".join(
        f'    "form-{number}": {{"task": "app.tasks.health_check", "schedule": {form}}},\n'
        for number, form in enumerate(forms)
    )
    place.edit(APP, "DAILY = {\n", "DAILY = {\n" + entries)
    names = " ".join(f"form-{number}" for number in range(len(forms)))
    said = place.type(f"{H} schedules simulate {names} --from 2027-04-01 --to 30d --json")
    assert [count for _, count in sorted(json.loads(said)["schedules"].items())] == list(forms.values())
    place.edit(APP, entries, "")


@journey.step("A new task is added, and has its place in the schedule", where="003:271", rows=(49, 51, 57, 83))
def a_new_task_is_added(place: Place) -> None:
    append(place, TASKS, NEW_TASK)
    place.edit(APP, LAST_ENTRY, LAST_ENTRY.removesuffix("}") + NEW_ENTRY)
    restart(place, "beat")
    place.shows("beat", STORED)
    place.type(f"{NEXT} my-new-scraper-daily -n 1", "07:00:00 E")
    # The guide starts beat anew and no worker: none knows the task yet, and that is told.
    place.type(f"{H} doctor", "my_new_scraper", code=1)
    place.end("worker", "worker2", "worker3")
    begin(place, "worker")
    place.type(f"{H} result --timeout 60 {fired(place)}", '"items_scraped":')
    place.end("sites")
    id = fired(place)
    place.shows("worker", f"Task app.tasks.my_new_scraper[{id}] retry: Retry in ")
    place.type(f"{H} runs show {id}", "RETRY", "ConnectError")
    place.type(f"{H} control revoke {id}")
    open_sites(place)


LAST_ENTRY = """crontab(minute="*/15"),
    },
}"""


def fired(place: Place) -> str:
    return place.type(f"{H} schedules run my-new-scraper-daily").strip()


def append(place: Place, file: str, text: str) -> None:
    path = place.home / file
    path.write_text(path.read_text() + text)


@journey.step(
    "The commands of the reference, without a terminal", where="003:352", rows=(20, 53, 70, 106, 108, 111, 112)
)
def commands_need_no_terminal(place: Place) -> None:
    place.process("sites").send_signal(signal.SIGSTOP)  # whoever asks them now has to wait
    id = place.type(f"""{CALL}.scrape_vanwezel --kwargs='{{"source_id": 1, "delay": 0}}'""").strip()
    place.shows("worker", f"Task app.tasks.scrape_vanwezel[{id}]")
    place.type_until(f"{H} inspect active", id)
    known = place.type(f"{H} inspect registered default_retry_delay max_retries", "app.tasks.health_check")
    assert re.search(r"app\.tasks\.my_new_scraper .*default_retry_delay=60.* max_retries=3", known), known
    place.type(f"{H} result {id}", code=3)
    place.process("sites").send_signal(signal.SIGCONT)
    place.type(f"{H} result --timeout 60 {id}", '"status":"success"')
    place.type(f"{H} result no-such-run", "it was never sent to this store", code=3)
    place.type(f"{CALL}.health_check --countdown 3600")
    place.type(f"{H} purge", "there is no terminal to ask on", "add -f", code=4)
    place.type(f"{H} purge -f", "1 message cancelled")


@journey.step("Tasks do not run: no worker, or no store", where="003:410", rows=(15, 25, 127))
def tasks_do_not_run(place: Place) -> None:
    place.end("worker")
    id = place.type(f"{CALL}.health_check --force").strip()
    place.type(f"{H} doctor", "problem  no worker is alive", "1 message waiting", f"-> {H} worker", code=1)
    if place.world == "servers":
        place.redis.kill()
        place.type(f"{H} doctor", "problem", "127.0.0.1", code=1)
        place.redis.start()
    begin(place, "worker")
    place.type(f"{H} result --timeout 60 {id}", '"status":"healthy"')


@journey.step("Schedules do not fire: no beat, or a task of another name", where="003:440", rows=(57, 127))
def schedules_do_not_fire(place: Place) -> None:
    place.edit(APP, '"task": "app.tasks.my_new_scraper"', '"task": "app.tasks.my_new_scrapper"')
    restart(place, "beat")
    place.shows("beat", STORED)
    wrong = ("my-new-scraper-daily", "'app.tasks.my_new_scrapper', which nobody knows", NEAREST)
    place.type(f"{H} doctor", *wrong, code=1)
    place.end("beat")
    place.type(f"{H} doctor", "no scheduler is alive to fire what is due", f"-> {H} beat", *wrong, code=1)
    place.edit(APP, '"task": "app.tasks.my_new_scrapper"', '"task": "app.tasks.my_new_scraper"')
    begin(place, "beat")
    place.shows("beat", STORED)
    place.type(f"{H} doctor", "1 scheduler alive", "5 schedules, none late")


NEAREST = "; the nearest known name is 'app.tasks.my_new_scraper'"


@journey.step(
    "A task eats all memory: one slot, bounded children, and an end after three deaths",
    where="003:444",
    rows=(5, 40, 45, 132),
)
def a_task_eats_all_memory(place: Place) -> None:
    append(place, TASKS, DEADLY_TASK)
    place.end("worker")
    place.begin("worker", f"{H} worker --loglevel=INFO --concurrency=1 --max-memory-per-child=1000")
    place.shows("worker", "concurrency: 1")
    place.until(lambda: len(children_in_flower(place)) == 1)
    first = children_in_flower(place)
    place.type(f"{CALL}.health_check --wait --timeout 60", '"healthy"')
    place.until(lambda: len(children_in_flower(place) - first) == 1)  # larger than that, so another took its place
    place.environment["DEADLY"] = place.type(f"{CALL}.eat_memory").strip()  # looked at later: it has two rests


def children_in_flower(place: Place) -> set[int]:
    return {pid for worker in workers_in_flower(place).values() for pid in worker["stats"]["pool"]["processes"]}


@journey.step("Tasks are stuck: who would have to read their queue", where="003:456", rows=(106, 112, 119, 130))
def tasks_are_stuck(place: Place) -> None:
    id = place.type(f"{CALL}.health_check --queue slow").strip()
    place.type(
        f"{H} doctor {id}", "it waits in queue 'slow', which no live worker reads", f"{H} worker -Q slow", code=1
    )
    lengths = ask(place, "FLOWER", "GET", "/api/queues/length", auth=ANN).json()["active_queues"]
    assert {"name": "slow", "messages": 1} in lengths, lengths
    place.type_until(f"{H} inspect active", "- empty -")
    place.type(f"{H} purge -f -Q slow", "1 message cancelled")


@journey.step("Debug logging, and a task tried in the Python shell", where="003:478", rows=(4, 5, 65, 68, 69))
def debug_logging(place: Place) -> None:
    place.shows("worker", f"Task app.tasks.eat_memory[{place.environment['DEADLY']}] given up after 3 crashes")
    place.type(f"{H} doctor", "problem  1 message ended as DEAD", "(app.tasks.eat_memory)", code=1)
    place.type(f"{H} runs show {place.environment['DEADLY']}", "attempt  3")
    place.end("worker")
    place.begin("worker", f"{H} worker --loglevel=DEBUG --concurrency=2")
    told = place.shell(
        "from app.tasks import health_check, scrape_mote\nresult = health_check.delay()\n"
        "print(result.get(timeout=60)['status'], scrape_mote.delay(source_id=2).get(timeout=60)['status'])"
    )
    assert told == "healthy success\n"
    place.shows("worker", ": DEBUG/")


@journey.step(
    "Two beats fire each instant once; a schedule is paused and goes on, and nobody is restarted",
    where="003:38",
    rows=(15, 17, 83, 128),
)
def two_beats_fire_once(place: Place) -> None:
    place.edit(APP, 'crontab(minute="*/15"),', "1.0,")
    place.end("beat")
    place.begin("beat", BEAT)
    place.begin("beat2", f"{BEAT} -n beat2@%h")
    place.shows("beat2", "beat: Starting...")
    place.shows("beat", FIRED, 2)
    place.type(f"{H} schedules pause health-check")
    paused = datetime.now(UTC)
    place.type(f"{H} doctor", "2 schedulers alive", "beat@", "beat2@", "'health-check' is paused", code=None)
    place.until(lambda: datetime.now(UTC) - paused > timedelta(seconds=2.5))  # two instants
    resumed = datetime.now(UTC)
    place.type(f"{H} schedules resume health-check")
    place.shows("beat", FIRED, place.text_of("beat").count(FIRED) + 1)
    place.end("beat")
    place.shows("beat2", FIRED, place.text_of("beat2").count(FIRED) + 2)
    place.end("beat2")
    listed = json.loads(place.type(f"{H} schedules history health-check -n 200 --json").partition("\n")[0])
    instants = [datetime.fromisoformat(firing["nominal"]) for firing in listed if firing["kind"] == "auto"]
    assert len(instants) == len(set(instants)) >= 4, listed
    assert [each for each in instants if paused < each < resumed] == [], listed


FIRED = "Sending due task health-check"


@journey.step("One process instead of three: the API brings worker and scheduler along", where="003:66", rows=(69,))
def the_api_brings_the_rest_along(place: Place) -> None:
    place.stop(place.process("api"), by=signal.SIGINT)  # by TERM uvicorn ends well too, but not with 0
    place.end()
    open_sites(place)
    begin(place, "api", "Procfile.embedded")
    place.shows("api", "ready.")
    place.shows("api", "Sending due task health-check")
    where = ask(place, "API", "POST", "/sources/4/visits").headers["location"]
    assert "event: end" in ask(place, "API", "GET", f"{where}/events").text
    assert ask(place, "API", "GET", where).json()["state"] == "SUCCESS"
    place.type_until(f"{H} doctor", "1 worker alive: web-", "1 scheduler alive")
    place.stop(place.process("api"), by=signal.SIGINT)
