# One command each: `make view` opens the viewer, `make test` proves everything. Needs Python ≥ 3.11 and make.
# PYTHON=… picks the interpreter, PIP_ARGS=… reaches pip (a CPU-only torch, say:
# PIP_ARGS='--index-url https://download.pytorch.org/whl/cpu --extra-index-url https://pypi.org/simple'),
# ARGS=… reaches the command.
VENV ?= .venv
BIN := $(VENV)/bin
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup view test lint format bench clean

help:  ## this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/'

view: setup  ## open the viewer (ARGS='--ckpt FILE' opens a checkpoint)
	@$(BIN)/creps-viewer $(ARGS)

test: lint  ## style, types, import contracts and every test, two at a time (ARGS='-n 0': one)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: setup  ## ruff, mypy and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## let ruff format and fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup  ## the benchmark table (also written as JSON)
	$(BIN)/python -m benchmarks $(ARGS)

setup: $(VENV)/.installed  ## the virtual environment and the system's packages

clean:  ## remove the virtual environment and all caches
	rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.system: scripts/system_packages.sh scripts/find_python.sh
	@python="$$(scripts/find_python.sh)" && scripts/system_packages.sh "$$python"
	@mkdir -p $(VENV) && touch $@

$(BIN)/python: | $(VENV)/.system
	@python="$$(scripts/find_python.sh)" && { "$$python" -m venv $(VENV) || { rm -rf $(VENV); \
		echo "creps: $$python cannot make a virtual environment; on Debian or Ubuntu: apt-get install python3-venv" >&2; \
		exit 1; }; }

$(VENV)/.installed: pyproject.toml constraints.txt $(VENV)/.system | $(BIN)/python
	$(BIN)/python -m pip install --quiet $(PIP_ARGS) -c constraints.txt -e '.[dev]'
	@touch $@
