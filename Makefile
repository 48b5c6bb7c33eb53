# Each target sets up what it needs; `make help` lists them.
# On a bare machine with Python 3.11 or newer, any of them may be the first command.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench fuzz parity clean

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
BIN := .venv/bin
STAMP := .venv/.dslc-setup
JOBS ?= 2
DEVICE ?= cpu
N ?= 500

# One thread per test worker: more only makes them wait for each other.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
	TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3 \
	JAX_PLATFORMS=cpu CUDA_VISIBLE_DEVICES=

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 10

setup: $(STAMP)  ## install dslc, its extras and the pinned development set into .venv

$(STAMP): pyproject.toml requirements-dev.txt
	@if [ -z "$(PYTHON)" ]; then echo "dslc needs Python 3.11 or newer" >&2; exit 2; fi
	@[ -x $(BIN)/python ] || { echo "creating .venv"; $(PYTHON) -m venv .venv; }
	@echo "installing the pinned development set into .venv (minutes, the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		-c requirements-dev.txt -e ".[all,dev]" 2> >(grep -v "^WARNING" >&2)
	@$(BIN)/python -m compileall -q dslc backends # as an installed package has it
	@touch $@

demo: setup  ## check, train, export and verify the digits network; one table of figures
	@$(BIN)/python examples/digits/demo.py

lint: setup  ## format, lint and types
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/pyright --warnings

test: lint  ## lint, types and every test
	@$(ONE_THREAD) $(BIN)/python -m pytest -q -n $(JOBS) --dist loadgroup

fuzz: setup  ## N random networks through every backend, then the property-based tests with as many examples
	@$(ONE_THREAD) $(BIN)/python -m tests.fuzz $(N) --jobs $(JOBS)
	@$(ONE_THREAD) HYPOTHESIS_PROFILE=fuzz DSLC_EXAMPLES=$(N) $(BIN)/python -m pytest -q -n $(JOBS) \
		--dist loadgroup -k "(fuzz or property) and not networks"

parity: setup  ## the whole numeric suite: every backend against the reference, gradients and layouts at all sizes, a hundred steps of every optimiser, compiled steps; DEVICE=cuda on a GPU
	@$(if $(filter cpu,$(DEVICE)),$(ONE_THREAD)) DSLC_DEVICE=$(DEVICE) DSLC_WHOLE=1 $(BIN)/python -m pytest -q -n $(JOBS) --dist loadgroup tests/numeric tests/train/test_curves.py tests/train/test_compiling.py

bench: setup  ## cold start, generation and export times
	@$(ONE_THREAD) $(BIN)/python benchmarks/run.py

clean:  ## remove what the tools left, but not .venv
	@rm -rf build dist .pytest_cache .ruff_cache .hypothesis out runs
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
