# One program per module; cmocka prints TAP.
if UNIT_TESTS
# Those first that wait longest.
unit_tests = tests/unit/test_stall tests/unit/test_failover tests/unit/test_base
UNIT_LIBS = libconnector.la $(CMOCKA_LIBS)
tests_unit_test_base_LDADD = $(UNIT_LIBS)

# It is the log itself, with a stand-in for liblogging-stdlog.
unit_tests += tests/unit/test_log
tests_unit_test_log_SOURCES = tests/unit/test_log.c tests/unit/stdlog/liblogging/stdlog.h
tests_unit_test_log_CPPFLAGS = -I$(top_srcdir)/tests/unit/stdlog $(AM_CPPFLAGS)
tests_unit_test_log_LDADD = $(UNIT_LIBS)

STORE_BENCH = tests/unit/store_bench.c tests/unit/store_bench.h
unit_tests += tests/unit/test_store tests/unit/test_store_file tests/unit/test_store_damage \
	tests/unit/test_store_disk tests/unit/test_window
tests_unit_test_store_SOURCES = tests/unit/test_store.c $(STORE_BENCH)
tests_unit_test_store_LDADD = $(UNIT_LIBS)
tests_unit_test_store_file_SOURCES = tests/unit/test_store_file.c $(STORE_BENCH)
tests_unit_test_store_file_LDADD = $(UNIT_LIBS)
tests_unit_test_store_damage_SOURCES = tests/unit/test_store_damage.c $(STORE_BENCH)
tests_unit_test_store_damage_LDADD = $(UNIT_LIBS)
tests_unit_test_store_disk_SOURCES = tests/unit/test_store_disk.c $(STORE_BENCH)
tests_unit_test_store_disk_LDADD = $(UNIT_LIBS)
tests_unit_test_window_LDADD = $(UNIT_LIBS)

DELIVER_HELP = tests/unit/until.h tests/unit/deliver_help.c tests/unit/deliver_help.h
unit_tests += tests/unit/test_syslog_msg tests/unit/test_send_queue tests/unit/test_relp \
	tests/unit/test_destination tests/unit/test_destination_tls \
	tests/unit/test_carrier_file tests/unit/test_udp
tests_unit_test_relp_LDADD = $(UNIT_LIBS)
unit_tests += tests/unit/test_carrier_relp
tests_unit_test_carrier_relp_SOURCES = tests/unit/test_carrier_relp.c $(DELIVER_HELP) \
	tests/unit/collector.c tests/unit/collector.h
tests_unit_test_carrier_relp_CFLAGS = $(AM_CFLAGS) $(SSL_CFLAGS)
tests_unit_test_carrier_relp_LDADD = $(UNIT_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS)
tests_unit_test_syslog_msg_LDADD = $(UNIT_LIBS)
tests_unit_test_send_queue_LDADD = $(UNIT_LIBS)
tests_unit_test_udp_SOURCES = tests/unit/test_udp.c $(DELIVER_HELP)
tests_unit_test_udp_LDADD = $(UNIT_LIBS)
tests_unit_test_udp_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=send -Wl,--wrap=getsockopt
DESTINATION_BENCH = $(DELIVER_HELP) tests/unit/destination_bench.c \
	tests/unit/destination_bench.h tests/unit/collector.c tests/unit/collector.h
tests_unit_test_destination_SOURCES = tests/unit/test_destination.c $(DESTINATION_BENCH)
tests_unit_test_destination_LDADD = $(UNIT_LIBS)
tests_unit_test_destination_tls_SOURCES = tests/unit/test_destination_tls.c $(DESTINATION_BENCH)
tests_unit_test_destination_tls_LDADD = $(UNIT_LIBS)
tests_unit_test_failover_SOURCES = tests/unit/test_failover.c $(DESTINATION_BENCH)
tests_unit_test_failover_LDADD = $(UNIT_LIBS)
tests_unit_test_stall_SOURCES = tests/unit/test_stall.c $(DESTINATION_BENCH)
tests_unit_test_stall_LDADD = $(UNIT_LIBS)
tests_unit_test_carrier_file_SOURCES = tests/unit/test_carrier_file.c $(DESTINATION_BENCH)
tests_unit_test_carrier_file_LDADD = $(UNIT_LIBS)

PARSE_HELP = tests/unit/parse_help.h tests/unit/sample.h
unit_tests += tests/unit/test_alert tests/unit/test_page_parser tests/unit/test_source
tests_unit_test_alert_SOURCES = tests/unit/test_alert.c $(PARSE_HELP)
tests_unit_test_alert_LDADD = $(UNIT_LIBS)
tests_unit_test_page_parser_SOURCES = tests/unit/test_page_parser.c $(PARSE_HELP)
tests_unit_test_page_parser_LDADD = $(UNIT_LIBS)
tests_unit_test_source_SOURCES = tests/unit/test_source.c $(PARSE_HELP)
tests_unit_test_source_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test_budget tests/unit/test_filter tests/unit/test_state_key
unit_tests += tests/unit/test_gunzip
tests_unit_test_gunzip_LDADD = $(UNIT_LIBS) -lz
tests_unit_test_filter_LDADD = $(UNIT_LIBS)
tests_unit_test_state_key_LDADD = $(UNIT_LIBS)
tests_unit_test_budget_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test_values tests/unit/test_config tests/unit/test_preset
tests_unit_test_values_LDADD = $(UNIT_LIBS)
tests_unit_test_config_LDADD = $(UNIT_LIBS)
tests_unit_test_preset_LDADD = $(UNIT_LIBS)

