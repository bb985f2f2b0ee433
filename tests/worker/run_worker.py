"""Run as a program: a worker of the app ``errands``, with options as JSON."""

from __future__ import annotations

import os
import sys

import msgspec
from errands import app

from horarium.observe import lines, logs
from horarium.worker.options import options_from
from horarium.worker.process import die_with_parent
from horarium.worker.supervisor import Supervisor

if __name__ == "__main__":
    die_with_parent(int(os.environ["ERRANDS_PARENT"]))  # a test run that is killed leaves no worker behind
    given = msgspec.json.decode(sys.argv[1])
    given["queues"] = tuple(given.get("queues", ("default",)))
    options = options_from(app.conf, **given)
    logs.configure(options.loglevel, app.conf)
    sys.exit(Supervisor(app, options, observer=lines.Lines()).run())
