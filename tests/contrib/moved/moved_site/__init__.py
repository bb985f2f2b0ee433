"""A Django project that was written for Celery, with its schedules in the database. Nothing of it knows Horarium."""

from moved_site.celery import app as celery_app

__all__ = ("celery_app",)
