# `make demo` and `make test` do all their set-up; nothing outside this folder is changed.

SHELL := /bin/bash
VENV := .venv
RUN := $(VENV)/bin
READY := $(VENV)/.ready

# Candidates in order; PYTHON=... overrides. PyTorch supports TorchScript up to 3.13.
PYTHON ?= $(shell for p in python3 python3.12 python3.13 python3.11 python3.10; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' \
	2>/dev/null && { echo $$p; break; }; done)

# Within a sourced ROS 2 its own rclpy must be used, never a second one as a Python package.
ifdef ROS_DISTRO
EXTRAS := train,kinematics,dev,docs
VENV_OPTIONS := --system-site-packages
# What a ROS 2 of the system was compiled with: NumPy 1.
CONSTRAINTS := constraints/sourced_ros.txt
else
EXTRAS := ros,train,dev,docs
VENV_OPTIONS :=
CONSTRAINTS := constraints/pypi.txt
endif

# What needs neither ROS nor a robot to be tested, and the tests that cover it.
PURE := description observation command policy runner bags dataset convert loading training kinematics alignment scaffold overview report evaluation
PURE_TESTS := $(PURE) cli/test_layout.py cli/test_export_foreign.py
LEAST := 95
# What starts no node and trains nothing; test/test_fast_part.py holds that.
FAST := description observation command runner bags dataset loading kinematics alignment overview report
FAST_TESTS := $(FAST) test_files.py test_records.py test_regular_file.py
# Real time twice, the documentation's commands, and what computes (test/helpers/workers.py).
WORKERS ?= 4
SHARED_OUT = -n $(WORKERS) --dist loadscope --no-loadscope-reorder

.PHONY: help demo test test-fast check coverage docs pictures lock matrix clean

help:
	@echo 'make demo    the whole way on simulated robots: record, convert, train, launch, move'
	@echo 'make test    lint, types and all tests, on the real rclpy and Fast DDS'
	@echo 'make test-fast  lint, types and the tests of $(FAST): two minutes'
	@echo 'make check   lint and types only'
	@echo 'make coverage  the tests of the pure folders ($(PURE)); fails where one has under $(LEAST) % of lines and branches'
	@echo 'make docs    the documentation as a site: build/docs/index.html'
	@echo 'make matrix  the tests on python3.10 to 3.13 (those on the PATH), NumPy 1.26 and 2, ROS 2 Jazzy and Kilted; again: what is left of them'
	@echo 'make lock    renew constraints/: the versions of all packages that make installs'
	@echo 'make clean   remove $(VENV) and what the demo wrote'

demo: $(READY)
	$(RUN)/neuracore_ros demo --out demo

test: check
	$(RUN)/python -m pytest $(SHARED_OUT) --durations 20

test-fast: WORKERS := 2
test-fast: check
	$(RUN)/python -m pytest -q $(SHARED_OUT) -m 'not realtime and not real_data' $(FAST_TESTS:%=test/%)

check: $(READY)
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy

coverage: $(READY)
	$(RUN)/python -m pytest -q --cov --cov-report= $(PURE_TESTS:%=test/%)
	@for folder in $(PURE); do \
		$(RUN)/coverage report --include "neuracore_ros/$$folder/*" --fail-under $(LEAST) || short+=" $$folder"; \
	done; test -z "$$short" || { echo "make: under $(LEAST) %:$$short" >&2; exit 1; }

# Fetches nothing. A warning is an error, and so is a name that links nowhere.
docs: $(READY)
	$(RUN)/sphinx-build -q -W --keep-going -n docs build/docs
	@echo 'build/docs/index.html'

pictures: $(READY)
	$(RUN)/python docs/draw.py
	$(RUN)/python docs/draw_align.py

# The newest versions that setup.py allows, for every Python and system; run the tests after it.
LOCK := uv pip compile --quiet --universal --python-version 3.10 --upgrade --no-annotate --no-header
lock: $(READY)
	$(RUN)/$(LOCK) --extra ros --extra train --extra dev --extra docs setup.py --output-file constraints/pypi.txt
	echo 'numpy<2' | $(RUN)/$(LOCK) --extra train --extra kinematics --extra dev --extra docs --constraint - setup.py --output-file constraints/sourced_ros.txt

# What was tested before is kept in build/matrix, and not tested again unless it failed.
matrix: $(READY)
	$(abspath $(RUN))/nox -s table
	$(abspath $(RUN))/nox

$(READY): setup.py pyproject.toml $(CONSTRAINTS)
	@test -n '$(PYTHON)' || { echo 'make: no Python 3.10 to 3.13 found; install one, or name it: make PYTHON=/path/to/python3.12' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: $(PYTHON) lacks the venv module: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV_OPTIONS) $(VENV)
	$(RUN)/pip install --progress-bar off --constraint $(CONSTRAINTS) --editable '.[$(EXTRAS)]'
	touch $@

clean:
	rm -rf $(VENV) .nox build/matrix demo
