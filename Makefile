# Everything a newcomer needs: `make demo` and `make test`. What has to be there first is in .ci/needs.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
UPGRADE ?= --upgrade
E2E := tests/e2e tests/attacks
READY := .venv/.ready
UV = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
  -r <(sed -n '/^uv==/,/^[^ ]/{/^uv==/p;/^ /p}' requirements.lock)
# Without their bytecode, the tests are compiled anew by every process.
unexport PYTHONDONTWRITEBYTECODE
# Threads that wait for work must not keep from the cores the processes that have some.
export OMP_WAIT_POLICY := PASSIVE

.DEFAULT_GOAL := help
WORKFLOWS := $(wildcard .github/workflows/*.yml)
ACTIONS := $(wildcard .github/actions/*/action.yml tests/actions/*/action.yml)
FORMS := $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))

.PHONY: help needs demo test fresh e2e e2e-all lint format bench fuzz lock dist picture schemas clean

help: ## Say what there is to make
	@grep -E '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

needs:
	@.ci/needs $(PYTHON) .venv

# uv resolves nothing here: requirements.lock pins every package with its hashes. Compiled bytecode and
# the C parser of ruamel.yaml (in the lock) make each DVC call two to five times faster.
$(READY): requirements.lock pyproject.toml | needs
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(UV)
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q retouch stages
	@touch $@

# What `retouch` itself needs, without what stages and tests do: for jobs that run no stages. Their one
# or two commands would not earn back the time it takes to compile everything.
.venv/.runtime: requirements-runtime.lock pyproject.toml | needs
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(UV)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-runtime.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY) ## Build the reference pipeline, answer a real alert, show the report
	@$(BIN)/retouch demo

test: $(READY) ## Run all tests but those of `make e2e`
	@$(BIN)/python -m pytest -n auto --dist worksteal $(addprefix --ignore ,$(E2E))

fresh: ## Run `make demo` and `make test` in a minimal Debian made for it (as root, with debootstrap)
	@mkdir -p .retouch; set -o pipefail; .ci/fresh demo test 2>&1 | tee .retouch/fresh.log

e2e: $(READY) ## Run the real workflows against a GitHub of our own, story by story, and attack them
	@$(BIN)/python -m pytest -n auto --dist worksteal $(E2E)

e2e-all: e2e ## All of `make e2e`, and every kill point of every workflow (hours); writes reports/benchmarks/kills.md
	@$(BIN)/python -m benchmarks kills

lint: $(READY) ## Check style, types, the architecture and the workflows
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/deptry . --extend-exclude 'stages|tests|benchmarks' --optional-dependencies-dev-groups reference
	@$(BIN)/deptry . --ignore DEP004
	@$(BIN)/retouch policy check
	@$(BIN)/zizmor --quiet --offline .github tests/actions
	@$(BIN)/jactionlint --no-online --no-hints
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows $(WORKFLOWS)
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-actions $(ACTIONS)
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms $(FORMS)
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.citation-file-format CITATION.cff
	@$(BIN)/pre-commit validate-config
	@$(BIN)/sp-repo-review --show err .

format: $(READY) ## Put the code into the house's format
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

bench: $(READY) ## Measure costs, a storm, honesty, scenarios and planted faults (about an hour); writes reports/benchmarks/
	@$(BIN)/python -m benchmarks

fuzz: $(READY) ## Try 100,000 hostile inputs on everything that reads from outside
	@$(BIN)/python -m benchmarks.fuzzing

lock: $(READY) ## Resolve every dependency anew into requirements.lock (UPGRADE= keeps what is pinned)
	@$(BIN)/uv pip compile --quiet $(UPGRADE) --generate-hashes --no-header --no-emit-index-url \
	  --python-version 3.11 --universal --extra reference --group dev --output-file requirements.lock pyproject.toml
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --python-version 3.11 \
	  --universal --constraint requirements.lock --output-file requirements-runtime.lock pyproject.toml

dist: $(READY) ## Build sdist and wheel into dist/
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --outdir dist .

picture: $(READY) ## Render a committed report for the README, light and dark (needs Chromium)
	@$(BIN)/python -m benchmarks.picture

schemas: $(READY) ## Write the JSON Schemas of all documents into schemas/
	@$(BIN)/python -m retouch.cli.schemas

clean: ## Remove the environment and what runs leave behind
	@rm -rf .venv .retouch .mypy_cache .ruff_cache .hypothesis
