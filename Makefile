# All set-up happens here: `make demo` and `make test` each work alone in a fresh clone.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
LECTURE = samples/lecture

.PHONY: demo lab notebooks test lint docs pages screenshots bench bench-decrypt compare fuzz sweep exercises record record-logins record-tls clean

$(VENV)/.package: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.dev: $(VENV)/.package
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

$(VENV)/.lab: $(VENV)/.package
	$(BIN)/python -m pip install --quiet --editable '.[lab]'
	touch $@

demo: $(VENV)/.package  ## the answers for the lecture's captures
	@for capture in post https smtp-client starttls; do \
	  echo; echo "\$$ pcapkit $(LECTURE)/$$capture.pcap"; $(BIN)/pcapkit $(LECTURE)/$$capture.pcap || exit 1; done
	@mkdir -p build && $(BIN)/pcapkit report $(LECTURE)/post.pcap --html build/post-report.html
	@echo; echo "To see what was typed: $(BIN)/pcapkit forms $(LECTURE)/post.pcap --show-secrets"

lab: $(VENV)/.lab  ## JupyterLab with the notebooks
	$(BIN)/jupyter lab --notebook-dir=notebooks $(LAB)

notebooks: $(VENV)/.dev  ## run the notebooks again and keep what they say
	$(BIN)/python tests/kernels.py

test: $(VENV)/.dev  ## all tests; what needs tshark, tcpdump or the corpus is skipped, visibly, where they are absent
	$(BIN)/python -m pytest -n 2 $(TESTS)

lint: $(VENV)/.dev  ## style, types, the import contract
	$(BIN)/ruff check pcapkit tests samples docs
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.dev  ## the documentation in docs/_build/html, and the manual page docs/_build/pcapkit.1
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html; man -l docs/_build/pcapkit.1"

pages: $(VENV)/.dev  ## run what pages and README show again, and keep what it says
	$(BIN)/python -m docs.making.sessions README.md docs/*.md
	$(BIN)/python -m docs.making.examples README.md docs/*.md

screenshots: $(VENV)/.dev  ## the pictures of the README again, by Chromium; keep them in docs/images
	$(BIN)/python -m docs.making.screenshots

# tshark and tcpflow are measured as the distribution builds them, and so is Python, where the distribution has one that will do:
# what comes from python.org, conda or a distribution is built with profile feedback, what somebody compiles seldom is.
ifeq ($(origin PYTHON),file)
bench: PYTHON = $(or $(shell /usr/bin/python3 -c "import ensurepip, sys; sys.version_info >= (3, 11) and print(sys.executable)" 2>/dev/null),python3)
bench: VENV = .venv-bench
endif
bench:  ## speed and memory beside tshark and tcpflow; keep the result in tests/bench/LEDGER.md
	@$(MAKE) --no-print-directory PYTHON=$(PYTHON) VENV=$(VENV) $(VENV)/.package
	$(BIN)/python tests/bench/bench.py

bench-decrypt: $(VENV)/.dev  ## how fast TLS is decrypted, beside tshark; keep the result in tests/bench/LEDGER.md
	$(BIN)/python tests/bench/decrypt.py

compare: $(VENV)/.dev  ## two captures of 100 MB compared, with the truth; keep the result in tests/bench/COMPARE.md
	$(BIN)/python tests/bench/compare.py

fuzz: $(VENV)/.dev  ## 200,000 hostile inputs for each dissector; keep the result in tests/fuzz/LEDGER.md
	$(BIN)/python tests/fuzz/fuzz.py

sweep: $(VENV)/.dev  ## every sample cut at every byte; keep the result in tests/fuzz/LEDGER.md
	$(BIN)/python tests/fuzz/sweep.py

exercises: $(VENV)/.dev  ## all exercises for a class of forty, each answer proven by tshark; keep the result in tests/exercises/LEDGER.md
	$(BIN)/python tests/exercises/every.py

record: $(VENV)/.dev  ## record samples/vantage again: as root, on Debian, with the packages that it names
	$(BIN)/python -m samples.vantage.record

record-logins: $(VENV)/.dev  ## record samples/http and samples/logins again, in the same way
	$(BIN)/python -m samples.http.record
	$(BIN)/python -m samples.logins.record

record-tls: $(VENV)/.dev  ## record samples/tls and samples/dtls again; needs tlslite-ng and what their makers name
	$(BIN)/python -m pip install --quiet tlslite-ng
	$(BIN)/python -m samples.tls.record
	$(BIN)/python -m samples.dtls.record

clean:
	rm -rf .venv* dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache docs/_build docs/made
