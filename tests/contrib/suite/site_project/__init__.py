"""A Django project that uses Horarium, as its documentation says."""

from site_project.celery import app as celery_app

__all__ = ("celery_app",)
