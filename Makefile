# `make demo` and `make test` are all a newcomer needs; `make help` lists the rest.
# Both make .venv themselves; a second run finds the stamps and starts at once.

PYTHON ?= python3
WORKERS ?= auto
FUZZ_SECONDS ?= 60
# Fault trees of others, for make bench; they are not ours to ship.
TREES ?= ../shared/data/aralia

VENV := .venv
BIN := $(VENV)/bin
# The build back end comes pinned, like everything else, instead of fetched afresh by every build.
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt
BUILD_TOOLS := setuptools cython
# Compiled when the program is installed: a change of one is installed again.
KERNELS := setup.py $(shell find src -name kernel.py -o -name '*.pxd')

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-slow test-uncompiled lint format bench lab reconnect fuzz docs system-deps clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 - \2/p' Makefile

demo: $(VENV)/demo.stamp ## audit the bundled examples: prints the findings, writes report.html
	@$(BIN)/truetier check catalog-examples/login --fail-on never --report report.html
	@echo && echo "A shop that was recorded while everything in it failed once, held against what it says of itself:"
	@$(BIN)/truetier observe catalog-examples/lab/traces --evidence build/lab/observed.json -o build/lab/observed.txt
	@$(BIN)/truetier check catalog-examples/lab --evidence build/lab/observed.json --fail-on never

test: $(VENV)/test.stamp ## what CI runs: style, types, layers, then every quick test
	@scripts/system-deps --if-possible
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest --numprocesses=$(WORKERS) --cov

test-slow: $(VENV)/test.stamp ## the slow suites alone
	@$(BIN)/python -m pytest --numprocesses=$(WORKERS) -m slow

test-uncompiled: $(VENV)/test.stamp ## what the kernels compute, by a copy of the program without compiled ones
	@rm -rf build/uncompiled && mkdir -p build/uncompiled && cp -r src/truetier build/uncompiled
	@find build/uncompiled -name '*.so' -delete
	@PYTHONPATH=build/uncompiled $(BIN)/python -m pytest --numprocesses=$(WORKERS) -p tests.uncompiled \
	    tests/unit/availability tests/unit/graph tests/unit/report tests/unit/sources tests/oracles tests/properties tests/shape/test_kernels.py

test-all: test test-uncompiled test-slow ## quick and slow suites, compiled and not

lint: $(VENV)/test.stamp ## ruff, mypy, import-linter, deptry: all of them, whatever the first one says
	@failed=; for tool in "ruff check" "ruff format --check --output-format concise" mypy "lint-imports --no-logo" "deptry src"; do \
	    $(BIN)/$$tool || failed="$$failed, $$tool"; \
	done; [ -z "$$failed" ] || { echo "failed: $${failed#, }" >&2; exit 1; }

format: $(VENV)/test.stamp ## let ruff fix and format what it can
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(VENV)/bench.stamp $(VENV)/peers.stamp ## everything beside what it is held against; writes docs/performance.md
	@scripts/system-deps --if-possible
	@$(BIN)/python benchmarks/performance.py --nthlayer $(VENV)/peers/bin/nthlayer --trees $(TREES)

lab: $(VENV)/lab.stamp ## computed against measured on a real fleet: 30 minutes, writes into docs/lab.md
	@scripts/system-deps --if-possible
	@$(BIN)/truetier-lab experiment --page docs/lab.md

reconnect: $(VENV)/lab.stamp ## a herd and its control plane, with each mechanism of the runtime and without: 15 minutes, writes into docs/reconnect.md
	@$(BIN)/truetier-lab reconnect --page docs/reconnect.md

fuzz: $(VENV)/fuzz.stamp ## coverage-guided fuzzing of the readers, FUZZ_SECONDS=60 each
	@for what in catalog traces receiver snapshots; do $(BIN)/python -m tests.fuzz $(FUZZ_SECONDS) $$what || exit 1; done

docs: $(VENV)/docs.stamp ## the documentation as HTML in docs/_build
	@$(BIN)/python -m sphinx --fresh-env --fail-on-warning --keep-going --quiet docs docs/_build

system-deps: ## install the Debian packages that some tests want
	@scripts/system-deps

clean: ## forget everything that make made
	@rm -rf $(VENV) build dist docs/_build report.html src/*.egg-info
	@find src -name '*.so' -delete

$(VENV)/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit("truetier needs Python 3.11 or newer, %s is %d.%d; try: make PYTHON=python3.11" % (sys.executable, *sys.version_info[:2]) if sys.version_info < (3, 11) else 0)'
	@echo "making $(VENV) and installing into it, once" >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/demo.stamp: $(VENV)/made.stamp pyproject.toml constraints.txt $(KERNELS)
	@$(INSTALL) $(BUILD_TOOLS)
	@$(INSTALL) --no-build-isolation --editable '.[telemetry]'
	@$(BIN)/python -m compileall -q src # pip does not compile what it leaves in place, and compiling costs every start 0.2 s
	@touch $@

$(VENV)/runtime.stamp: $(VENV)/demo.stamp runtime/pyproject.toml
	@$(INSTALL) --no-build-isolation --editable './runtime[config,grpc,httpx,jwt,openfeature,otel,tuf]'
	@touch $@

# The services of the lab call through the runtime.
$(VENV)/lab.stamp: $(VENV)/runtime.stamp lab/pyproject.toml
	@$(INSTALL) --no-build-isolation --editable ./lab
	@touch $@

# The tests run the lab and the runtime too.
$(VENV)/test.stamp: $(VENV)/lab.stamp $(VENV)/runtime.stamp

# The test tools stand on top of the program: a demo after a test has nothing left to install.
$(VENV)/test.stamp $(VENV)/bench.stamp $(VENV)/docs.stamp $(VENV)/fuzz.stamp: $(VENV)/%.stamp: $(VENV)/demo.stamp
	@$(INSTALL) --no-build-isolation --editable '.[$*]'
	@touch $@

$(VENV)/bench.stamp $(VENV)/fuzz.stamp: $(VENV)/runtime.stamp

# A peer has an environment of its own: what it needs is not what we need.
$(VENV)/peers.stamp: $(VENV)/made.stamp
	@$(PYTHON) -m venv --clear $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip install -qq --disable-pip-version-check nthlayer-generate==2.1.2
	@touch $@
