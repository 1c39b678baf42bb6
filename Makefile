# Everything that is done with Towline; `make` alone lists it. PHP and PHP_CONFIG, absolute paths, choose another PHP.

PREFIX ?= /usr/local
DESTDIR ?=
CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help setup build extension clib demo test test-matrix bench install install-php clean

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

demo: ## Run scripts through a private php-fpm and commands in a container, and print what they answer
	@scripts/setup --demo
	@$(MAKE) --no-print-directory extension
	@scripts/demo

test: ## Run all tests (installs what they need, as setup does)
	@scripts/setup --test
	@$(MAKE) --no-print-directory build
	@scripts/test

test-matrix: ## Run the tests of Docker against the Engine of Debian trixie (needs root; fetches it the first time)
	@scripts/setup --test-matrix
	@$(MAKE) --no-print-directory build
	@TOWLINE_ENGINE_ROOT="$$(scripts/engine-trixie)" && export TOWLINE_ENGINE_ROOT && scripts/test --docker

bench: setup build ## Measure, in ratios against a floor program
	@benches/run

install: modules/towline.so $(TARGET)/release/libtowline.so ## Install under PREFIX: C library, header, towline.pc, bin/towline with its extension
	scripts/install-c $(PREFIX) $(TARGET)/release
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/towline/tool
	install -m 755 bin/towline $(DESTDIR)$(PREFIX)/bin/towline
	install -m 644 bin/tool/*.php $(DESTDIR)$(PREFIX)/lib/towline/tool/
	install -m 755 modules/towline.so $(DESTDIR)$(PREFIX)/lib/towline/towline.so

install-php: modules/towline.so ## Install the extension where this PHP looks for extensions
	install -d $(DESTDIR)$$($${PHP_CONFIG:-php-config} --extension-dir)
	install -m 755 modules/towline.so $(DESTDIR)$$($${PHP_CONFIG:-php-config} --extension-dir)/towline.so
	@echo "Now add this line to php.ini or a file that it includes: extension=towline"

# Installing, often done as another user, builds nothing.
modules/towline.so $(TARGET)/release/libtowline.so:
	@echo "$@ is missing; first run: make build" >&2; exit 1

clean: ## Remove what was built
	$(CARGO) clean --quiet
	rm -rf $(TARGET)/php modules build
