"""The project's settings, with the views of shop/task_urls.py in the place of its own."""

from site_project.settings import *  # noqa: F403

ROOT_URLCONF = "shop.task_urls"
