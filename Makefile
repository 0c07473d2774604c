# Two commands do all the set-up on a fresh machine: `make demo` and `make test`. Both need Python 3.11+ and make, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := 0.9.7
# Two tests at a time; those that time the whole program run one after the other (tests/conftest.py).
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadgroup

.PHONY: help test check bench memory alarms chaos-alerts chaos-topups demo faults lint types cover lock clean setup

help:
	@echo "make test   run the quick tests      make check  lint, types, all tests with coverage: what CI runs"
	@echo "make bench  measure speed and memory  make lock   resolve the dependencies again"
	@echo "make memory is memory flat over 100,000 polls?"
	@echo "make faults every fault x every exchange, on the real program"
	@echo "make chaos-alerts RUNS=200 SEED=1  kill the daemon at every crash point: is any alert lost?"
	@echo "make chaos-topups RUNS=200 SEED=1  writes fail and the daemon dies: is any margin added twice?"
	@echo "make alarms false alarms and lead times of the default rules"
	@echo "make demo   the main job on the practice exchange"

setup: $(READY)

# The locked dependencies first (hash mode refuses a local project), then the project itself without asking anyone else.
$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "margincall needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "Python's venv module is missing. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

test: $(READY)
	$(PYTEST) -m "not whole_program"

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

# CI judges the change and not the dice: there the property tests take the same examples every time, elsewhere new ones.
cover: $(READY)
	$(PYTEST) --hypothesis-profile=ci --cov --cov-report=term
	$(BIN)/python -m coverage report --include='monitor/margin/*,monitor/lives/*,monitor/chronicle/*,monitor/postmortem/*,monitor/rules/*,monitor/alerts/*,monitor/topups/*,monitor/spend/*,monitor/decide.py,monitor/draft.py,monitor/speak.py,monitor/observe.py,monitor/tell.py,monitor/policy.py,monitor/memory.py,monitor/requests.py,monitor/drill.py,monitor/digest.py' --fail-under=100 --precision=2

check: lint types cover

bench: $(READY)
	$(BIN)/python -m bench

# 100,000 polls of the real guard, as fast as the machine can; about five minutes on one core. The last line is JSON.
memory: $(READY)
	$(BIN)/python -m bench.memory

# The tables of docs/false-alarms.md; about three minutes on two cores. The last line is JSON. ARGS="--into docs/false-alarms.md" writes them.
alarms: $(READY)
	$(BIN)/python -m bench.alarms --seed 1 $(ARGS)

# Every fault x every exchange on the real program; about three minutes on two cores. The last line is JSON.
faults: $(READY)
	$(BIN)/python -m tests.e2e.faults

# The daemon killed with SIGKILL at every crash point, RUNS times; about 4 s a run on two idle cores. The last line is JSON.
RUNS ?= 200
SEED ?= 1
chaos-alerts: $(READY)
	$(BIN)/python -m tests.e2e.chaos --runs $(RUNS) --seed $(SEED)

# Margin added on the real program while every write fault of the list meets it and it is killed at the steps of the journal; about
# ten minutes for 200 runs on two quiet cores. The last line is JSON.
chaos-topups: $(READY)
	$(BIN)/python -m tests.e2e.chaos.topups --runs $(RUNS) --seed $(SEED)

demo: $(READY)
	$(BIN)/margincall demo

# Hashes, no addresses, every supported Python; one lock for running (build backend included), one for working on it.
lock:
	$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check "uv>=$(UV)"
	.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra build -o requirements.lock pyproject.toml
	.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--extra build --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml
	rm -rf .venv-lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .coverage htmlcov dist build *.egg-info
