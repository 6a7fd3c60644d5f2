# Each target makes what it needs: a fresh machine has Python 3.11+, and for the real broker Java 17+ and Maven.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-simulator ladder quality storm bench soak deploy-test audit gpu bundle tokens wheel clean

demo: .venv/installed ## the whole story in one terminal, with an embedded broker
	$(BIN)/python -m trainer.demo

test: .venv/installed ## lint, types and tests, on a real Apache Kafka
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

test-simulator: .venv/installed ## the long checks of the simulated network, and its statistics beside their bands
	$(BIN)/python -m pytest -m long tests/simulator
	$(BIN)/python -m tests.simulator.acceptance

ladder: .venv/installed ## how hard its faults are to tell apart, for methods that learn nothing
	$(BIN)/python -m tests.ladder

quality: .venv/installed ## how well a fault that was never trained on is named from one example
	$(BIN)/python -m tests.quality

storm: .venv/installed ## everything that can befall the daemon, and each time the alarms of a run that nothing befell
	$(BIN)/python -m tests.storm

bench: .venv/installed ## what the road costs over merely reading and decoding
	$(BIN)/python -m tests.bench

soak: .venv/installed ## a daemon left alone for half an hour: memory, threads, files and latency are flat
	$(BIN)/python -m tests.soak

deploy-test: .venv/installed ## deploy/ held against the program, and a real Prometheus that sees each alert fire
	$(BIN)/python -m tests.deploy

audit: .venv/installed build/audit/bin/pip-audit ## the pinned versions held against PyPI's advisories, and how many could not be
	$(BIN)/python -m tests.audit build/audit/bin/pip-audit

build/audit/bin/pip-audit: ## in an environment of its own: it is no part of ours
	$(PYTHON) -m venv build/audit
	build/audit/bin/pip install --quiet 'pip-audit >=2.9, <3'

gpu: .venv/installed ## where there is a GPU: the same embeddings as on a CPU, and how fast
	$(BIN)/python -m tests.gpu

bundle: .venv/installed ## the encoder that is shipped, trained anew from nothing but its seed
	$(BIN)/python -m trainer train --out build/bundle --classes 16000 --each 4 --steps 27000
	$(BIN)/python -m trainer.shipped build/bundle

tokens: .venv/installed ## what the shared encoder brings along, learned anew: ten minutes, hardly ever needed
	$(BIN)/python -m trainer.tokens

wheel: .venv/installed ## wheel and source archive of faultline-ran, in build/dist
	rm -rf build/dist
	$(BIN)/python -m build --outdir build/dist .

.venv/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[cpu,trainer,test]'
	touch $@

clean: ## everything that can be made again
	rm -rf build .venv *.egg-info
