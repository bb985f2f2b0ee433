"""Numbers for Prometheus: ours, and those that Flower has under its own names."""

from horarium.dashboard.metrics.collecting import exposition
from horarium.dashboard.metrics.families import FAMILIES, Family

__all__ = ["FAMILIES", "Family", "exposition"]
