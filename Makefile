# The two commands a newcomer needs: `make up` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STORY ?= le-mans

.PHONY: up test test-system check bench conformance docs lock clean

$(VENV)/.installed: requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "beffroi needs Python 3.11 or newer; this is %s. Set PYTHON=/path/to/a/newer/python3." % sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

up: $(VENV)/.installed
	$(BIN)/beffroi up stories/$(STORY)/territory.yaml

test: $(VENV)/.installed check
	$(BIN)/pytest -q -m "not system"

test-system: $(VENV)/.installed
	$(BIN)/python tests/install_system_packages.py
	$(BIN)/pytest -q -m system

check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed
	$(BIN)/python -m bench

# SUITE is a clone of github.com/marek-mraz/ngsi-ld-test-suite; GROUPS are folders below TP/NGSI-LD.
conformance: $(VENV)/.installed
	$(BIN)/python -m conformance $(SUITE) $(GROUPS)

docs: $(VENV)/.installed
	$(BIN)/python -m beffroi.app.reference docs

lock: $(VENV)/.installed
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --all-extras pyproject.toml -o requirements/dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
