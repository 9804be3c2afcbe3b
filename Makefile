# `make audit` reads a real bias audit, `make compare` compares the debiasing methods on real data,
# `make test` runs the tests.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
DATA   ?= ../shared/data
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PIP    := $(BIN)/pip --disable-pip-version-check

# Nothing that runs here fetches anything from the Hub or reports anything to anyone.
export HF_HUB_OFFLINE = 1
export HF_EVALUATE_OFFLINE = 1
export GRADIO_ANALYTICS_ENABLED = False

.PHONY: audit compare test test-slow lint benchmarks clean

audit: $(VENV)/.installed
	$(BIN)/unskew audit unskew/mini --cross gender,age_group --out audit

compare: $(VENV)/.installed
	$(BIN)/unskew compare unskew/mini --attribute gender --data $(DATA)/utkface \
	  --out-of-domain $(DATA)/fairface540 --retrieval $(DATA)/flickr8k_subset \
	  --zero-shot $(DATA)/cifar10_subset --out compare

# One process per core and one more, since many wait for servers, each with one thread; tests of a
# file stay together, and files in their order: by size, the few long tests would come last, alone.
test: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-slow: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) install -q -c constraints.txt -e ".[demo]"
	touch $@

# open_clip's wheel carries the CLIP vocabulary that the tests of CLIP's tokenizer need; none of
# its dependencies (torchvision, timm) is wanted.
$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) install -q -c constraints.txt -e ".[demo,curate,test,dev]"
	$(PIP) install -q -c constraints.txt --no-deps open_clip_torch
	touch $@

clean:
	rm -rf $(VENV) audit compare
