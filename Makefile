# Each target does its own set-up: `make demo` and `make test` work in a fresh clone with Python 3.11 or newer.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# Half of the time is spent in waiting for servers and for what must not come.
JOBS   ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 2)))

.PHONY: help demo test check bench soak docs lock golden pictures clean

help:  ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

$(READY): pyproject.toml requirements/dev.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "newsletter needs Python 3.11 or newer; this is %d.%d. Name another one with: make PYTHON=python3.12 demo" % v[:2])'
	@echo "Setting up $(VENV) (once; about a minute) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY)  ## import sample subscribers and publish an issue to an inbox on this machine
	@$(BIN)/python scripts/demo.py

# Tests start the program hundreds of times: what is compiled is kept, whatever the environment says.
test: export PYTHONDONTWRITEBYTECODE =
test: check  ## every fast check and test
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not soak"

check: $(READY)  ## style, types and architecture
	@$(BIN)/ruff format --check --quiet . || { $(BIN)/ruff format --diff --quiet .; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(READY)  ## measure speed, side by side with others
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@command -v npm >/dev/null && cd benchmarks/peers && npm install --silent --no-package-lock --no-audit --no-fund || echo "no npm: the peers in JavaScript are left out"
	@$(BIN)/python -m benchmarks

soak: $(READY)  ## the long tests
	@$(BIN)/python -m pytest -m soak --timeout=3600

docs: $(READY)  ## build the documentation into build/docs
	@$(BIN)/python -m sphinx -W -n -q docs build/docs
	@echo "Open build/docs/index.html"

golden: $(READY)  ## write the golden editions anew (then read the diff)
	@$(BIN)/python -m scripts.clients
	@$(BIN)/python -m scripts.rules
	@$(BIN)/python -m pytest tests/render --regenerate -q

pictures: $(READY)  ## take the pictures of the documentation anew (needs chromium)
	@$(BIN)/python -m pytest tests/browser/test_pictures.py --pictures -q -n 0

lock: $(READY)  ## resolve the dependencies anew, with hashes
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml -o requirements/run.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml --group dev -o requirements/dev.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml --group dev --group bench -o requirements/bench.txt

clean:  ## remove what these targets made
	rm -rf $(VENV) .demo build/docs
