# kube-harden. `make help` lists the targets; `make run` and `make test` need nothing but Node.js and make.
SHELL := /bin/bash
.DEFAULT_GOAL := help

SOURCES := $(shell find src -name '*.ts' -o -name '*.css' -o -name '*.html' -o -name '*.svg') \
	scripts/build.js scripts/buildWeb.js tsconfig.json tsconfig.build.json package.json
KUBE_HARDEN := node dist/main.js

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## install, build, make development certificates, and serve standalone on 127.0.0.1
	@$(KUBE_HARDEN) certs --dir certs --if-missing
	@$(KUBE_HARDEN) serve --kubeconfig none \
		--admission-bind-address 127.0.0.1:8443 \
		--preview-bind-address 127.0.0.1:9443 \
		--ops-bind-address 127.0.0.1:8080

.PHONY: test
test: build ## run every test that needs neither a cluster nor root, with coverage
	@npm test --silent

.PHONY: build
build: dist/main.js ## compile src/ to dist/ and bundle the preview page

.PHONY: lint
lint: node_modules/.package-lock.json ## check types, style, import directions and format
	@npm run --silent types
	@npm run --silent lint
	@npm run --silent format:check

.PHONY: generate
generate: node_modules/.package-lock.json ## write what is generated: built-in policies, JSON Schema, heads of docs/rules
	@npm run --silent generate

.PHONY: bench
bench: build ## measure the engine beside JSON.parse
	@npm run --silent bench:engine

.PHONY: faults
faults: faults-behaviour faults-load ## overload, slow and vanishing clients, hostile input, against the real process

.PHONY: faults-behaviour
faults-behaviour: build ## those of them that measure no time, two files at a time
	@npm run --silent faults:behaviour

.PHONY: faults-load
faults-load: build ## those that do (*.load.test.ts), one after the other
	@npm run --silent faults:load

.PHONY: faults-long
faults-long: build ## the same as long and as often as it takes to be sure, held to the goals: for a quiet machine
	@npm run --silent faults:long

.PHONY: soak
soak: build ## a million mixed requests in an hour, with a graph of memory, files and event loop; KUBE_HARDEN_SOAK_MINUTES=5 takes less
	@node --import tsx/esm test/soak/run.ts

.PHONY: test-package
test-package: build ## test the npm package and the Krew plugin, installed (needs the npm registry, Go and kubectl)
	@npm run --silent test:package

.PHONY: e2e
e2e: build ## test on a real kube-apiserver, on loopback (builds it the first time: five minutes; needs Go); E2E=FILE for one file
	@node --import tsx/esm test/e2e/controlPlane/prepare.ts
	@node_modules/.bin/mocha --config test/e2e/.mocharc.json $(or $(E2E),'test/e2e/*.test.ts')

.PHONY: e2e-node
e2e-node: build ## test real programs on a real kubelet (needs root, Linux and apt-get); E2E_NODE_PROGRAMS=nginx,redis or all
	@node --import tsx/esm test/e2e/node/prepare.ts
	@unshare --mount --net --uts --ipc sh test/e2e/node/enter.sh \
		node_modules/.bin/mocha --config test/e2e/node/.mocharc.json $(or $(E2E),'test/e2e/node/*.test.ts')

.PHONY: doctor-matrix
doctor-matrix: build ## ask the doctor of every combination on a real kubelet, and write docs/doctor-matrix.md (twenty minutes); E2E_DOCTOR_ONLY=REGEX for some
	@E2E_NODE_PROGRAMS=all node --import tsx/esm test/e2e/node/prepare.ts
	@E2E_NODE_PROGRAMS=all E2E_DOCTOR_PAGE=docs/doctor-matrix.md unshare --mount --net --uts --ipc sh test/e2e/node/enter.sh \
		node_modules/.bin/mocha --config test/e2e/node/.mocharc.json test/e2e/node/doctor/matrix.test.ts

.PHONY: e2e-registry
e2e-registry: build ## test `profile` on a real registry, on loopback (Debian's docker-registry, unpacked and not installed)
	@node --import tsx/esm test/e2e/registry/prepare.ts
	@node_modules/.bin/mocha --config test/e2e/registry/.mocharc.json 'test/e2e/registry/*.test.ts'

.PHONY: chart
chart: build ## find the Helm chart equal to kustomize's output, choice by choice, and install it (builds what `make e2e` does, and helm: two minutes; needs Go)
	@node --import tsx/esm test/chart/prepare.ts
	@node --import tsx/esm test/e2e/controlPlane/prepare.ts
	@node_modules/.bin/mocha --config test/chart/.mocharc.json 'test/chart/*.test.ts' 'test/e2e/chart/*.test.ts'

.PHONY: web
web: build ## test the preview page in Chromium (CHROMIUM=FILE; Debian's /usr/bin/chromium otherwise)
	@npm run --silent test:web

.PHONY: clean
clean: ## remove what was built and installed, certificates too
	rm -rf dist dist-krew coverage node_modules .cache certs/*.crt certs/*.key

node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

dist/main.js: node_modules/.package-lock.json $(SOURCES)
	@npm run --silent build
