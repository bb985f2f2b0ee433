"""What programs know of Flower: its API below ``/api``, ``/metrics``, ``/healthcheck``, and where its pages were."""

from horarium.dashboard.flower.serving import MOVED, flower_routes, known, known_routes

__all__ = ["MOVED", "flower_routes", "known", "known_routes"]
