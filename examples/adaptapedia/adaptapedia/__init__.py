"""The project. With it comes its Horarium app, so that tasks declared anywhere belong to it."""

from adaptapedia.celery import app as celery_app

__all__ = ["celery_app"]
