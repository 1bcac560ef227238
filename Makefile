# Two commands do everything: "make up" and "make test". Both bring what they need.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CODE := __main__.py infra ops tenants tests benchmarks
CLUSTER_OPTION := $(if $(CLUSTER),--cluster=$(CLUSTER))
NODE_OPTION := $(if $(NODE),--node=$(NODE))
YES_OPTION := $(if $(YES),--yes)

# Compiled modules make every later start of the program faster.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: $(READY) ## bring the dev environment up (CLUSTER=<kube-context> for a cluster of yours, NODE=real for pods that run, YES=1 to not be asked)
	@$(BIN)/iotistic local up $(CLUSTER_OPTION) $(NODE_OPTION) $(YES_OPTION)

.PHONY: down
down: $(READY) ## remove everything that "make up" made, data included
	@$(BIN)/iotistic local down $(CLUSTER_OPTION) $(if $(CLUSTER),$(YES_OPTION),--yes)

.PHONY: status
status: $(READY) ## show the tenants of the dev environment and how they are
	@$(BIN)/iotistic local status $(CLUSTER_OPTION)

.PHONY: python
python: $(READY) ## install the Python packages, and nothing else

.PHONY: tools
tools: $(READY) ## fetch or build every tool, without bringing anything up
	@$(BIN)/iotistic local tools

.PHONY: test
test: check unit tools edge cluster node ## everything: checks and all tests; tools are built before tests whose time is limited

.PHONY: check
check: $(READY) ## formatting, linting, types
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy

.PHONY: unit
unit: $(READY) ## the fast tests: no engine, no cluster
	$(BIN)/pytest -m "not cluster and not edge and not node"

.PHONY: edge
edge: $(READY) ## the tests with real HAProxy, Mosquitto, PostgreSQL, nginx as plain processes (skipped where they are missing)
	$(BIN)/pytest -m edge

.PHONY: cluster
cluster: tools ## the tests with the real engine and a real API server
	$(BIN)/pytest -m cluster

.PHONY: node
node: $(READY) ## the tests with pods that really run (Linux, root; skipped elsewhere)
	$(BIN)/pytest -m node --numprocesses=4 --dist=loadscope --no-loadscope-reorder tests/node

.PHONY: bench
bench: $(READY) ## measure a large registry, the MQTT edge beside a rule for each customer, and a fleet beside Helm and kubectl; fail where a limit is broken
	$(BIN)/python -m benchmarks.registry --check
	$(BIN)/python -m benchmarks.mqtt_edge --check
	$(BIN)/python -m benchmarks.fleet --check

.PHONY: format
format: $(READY) ## format the code and mend what the linter can mend
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

.PHONY: golden
golden: $(READY) ## rewrite the golden files and generated documents from the code
	UPDATE_GOLDEN=1 $(BIN)/pytest -q -m "not cluster and not edge and not node" -k "golden or generated"

.PHONY: lock
lock: ## pin every dependency of pyproject.toml, and of the linter checkov, in requirements.txt
	uv pip compile --all-extras --generate-hashes --python-version 3.11 --universal \
		--no-emit-find-links --no-emit-index-url pyproject.toml --output-file requirements.txt
	uv pip compile --generate-hashes --python-version 3.11 --universal --no-header \
		--no-emit-find-links --no-emit-index-url tools/checkov/requirements.in --output-file tools/checkov/requirements.txt

# The stamp is written last, so an installation that was interrupted is done again.
$(READY): requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: install python3 and python3-venv" >&2; exit 2; }
	@echo "Installing the Python packages into $(VENV) (about a minute the first time)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --requirement requirements.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --no-deps --no-build-isolation --editable .
	@touch $@
