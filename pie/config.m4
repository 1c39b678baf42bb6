dnl phpize && ./configure && make && make install: cargo does the work, and PIE needs no more than this.

PHP_ARG_ENABLE([towline],
  [whether to enable towline],
  [AS_HELP_STRING([--enable-towline], [Enable towline])],
  [yes])

PHP_ARG_ENABLE([towline-debug],
  [whether to build towline without optimisation],
  [AS_HELP_STRING([--enable-towline-debug], [Build towline without optimisation])],
  [no],
  [no])

if test "$PHP_TOWLINE" != "no"; then
  AC_PATH_PROG([CARGO], [cargo], [no], [$PATH:$HOME/.cargo/bin])
  if test "$CARGO" = "no"; then
    AC_MSG_ERROR([cargo was not found; install Rust 1.88 or newer (https://rustup.rs), and libclang (Debian: libclang-dev)])
  fi
  AC_MSG_CHECKING([for Rust 1.88 or newer])
  towline_rust=`"$CARGO" --version | cut -d' ' -f2`
  AS_VERSION_COMPARE([$towline_rust], [1.88.0],
    [AC_MSG_ERROR([Rust $towline_rust is too old; 1.88 or newer is needed (https://rustup.rs)])])
  AC_MSG_RESULT([$towline_rust])

  TOWLINE_PROFILE=release
  if test "$PHP_TOWLINE_DEBUG" != "no"; then
    TOWLINE_PROFILE=dev
  fi
  PHP_SUBST([CARGO])
  PHP_SUBST([PHP_CONFIG])
  PHP_SUBST([TOWLINE_PROFILE])
  dnl The rule for it stands in Makefile.frag.
  PHP_MODULES="$PHP_MODULES \$(phplibdir)/towline.so"
  PHP_ADD_MAKEFILE_FRAGMENT([$abs_srcdir/Makefile.frag], [$abs_srcdir], [$abs_builddir])
  PHP_ADD_BUILD_DIR([modules])
fi
