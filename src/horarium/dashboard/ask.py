"""What a page is asked, and what it answers: plain values, so that pages are functions that a test can call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlencode

from msgspec import Struct, field
from starlette.requests import HTTPConnection

from horarium.clock import Instant, Seconds
from horarium.dashboard.drawn import Drawn
from horarium.dashboard.person import Access, Person
from horarium.observe.counted import Past

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine


class Ask(Struct, frozen=True, kw_only=True):
    """One request, as far as a page needs to know it. ``form`` is what a change brings along."""

    app: Horarium
    person: Person
    now: Instant  # the store's
    proof: str = ""  # of their session, as this one answer may hold it; see access.secret.masked
    path: str = "/"  # below the dashboard
    parts: Mapping[str, str] = field(default_factory=dict)  # of the path
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    zone: str = "UTC"  # of the viewer
    theme: str = ""  # light or dark, if the viewer has chosen
    density: str = ""  # tight, if the viewer has chosen
    base: str = ""  # the dashboard's own prefix, without a slash at its end
    access: Access | None = None  # who knows people here; for the pages that let them in
    connection: HTTPConnection | None = None  # what the request came by; for the same
    past: Past = field(default_factory=Past)  # what looks before this one have learned of what was counted
    drawn: Drawn = field(default_factory=Drawn)  # and what they have drawn

    @property
    def engine(self) -> Engine:
        return self.app.engine

    @property
    def command(self) -> str:
        """Return how a command about this app begins, such as ``horarium -A shop``."""
        return "horarium" if self.app.main in ("", "__main__") else f"horarium -A {self.app.main}"

    def url(self, path: str, **query: object) -> str:
        """Return an address within the dashboard. ``path`` is taken as it is: names in it go through ``part``."""
        return f"{self.base}{path}{asked_by(**query)}"

    def given(self, name: str, default: str = "") -> str:
        """Return the one value of a field of the form."""
        return self.form.get(name, (default,))[0]


def asked_by(**query: object) -> str:
    """Return a query with its question mark, without what is empty; nothing if all is."""
    asked = urlencode({name: value for name, value in query.items() if value not in (None, "")})
    return f"?{asked}" if asked else ""


def part(name: str) -> str:
    """Return a name as a part of a path: slashes, dots and percent signs do no harm."""
    return quote(name, safe="").replace(".", "%2E") if name in (".", "..") else quote(name, safe="")


class Cookie(Struct, frozen=True, kw_only=True):
    """Something for the browser to keep. ``path`` None: that of the dashboard; ``lasts`` 0: forget it."""

    name: str
    value: str = ""
    lasts: Seconds = 0.0
    path: str | None = None
    is_hidden: bool = True  # from scripts
    is_secure: bool = False


class Done(Struct, frozen=True, kw_only=True):
    """What became of a change: told on the page that the browser is led to (``to``, within the dashboard).

    ``about``, ``before`` and ``after`` are for the audit: what was changed, as plain values. ``by``: who it was, if
    that is known only since; ``cookies``: what the browser is to keep."""

    text: str
    to: str
    is_good: bool = True
    about: str = ""
    before: Any = None
    after: Any = None
    by: Person | None = None
    cookies: tuple[Cookie, ...] = ()


class Shown(Struct, frozen=True, kw_only=True):
    """A page: a template and what it shows. Any: whatever the template knows to show.

    ``done``: the change that was made to show this, for the audit; it leads nowhere. ``live_view`` is the address by
    which its live block is renewed, where it is not the page's own: one that names the rows which must stay.
    ``stands_at``: the path at which a browser stands that was shown this by a POST, so that Back and Reload ask there
    again; by default the page that the POST came from."""

    template: str
    title: str
    context: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    live_view: str | None = None
    stands_at: str = ""
    done: Done | None = None


class Download(Struct, frozen=True, kw_only=True):
    """A file to keep, never shown by the browser itself."""

    name: str
    body: bytes
    media: str = "application/octet-stream"


class Unanswerable(Exception):
    """A page cannot be shown or a change not be made, for a reason that the person can understand.

    ``kind`` is one of ``wrong`` (what was asked makes no sense: 400), ``gone`` (404), ``conflict`` (409), ``refused``
    (403), ``too much`` (413), ``unreadable`` (415)."""

    STATUS: ClassVar[dict[str, int]] = {
        "wrong": 400,
        "refused": 403,
        "gone": 404,
        "conflict": 409,
        "too much": 413,
        "unreadable": 415,
    }

    def __init__(self, kind: str, text: str, *, hint: str = "") -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text
        self.hint = hint

    @property
    def status(self) -> int:
        return self.STATUS[self.kind]


def local_path(path: str) -> str:
    """Return a path within the dashboard as it is, and the first page's for whatever might lead elsewhere."""
    is_local = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if is_local else "/"
