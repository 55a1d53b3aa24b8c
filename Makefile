# Two commands do everything on a fresh machine: make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-slow lint types unit gate bench examples fixtures clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /	/'

demo: $(VENV)/.demo ## set up, then show the whole way on an embedded card
	@$(BIN)/smartcard-dm demo

test: lint types unit gate ## everything: lint, types, tests with real counterparts, coverage gate

lint: $(VENV)/.test ## ruff, all rules but the listed ones
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test ## mypy, strict, tests too
	$(BIN)/mypy

unit: $(VENV)/.test ## the test suite
	$(BIN)/coverage erase
	$(BIN)/python -m pytest -q --cov --cov-report=

test-slow: $(VENV)/.test ## hundreds of kills and losses of power while a tree is written, minutes
	$(BIN)/python -m pytest -q -m slow

gate: ## branch coverage of the pure floors F0-F3
	$(BIN)/coverage report --fail-under=95 --include='smartcard_dm/*.py,smartcard_dm/wbxml/*,smartcard_dm/iso7816/*,smartcard_dm/pkcs15/*,smartcard_dm/dm/*,smartcard_dm/xmlsec/*,smartcard_dm/trust/*' --omit='smartcard_dm/card_uri.py,smartcard_dm/credentials.py'

bench: $(VENV)/.test ## measure beside libwbxml, python-xmlsec and signxml; writes docs/performance.md
	$(BIN)/python -m benchmarks

fixtures: $(VENV)/.test ## write fixtures/ and docs/signature-profile.md's worked message again
	$(BIN)/python -m fixtures.generate
	$(BIN)/python -m docs.worked_message
	$(BIN)/python -m docs.rule_table
	$(BIN)/python -m docs.lint_table
	$(BIN)/python -m docs.openapi_document

clean: ## remove what make made
	rm -rf $(VENV) vendor_pcsc/applet/target .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

$(VENV)/.demo: pyproject.toml scripts/install-python
	@scripts/install-python $(PYTHON) $(VENV) .
	@touch $@

# The system packages come first: pyscard is built against PC/SC's headers.
$(VENV)/.test: pyproject.toml scripts/install-python scripts/install-system
	@PYTHON=$(PYTHON) scripts/install-system
	@scripts/install-python $(PYTHON) $(VENV) '.[test]'
	@touch $@ $(VENV)/.demo
