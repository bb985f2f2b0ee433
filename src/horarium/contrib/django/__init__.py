"""Horarium in a Django project: apps for INSTALLED_APPS, the fixup of an app, tasks that know of transactions."""
