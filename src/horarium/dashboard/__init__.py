"""The dashboard: pages and an API for people, as one ASGI application. Extra ``web``.

``horarium web`` serves it; ``web(app)`` is what other applications mount.
"""

from horarium.dashboard.site import web

__all__ = ["web"]
