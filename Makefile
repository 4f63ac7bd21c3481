# make demo: set everything up, draw and verify pictures of sports, write their report. make test: set up, test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export RAY_USAGE_STATS_ENABLED := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Modules are compiled when a process first imports them (see `install`), and kept: without that, each of the
# hundred processes of a test run compiles its libraries anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint bench format clean

demo: $(VENV)/.ready
	$(BIN)/python -m synthgen.run config=demo.yaml

# Two processes, whole files each, in the order of tests/conftest.py; threads within them would only get in each
# other's way.
test: $(VENV)/.ready-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.ready-dev
	$(BIN)/python -m synthgen.run pipeline=bench

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 13) else \
	  "synthgen needs Python 3.11 or 3.12, this is %d.%d: run make PYTHON=/path/to/python3.11" % v)'
	$(PYTHON) -m venv $(VENV)

# With the newest pip and --no-compile (of 25,000 modules a run imports a tenth; Python compiles those when it
# meets them) this takes 50 s of CPU instead of 163. --prefer-binary: a wheel of a slightly older release beats
# compiling the newest one.
define install
	$(BIN)/python -m pip install --quiet --no-compile --upgrade pip
	$(BIN)/python -m pip install --quiet --no-compile --prefer-binary -e $(1)
endef

$(VENV)/.ready: pyproject.toml | $(VENV)/bin/python
	$(call install,.)
	touch $@

$(VENV)/.ready-dev: pyproject.toml | $(VENV)/bin/python
	$(call install,'.[dev]')
	touch $@ $(VENV)/.ready
