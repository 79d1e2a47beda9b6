# Every target works on a fresh clone: it makes .venv with the exact tested versions first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 2
LOWEST := build/lowest
TYPES := build/types/rs3l_gnn

# Compiled once, not by each of the many processes: make says so whatever the shell says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo docs study test test-slow test-lowest lint types bench clean

$(STAMP): setup.py setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("rs3l_gnn needs Python 3.11 or newer, found " + sys.version.split()[0] + "; run make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,lint]'
	@touch $@

demo: $(STAMP)
	$(BIN)/rs3l demo --output demo-output --force

# The site, in build/docs. Warnings are errors, and so are links inside it that lead nowhere; its notebooks run.
docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	$(BIN)/python -m sphinx -W --keep-going -b html docs build/docs

# Some hours on two cores: it goes on where it stopped. SCALE=small has a twentieth of the events and one training of each
# recipe, less than an hour. One step alone: rs3l study configs/robust.yaml --only pretrain/strong-1 --output robust.
study: $(STAMP)
	$(BIN)/rs3l study configs/robust$(if $(SCALE),_$(SCALE)).yaml --workers $(WORKERS) --output robust$(if $(SCALE),-$(SCALE))
	$(if $(SCALE),,for part in dial fresh vincia; do $(BIN)/rs3l study configs/robust/$$part.yaml --workers $(WORKERS) --output robust || exit; done)

# One thread a process: with more, those of one worker wait for cores that the other has.
test: $(STAMP) lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

# The light part below coffea 0.7 with awkward 1 (Python 3.10), PocketCoffea, columnflow, coffea 2026 with Dask and Parsl,
# and dask-awkward, in environments of their own.
frameworks: $(STAMP)
	PYTHON=$(PYTHON) .ci/frameworks.sh
	$(BIN)/python -m pytest -m frameworks

# The lower bounds of setup.cfg are true: an environment of its own with the oldest versions that they allow (Python 3.11).
test-lowest:
	$(PYTHON) -m venv --clear $(LOWEST)
	$(PYTHON) .ci/lowest.py > $(LOWEST)/lowest.txt
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check -c $(LOWEST)/lowest.txt -e '.[test]'
	OMP_NUM_THREADS=1 $(LOWEST)/bin/python -m pytest -p no:cacheprovider -n $(WORKERS) --dist worksteal

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(MAKE) --no-print-directory types

# Three folders of the top level are packages below rs3l_gnn (setup.py). mypy knows folders only, so it gets them there.
types: $(STAMP)
	@rm -rf $(TYPES) && mkdir -p $(TYPES)
	@for room in processors benchmarks configs; do ln -s "$(CURDIR)/$$room" "$(TYPES)/$$room"; done
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/rs3l benchmark encoder

clean:
	rm -rf $(VENV) build demo-output
