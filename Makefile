# make demo   the main job, on real photographs
# make test   all tests
# make lint   ruff and mypy
# make bench  conformance, speed and start-up, beside other programs
# Each makes .venv from the pinned versions if there is none.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint bench clean

demo: $(VENV)/installed
	$(BIN)/python -m bench demo

test: $(VENV)/installed
	$(BIN)/python -m pytest -q

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/installed-peers
	$(BIN)/python -m bench conformance
	$(BIN)/python -m bench speed
	$(BIN)/python -m bench startup

# torch alone and first: beside other packages pip may choose a build of several gigabytes.
$(VENV)/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) torch
	$(PIP_INSTALL) --editable ".[dev]"
	touch $@

$(VENV)/installed-peers: $(VENV)/installed
	$(PIP_INSTALL) --editable ".[bench]"
	touch $@

clean:
	rm -rf $(VENV) build dist demo *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
