"""The project's own tests: ``manage.py test --settings config.settings.test``. No broker, no worker, no mail server."""
