"""Settings of the project. All that depends on the machine comes from the environment."""

import os
from pathlib import Path

import dj_database_url

BASE_DIR = Path(__file__).resolve().parent.parent
RUN = Path(os.environ.get("KOOLCLIPS_RUN", BASE_DIR / "run"))
RUN.mkdir(parents=True, exist_ok=True)

SECRET_KEY = os.environ.get("SECRET_KEY", "for this example only")
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
INSTALLED_APPS = ["horarium.contrib.django", "viral_clips"]
DATABASES = {"default": dj_database_url.config(default=f"sqlite:///{RUN / 'db.sqlite3'}")}

# Where clips are kept: any object store that speaks S3.
CLOUDCUBE_URL = os.environ.get("CLOUDCUBE_URL", "http://127.0.0.1:9100")
CLOUDCUBE_BUCKET = os.environ.get("CLOUDCUBE_BUCKET", "cube")
CLOUDCUBE_TIMEOUT = float(os.environ.get("CLOUDCUBE_TIMEOUT", "5"))  # seconds
AWS_ACCESS_KEY_ID = os.environ.get("AWS_ACCESS_KEY_ID", "key")
AWS_SECRET_ACCESS_KEY = os.environ.get("AWS_SECRET_ACCESS_KEY", "secret")

# On one machine a file is enough; with Redis, any number of machines.
CELERY_BROKER_URL = os.environ.get("REDIS_URL", f"sqlite:///{RUN / 'horarium.db'}")
CELERY_TIMEZONE = TIME_ZONE

IS_DEMO = os.environ.get("KOOLCLIPS_DEMO", "0") != "0"
RETRY_AFTER = int(os.environ.get("RETRY_AFTER", "1" if IS_DEMO else "60"))  # seconds; twice as long each further time
