# `make demo` and `make test` are all one needs; both make their own virtual environment.
#
# On Linux, PyPI's torch carries CUDA: several gigabytes. On a machine without a GPU, let pip also look at the
# index of CPU builds that PyTorch's own install page names (PIP_EXTRA_INDEX_URL=…); constraints.txt then picks
# the CPU build of the same version. Or take another backend: `make demo KERAS_BACKEND=jax`.

PYTHON ?= python3
KERAS_BACKEND ?= torch

VENV := .venv
RUN := $(VENV)/bin/python
FLOOR := .venv-floor

# On Linux the plain `tensorflow` brings what only GPUs need.
tensorflow := $(if $(filter Linux-x86_64,$(shell uname -sm | tr ' ' -)),tensorflow-cpu,tensorflow)
jax := jax
torch := torch

.PHONY: browser demo test coverage fuzz test-floor lint format types docs bench package clean

## Train a grayscale-codec sandwich for a few minutes and measure it with real JPEG files: demo/
demo: $(VENV)/.installed-$(KERAS_BACKEND)
	KERAS_BACKEND=$(KERAS_BACKEND) $(RUN) examples/grayscale_codec.py --demo --output demo

## The whole test suite on TensorFlow, JAX and PyTorch, one after the other
test: $(VENV)/.installed-dev
	$(RUN) tests/run_backends.py

## The suite on one backend, and the lines that it did not run
coverage: $(VENV)/.installed-dev
	KERAS_BACKEND=$(KERAS_BACKEND) $(RUN) -m pytest --numprocesses=auto --dist=loadfile --cov --cov-report=term

## Damaged files for five minutes: nothing but ValueError and OSError, within bounds of time and memory
fuzz: $(VENV)/.installed-dev
	$(RUN) tests/fuzz_files.py --seconds 300

## The test suite with the lowest Keras, NumPy and JAX that are supported
test-floor: $(FLOOR)/.installed
	KERAS_BACKEND=jax $(FLOOR)/bin/python -m pytest

## ONNX Runtime Web, with which the page of `keras-sandwich web` runs; its tests, in a Chromium that is found, look for it here
browser: node_modules/onnxruntime-web

node_modules/onnxruntime-web:
	npm install --prefix . --no-save --no-package-lock --no-audit --no-fund --ignore-scripts onnxruntime-web@1.30.0

lint: $(VENV)/.installed-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

format: $(VENV)/.installed-dev
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

types: $(VENV)/.installed-dev
	$(RUN) -m mypy

docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict

bench: $(VENV)/.installed-$(KERAS_BACKEND)
	KERAS_BACKEND=$(KERAS_BACKEND) $(RUN) -m benchmarks

## A wheel and an sdist in dist/
package: $(VENV)/.installed-dev
	rm -rf dist
	$(RUN) -m build
	$(RUN) -m twine check --strict dist/*

clean:
	rm -rf $(VENV) $(FLOOR) dist site

$(RUN):
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install -qq --upgrade pip

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(RUN)
	@echo "Installing keras-sandwich with all three backends and its tools into $(VENV) …"
	$(RUN) -m pip install -qq -c constraints.txt -e ".[docs,test]" $(tensorflow) $(jax) $(torch)
	touch $@

$(VENV)/.installed-%: pyproject.toml constraints.txt | $(RUN)
	@echo "Installing keras-sandwich with $* into $(VENV) …"
	$(RUN) -m pip install -qq -c constraints.txt -e ".[codecs,plots]" $($*)
	touch $@

$(FLOOR)/.installed: pyproject.toml constraints-floor.txt
	$(PYTHON) -m venv $(FLOOR)
	$(FLOOR)/bin/python -m pip install -qq --upgrade pip
	$(FLOOR)/bin/python -m pip install -qq -c constraints-floor.txt -e ".[codecs,plots,jax]" pytest
	touch $@
