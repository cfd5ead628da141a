# Two commands on a fresh machine with Python 3.11+ and a C compiler: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test lint types check bench pages clean

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	CPPFLAGS="-DPyEval_CallObject=PyObject_CallObject" $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $(READY)

demo: $(READY)
	$(BIN)/policy-engine decide scenarios/us/ca/ca-bail-posted-detainer.yaml
	$(BIN)/policy-engine decide --brief scenarios/us/federal/thanksgiving-saturday.yaml scenarios/us/mt/mt-double-law.yaml scenarios/us/la/orleans-parish/orleans-detainer-2025.yaml scenarios/us/tx/tx-287g-before-deadline.yaml
	$(BIN)/policy-engine why scenarios/us/ca/ca-look-back-day-after.yaml notify_release --not permitted
	$(BIN)/policy-engine case scenarios/cases/tx-holiday-weekend.yaml
	$(BIN)/policy-engine test scenarios
	$(BIN)/policy-engine batch data/pennsylvania_detainers_2007_2012.csv --map pennsylvania-detainers --summary pennsylvania_summary.csv --by year,agency.kind -o pennsylvania_decisions.parquet
	head -20 pennsylvania_summary.csv

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/policy-engine lint

types: $(READY)
	$(BIN)/mypy

check: lint types test

bench: $(READY)
	$(BIN)/python benchmarks/decisions.py
	$(BIN)/python benchmarks/rulebook.py
	$(BIN)/python benchmarks/cases.py
	$(BIN)/python benchmarks/batch.py
	$(BIN)/python benchmarks/testing.py

# The law of every folder in words, made from its rules; a test compares.
pages: $(READY)
	$(BIN)/python tools/write_readmes.py

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis
