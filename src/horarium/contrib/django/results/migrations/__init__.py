"""The steps to the tables, under the names that django-celery-results 2.6 gave to its own: a database that has made
some or all of them goes on from there."""