# Tests that talk to a server of their own, whose TLS is GnuTLS like the simulator's.
if SIMULATOR
unit_tests += tests/unit/test_http tests/unit/test_page tests/unit/test_token \
	tests/unit/test_credential tests/unit/test_certificate
SERVER_FILES = tests/unit/server.c tests/unit/server.h
LOGIN_HELP = tests/unit/login_help.c tests/unit/login_help.h tests/unit/sample.h $(SERVER_FILES)
SERVER_LIBS = $(UNIT_LIBS) $(GNUTLS_LIBS) -lpthread -lz
tests_unit_test_http_SOURCES = tests/unit/test_http.c $(SERVER_FILES)
tests_unit_test_http_CFLAGS = $(AM_CFLAGS) $(GNUTLS_CFLAGS)
tests_unit_test_http_LDADD = $(SERVER_LIBS)
tests_unit_test_page_SOURCES = tests/unit/test_page.c $(LOGIN_HELP)
tests_unit_test_page_CFLAGS = $(AM_CFLAGS) $(GNUTLS_CFLAGS)
tests_unit_test_page_LDADD = $(SERVER_LIBS)
tests_unit_test_token_SOURCES = tests/unit/test_token.c $(LOGIN_HELP)
tests_unit_test_token_CFLAGS = $(AM_CFLAGS) $(GNUTLS_CFLAGS)
tests_unit_test_token_LDADD = $(SERVER_LIBS)
tests_unit_test_credential_SOURCES = tests/unit/test_credential.c $(LOGIN_HELP)
tests_unit_test_credential_CFLAGS = $(AM_CFLAGS) $(GNUTLS_CFLAGS)
tests_unit_test_credential_LDADD = $(SERVER_LIBS)
tests_unit_test_certificate_SOURCES = tests/unit/test_certificate.c $(LOGIN_HELP)
tests_unit_test_certificate_CFLAGS = $(AM_CFLAGS) $(GNUTLS_CFLAGS)
tests_unit_test_certificate_LDADD = $(SERVER_LIBS)
endif

# formats/ stands alone, so its tests link it alone.
unit_tests += tests/unit/test_escape tests/unit/test_severity tests/unit/test_cef \
	tests/unit/test_leef tests/unit/test_json tests/unit/test_ecs tests/unit/test_ocsf \
	tests/unit/test_value
FORMAT_TEST_LIBS = libformats.la $(YAJL_LIBS) $(CMOCKA_LIBS)
FORMAT_HELP = $(FORMAT_CHECK) tests/unit/format_help.c tests/unit/format_help.h
DOCUMENT_HELP = $(FORMAT_HELP) tests/unit/document_help.c tests/unit/document_help.h
tests_unit_test_escape_SOURCES = tests/unit/test_escape.c \
	tests/unit/cef_reader.c tests/unit/cef_reader.h
tests_unit_test_escape_LDADD = $(FORMAT_TEST_LIBS)
tests_unit_test_severity_LDADD = $(FORMAT_TEST_LIBS)
tests_unit_test_cef_SOURCES = tests/unit/test_cef.c $(FORMAT_HELP)
tests_unit_test_cef_LDADD = $(FORMAT_TEST_LIBS)
tests_unit_test_leef_SOURCES = tests/unit/test_leef.c $(FORMAT_HELP)
tests_unit_test_leef_LDADD = $(FORMAT_TEST_LIBS)
tests_unit_test_json_SOURCES = tests/unit/test_json.c $(FORMAT_HELP)
tests_unit_test_json_LDADD = $(FORMAT_TEST_LIBS)
tests_unit_test_ecs_SOURCES = tests/unit/test_ecs.c $(DOCUMENT_HELP)
tests_unit_test_ecs_LDADD = $(FORMAT_TEST_LIBS)
tests_unit_test_ocsf_SOURCES = tests/unit/test_ocsf.c $(DOCUMENT_HELP)
tests_unit_test_ocsf_LDADD = $(FORMAT_TEST_LIBS)
tests_unit_test_value_LDADD = $(FORMAT_TEST_LIBS)

unit_tests += tests/unit/test_fields
tests_unit_test_fields_SOURCES = tests/unit/test_fields.c tests/fuzz/check_fields.c \
	tests/fuzz/check_fields.h $(FORMAT_HELP)
tests_unit_test_fields_LDADD = $(UNIT_LIBS)

unit_tests += tests/unit/test_trace
tests_unit_test_trace_SOURCES = tests/unit/test_trace.c $(FORMAT_HELP)
tests_unit_test_trace_LDADD = $(UNIT_LIBS)

check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif

EXTRA_DIST += tests/config
