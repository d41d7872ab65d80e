# The verbs of the project; `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup adopt data run tune test lint bench-quality bench-train bench-gpipe bench-warm-start bench-drift bench-tflite bench-serving bench-connections bench-batch bench-beam fuzz-serving bench serve report open replay schedule check-cron test-prism test-flink test-spark test-image test-android test-runtimes test-crash test-hostile test-parts android-model coverage mutants bench-poisoning bench-tables licences sbom audit

# The problem that the verbs are about: a folder in data/.
PROBLEM ?= flights
OF_PROBLEM := --problem data/$(PROBLEM)
SPANS := data/$(PROBLEM)/spans/.built
# What verbs about a problem need first: its rows. Where ARGS name another problem, nobody's are built.
DATA := $(if $(findstring --problem,$(ARGS)),,data)

UV := $(shell command -v uv || echo .tools/bin/uv)
PYTHON := .venv/bin/python
# The environment with the peers of `bench-quality` beside all else.
QUALITY := .venv-quality
# Tests in as many processes as there are processors, each with a file at a time, in the order of their names.
PYTEST := -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

help: ## list the verbs for every day
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'
	@echo "  make help-all         list all of them. PROBLEM=<name> takes another folder of data/ than flights"

help-all: #: list all verbs
	@grep -hE '^[a-z-]+:.*#[#:] ' $(MAKEFILE_LIST) | awk -F ':.*#[#:] ' '{printf "  make %-18s %s\n", $$1, $$2}'

setup: .venv/.ready ## install the locked environment, bytecode compiled

adopt: setup ## make a problem of a table (DATA=trips.csv NAME=trips ARGS="--label tipped")
	@$(PYTHON) -m pipeline.adopt $(DATA) --name $(NAME) $(ARGS)

data: $(SPANS) ## build the spans of the problem, where a program makes them

run: setup $(DATA) ## run the pipeline on the oldest span that was not run yet (ARGS="--span 2013-07")
	@$(PYTHON) -m pipeline.local_runner $(OF_PROBLEM) $(ARGS)

test: setup data ## lint, type-check, and run every test, the end-to-end runs included
	$(MAKE) --no-print-directory lint
	$(PYTHON) $(PYTEST) $(ARGS)
	@echo "The Android app was not checked: make test-android (Maven, and Debian's aapt, zipalign and apksigner)."

tune: setup $(DATA) ## search hyperparameters on one span (ARGS="--span 2013-03 --trials 20")
	@$(PYTHON) -m pipeline.tune $(OF_PROBLEM) $(ARGS)

bench: setup data #: the whole pipeline beside stock TFX components: seconds, memory, equal results (hours; ARGS="--sizes window")
	@$(PYTHON) -W ignore -m tests.benchmarks.pipeline_speed $(ARGS)

bench-quality: $(QUALITY)/.ready data #: hold the network against its strongest peers, nine months (most of it tuning: ARGS="--tuned 1" leaves out the longest)
	@TF_CPP_MIN_LOG_LEVEL=3 $(QUALITY)/bin/python -W ignore -m tests.benchmarks.model_quality $(ARGS)

bench-train: setup data #: examples per second: input pipeline, model step, both; XLA, bfloat16
	@$(PYTHON) -W ignore -m tests.benchmarks.train_speed $(ARGS)

bench-warm-start: setup data #: epochs that a start from the weights in production saves (a quarter of an hour)
	@$(PYTHON) -W ignore -m tests.benchmarks.warm_start $(ARGS)

bench-gpipe: setup #: seconds a step of pipeline parallelism against the number of micro-batches
	@$(PYTHON) -m tests.benchmarks.gpipe

bench-drift: setup data #: false alarms and power of the drift checks, on real months (a quarter of an hour)
	@mkdir -p runs/benchmarks
	@$(PYTHON) -W ignore -m tests.benchmarks.drift_power $(ARGS) 2>runs/benchmarks/drift_power.log

bench-tflite: setup $(DATA) #: size and speed of the phone's files, beside the SavedModel and LightGBM (after make run)
	@$(PYTHON) -W ignore -m tests.benchmarks.phone_speed $(OF_PROBLEM) $(ARGS)

android-model: setup ## put the newest published model into the Android app (after make run)
	@$(PYTHON) -m tflite.install $(OF_PROBLEM) $(ARGS)

test-android: setup $(DATA) #: compile, test and package the Android app without Gradle (Maven, and Debian's aapt, zipalign and apksigner)
	@$(PYTHON) -m tests.tflite.android.check $(OF_PROBLEM) $(ARGS)

test-runtimes: setup data #: the published .tflite files on seven other TensorFlow Lites from PyPI, older and newer, beside the server (after make run)
	@UV=$(UV) TF_CPP_MIN_LOG_LEVEL=3 $(PYTHON) -m pytest -q -s -p no:cacheprovider tests/tflite/on_runtimes.py $(ARGS)

serve: setup ## serve what was published like TensorFlow Serving, gRPC at 8500, REST at 8501 (ARGS="--request_log=...")
	@$(PYTHON) -m serving.local_server $(OF_PROBLEM) $(ARGS)

report: setup ## write the pages of all runs anew, from metadata and artifacts alone
	@$(PYTHON) -m pipeline.reports build $(OF_PROBLEM) $(ARGS)

open: setup ## show the pages of all runs in the browser, at http://127.0.0.1:8600
	@$(PYTHON) -m pipeline.reports open $(OF_PROBLEM) $(ARGS)

bench-serving: setup data #: the local server under open-loop load, beside calls in process (a quarter of an hour, after make run)
	@$(PYTHON) -W ignore -m tests.benchmarks.serving_load $(ARGS)

