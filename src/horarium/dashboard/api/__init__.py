"""The API, version 1: the dashboard's pages for programs. FastAPI makes its OpenAPI document from the routes."""

from horarium.dashboard.api.application import PREFIX, Application, routes

__all__ = ["PREFIX", "Application", "routes"]
