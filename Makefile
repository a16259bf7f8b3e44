.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
LOCK = $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	--python-version 3.13 --custom-compile-command "make lock"
UV = $(shell command -v uv || echo .local/tools/uv/bin/uv)
# What the Lambda runtime brings stays out of a function's package.
RUNTIME = --no-emit-package boto3 --no-emit-package botocore --no-emit-package s3transfer
FUNCTIONS := api worker relay dead_letters migrator signing_key

.PHONY: help setup run test lint format audit bench bench-peers load chaos gallery deploy-smoke lock synth diff wheel clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

setup: ## install all that is needed: uv, Python, packages, local parts
	@local/setup.sh

run: setup ## start the whole service, make a first XLSX and PDF, stay until Ctrl-C
	@$(PYTHON) -m local up

test: setup ## run every test on real parts
	$(PYTHON) -m pytest --numprocesses 2 --dist loadgroup

lint: setup ## check style, types and layers
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	PYTHONPATH=lambdas:. .venv/bin/lint-imports

format: setup ## write the code in the project's style
	.venv/bin/ruff check --fix-only .
	.venv/bin/ruff format .

audit: ## ask about known vulnerabilities of every locked package (SERVICE=osv in place of pypi)
	@local/setup.sh audit
	@.local/venvs/audit/bin/python -m tools.audit $(if $(SERVICE),--service $(SERVICE))

bench: setup ## measure the service, and the engine beside its peers; print and write tables
	@local/setup.sh benchmarks
	PYTHONPATH=lambdas:. $(PYTHON) -m benchmarks.service
	PYTHONPATH=lambdas:. $(PYTHON) -m benchmarks

bench-peers: setup ## install jsreport and Carbone and measure the engine beside them
	@tools/setup-bench.sh
	PYTHONPATH=lambdas:. $(PYTHON) -m benchmarks.peers

load: setup ## measure the service under load on platforms of its own (MINUTES=n of watching its memory, SEED=s)
	PYTHONPATH=lambdas:. $(PYTHON) -m benchmarks.load $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

chaos: setup ## break parts of a running service and judge what became of each request (FAULTS=n SEED=s MINUTES=m LONGEST=s)
	PYTHONPATH=lambdas:. $(PYTHON) -m tests.chaos.run --faults $(or $(FAULTS),50) --seed $(or $(SEED),1) \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(LONGEST),--longest $(LONGEST))

gallery: setup ## make the sample reports of docs/gallery and their pictures
	PYTHONPATH=lambdas:. $(PYTHON) -m tools.gallery

deploy-smoke: setup ## deploy environment dev to an emulator of AWS, use, change and destroy it
	@tools/setup-cdk.sh
	@PYTHONPATH=lambdas:. $(PYTHON) -m tests.smoke.run

lock: setup ## lock every dependency group anew, with hashes
	$(LOCK) --group development -o requirements/development.txt
	$(LOCK) --group synth -o requirements.txt
	$(LOCK) --group benchmarks -o requirements/benchmarks.txt
	$(LOCK) --group object-store -o requirements/object-store.txt
	$(LOCK) --group audit -o requirements/audit.txt
	$(LOCK) --no-deps --group lambda-emulator -o requirements/lambda-emulator.txt
	for name in $(FUNCTIONS); do \
		$(LOCK) $(RUNTIME) --group $$(echo $$name | tr _ -) -o requirements/$$name.txt || exit 1; done

synth: setup ## write the CloudFormation templates of ENV=dev, with the functions' code, to cdk.out
	@tools/cdk.sh synth --quiet --output cdk.out $(if $(ENV),--context env=$(ENV))

diff: setup ## compare the stacks with BASE=main, or those of ENV=dev with what is deployed
	@$(PYTHON) -m tools.diff $(if $(BASE),--base $(BASE)) $(if $(ENV),--env $(ENV)) \
		$(if $(ACK),--acknowledge "$(ACK)") $(if $(MARKDOWN),--markdown $(MARKDOWN))

wheel: setup ## build the constructs as a package in dist/
	cd constructs_lib && ../$(PYTHON) -m hatchling build -t wheel -d ../dist

clean: ## delete what was built; keeps nothing that setup can't bring back
	@if [ -x $(PYTHON) ]; then $(PYTHON) -m local down; fi
	rm -rf .venv .local cdk.out dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
