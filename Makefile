# tasq from a clone: needs make and Python 3.11 or newer; uses uv where it is installed.
# Another Python: `make PYTHON=python3.12 demo`. More options for a target: `make test ARGS=-x`.
# Tests run in parallel processes, most of which wait: `make test WORKERS=8`.

VENV := .venv
BIN := $(VENV)/bin
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv)
PYTHON ?= $(if $(UV),>=3.11,python3)
PROJECTS := pyproject.toml tasq_core/pyproject.toml
ARGS ?=
VERSION ?= 18
SERVER ?= mysql
WORKERS ?= 6

ifdef UV
create = $(UV) venv --quiet --no-project --python '$(PYTHON)' $(VENV)
install = $(UV) pip install --quiet --python $(BIN)/python
else
create = $(PYTHON) -m venv $(VENV)
install = $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

compile = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--all-extras --no-emit-package tasq-core --custom-compile-command 'make lock' $(ARGS) $(PROJECTS)

# Else each of the tests' many processes compiles all of tasq anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo setup check test quick test-ha test-postgres test-mysql bench bench-full screenshots docs lock dist clean

help: ## show this help
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | \
		while IFS='|' read -r name text; do printf '  make %-13s %s\n' "$$name" "$$text"; done

demo: $(VENV)/.runtime ## open the app on a live demonstration queue
	@$(BIN)/tasq demo $(ARGS)

setup: $(VENV)/.dev ## set up .venv with all that tests and checks need

# Two at a time, each with a cache of its own: one that they share is made anew by each of them.
# Of what succeeds, the last line is shown.
check: $(VENV)/.dev ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@printf '%s\n' 'mypy' 'mypy --config-file tests/mypy.ini --cache-dir .mypy_cache/tests' \
		'mypy --strict --cache-dir .mypy_cache/api tests/typing/api.py' 'lint-imports' $(compiling) | \
		xargs -P 2 -I {} sh -c 'out=$$($(BIN)/{} 2>&1); was=$$?; \
			[ $$was -ne 0 ] || out=$$(printf "%s" "$$out" | tail -n 1); \
			printf "%s\n%s\n" "{}" "$$out"; exit $$was'

# Once beside the checks, or each of the parallel processes compiles all test modules of a new clone.
test: compiling := 'python -m pytest --collect-only -q tests'
# pytest ends with 5 where $(ARGS) leaves one of the two runs no test.
test: check ## the checks and all tests, on private database servers
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m 'not serial' $(ARGS) || [ $$? -eq 5 ]
	$(BIN)/python -m pytest -m 'serial and not ha' $(ARGS) || [ $$? -eq 5 ]

# These wait for little, so that more processes than four only load the same modules once more.
quick: WORKERS = 4
quick: $(VENV)/.dev ## the tests without servers, slow ones and serial ones: under two minutes
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadgroup -m 'not slow and not serial' --sqlite-only $(ARGS)

test-ha: $(VENV)/.dev ## poolers, failover of a pair, a Galera cluster: minutes (see CONTRIBUTING)
	$(BIN)/python -m pytest -q -m ha $(ARGS)

test-mysql: $(VENV)/.dev ## the same on MySQL or a newer MariaDB: SERVER=mysql|mariadb (needs Debian's apt)
	$(BIN)/python -m tests.support.mysql_versions $(SERVER) -n $(WORKERS) --dist loadgroup $(ARGS)

test-postgres: $(VENV)/.dev ## the contract and dialect tests on PostgreSQL 13 to 18: VERSION=18 (needs npm)
	$(BIN)/python -m tests.support.postgres_versions $(VERSION) -n $(WORKERS) --dist loadgroup $(ARGS)

bench: $(VENV)/.bench ## measure against other task queues, in minutes
	$(BIN)/python -m benchmarks $(ARGS)

bench-full: $(VENV)/.bench ## the same with large tables, in hours
	$(BIN)/python -m benchmarks --full $(ARGS)

screenshots: $(VENV)/.dev ## draw the pictures of the documentation anew, and a contact sheet
	$(BIN)/python screenshots/make.py $(ARGS)

docs: $(VENV)/.docs ## build the documentation site into site/; a broken link is an error
	set -e; for page in cli configuration filter metrics; do $(BIN)/python docs/$${page}_reference.py; done
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

lock: ## pin dependencies by hash (needs uv); ARGS=--upgrade for newer ones
	$(compile) --group build -o requirements.lock
	$(compile) --group dev -c requirements.lock -o requirements-dev.lock

dist: $(VENV)/.dev ## build both distributions, as an index takes them
	rm -rf dist
	$(BIN)/python packaging/build_all.py dist

clean: ## remove .venv, caches and builds
	rm -rf $(VENV) build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache snapshot_report.html
	find . -name __pycache__ -prune -exec rm -rf {} +

# Set-up runs again when a file it depends on has changed; a richer one includes the poorer.

$(VENV)/.runtime: $(PROJECTS) requirements.lock | $(BIN)/python
	$(call set_up,requirements.lock)
	@touch $@

$(VENV)/.dev: $(PROJECTS) requirements-dev.lock | $(BIN)/python
	$(call set_up,requirements-dev.lock)
	@touch $(VENV)/.runtime $@

requirements-bench.lock: requirements-dev.lock | $(BIN)/python
	@$(if $(UV),,$(install) uv)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(compile) --group dev --group bench -c $< -o $@

$(VENV)/.docs: pyproject.toml | $(VENV)/.dev
	@echo 'Installing what builds the documentation ...'
	@$(install) "mkdocs-material>=9.6,<10" "mkdocstrings[python]>=0.29"
	@touch $@

$(VENV)/.bench: $(PROJECTS) requirements-bench.lock | $(BIN)/python
	$(call set_up,requirements-bench.lock)
	@touch $(VENV)/.runtime $(VENV)/.dev $@

define set_up
	@echo 'Installing $(1) into $(VENV) ...'
	@$(if $(UV),,$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip)
	@$(install) --require-hashes -r $(1)
	@$(install) --no-deps --no-build-isolation -e ./tasq_core -e .
endef

too_old := import sys; sys.exit(sys.version_info < (3, 11) and \
	"tasq needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...")

$(BIN)/python:
	@$(create) && $@ -c '$(too_old)' || { rm -rf $(VENV); exit 1; }
