# Everything a person or CI does with this repository. `make help` lists it.

SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
LOCAL := $(PYTHON) -B infra/local/local.py
# without make's job server, which would have several of them share two jobs
CARGO := env -u MAKEFLAGS -u MFLAGS cargo
# from infra/functions.json
FUNCTIONS = $(or $(shell $(LOCAL) functions),$(error infra/functions.json cannot be read))
# a stack of its own, beside one that `make up` started
E2E_PORT_BASE ?= 4590
# they wait more than they work
E2E_THREADS ?= 12
# how the functions under the end-to-end tests are optimised: not at all, or as in `release` or `deploy`
export E2E_PROFILE ?= e2e

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build what the local run needs: all functions as one program, the stubs and ctl
	@echo 'building the local run: 4 minutes with nothing built before, on two cores'
	$(CARGO) build --locked -p local-functions -p ctl -p local-stubs

# apart from the tools, so that no feature they switch on in a library gets into a function
.PHONY: functions
functions:
	$(CARGO) build --profile $(or $(PROFILE),release) --locked $(addprefix -p ,$(FUNCTIONS))

.PHONY: demo
demo: build ## Run a sample of each flow and a statement run through a stack of their own, and show the documents
	$(LOCAL) demo

.PHONY: up
up: build ## Start the local stack, or deploy again into the one that runs
	$(LOCAL) up

.PHONY: down
down: ## End the local stack
	$(LOCAL) down

.PHONY: status
status: ## Say what runs locally and where
	$(LOCAL) status

.PHONY: test
test: lint ## Run every check and every test
	@echo 'building and running the unit tests, beside them what needs one core: 15 minutes with nothing built before,'
	@echo 'on two cores; what each says follows when it has ended'
	$(MAKE) -j2 --output-sync=target unit tools cdk terraform app functions PROFILE=$(E2E_PROFILE)
	$(CARGO) build --locked --workspace --all-targets
	$(MAKE) -j2 --output-sync=target BUILT=1 e2e drill

.PHONY: unit
unit: ## Run the tests that need no stack
	$(LOCAL) install
	$(CARGO) test --locked --workspace --lib --bins --test it
	$(CARGO) test --locked --workspace --doc

.PHONY: tools
tools: ## Test the Python tools of the local run and of packaging
	$(LOCAL) install
	$(PYTHON) -B -m unittest discover -s infra/local

.PHONY: cdk
cdk: ## Check and test the infrastructure
	$(LOCAL) install
	cd infra/cdk && npm run --silent check && npm test --silent

# with the program `terraform` on the path it is asked too; without it the tests say that they skip that
.PHONY: terraform
terraform: ## Check the Terraform module, and that it deploys what the CDK app does
	$(LOCAL) install
	.local/.terraform-venv/bin/python -B -m unittest discover -s infra/terraform/check

.PHONY: app
app: ## Check and test the Shopify app
	$(LOCAL) install
	cd infra/shopify-app && npm run --silent check && npm test --silent

# these two have stacks of their own; the stack goes whatever becomes of the tests
.PHONY: e2e
e2e: ## Run the end-to-end tests against a stack of their own
	$(MAKE) functions PROFILE=$(E2E_PROFILE)
# the whole workspace, as for the other tests: another choice of crates would build the libraries again
	$(CARGO) build --locked --workspace --all-targets
	$(LOCAL) package
	@trap '$(LOCAL) down --name e2e' EXIT; \
	$(LOCAL) up --as-deployed --record --name e2e --port-base $(E2E_PORT_BASE) && \
	$(LOCAL) exec --name e2e -- env RUST_TEST_THREADS=$(E2E_THREADS) $(CARGO) test --locked --workspace --test e2e && \
	$(LOCAL) rights --name e2e

.PHONY: drill
drill: $(if $(BUILT),,build) ## Lose both stacks and the tables of a local deployment, restore, adopt and compare them
	$(LOCAL) drill

# ARCHITECTURES: arm64, x86_64 or both
.PHONY: package
package: ## Build the zips that are deployed, for arm64 and x86_64, with hashes and SBOM; the same bytes each time
	rustup target add aarch64-unknown-linux-gnu x86_64-unknown-linux-gnu
	$(LOCAL) packages $(ARCHITECTURES)

# BENCH: options, such as --rounds 3, --only intake, --json FILE; --update writes the counts `ctl cost` uses
# BENCH_SEAL: options, such as --leaves 100000, --kill-after 20
.PHONY: bench
bench: functions ## Measure the functions and the bulk reader, and check the budgets
	$(LOCAL) install
	$(CARGO) build --release --locked -p bench
	target/release/bench measure $(BENCH)
	target/release/bench seal $(BENCH_SEAL)
	$(CARGO) bench --locked -p bulk-reader

# SOAK: options, such as --seed 7 --events 2000 --minutes 1
.PHONY: soak
soak: functions ## Send 20,000 events through the functions while everything fails now and then, and check each promise
	$(LOCAL) install
	$(CARGO) build --release --locked -p bench
	target/release/bench soak $(SOAK)

# SIMULATE: options, such as --seed 2, --only night
.PHONY: simulate
simulate: ## Simulate a day and a night at scale, and check what docs/performance.md says of them
	$(CARGO) build --release --locked -p simulation
	target/release/simulation $(SIMULATE)

.PHONY: fmt
fmt: ## Format the Rust code
	$(CARGO) fmt --all

.PHONY: lint
lint: audit ## Check formatting, lints, the links of doc comments, and dependencies
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --workspace --no-deps --document-private-items

.PHONY: audit
audit: ## Check what the project is built from: vulnerabilities, licences, bans, sources
	$(LOCAL) audit

.PHONY: clean
clean: ## End every local stack and delete all that was built or installed
	$(LOCAL) down --all
	$(CARGO) clean
	rm -rf .local infra/cdk/node_modules infra/cdk/cdk.out infra/shopify-app/node_modules tests/browser/node_modules
