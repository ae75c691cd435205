# make demo and make test do all their own set-up, as root or not, and leave nothing outside this folder
# (a missing python3-venv apart, which is installed when that is allowed).

PYTHON ?= python3
BIN := .venv/bin
PAGE := preview/web/dist/index.html
HAS_NODE := node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null
TOOLS := .tools/prometheus .tools/prometheus-alertmanager .tools/prometheus-postgres-exporter .tools/nginx .tools/pgbouncer .tools/chromium
NODE_ENGINES := graphile pgboss
FAST := tests/config tests/schedules tests/tables tests/docs/test_docs.py tests/test_command.py tests/test_help.py
NEWER_PYTHON := $(shell scripts/newer-python 12)

.PHONY: help demo test test-fast check generated mutants bench soak preview pictures docs dashboards lock clean
.DEFAULT_GOAL := test

help:  ## this list
	@awk -F ':.*##' '/^[a-z-]+:.*##/ {printf "%-12s%s\n", $$1, $$2}' Makefile

demo: .venv/made $(if $(filter $(ENGINE),$(NODE_ENGINES)),.cache/$(ENGINE)/made)  ## a platform with workers, the exporter, Prometheus and the dashboards, until Ctrl-C; ENGINE=… has another queue
	@scripts/debian-tool prometheus || echo "make: then the demo runs without Prometheus"
	@scripts/debian-tool prometheus-alertmanager || echo "make: then the demo runs without Alertmanager"
	@if ! $(HAS_NODE); then echo "make: without Node 20.19 or newer the demo runs without the dashboards"; \
	elif ! $(MAKE) --no-print-directory preview; then echo "make: then the demo runs without the dashboards"; fi
	@exec $(BIN)/python -m demo $(if $(ENGINE),--engine $(ENGINE))

test: .venv/made $(TOOLS) $(NODE_ENGINES:%=.cache/%/made) $(if $(NEWER_PYTHON),.cache/oban/made) dashboards/types/node_modules preview  ## every test, on a PostgreSQL of its own
	@[ -x /usr/lib/postgresql/15/bin/postgres ] || scripts/debian-tool postgresql-15 || echo "make: then no test runs on PostgreSQL 15"
	@[ -n "$(NEWER_PYTHON)" ] || echo "make: no Python 3.12 or newer here: in the tests of Oban for Python, SQL stands in for its workers"
	$(BIN)/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

test-fast: .venv/made  ## the tests that need no npm and no Debian package
	$(BIN)/python -m pytest -q --numprocesses 2 --dist loadfile $(FAST) $(PYTEST_ARGS)

check: .venv/made  ## lint, format, types, imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

mutants: .venv/made $(NODE_ENGINES:%=.cache/%/made)  ## change one thing at a time and list what no test sees; takes hours without MUTANTS_ARGS="--sample 50 control_api"
	@$(BIN)/python scripts/mutants $(MUTANTS_ARGS)

bench: .venv/made $(TOOLS)  ## measure; takes a quarter of an hour and 4 GB of disk
	$(BIN)/python -m bench --write

soak: .venv/made .tools/prometheus $(NODE_ENGINES:%=.cache/%/made) $(if $(NEWER_PYTHON),.cache/oban/made)  ## real work under two exporters with a monkey at large, every figure compared at the end; SOAK_MINUTES=120 takes longer, SOAK_ARGS="--seed 7" plays again
	$(BIN)/python -m soak $(if $(SOAK_MINUTES),--minutes $(SOAK_MINUTES)) $(SOAK_ARGS)

preview: $(PAGE)  ## the page that draws the dashboards in a browser

pictures: .venv/made .tools/chromium  ## draw the dashboards of a running demo into docs/images
	$(BIN)/python -m preview pictures

docs: .venv/made  ## write what is generated: docs/metrics.md
	$(BIN)/python -m jobqueue metrics > docs/metrics.md

dashboards: .venv/made  ## write what is generated: dashboards/build/*.json
	$(BIN)/python -m dashboards build

generated: docs dashboards  ## write all that is generated, the files of deploy/ included
	$(BIN)/python -m deploy

lock: .venv/made  ## write what is generated: the lock files, after a change in pyproject.toml; LOCK_ARGS=--upgrade takes newer versions
	@scripts/lock $(LOCK_ARGS)

clean:  ## remove what the other targets made
	rm -rf preview/web/dist preview/web/node_modules dashboards/types/node_modules
	rm -rf .venv .tools .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/made: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: needs Python 3.11 or newer, found $$($(PYTHON) -V): give another with make PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || scripts/debian-install python3-venv
	@echo "make: Python packages into .venv, once"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

dashboards/types/node_modules: dashboards/types/package-lock.json
	@echo "make: Grafana's types into dashboards/types, once"
	@cd dashboards/types && npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(PAGE): preview/web/node_modules/made preview/web/index.html preview/web/vite.config.mjs \
  $(shell find preview/web/src preview/web/static -type f)
	@cd preview/web && npm run build --silent
	@touch $@

preview/web/node_modules/made: preview/web/package.json preview/web/package-lock.json
	@$(HAS_NODE) || { echo "make: the dashboards' page is built with Node 20.19 or newer" >&2; exit 1; }
	@echo "make: npm's packages for the dashboards' page, once: half a gigabyte"
	@cd preview/web && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.cache/%/made: demo/engines/%/package.json demo/engines/%/package-lock.json
	@command -v npm >/dev/null || { echo "make: needs npm for the packages of $*" >&2; exit 1; }
	@echo "make: npm's packages of $* into .cache, once"
	@mkdir -p $(@D) && cp $^ demo/engines/$*/.npmrc $(@D)
	@cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

.cache/oban/made: demo/engines/oban/requirements.lock
	@[ -n "$(NEWER_PYTHON)" ] || { echo "make: Oban needs Python 3.12 or newer" >&2; exit 1; }
	@echo "make: Oban into .cache, once"
	@$(NEWER_PYTHON) -m venv $(@D)
	@$(@D)/bin/pip install -qq --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

.tools/%:
	@echo "make: Debian's package $* into .tools, once"
	@scripts/debian-tool $*
