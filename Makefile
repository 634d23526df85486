# Needs nothing but Python >= 3.11 and make. Everything goes into .venv/ in this folder.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
READY := .venv/ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint generate check fuzz bench bench-journal bench-exports bench-retention bench-scale bench-contracts bench-round-trips bench-random-contracts bench-fuzz lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY) ## Make .venv/ with everything, from the lock file

$(READY): requirements-dev.lock pyproject.toml codegen/pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 found; set PYTHON=/path/to/python3" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing what requirements-dev.lock names into .venv/ (once, about half a minute) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e codegen
	@touch $@

demo: $(READY) ## Bring up the collector, post real reports and show the answers; DEMO_ONCE=1 ends after that
	@$(BIN)/python scripts/demo

test: $(READY) ## Everything that pip alone can equip: drift, lint, types, tests
	@BIN=$(BIN) ci/static
	@BIN=$(BIN) ci/tests

lint: $(READY) ## Drift, lint, types and import rules alone
	@BIN=$(BIN) ci/static

generate: $(READY) ## Write generated/ from openapi.yaml
	@$(BIN)/codegen generate

fuzz: $(READY) ## Fuzz for long; FUZZ_SECONDS, FUZZ_EXAMPLES and SEED say how
	@BIN=$(BIN) ci/fuzz $(if $(SEED),--seed $(SEED)) $(if $(FUZZ_SECONDS),--seconds $(FUZZ_SECONDS)) \
		$(if $(FUZZ_EXAMPLES),--examples $(FUZZ_EXAMPLES))

check: $(READY) ## Whether generated/ is what openapi.yaml says
	@$(BIN)/codegen check --full

bench: $(READY) ## Requests per second beside two peers and the limits, in one run of some 8 minutes
	@PYTHONPATH=. $(BIN)/python -m bench

bench-journal: $(READY) ## What the journal of ingest costs: with and without it, 8 clients, in one run
	@PYTHONPATH=. $(BIN)/python -m bench.journal

bench-exports: $(READY) ## Exports of a million reports beside psql and gzip, killed and cancelled; 20 minutes
	@PYTHONPATH=. $(BIN)/python -m bench.exports

bench-retention: $(READY) ## What others feel while a million reports of two are deleted; 15 minutes, 5 GB
	@PYTHONPATH=. $(BIN)/python -m bench.retention

bench-scale: $(READY) ## Latencies, ingest and disk at 10 k, 1 M and 10 M reports; takes 25 GB and half an hour
	@PYTHONPATH=. $(BIN)/python -m bench.scale $(if $(SIZES),--sizes $(SIZES))

bench-contracts: $(READY) ## What becomes of other contracts: SPECS="a.yaml b.json", seconds to minutes each
	@PYTHONPATH=. $(BIN)/python -m bench.contracts $(SPECS)

bench-round-trips: $(READY) ## Random values of other contracts through their models, or with OPTIONS=--calls client and server: SPECS="a.yaml b.json"
	@PYTHONPATH=. $(BIN)/python -m bench.round_trips $(OPTIONS) $(SPECS)

bench-random-contracts: $(READY) ## Contracts made at random through generator, mypy, models, client and server: OPTIONS="--contracts 50 --seed 0"
	@PYTHONPATH=. $(BIN)/python -m bench.round_trips.random_contracts $(OPTIONS)

bench-fuzz: $(READY) ## Schemathesis against stub services of other contracts: SPECS="a.yaml b.json", minutes each
	@PYTHONPATH=. $(BIN)/python -m bench.round_trips.fuzz $(SPECS) $(OPTIONS)

lock: $(READY) ## Pin the newest versions that pyproject.toml admits
	@$(BIN)/uv pip compile pyproject.toml codegen/pyproject.toml --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-header --all-extras --quiet -o requirements-dev.lock
	@$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--extra kms --extra s3 --no-header --quiet -c requirements-dev.lock -o requirements.lock

clean: ## Remove .venv/, caches and the demo's data
	@rm -rf .venv .demo .fuzzing .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info codegen/build codegen/*.egg-info
