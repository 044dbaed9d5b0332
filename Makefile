# Everything runs inside .venv, made on first use. `make demo` and `make test` need nothing done before.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
DONE := .venv/.done

.PHONY: setup demo test check bench survive docs clean

setup: $(DONE)

$(DONE): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rattle needs Python 3.11 or newer; run make PYTHON=/path/to/python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(DONE)

# For a plant that is listened to live: .venv/bin/rattle station --demo
demo: setup
	$(BIN)/rattle demo

# Many tests wait, for sound that comes in real time or for a server: three at a time fit two cores,
# with a thread each. In the order of their folders: by their number files of few long tests come last.
WORKERS ?= 3

test: setup
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Real recordings in the DCASE layout; some half an hour, with nothing else running.
DATA ?= ../shared/data/dcase2020-subset/dev_data

bench: setup
	$(BIN)/python benchmarks/bench.py $(DATA) --into docs/performance.md

# All of tests/survival: 50 kills a command, 2,000 damaged recordings, 500 damaged bundles.
survive: setup
	RATTLE_SURVIVE=all $(BIN)/pytest tests/survival

docs: setup
	$(BIN)/python docs/reference.py

clean:
	rm -rf .venv rattle-demo
