"""The dashboard's own server: uvicorn, on one address, until told to stop."""

from __future__ import annotations

import uvicorn
from starlette.types import ASGIApp

from horarium.clock import Seconds

STOP_WITHIN: Seconds = 3.0  # open streams are cut then


def serve(application: ASGIApp, *, host: str, port: int, prefix: str = "", proxies: str = "127.0.0.1") -> int:
    """Serve until TERM or Ctrl-C; return the exit code. ``proxies``: whose X-Forwarded-* headers are believed."""
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        root_path=prefix,
        log_level="warning",
        access_log=False,
        server_header=False,
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=int(STOP_WITHIN),
    )
    server = uvicorn.Server(config)
    server.run()
    return 0 if server.started else 1
