"""A small shop, written for Celery and for nothing else. It knows nothing of Horarium."""

from sample.celery import app as celery_app

__all__ = ["celery_app"]
