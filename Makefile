# Two commands do everything: `make quickstart` and `make test`.
# With UV_EXTRAS='--extra llama --extra train' (5 GB, PyTorch with CUDA) the tests of training run too.
UV_EXTRAS ?= --extra llama --extra languages
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
PYTHON := .venv/bin/python
export PATH := $(HOME)/.local/bin:$(PATH)

.PHONY: docs help setup setup-training quickstart test check style types layers coverage

help:
	@echo "make quickstart   install what is missing, then run the whole loop on a real project"
	@echo "make test         style, types, layers and every test this machine can run"
	@echo "make setup        install what is missing"
	@echo "make docs         build the documents as a site, in site/"
	@echo "make setup-training   and the libraries of training, with PyTorch for the CPU"

setup:
	@./scripts/setup $(UV_EXTRAS)

setup-training: setup
	@./scripts/setup-training

quickstart: setup
	.venv/bin/journeyman quickstart

style:
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .

types:
	.venv/bin/mypy

layers:
	.venv/bin/lint-imports

check: style types layers

docs: setup
	@.venv/bin/mkdocs --version >/dev/null 2>&1 || ./scripts/setup $(UV_EXTRAS) --group docs
	.venv/bin/mkdocs build --strict --quiet

test: setup check coverage

coverage:
	rm -f .coverage .coverage.*
	.venv/bin/coverage run -m pytest -n $(JOBS) --dist worksteal -m "not gpu"
	.venv/bin/coverage combine -q
	.venv/bin/coverage report --skip-covered