bench-connections: setup data #: the local server with 1 to 200 connections: goodput at 50 and 200 beside the best (ten minutes, after make run)
	@$(PYTHON) -W ignore -m tests.benchmarks.serving_connections $(ARGS)

bench-batch: setup data #: rows a second of batch scoring, beside the server's (after make run)
	@$(PYTHON) -W ignore -m tests.benchmarks.batch_speed $(ARGS)

bench-beam: setup data #: rows a second and memory of the first Beam nodes at 1, 4 and 16 windows (an hour; ARGS="--engines local flink")
	@$(PYTHON) -W ignore -m tests.benchmarks.beam_growth $(ARGS)

test-flink: setup data #: the Beam nodes on Flink's embedded cluster, beside the local runner (Java, Maven; ten minutes)
test-spark: setup data #: the same on Spark (Java, Maven; five minutes)
test-prism: setup data #: the same on Beam's own portable runner (Go; six minutes)
test-flink test-spark test-prism:
	$(PYTHON) -m pytest -x --show-capture=no tests/beam/on_engines.py -k $(@:test-%=%) $(ARGS)

test-image: setup data #: build the container images and run what they hold (root and buildah; ARGS=--stand-ins without Docker Hub)
	@$(PYTHON) -m tests.containers.image_check $(ARGS)

fuzz-serving: setup #: ten minutes of random and broken requests to the local server's REST API (after make run)
	@$(PYTHON) -m tests.serving.fuzz $(ARGS)

replay: setup $(DATA) ## play the spans one by one under three retraining policies (half an hour)
	@$(PYTHON) -m pipeline.replay $(OF_PROBLEM) $(ARGS)

schedule: setup ## print the crontab line of the retraining tick (ARGS=--install, ARGS=--remove)
	@$(PYTHON) -m pipeline.schedule $(OF_PROBLEM) $(ARGS)

check-cron: setup data #: have a real cron daemon run a tick (needs root and Debian's cron)
	@$(PYTHON) -m tests.e2e.cron_check

test-crash: setup data #: kill a run at random moments in every node, and hold the next one's result against an undisturbed one (an hour)
	@$(PYTHON) -W ignore -m tests.e2e.crash_matrix $(ARGS)

test-hostile: setup data #: hostile and broken data through the components and the pipeline, memory and time bounded (two minutes)
	$(PYTHON) -m pytest -s tests/data/hostile.py $(ARGS)

test-parts: setup data #: leave out phones, Kubeflow, server and reports in copies: a run, and the tests that are left (two hours)
	@$(PYTHON) -m tests.e2e.parts_check $(ARGS)

coverage: setup data #: every test, with the branches that they take (longer than make test; the report fails below 93 %)
	$(PYTHON) -m coverage erase
	$(PYTHON) -m coverage run $(PYTEST) $(ARGS)
	$(PYTHON) -m coverage combine --quiet
	$(PYTHON) -m coverage report

mutants: setup #: change what decides what is published, one thing at a time: which changes do the tests notice? (half an hour)
	@rm -rf mutants
	@$(PYTHON) -m mutmut run
	@$(PYTHON) -m mutmut results

bench-poisoning: setup data #: what each gate catches when labels or features of the newest month are poisoned (a quarter of an hour)
	@$(PYTHON) -W ignore -m tests.benchmarks.poisoning $(ARGS)

bench-tables: setup #: real tables of PyPI and npm from the file to a published model, beside LightGBM (an hour, npm; ARGS="--tables taxi")
	@UV=$(UV) $(PYTHON) -W ignore -m tests.benchmarks.real_tables $(ARGS)

licences: setup #: the licence of each locked package, held against the policy
	@$(PYTHON) -m tests.supply_chain.licences

sbom: setup #: the bill of materials of what an image holds, to runs/sbom.cdx.json (CycloneDX)
	@$(PYTHON) -m tests.supply_chain.sbom $(ARGS)

audit: setup #: ask OSV for known vulnerabilities of all that is locked (needs the network)
	@$(UV) audit --locked --preview-features=audit-command $(ARGS)

lint: setup ## ruff, mypy and the import rules
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

# uv from PyPI when the machine has none.
.tools/bin/uv:
	@python3.11 -m venv .tools
	@.tools/bin/pip install --quiet --require-hashes -r .ci/uv.txt

.venv/.ready: pyproject.toml uv.lock .ci/sql_util/pyproject.toml | $(UV)
	@echo "Installing the locked environment and compiling its bytecode: a minute or two, 3.5 GB."
	@$(UV) sync --locked --quiet
	@touch $@

$(QUALITY)/.ready: pyproject.toml uv.lock .ci/sql_util/pyproject.toml | $(UV)
	@echo "Installing the locked environment with the peers of the network into $(QUALITY): a minute or two, 4.5 GB."
	@UV_PROJECT_ENVIRONMENT=$(QUALITY) $(UV) sync --locked --quiet --group quality
	@touch $@

# After an edit of the program that makes them, the spans are made again. Without its marks they are somebody's own, and left alone.
$(SPANS): $(wildcard data/$(PROBLEM)/build.py) | setup
	@if [ -z "$<" ]; then exit 0; \
	elif [ -n "$(wildcard $(@D)/*)" ] && [ -z "$(wildcard $(@D)/.buil*)" ]; then \
	  echo "$(@D) holds rows that $< did not write: they are left alone, and it is not run."; \
	else mkdir -p $(@D) && touch $(@D)/.building && $(PYTHON) -m data.$(PROBLEM).build && mv $(@D)/.building $@; fi
