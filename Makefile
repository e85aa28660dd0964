# Every target sets up what it needs by itself: `deploy/bootstrap.py` makes .venv and .roadbook in this folder,
# and is done in a moment when all is there. Options go through ARGS: make demo ARGS='--brokers 3', make test ARGS=-x.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; exit; }; done; echo python3)
BIN := .venv/bin
SOURCES := shared/src $(wildcard services/*/src) contracts/client/src deploy/cli/src
COMPOSE := docker-compose.yml
YAML := $(COMPOSE) deploy .yamllint.yaml

.DEFAULT_GOAL := help
.PHONY: help setup demo up down status logs test test-properties test-matching chaos chaos-selftest test-kcat test-fuzz contracts test-contracts lint format lock clean

help: ## this list
	@echo "Roadbook: one lifetime record for every car customer. Two commands to know: make demo, make test."
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: ## only set up: .venv, Java if there is none, Kafka's jars
	@$(PYTHON) deploy/bootstrap.py

demo: setup ## start the whole stack, load it with 200 customers, show one lifetime record
	@$(BIN)/roadbook demo $(ARGS)

up: setup ## start the stack and leave it running
	@$(BIN)/roadbook up $(ARGS)

down: ## end every process of the stack
	@if [ -x $(BIN)/roadbook ]; then $(BIN)/roadbook down; else echo "nothing was set up here, nothing runs"; fi

status: setup ## what runs, where
	@$(BIN)/roadbook status

logs: setup ## follow all logs (Ctrl-C ends it)
	@$(BIN)/roadbook logs --follow

test: setup ## the whole suite on real PostgreSQL and real Kafka
	@$(BIN)/pytest -q -n 2 shared services contracts/client deploy/cli tests/architecture tests/chaos tests/contracts tests/docs $(ARGS)
	@$(BIN)/pytest -q -s tests/system $(ARGS)
	@$(BIN)/pytest -q -s tests/properties $(ARGS)

test-properties: setup ## order, links, time travel, why: held against an independent fold (PROPERTIES=10: a tenth)
	@$(BIN)/pytest -q -s tests/properties $(ARGS)

test-fuzz: setup ## the running services against their own OpenAPI documents (FUZZ_SEED=n repeats a run)
	@$(BIN)/pytest -q -s -p no:randomly tests/fuzz $(ARGS)

test-matching: setup ## precision, recall and cost of matching on a labelled set (some minutes)
	@$(BIN)/pytest -q -s -p no:randomly --timeout 1800 tests/matching $(ARGS)

chaos: setup ## load and seeded faults on a real stack, then the judge (SEED=1 MINUTES=8 BROKERS=1, or 3)
	@PYTHONPATH=tests/chaos $(BIN)/python -m run $(or $(SEED),1) --minutes $(or $(MINUTES),8) --brokers $(or $(BROKERS),1) $(ARGS)

chaos-selftest: setup ## the judge of chaos runs on seeded bugs: an alarm on each, none on clean runs (half an hour)
	@PYTHONPATH=tests/chaos $(BIN)/python -m selftest $(ARGS)

test-kcat: setup ## our topic as kcat reads it (needs the Debian package kcat)
	@$(BIN)/pytest -q -s tests/kcat

contracts: setup ## write contracts/ from the code; a change that breaks readers is refused
	@$(BIN)/python -m roadbook_cli.contracts

test-contracts: setup ## the contracts as Redocly and the AsyncAPI parser see them (needs Node 20)
	@sh deploy/contracts/validate.sh

lint: setup ## ruff, mypy --strict, import-linter, YAML, compose, Dockerfiles, contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy --strict $(SOURCES) deploy/bootstrap.py
	@$(BIN)/lint-imports
	@$(BIN)/yamllint --strict $(YAML)
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec $(COMPOSE)
	@$(BIN)/hadolint services/*/Dockerfile
	@$(BIN)/python -m roadbook_cli.contracts --check

format: setup ## let ruff format and sort
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: setup ## resolve anew: requirements.lock, deploy/*.txt, deploy/image.lock, deploy/kafka.lock
	@$(PYTHON) deploy/bootstrap.py lock

clean: ## end the stack and delete everything that was set up or stored here
	@if [ -x $(BIN)/roadbook ]; then $(BIN)/roadbook down --wipe; fi
	@rm -rf .venv .roadbook .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
