# What can be done here: `make` lists it. Everything is installed into .venv; nothing else on the machine is touched, but
# for a browser that `make test` installs where there is none, it is root, and the machine is Debian's kind.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
# For Django 6.0, which needs Python 3.12 or newer: the first that runs (pyenv leaves commands that do not).
PYTHON_NEW ?= $(shell for each in $(PYTHON) python3.13 python3.12 python3.14 "$$HOME"/.pyenv/versions/3.1[2-9]*/bin/python; do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo "$$each" && break; done)
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench
CELERY := .venv-celery
DJANGO42 := .venv-django42
DJANGO60 := .venv-django60
EXAMPLE ?= events
EXAMPLES := $(sort $(patsubst examples/%/show.py,%,$(wildcard examples/*/show.py)))
REQUIREMENTS := $(wildcard examples/*/requirements.txt)
WORKERS ?= 4
# Nothing is compiled when it is installed: what is imported is compiled then, and most of it never is (half of an install's
# CPU). Only $(VENV) has a pip of its own; it installs into the others too.
INSTALL := install --quiet --disable-pip-version-check --no-compile
# The tests start Python some thousands of times. What is imported is kept compiled, even where the machine says not to:
# else each of those processes compiles Horarium anew, and each of pytest's compiles all the tests.
export PYTHONDONTWRITEBYTECODE :=
# What `make test` runs in. They are made side by side: most of the time they wait for the network and the disk.
ENVIRONMENTS := $(VENV)/.test $(VENV)/.browser $(CELERY)/.ready $(DJANGO42)/.ready $(DJANGO60)/.ready

.PHONY: help run test environments compiled check exam bench soak docs clean

help: ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: $(VENV)/.run-$(EXAMPLE) ## install, then run an example live on SQLite: make run EXAMPLE=events (Ctrl-C stops it)
	cd examples && exec ../$(BIN)/python -m live $(EXAMPLE) $(ARGS)

test: ## install what the tests need and run them all
	@$(MAKE) --no-print-directory -j4 environments
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

environments: $(ENVIRONMENTS) ## install what the tests need

# For CI, where nothing is compiled yet: else each of pytest's processes, all at once, compiles all tests and all of Horarium.
compiled: $(VENV)/.lint  # the last that is installed there
	@$(BIN)/python -m pytest -qq --collect-only >$(VENV)/.collected || { cat $(VENV)/.collected; exit 1; }

check: $(VENV)/.lint ## ruff, mypy, and the house itself
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/house

exam: $(VENV)/.test ## the exam that every engine sits
	$(BIN)/python -m pytest -q tests/engines $(ARGS)

bench: $(BENCH)/runner/.ready ## measure, side by side with the peers, and remake bench/README.md; fails when a bar is missed
	$(BENCH)/runner/bin/python -m bench --install --check --page $(ARGS)

soak: $(VENV)/.test ## the long, hostile runs
	$(BIN)/python -m pytest -m soak --timeout 3600 $(ARGS)

docs: $(VENV)/.test ## write the generated pages, build the site into site/, run what the pages show
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/build_site.py
	$(BIN)/python -m pytest -q tests/docs $(ARGS)

clean: ## remove what the other verbs have made
	rm -rf $(VENV) $(BENCH) $(CELERY) $(DJANGO42) $(DJANGO60) run build site .cache $(wildcard examples/*/run) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "expected Python 3.11 or newer, got " + sys.version.split()[0] + "; call make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip $(INSTALL) --upgrade 'pip>=25.1'

# What an unknown EXAMPLE, and `make run EXAMPLE=`, come to; else make says only that it has no rule.
ifneq ($(words $(wildcard examples/$(EXAMPLE)/show.py)),1)
$(VENV)/.run-$(EXAMPLE): unknown-example
endif

.PHONY: unknown-example
unknown-example:
	@echo "expected EXAMPLE to be one of: $(EXAMPLES); got '$(EXAMPLE)'; call make run EXAMPLE=$(firstword $(EXAMPLES))" >&2; exit 64

$(VENV)/.run-%: pyproject.toml examples/%/requirements.txt | $(BIN)/python
	$(BIN)/python -m pip $(INSTALL) -e ".[web]" -r examples/$*/requirements.txt
	@touch $@

$(VENV)/.test: pyproject.toml $(REQUIREMENTS) | $(BIN)/python
	$(BIN)/python -m pip $(INSTALL) -e ".[all]" $(REQUIREMENTS:%=-r %) --group test
	@touch $@ $(REQUIREMENTS:examples/%/requirements.txt=$(VENV)/.run-%)

# The browser in which the pages of Django's admin are looked at. Without one those tests skip; in CI they fail.
$(VENV)/.browser: | $(BIN)/python
	@if command -v chromium chromium-browser google-chrome >/dev/null; then touch $@; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } \
	    && touch $@ || echo "no browser could be installed: tests that need one are left out"; \
	else echo "no chromium here: tests that need a browser are left out"; fi

$(VENV)/.lint: $(VENV)/.test | $(BIN)/python
	$(BIN)/python -m pip $(INSTALL) --group lint
	@touch $@

# The real Celery, for the bridge's journeys and the sample project of tests/dropin: in an environment of its own, where
# Horarium is not.
$(CELERY)/.ready: tests/celery.txt | $(BIN)/python
	$(PYTHON) -m venv --without-pip $(CELERY)
	$(BIN)/python -m pip --python $(CELERY)/bin/python $(INSTALL) -r tests/celery.txt
	@touch $@

# The other Djangos, for tests/contrib/suite; $(VENV) has 5.2.
$(DJANGO42)/.ready: tests/django42.txt tests/suite.txt pyproject.toml | $(BIN)/python
	$(PYTHON) -m venv --without-pip $(DJANGO42)
	$(BIN)/python -m pip --python $(DJANGO42)/bin/python $(INSTALL) -e ".[redis,postgres,django]" -r tests/django42.txt
	@touch $@

# Without a Python for it the tests on Django 6.0 are skipped, and in CI they fail.
$(DJANGO60)/.ready: tests/django60.txt tests/suite.txt pyproject.toml | $(BIN)/python
ifeq ($(strip $(PYTHON_NEW)),)
	@echo 'no Python 3.12 or newer for Django 6.0: its tests cannot run; call make PYTHON_NEW=/path/to/python3.12' >&2
else
	$(PYTHON_NEW) -m venv --without-pip $(DJANGO60)
	$(BIN)/python -m pip --python $(DJANGO60)/bin/python $(INSTALL) -e ".[redis,postgres,django]" -r tests/django60.txt
	@touch $@
endif

# The bench's own environment. The peers have one each, made from bench/requirements/ when it is first needed: nothing of
# theirs may be there when Horarium is tested.
$(BENCH)/runner/.ready: bench/requirements/runner.txt pyproject.toml
	$(PYTHON) -m venv $(BENCH)/runner
	$(BENCH)/runner/bin/python -m pip install --quiet --disable-pip-version-check -e ".[all]" -r bench/requirements/runner.txt
	@touch $@
