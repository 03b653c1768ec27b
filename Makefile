# make demo    train a small network and say where the pictures are
# make test    run the tests
# make lint    format check, linter, type checker
# make long    the tests that take minutes
# make docs    build the documentation into site/
# make bench   measure against micrograd
# make clean   remove what the above made
#
# Each creates .venv and installs what it needs. PYTHON chooses the interpreter.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint long docs bench clean

demo: .venv/.all
	$(BIN)/chainrule train moons --seed 1337

test: .venv/.test
	$(BIN)/python -m pytest -n 2 -m "not slow"

long: .venv/.test
	CHAINRULE_TESTS=long $(BIN)/python -m pytest -n 2 -m slow

lint: .venv/.lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: .venv/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: .venv/.bench
	$(BIN)/python benchmarks/eager.py

clean:
	rm -rf .venv build dist site runs src/*.egg-info

.venv/bin/pip:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade "pip>=25.1"

# One file for each set of packages that is installed; pyproject.toml names them.
.venv/.all: .venv/bin/pip pyproject.toml
	$(BIN)/pip install --quiet --editable ".[all]"
	@touch $@

.venv/.%: .venv/.all
	$(BIN)/pip install --quiet --group $*
	@touch $@
