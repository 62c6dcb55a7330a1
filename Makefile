# Everything from a fresh clone, and quick the second time: each stamp file in .venv says what is installed already.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check fmt bench charts figures pictures loadtest soak lock clean browser

PIP := .venv/bin/python -m pip --disable-pip-version-check -qq
# Node comes from the virtual environment, so `tsc` does not depend on the system's.
WITH_NODE := PATH="$(CURDIR)/.venv/bin:$$PATH"
UV_COMPILE := .venv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --quiet

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1	/p' Makefile | while IFS='	' read -r name text; do printf '  make %-9s %s\n' "$$name" "$$text"; done

run: .venv/.runtime ## start the server with its own database and demo data [PORT=9000] [WORKERS=2]
	@exec .venv/bin/parley serve --demo $(if $(PORT),--port $(PORT)) $(if $(WORKERS),--workers $(WORKERS))

test: .venv/.dev frontend/node_modules/.installed browser ## all tests [ARGS="-k name"]
	.venv/bin/pytest $(ARGS)

check: .venv/.dev frontend/node_modules/.installed ## format, lint, types (Python and JavaScript)
	.venv/bin/ruff format --check
	.venv/bin/ruff check
	.venv/bin/mypy
	$(WITH_NODE) frontend/node_modules/.bin/tsc -p frontend

fmt: .venv/.dev ## format, and mend what the linter can mend
	.venv/bin/ruff format
	.venv/bin/ruff check --fix

bench: .venv/.dev ## the benchmark table, ours beside the floors [ARGS=...]
	@exec .venv/bin/python -m loadtests.bench $(ARGS)

charts: .venv/.dev ## the tables and charts of docs/performance.md, from what `make bench` saved there
	@exec .venv/bin/python -m loadtests.bench.page

figures: .venv/.dev browser ## what people in a browser feel: loading, sending, scrolling, memory
	@exec .venv/bin/python -m tests.browser.figures $(ARGS)

pictures: .venv/.dev browser ## the pictures of the documents, taken anew
	@exec .venv/bin/python -m tests.browser.pictures

loadtest: .venv/.dev ## headless locust against a server that it starts [ARGS=...]
	@exec .venv/bin/python -m loadtests.run $(ARGS)

soak: .venv/.dev ## load and random faults on a server of its own: nothing may be lost [MINUTES=30]
	@exec .venv/bin/python -m loadtests.soak --minutes $(or $(MINUTES),30) $(ARGS)

lock: .venv/.dev ## pin what pyproject.toml asks for [ARGS=--upgrade]
	$(UV_COMPILE) --group build --output-file requirements.lock $(ARGS)
	$(UV_COMPILE) --group dev --constraint requirements.lock --output-file requirements-dev.lock $(ARGS)
	cd frontend && $(WITH_NODE) npm install --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

clean: ## remove what was installed and built; the data in .parley stays
	rm -rf .venv frontend/node_modules build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.created:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
		python=; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Parley needs Python 3.11 or newer, and none is on the PATH. Install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	fi; \
	echo "Making .venv with $$("$$python" --version) ..."; \
	"$$python" -m venv --clear .venv && touch $@

.venv/.runtime: .venv/.created requirements.lock pyproject.toml
	@echo "Installing the locked packages ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/.runtime requirements-dev.lock
	@echo "Installing the tools for tests and checks ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

frontend/node_modules/.installed: .venv/.dev frontend/package-lock.json
	@cd frontend && $(WITH_NODE) npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# Chromium, and the proxies that stand between people and the server.
browser:
	@tests/browser/install
