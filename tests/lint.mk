# What reads the sources without running them: make lint, make check-headers, make format.
EXTRA_DIST += .clang-tidy tests/lint.mk tests/lint-banned tests/spelling

c_places = $(top_srcdir)/connector $(top_srcdir)/formats $(top_srcdir)/tests
c_file_list = find $(c_places) $(top_srcdir)/packaging/examples -name '*.[ch]'
# The deep readers read the program; its tests are watched by compilers and sanitizers.
c_unit_list = find $(top_srcdir)/connector $(top_srcdir)/formats -name '*.c'
c_header_list = find $(c_places) -name '*.h'
shell_files = $(top_srcdir)/.ci/run $(top_srcdir)/tests/run $(top_srcdir)/tests/unpack \
	$(top_srcdir)/tests/lint-banned \
	$(top_srcdir)/packaging/quickstart $(top_srcdir)/packaging/debian/alertrelay.postinst \
	$(top_srcdir)/packaging/debian/alertrelay.postrm $(top_srcdir)/packaging/debian/alertrelay.prerm
JOBS = `nproc 2>/dev/null || echo 1`
lint_flags = -DHAVE_CONFIG_H $(DEFAULT_INCLUDES) $(AM_CPPFLAGS) $(CPPFLAGS) $(CMOCKA_CFLAGS) \
	$(MICROHTTPD_CFLAGS) $(GNUTLS_CFLAGS) -I$(top_srcdir)/tests/simulator -std=gnu11

format:
	$(c_file_list) | xargs clang-format -i

# Each header says itself all that it needs.
check-headers:
	@$(c_header_list) | sort | xargs -P $(JOBS) -I HEADER $(CC) $(lint_flags) $(WARN_CFLAGS) -Werror \
		-include config.h -fsyntax-only -x c HEADER
	@echo "check-headers: each of `$(c_header_list) | wc -l` headers compiles alone"

lint: lint-banned lint-format lint-shell lint-spelling lint-manual lint-cppcheck lint-tidy check-headers

lint-banned:
	@$(c_file_list) | sort | xargs $(top_srcdir)/tests/lint-banned

# What `make format` would change.
lint-format:
	$(c_file_list) | sort | xargs clang-format --dry-run -Werror

lint-shell:
	shellcheck -x -e SC2317 -P $(top_srcdir) $(shell_files)

lint-spelling:
	codespell --ignore-words $(top_srcdir)/tests/spelling \
		--skip '*/samples/*,*/golden/*,*/corpus/*,*.8.in,*.7.in,*/__pycache__/*,*.tmp' \
		$(top_srcdir)/connector $(top_srcdir)/formats $(top_srcdir)/tests $(top_srcdir)/packaging \
		$(top_srcdir)/README $(top_srcdir)/CONTRIBUTING $(top_srcdir)/NEWS

lint-manual: packaging/man/alertrelay.8 packaging/man/alertrelay-siem.7
	mandoc -T lint -W warning packaging/man/alertrelay.8
	mandoc -T lint -W warning packaging/man/alertrelay-siem.7

lint-cppcheck:
	$(c_unit_list) | sort | cppcheck --file-list=- -j $(JOBS) -q --std=c11 --error-exitcode=1 --inline-suppr \
		--enable=warning,portability,performance --suppress=missingIncludeSystem \
		--suppress=unknownMacro -I $(top_srcdir)/connector -I $(top_srcdir)

lint-tidy:
	@$(c_unit_list) | sort | xargs -P $(JOBS) -I UNIT clang-tidy --quiet \
		--config-file=$(top_srcdir)/.clang-tidy UNIT -- $(lint_flags)

.PHONY: format check-headers lint lint-banned lint-format lint-shell lint-spelling lint-manual lint-cppcheck lint-tidy
