# phpize's Makefile takes what lies in $(phplibdir), ./modules, for `make install` and `make test`.
towline_built = $(top_builddir)/target/$(subst dev,debug,$(TOWLINE_PROFILE))

$(phplibdir)/towline.so: towline-cargo
	for file in libtowline.so libtowline.dylib; do \
	    if test -f $(towline_built)/$$file; then cp $(towline_built)/$$file $@; fi; \
	done

# The build script of the PHP binding wants absolute paths.
.PHONY: towline-cargo
towline-cargo:
	PHP=$(PHP_EXECUTABLE) PHP_CONFIG=`command -v $(PHP_CONFIG)` $(CARGO) build --locked --profile $(TOWLINE_PROFILE) \
	    --lib --no-default-features --features php \
	    --manifest-path $(top_srcdir)/../Cargo.toml --target-dir $(top_builddir)/target
