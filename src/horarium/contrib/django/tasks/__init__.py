"""``HorariumBackend``, for the ``TASKS`` setting of Django 6.0 and newer.

Whoever discovers tasks imports ``tasks`` of every app in INSTALLED_APPS, this one too: it can be imported on every
Django. On one that has no ``django.tasks`` the backend can be named, but not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import django

if TYPE_CHECKING or django.VERSION >= (6, 0):
    from horarium.contrib.django.tasks.backend import HorariumBackend
else:
    from horarium.contrib.django.tasks.absent import HorariumBackend

__all__ = ["HorariumBackend"]
