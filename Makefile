# make demo   the main job, on real photographs
# make test   all tests but those that take minutes
# make test-pythons   the tests but the networks', with each of PYTHONS; no torch is installed
# make test-slow   those: every weight file held to its manifest on the images in DATA
# make fuzz   12,000 damaged files, and arguments of all kinds, for what breaks
# make lint   ruff and mypy
# make docs   these pages, docs/_build/html
# make bench  conformance, speed and start-up, beside other programs
# make bench-docs   every benchmark on the images in DATA, kept in bench/results, and docs/results.md
# make ablations    variants of the networks, trained alike on the images in DATA and compared
# make bench-page   the figures in the documentation, from what bench/results holds
# Each makes .venv from the pinned versions if there is none.

PYTHON ?= python3
PYTHONS ?= python3.10 python3.12 python3.13
VENV := .venv
BIN := $(VENV)/bin
BENCH := $(BIN)/python -m bench
DATA ?= ../shared/data
SET14 := $(DATA)/sr_dev/set14
OXFORD_AFFINE := $(DATA)/pairs/oxford_affine
RESULTS := bench/results
# Those that have weights.
NETWORKS_X2 := srcnn-x2,srgan-x2,vdsr-x2,edsr-x2-half,method1-x2-half,method2-x2-half
NETWORKS_X4 := srcnn-x4,srgan-x4,vdsr-x4,edsr-x4-half,method1-x4-half,method2-x4-half
METHOD3_X2 := method3-x2-tiny,method3-x2,method3-x2-large,method3-x2-real
METHOD3_X4 := method3-x4-tiny,method3-x4,method3-x4-large,method3-x4-real
SPOILT := jpeg60,jpeg30,noise5,noise15,defocus,motion,lowlight
# What `test` of pyproject.toml names, without torch and what needs it.
ENGINE_EXTRAS := all,faiss,opencv,colmap,raster,docs,ray,demo
ENGINE_PACKAGES := hypothesis jinja2 jsonschema onnx onnxruntime onnxscript pytest safetensors \
	scipy selenium tensorboard
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-pythons test-slow fuzz lint docs bench bench-docs bench-page ablations clean

demo: $(VENV)/installed
	$(BIN)/python -m bench demo

test: $(VENV)/installed
	$(BIN)/python -m pytest -q

test-pythons:
	set -e; for python in $(PYTHONS); do \
		venv=.venv-$$(basename $$python); \
		test -x $$venv/bin/python || $$python -m venv $$venv; \
		$$venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
			--editable ".[$(ENGINE_EXTRAS)]" $(ENGINE_PACKAGES); \
		$$venv/bin/python -m pytest -q; \
	done

test-slow: $(VENV)/installed
	SIFTCORE_TRAINING_IMAGES=$(DATA)/train $(BIN)/python -m pytest -q -m slow

fuzz: $(VENV)/installed
	SIFTCORE_FUZZ_CASES=500 $(BIN)/python -m pytest -q tests/fuzz/test_arguments.py
	$(BIN)/python -m tests.fuzz --cases 12000

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/installed
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html

bench: $(VENV)/installed-peers
	$(BENCH) conformance
	$(BENCH) speed
	$(BENCH) startup

