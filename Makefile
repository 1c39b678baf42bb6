# Everything that is done with Towline; `make` alone lists it. PHP and PHP_CONFIG, absolute paths, choose another PHP.

PREFIX ?= /usr/local
DESTDIR ?=
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help setup build extension clib demo demo-stop test test-matrix bench install install-php clean

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

setup: ## Install what is needed to build and test (Debian: with apt-get; elsewhere it says what)
	@scripts/setup

build: extension clib ## Build modules/towline.so (PHP) and the C libraries

# Two feature sets, two folders: sharing one would have each rebuild the other's crates.
extension:
	$(CARGO) build --locked --release --no-default-features --features php --target-dir $(TARGET)/php
	@mkdir -p modules
	@# Replaced in one step: a running PHP may have the old file mapped.
	@cmp -s $(TARGET)/php/release/libtowline.so modules/towline.so || { \
	    cp $(TARGET)/php/release/libtowline.so modules/.towline.so && mv -f modules/.towline.so modules/towline.so; }

clib:
	$(CARGO) build --locked --release --lib

terminal-page: terminal/public/index.html ## Build the page of the web terminal, terminal/public/

terminal/public/index.html: terminal/build.mjs $(wildcard terminal/page/*) terminal/node_modules/.package-lock.json
	@cd terminal && npm run --silent build

# npm writes this file last.
terminal/node_modules/.package-lock.json: terminal/package.json terminal/package-lock.json terminal/.npmrc
	@scripts/setup --page
	@cd terminal && npm ci --no-fund --no-audit --loglevel=error
	@touch $@

demo: ## Scripts through a private php-fpm, commands in a container, and a terminal in it for your browser
	@scripts/setup --demo
	@$(MAKE) --no-print-directory extension terminal-page
	@scripts/demo

demo-stop: ## End the demo whose terminal is open, and remove what it made
	@scripts/demo stop

test: ## Run all tests (installs what they need, as setup does)
	@scripts/setup --test
	@$(MAKE) --no-print-directory build terminal-page
	@scripts/test

test-browser: setup ## Run the tests of the web terminal in a real Chromium
	@scripts/setup --test
	@$(MAKE) --no-print-directory extension terminal-page
	@scripts/test-browser

test-matrix: ## Run the tests of Docker against the Engine of Debian trixie (needs root; fetches it the first time)
	@scripts/setup --test-matrix
	@$(MAKE) --no-print-directory build
	@TOWLINE_ENGINE_ROOT="$$(scripts/engine-trixie)" && export TOWLINE_ENGINE_ROOT && scripts/test --docker

bench: ## Measure, in ratios against a floor program; and Ctrl-C in a flood, in a real Chromium
	@scripts/setup --test
	@$(MAKE) --no-print-directory build terminal-page
	@code=0; for part in run docker_run terminal_run; do benches/$$part || code=1; done; \
	    TOWLINE_BENCH=1 scripts/test-browser flood.test.mjs || code=1; exit $$code

install: modules/towline.so $(TARGET)/release/libtowline.so ## Install under PREFIX: C library, header, towline.pc, bin/towline with its extension
	scripts/install-c $(PREFIX) $(TARGET)/release
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/towline/tool
	install -m 755 bin/towline $(DESTDIR)$(PREFIX)/bin/towline
	install -m 644 bin/tool/*.php $(DESTDIR)$(PREFIX)/lib/towline/tool/
	install -m 755 modules/towline.so $(DESTDIR)$(PREFIX)/lib/towline/towline.so
	@# The page is built with npm, which not everybody has.
	@if [ -f terminal/public/index.html ]; then \
	    install -d $(DESTDIR)$(PREFIX)/lib/towline/terminal/public && \
	    install -m 644 terminal/server.php $(DESTDIR)$(PREFIX)/lib/towline/terminal/ && \
	    install -m 644 terminal/public/* $(DESTDIR)$(PREFIX)/lib/towline/terminal/public/; \
	else echo "without the page of \`towline terminal\`; for that first run: make terminal-page"; fi

install-php: modules/towline.so ## Install the extension where this PHP looks for extensions
	install -d $(DESTDIR)$$($${PHP_CONFIG:-php-config} --extension-dir)
	install -m 755 modules/towline.so $(DESTDIR)$$($${PHP_CONFIG:-php-config} --extension-dir)/towline.so
	@echo "Now add this line to php.ini or a file that it includes: extension=towline"

# Installing, often done as another user, builds nothing.
modules/towline.so $(TARGET)/release/libtowline.so:
	@echo "$@ is missing; first run: make build" >&2; exit 1

clean: ## Remove what was built
	$(CARGO) clean --quiet
	rm -rf $(TARGET)/php modules build terminal/public terminal/node_modules
