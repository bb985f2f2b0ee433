"""Schedules in Django's database, with the tables, models and names of django-celery-beat 2.9."""
