# make demo    train a small network and say where the pictures are
# make test    run the tests
# make lint    format check, linter, type checker, the order of imports
# make long    the tests that take minutes
# make docs    build the documentation into site/
# make bench   measure against micrograd
# make bench-compiled  measure compiled programs against JAX, NumPy, C and, where it is installed, PyTorch
# make sanitize  run the tests of the C engine under the sanitizers of the compiler
# make clean   remove what the above made
#
# Each creates .venv and installs what it needs. PYTHON chooses the interpreter.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint long docs bench bench-compiled sanitize clean

demo: .venv/.all
	$(BIN)/chainrule train moons --seed 1337

# The tests start Python some hundred times: the package is compiled once, also where the environment asks Python to keep nothing.
test long: export PYTHONDONTWRITEBYTECODE :=

test: .venv/.test
	$(BIN)/python -m pytest -n 2 -m "not slow"

long: .venv/.test
	$(BIN)/python -m pytest -n 2 -m slow

lint: .venv/.lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: .venv/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict  # with --quiet it would not see warnings

bench: .venv/.bench
	$(BIN)/python benchmarks/engines.py

bench-compiled: .venv/.bench
	$(BIN)/python benchmarks/compiled.py

clean:
	rm -rf .venv build dist site runs src/*.egg-info

.venv/bin/pip:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade "pip>=25.1"

# One file for each set of packages that is installed; pyproject.toml names them.
.venv/.all: .venv/bin/pip pyproject.toml setup.py $(wildcard src/chainrule/value_c/*) $(addprefix src/chainrule/,primitives.py row.py reals.py ieee.py special.py updates.py)
	$(BIN)/pip install --quiet --editable ".[all]"
	@touch $@

.venv/.%: .venv/.all
	$(BIN)/pip install --quiet --group $*
	@touch $@

# The C engine under AddressSanitizer and UndefinedBehaviorSanitizer. Python's own allocator is off, so that every block is watched; so is
# the free list. Leaks are the matter of tests/test_memory.py, since the interpreter itself keeps memory to the end.
SANITIZED := build/sanitize
sanitize: .venv/.test
	rm -rf $(SANITIZED)
	CHAINRULE_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g -O1 -DCHAINRULE_FREE_NODES=0" \
	CHAINRULE_LDFLAGS="-fsanitize=address,undefined" \
	$(BIN)/python setup.py --quiet build --build-base $(SANITIZED) --build-lib $(SANITIZED)/lib
	LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so) $$(gcc -print-file-name=libstdc++.so)" \
	PYTHONPATH=$(SANITIZED)/lib PYTHONMALLOC=malloc CHAINRULE_ENGINE=c ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=1 \
	$(BIN)/python -m pytest -x -m "not slow" -k "not [python and not [reference" -p no:randomly tests/test_engines.py tests/test_memory.py tests/test_value.py \
	tests/test_backward.py tests/test_copies.py tests/test_anomaly.py tests/test_graph.py tests/test_bulk.py tests/test_rows_in_c.py \
	--deselect tests/test_memory.py::test_a_chain_of_ten_million
