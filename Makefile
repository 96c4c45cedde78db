# make run: everything from a fresh clone to the page. make test: everything a bare machine can run.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
FLAGS ?=
# Processes of `make test`: half as many again as cores that it may use. JOBS=0 runs it in one, for a debugger.
JOBS ?= auto
# Where this is set each of the many processes that tests start compiles every module anew, in a fifth of its time.
export PYTHONDONTWRITEBYTECODE :=
# Each test file in one process, so that what its tests share is made once; the browser's, which take longest, first.
SPREAD := --dist loadfile --no-loadscope-reorder

.PHONY: run setup test test-slow lint types check doctor screenshots clean

run: setup ## install if need be, bring the index up to date, open the page on 127.0.0.1:7860
	@$(BIN)/qa serve $(FLAGS)

setup: $(VENV)/.installed ## install the product with the tested versions

test: $(VENV)/.installed-test ## install the test extras and run the tests
	$(BIN)/python -m pytest -m "not slow" -n $(JOBS) $(SPREAD) $(FLAGS)

test-slow: $(VENV)/.installed-test ## the tests that take minutes
	$(BIN)/python -m pytest -m slow --timeout 1800 $(FLAGS)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-test
	$(BIN)/mypy

check: lint types test ## what continuous integration runs

doctor: setup
	$(BIN)/qa doctor

screenshots: $(VENV)/.installed-test ## retake the pictures of the README
	$(BIN)/python docs/screenshots.py

clean: ## remove the environment and the built index, not the articles
	rm -rf $(VENV) index/CURRENT index/HELD index/seen.json index/.lock index/.tmp-* index/2*

$(VENV)/.installed: pyproject.toml constraints.txt
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh scripts/install.sh ".[eval]"
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh scripts/install.sh ".[eval,llm,test,train]"
	@touch $(VENV)/.installed $@
