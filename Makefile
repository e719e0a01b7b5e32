# Seedbank. `make run` starts it, `make test` proves it, `make help` lists the rest.

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
VENV := .venv
BIN := $(VENV)/bin
# A part of a test is waiting: three workers for two cores. With a fourth, those who wait ask too often in vain.
WORKERS ?= 3
# The newest supported Python on the PATH; PYTHON=/path/to/python makes another choice.
PYTHON ?= $(shell for name in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	$$name -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
	2>/dev/null && { command -v $$name; break; }; done)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint fmt types bench screenshots lock clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.run ## Everything on this machine, at http://localhost:8000 (PORT=… for another port)
	@$(BIN)/python manage.py up

test: $(VENV)/.dev ## All tests (ARGS=… for pytest)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(VENV)/.dev ## Style, and which room may import which
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

fmt: $(VENV)/.dev ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

types: $(VENV)/.dev ## Strict types
	@$(BIN)/mypy .

bench: $(VENV)/.dev ## Benchmarks, each against a floor or a peer in the same run
	@$(BIN)/python -m bench

screenshots: $(VENV)/.dev ## Every page, light and dark, on a phone, a laptop and a large screen
	@$(BIN)/python -m bench.screenshots

lock: $(VENV)/.dev ## Resolve the dependencies again into both lock files
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip compile $(LOCK) pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile $(LOCK) pyproject.toml --group dev -o requirements-dev.lock

clean: ## Remove the environment and the caches; data stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

LOCK := --quiet --upgrade --universal --generate-hashes --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --python-version 3.11

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Seedbank needs Python 3.11 to 3.14 with venv (on Debian and Ubuntu: apt install python3-venv); none was found." >&2; exit 1; }
	@echo "Making $(VENV) with $(PYTHON) …"
	@$(PYTHON) -m venv --clear $(VENV)

# A stamp says which lock the environment has; a lock installs everything anew only when it changed.
$(VENV)/.run: requirements.lock | $(BIN)/python
	@echo "Installing what $< names …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(BIN)/python
	@echo "Installing what $< names …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@ $(VENV)/.run
