# Everything runs in .venv, which each target sets up first when it is missing.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test check soak chaos bench parity clean

help:  ## show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: .venv/demo  ## the whole platform on this machine, embedded broker and database, until Ctrl-C
	@exec $(BIN)/quantiva demo $(ARGS)

test: check  ## lint, types and all tests
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: .venv/dev  ## lint and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

soak: .venv/dev  ## the long versions of some tests (20 kills, 30 s without a broker), 500 examples of properties
	$(BIN)/pytest -m long $(ARGS)
	$(BIN)/pytest --hypothesis-profile=soak tests/property

chaos: .venv/dev  ## a hundred faults on Apache Kafka beside a run without (ARGS=--quick)
	$(BIN)/python -m tests.chaos $(ARGS)

bench: .venv/dev  ## measure beside the peers, rewrite the README's table (ONLY=name or ARGS=--quick: print only)
	$(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(ARGS)

parity: .venv/dev  ## live runs over a year of real data, replayed and compared (ARGS=--quick)
	$(BIN)/python -m tests.parity $(ARGS)

clean:  ## remove the environments, caches and what a demo left
	rm -rf .venv .venv-peers .quantiva .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info

.venv/pip:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	touch $@

.venv/demo: pyproject.toml | .venv/pip
	@echo "installing (some 20 s the first time) ..."
	$(BIN)/pip install --quiet --editable '.[embedded,data,sources,bridge,explanations]'
	touch $@

.venv/dev: pyproject.toml | .venv/pip
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@ .venv/demo
