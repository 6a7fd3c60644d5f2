# Each target makes what it needs: a fresh machine has Python 3.11+, and for the real broker Java 17+ and Maven.
PYTHON ?= python3
BIN := .venv/bin
SHELL := bash

PYTEST = $(BIN)/python -m pytest --durations=25
WORKERS = -n 2 --dist loadfile
# A file's tests stay together: what they share is made once.
REST = (slow or (broker and not smoke)) and not long and not deploy
# All that `make test` leaves out, but for what has a target of its own.
KERNELS = Haswell Nehalem
# Of OpenBLAS, which has one for each family of processors; these two run on any with AVX2.

.PHONY: demo lint quick rest test test-all test-rest test-simulator kills ladder quality storm bench fuzz soak deploy-test audit gpu bundle tokens docs docs-links docs-picture wheel clean

PERIOD ?= 1
demo: .venv/installed ## the whole story in one terminal, with an embedded broker; PERIOD=15: records of 15 minutes
	$(BIN)/python -m trainer.demo --period $(PERIOD)

test: .venv/installed ## lint, types, the quick tests, and a smoke test on a real Apache Kafka: five minutes
	@time $(MAKE) --no-print-directory lint quick

test-all: test test-rest ## everything that CI holds

test-rest: .venv/installed ## what `make test` leaves out: service, broker, training, storm; properties in full; bits
	@time $(MAKE) --no-print-directory rest

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

quick: .venv/installed
	$(PYTEST) $(WORKERS)

rest: .venv/installed
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs build/docs
	$(PYTEST) $(WORKERS) -m "$(REST)" --hypothesis-profile=full
	$(PYTEST) $(WORKERS) -m "hypothesis and not ($(REST))" --hypothesis-profile=full
	set -e; for kernel in $(KERNELS); do OPENBLAS_CORETYPE=$$kernel $(PYTEST) -m "bitwise and not long"; done

test-simulator: .venv/installed ## the long checks of the simulated network, and its statistics beside their bands
	$(BIN)/python -m pytest -m long tests/simulator
	$(BIN)/python -m benchmarks.acceptance

ladder: .venv/installed ## how hard its faults are to tell apart, for methods that learn nothing
	$(BIN)/python -m benchmarks.ladder

quality: .venv/installed ## how well a fault that was never trained on is named from one example
	$(BIN)/python -m benchmarks.quality

storm: .venv/installed ## everything that can befall the daemon, and each time the alarms of a run that nothing befell
	$(BIN)/python -m tests.storm

kills: .venv/installed ## verbs killed, or their disk filled, at 50 random moments: half an hour; KILLS_SEED plays one again
	FAULTLINE_KILLS=50 FAULTLINE_KILLS_SEED=$(KILLS_SEED) $(BIN)/python -m pytest -s -m "" tests/output/test_kills.py

bench: .venv/installed ## what the road costs over merely reading and decoding
	$(BIN)/python -m benchmarks.bench

fuzz: .venv/installed ## ten minutes of malformed input through every door: no stack, no undocumented exit code
	$(BIN)/python -m tests.fuzz

soak: .venv/installed ## a daemon left alone for half an hour: memory, threads, files and latency are flat
	$(BIN)/python -m benchmarks.soak

deploy-test: .venv/installed ## deploy/ held against the program, and a real Prometheus that sees each alert fire
	$(BIN)/python -m tests.deploy

audit: .venv/installed build/audit/bin/pip-audit ## the pinned versions held against PyPI's advisories, and how many could not be
	$(BIN)/python -m benchmarks.audit build/audit/bin/pip-audit

build/audit/bin/pip-audit: ## in an environment of its own: it is no part of ours
	$(PYTHON) -m venv build/audit
	build/audit/bin/pip install --quiet 'pip-audit >=2.9, <3'

gpu: .venv/installed ## where there is a GPU: the same embeddings as on a CPU, and how fast
	$(BIN)/python -m benchmarks.gpu

bundle: .venv/installed ## the encoder that is shipped, trained anew from nothing but its seed
	$(BIN)/python -m trainer train --out build/bundle --classes 16000 --each 4 --steps 27000
	$(BIN)/python -m trainer.pretrained.shipped build/bundle

tokens: .venv/installed ## what the shared encoder brings along, learned anew: ten minutes, hardly ever needed
	$(BIN)/python -m trainer.pretrained.tokens

wheel: .venv/installed ## wheel and source archive of faultline-ran, in build/dist
	rm -rf build/dist
	$(BIN)/python -m build --outdir build/dist .

.venv/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[cpu,trainer,test,docs]'
	touch $@

docs: .venv/installed ## the documentation as HTML in build/docs; a warning is an error, and so is a broken link inside it
	$(BIN)/python docs/generate.py
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs build/docs

docs-links: .venv/installed ## the addresses of other hosts that the documentation names; needs the network
	$(BIN)/python -m sphinx -W --keep-going -q -b linkcheck docs build/docs-links

docs-picture: .venv/installed ## the picture of the README, drawn anew from the demo's simulated data
	$(BIN)/python docs/draw_story.py

clean: ## everything that can be made again
	rm -rf build .venv *.egg-info
