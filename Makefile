# Everything a newcomer needs: `make demo`, `make test`. Both set up .venv on first use.
PYTHON ?= python3
BIN = .venv/bin
# Tests of one file share what they set up: a file stays on one core.
SPREAD = --numprocesses=logical --dist=loadfile

.PHONY: demo test test-extras lint fix bench evals clean

demo: .venv/ready
	$(BIN)/linernotes demo

test: .venv/ready lint
	$(BIN)/pytest $(SPREAD)

# What needs more than pip's light default: a real browser.
test-extras: .venv/ready-extras
	$(BIN)/pytest $(SPREAD) -m extras

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: .venv/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Speed, beside the peers that are installed.
bench: .venv/ready
	for name in startup decode fingerprint catalogue claims usage royalties mastering serve; do $(BIN)/python -m benchmarks.$$name || exit 1; done

# Accuracy on truth sets: make evals DATA=folder
evals: .venv/ready
	$(BIN)/python -m evaluations.crashes
	for name in fingerprint layers synthetic mastering; do $(BIN)/python -m evaluations.$$name --data $(DATA) || exit 1; done
	if $(BIN)/python -c 'import torch' 2> /dev/null; \
	then for name in generation attribution; do $(BIN)/python -m evaluations.$$name --data $(DATA) || exit 1; done; \
	else echo 'skipped: generation and attribution need PyTorch; make .venv/ready-extras installs it'; fi

.venv/ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Linernotes needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

.venv/ready-extras: .venv/ready
	$(BIN)/pip install --quiet --disable-pip-version-check playwright axe-playwright-python schemathesis torch==2.13.0 --editable '.[dev,spark,models]'
	touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache linernotes-demo