# cost reads what preservation wrote.
bench-docs: $(VENV)/installed-peers
	$(BENCH) conformance --json $(RESULTS)/conformance.json
	$(BENCH) speed --sizes 640x480,1920x1080,3840x2160 --runs 5 --large 20000 \
		--descriptors 1000,2000,8000,20000,100000 --json $(RESULTS)/speed.json
	$(BENCH) startup --runs 5 --json $(RESULTS)/startup.json
	$(BENCH) runtimes --json $(RESULTS)/runtimes.json
	$(BENCH) demo --json $(RESULTS)/demo.json
	$(BENCH) soak --extractions 2000 --json $(RESULTS)/soak.json
	$(BENCH) psnr --data $(SET14) --scale 2 --providers bicubic-x2,$(NETWORKS_X2),$(METHOD3_X2) \
		--json $(RESULTS)/psnr-x2.json
	$(BENCH) psnr --data $(SET14) --scale 4 --providers bicubic-x4,$(NETWORKS_X4),$(METHOD3_X4) \
		--json $(RESULTS)/psnr-x4.json
	$(BENCH) spectrum --data $(SET14) --scale 2 --providers bicubic-x2,srgan-x2,method3-x2 \
		--json $(RESULTS)/spectrum.json
	$(BENCH) matching --data $(OXFORD_AFFINE) --scale 2 --limit 8 \
		--providers bicubic-x2,srgan-x2,method3-x2 --json $(RESULTS)/matching-x2.json
	$(BENCH) matching --data $(OXFORD_AFFINE) --scale 4 --limit 8 \
		--providers bicubic-x4,srgan-x4,method3-x4 --json $(RESULTS)/matching-x4.json
	$(BENCH) preservation --data $(OXFORD_AFFINE) --scale 2 \
		--providers dog,bicubic-x2,$(NETWORKS_X2),$(METHOD3_X2) --json $(RESULTS)/preservation-x2.json
	$(BENCH) preservation --data $(OXFORD_AFFINE) --scale 4 \
		--providers dog,bicubic-x4,$(NETWORKS_X4),$(METHOD3_X4) --json $(RESULTS)/preservation-x4.json
	$(BENCH) preservation --data $(OXFORD_AFFINE) --scale 2 --budgets 1000 --scenes 4 \
		--providers dog,bicubic-x2,method3-x2,method3-x2-real --degradations $(SPOILT) \
		--json $(RESULTS)/preservation-x2-spoilt.json
	$(BENCH) preservation --data $(OXFORD_AFFINE) --scale 4 --budgets 1000 --scenes 4 \
		--providers dog,bicubic-x4,method3-x4,method3-x4-real --degradations $(SPOILT) \
		--json $(RESULTS)/preservation-x4-spoilt.json
	$(BENCH) preservation --data $(OXFORD_AFFINE) --scale 2 --providers opencv,opencv@bicubic-x2 \
		--reference opencv --budgets 1000 --json $(RESULTS)/preservation-x2-opencv.json
	$(BENCH) preservation --data $(OXFORD_AFFINE) --scale 4 --providers opencv,opencv@bicubic-x4 \
		--reference opencv --budgets 1000 --json $(RESULTS)/preservation-x4-opencv.json
	$(BENCH) repeatability --data $(OXFORD_AFFINE) --json $(RESULTS)/repeatability.json
	$(BENCH) warps --data $(DATA)/train/photos --json $(RESULTS)/warps.json
	$(BENCH) reconstruction --data $(DATA)/pairs/sacre_coeur --json $(RESULTS)/reconstruction.json
	$(BENCH) retrieval --data $(DATA)/pairs --distractors $(DATA)/train/photos --full dog --timed 3 \
		--json $(RESULTS)/retrieval.json
	$(BENCH) batches --json $(RESULTS)/batches.json
	$(BENCH) cost --results $(RESULTS) --json $(RESULTS)/cost.json --providers \
		dog,bicubic-x2,bicubic-x4,$(NETWORKS_X2),$(METHOD3_X2),$(METHOD3_X4) --runs 3
	$(BENCH) curves --data docs/training/curves --out docs/images/training.png
	$(BENCH) results-page
	$(BENCH) retrieval-page
	$(BENCH) scaling-page

# An hour of training on a CPU; interrupted, it goes on where it was.
ablations: $(VENV)/installed-peers
	$(BENCH) ablations --data $(DATA)/train --images $(SET14) --pairs $(OXFORD_AFFINE) \
		--runs runs/ablations --json $(RESULTS)/ablations.json

bench-page: $(VENV)/installed-peers
	$(BENCH) results-page
	$(BENCH) retrieval-page
	$(BENCH) scaling-page

# torch alone and first: beside other packages pip may choose a build of several gigabytes.
$(VENV)/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) torch
	$(PIP_INSTALL) --editable ".[dev]"
	$(BIN)/siftcore warmup
	touch $@

$(VENV)/installed-peers: $(VENV)/installed
	$(PIP_INSTALL) --editable ".[bench]"
	touch $@

clean:
	rm -rf $(VENV) build dist demo *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
