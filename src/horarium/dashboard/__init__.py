"""The dashboard: pages and an API for people, as one ASGI application. Extra ``web``.

``horarium web`` serves it; ``web(app)`` is what other applications mount. Who may do what there is said by ``access``:
a ``Door`` (tokens, sessions, passwords, proxies), ``Open()``, or a function that returns a ``Person`` with a ``Role``.
"""

from horarium.dashboard.access import Asked, Door, ProxyHeader, User, read_users
from horarium.dashboard.person import Access, Open, Person, Role
from horarium.dashboard.site import web

__all__ = ["Access", "Asked", "Door", "Open", "Person", "ProxyHeader", "Role", "User", "read_users", "web"]
