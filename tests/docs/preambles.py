"""What the fragments of a page stand in: code that is run before the first of them, by page.

A fragment shows the lines that matter and leaves out what the reader has around them. Here that is put in, as little as
will do. Pages whose blocks need nothing are not listed.
"""

from __future__ import annotations

from pathlib import Path

EVENTS = str(Path(__file__).parents[2] / "examples" / "events")
STORE = 'store="memory://"'
DJANGO = """
import os
import pathlib
import sys

import django

pathlib.Path("project_settings.py").write_text('''
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "horarium.contrib.django",
    "horarium.contrib.django.beat",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
CELERY_BROKER_URL = "memory://"
CELERY_TIMEZONE = "UTC"
USE_TZ = True
''')
sys.path.insert(0, ".")
os.environ["DJANGO_SETTINGS_MODULE"] = "project_settings"
"""
MIGRATED = """
from django.core.management import call_command

call_command("migrate", verbosity=0)
"""
SHOP = f"""
from horarium import Horarium

app = Horarium("shop", {STORE})
"""

PREAMBLES: dict[str, str] = {
    "README.md": f"""{DJANGO}
from fastapi import FastAPI
from horarium import Horarium, shared_task

django.setup()


@shared_task
def ship(order: int) -> None: ...


class order:
    pk = 1
""",
    "docs/how-to/compose-tasks.md": f"""{SHOP}
import builtins
from horarium import chord, group

range = lambda _: builtins.range(3)  # a million are for readers


@app.task
def price(item: int) -> int:
    return item


@app.task
def total(prices: list[int]) -> int:
    return sum(prices)
""",
    "docs/how-to/configure-an-app.md": """
import pathlib
import sys

pathlib.Path("shop").mkdir()
pathlib.Path("shop/__init__.py").touch()
pathlib.Path("shop/settings.py").write_text("SECRET_KEY = 'x'\\nCELERY_BROKER_URL = 'memory://'\\n")
sys.path.insert(0, ".")
""",
    "docs/how-to/edit-schedules-in-the-django-admin.md": f"""{DJANGO}
django.setup()
from django.contrib import admin

admin.autodiscover()
""",
    "docs/how-to/let-people-in.md": SHOP,
    "docs/how-to/limit-and-shape-work.md": SHOP,
    "docs/how-to/manage-schedules.md": f"""
from horarium import Horarium, crontab

app = Horarium("clinic", {STORE})


@app.task(name="clinic.report")
def report(ward: str = "") -> None: ...
""",
    "docs/how-to/run-beside-celery.md": SHOP,
    "docs/how-to/send-many.md": f"""{SHOP}
readers = range(3)


@app.task
def deliver(reader: int) -> int:
    return reader
""",
    "docs/how-to/send-in-a-transaction.md": """
import psycopg
import sqlalchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

with psycopg.connect("postgresql://shop@db.example/shop") as connection:
    connection.execute("CREATE TABLE orders (id int PRIMARY KEY, state text)")
engine = sqlalchemy.create_engine("postgresql+psycopg://shop@db.example/shop")


class Base(DeclarativeBase): ...


class Order(Base):
    __tablename__ = "orders_of_a_session"
    id: Mapped[int] = mapped_column(primary_key=True)


Base.metadata.create_all(engine)


class MyConnection:
    raw = None
""",
    "docs/how-to/use-with-django.md": f"""{DJANGO}
django.setup()


class Order: ...


class ship: ...
""",
    "docs/how-to/set-up-a-django-site.md": 'DATABASES = {"default": {}}\n',
    "docs/how-to/use-with-fastapi.md": f"""{SHOP}
from fastapi import Depends, FastAPI
from horarium.contrib.fastapi import router

web = FastAPI()


def current_user() -> str:
    return "ann"
""",
    "docs/how-to/watch-runs-in-the-django-admin.md": f"{DJANGO}django.setup()\n{MIGRATED}",
    "docs/reference/values.md": f"""{SHOP}
import dataclasses
import enum
from datetime import UTC, datetime, timedelta

tomorrow = datetime.now(UTC) + timedelta(days=1)


@dataclasses.dataclass
class Order:
    id: int


class Colour(enum.Enum):
    RED = "red"
""",
    "docs/scaling.md": "from horarium import Horarium\n",
    "examples/events/README.md": f"""
import os
import sys
from datetime import UTC, datetime

sys.path.insert(0, {EVENTS!r})
os.environ |= {{"EVENTS_RUN": ".", "EVENTS_DEMO": "1", "REDIS_URL": "", "DATABASE_URL": ""}}
from app import tasks
from app.celery_app import app, settings
from app.scrapers.fetch import Fetcher
from app.site.server import EventSite
from app.sources import sources_of
from app.store import open_store
from horarium.testing import start_worker

site = until_the_end.enter_context(EventSite(datetime.now(UTC).date()))
with open_store(settings.database) as store:
    store.register_sources(sources_of(site.url))
tasks.Fetcher = lambda timeout, delay: Fetcher(timeout=timeout)  # the pauses are for other people's servers
until_the_end.enter_context(start_worker(app))
""",
}
