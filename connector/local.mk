# Everything but main() is in a convenience library that tests, benches and fuzzers link.
noinst_LTLIBRARIES += libconnector.la
libconnector_la_LIBADD = $(CURL_LIBS) $(GUNZIP_LIBS) $(YAJL_LIBS) $(FASTJSON_LIBS) $(CRYPTO_LIBS) $(SSL_LIBS) $(SQLITE_LIBS) \
	$(YAML_LIBS) $(SYSTEMD_LIBS) $(STDLOG_LIBS) -lm
libconnector_la_SOURCES =

libconnector_la_SOURCES += \
	connector/base/arena.c \
	connector/base/arena.h \
	connector/base/backoff.h \
	connector/base/clock.c \
	connector/base/clock.h \
	connector/base/error.c \
	connector/base/error.h \
	connector/base/list.h \
	connector/base/log.c \
	connector/base/log.h \
	connector/base/loop.c \
	connector/base/loop.h \
	connector/base/strbuf.c \
	connector/base/strbuf.h \
	connector/base/values.c \
	connector/base/values.h \
	connector/base/yaml.c \
	connector/base/yaml.h

libconnector_la_SOURCES += \
	connector/alert/alert.c \
	connector/alert/alert.h \
	connector/alert/build.c \
	connector/alert/build.h \
	connector/alert/event.c \
	connector/alert/event.h \
	connector/alert/evidence.c \
	connector/alert/map.c \
	connector/alert/map.h \
	connector/alert/paths.c \
	connector/alert/paths.h

libconnector_la_SOURCES += \
	connector/store/store.c \
	connector/store/store.h \
	connector/store/store_backend.h \
	connector/store/store_copy.c \
	connector/store/store_copy.h \
	connector/store/store_memory.c \
	connector/store/store_sqlite.c \
	connector/store/store_sqlite_file.c \
	connector/store/store_sqlite_open.c \
	connector/store/store_sqlite_private.h

libconnector_la_SOURCES += \
	connector/deliver/acceptor.c \
	connector/deliver/acceptor.h \
	connector/deliver/carrier.c \
	connector/deliver/carrier.h \
	connector/deliver/carrier_file.c \
	connector/deliver/carrier_relp.c \
	connector/deliver/carrier_stream.c \
	connector/deliver/carrier_udp.c \
	connector/deliver/conn.c \
	connector/deliver/conn.h \
	connector/deliver/conn_health.c \
	connector/deliver/conn_parts.h \
	connector/deliver/conn_setup.c \
	connector/deliver/conn_trouble.c \
	connector/deliver/conn_values.c \
	connector/deliver/destination.c \
	connector/deliver/destination.h \
	connector/deliver/failover.c \
	connector/deliver/failover.h \
	connector/deliver/formatter.c \
	connector/deliver/formatter.h \
	connector/deliver/former.c \
	connector/deliver/former.h \
	connector/deliver/framing.c \
	connector/deliver/framing.h \
	connector/deliver/module.c \
	connector/deliver/module.h \
	connector/deliver/relp.c \
	connector/deliver/relp.h \
	connector/deliver/render.c \
	connector/deliver/render.h \
	connector/deliver/resolve.c \
	connector/deliver/resolve.h \
	connector/deliver/rotate.c \
	connector/deliver/rotate.h \
	connector/deliver/send_queue.c \
	connector/deliver/send_queue.h \
	connector/deliver/syslog_msg.c \
	connector/deliver/syslog_msg.h \
	connector/deliver/transport.c \
	connector/deliver/transport.h

libconnector_la_SOURCES += \
	connector/fetch/aadsts.c \
	connector/fetch/aadsts.h \
	connector/fetch/budget.c \
	connector/fetch/budget.h \
	connector/fetch/cloud.c \
	connector/fetch/cloud.h \
	connector/fetch/credential.c \
	connector/fetch/credential.h \
	connector/fetch/credential_certificate.c \
	connector/fetch/credential_federated.c \
	connector/fetch/credential_managed.c \
	connector/fetch/credential_refresh.c \
	connector/fetch/credential_secret.c \
	connector/fetch/credential_way.h \
	connector/fetch/error_answer.c \
	connector/fetch/error_answer.h \
	connector/fetch/graph_alerts.c \
	connector/fetch/graph_incidents.c \
	connector/fetch/gunzip.c \
	connector/fetch/gunzip.h \
	connector/fetch/http.c \
	connector/fetch/http.h \
	connector/fetch/http_error.c \
	connector/fetch/http_private.h \
	connector/fetch/http_text.c \
	connector/fetch/http_text.h \
	connector/fetch/http_transfer.c \
	connector/fetch/m365d_incidents.c \
	connector/fetch/mde_alerts.c \
	connector/fetch/page.c \
	connector/fetch/page.h \
	connector/fetch/page_parser.c \
	connector/fetch/page_parser.h \
	connector/fetch/secret.c \
	connector/fetch/secret.h \
	connector/fetch/siem.c \
	connector/fetch/source.c \
	connector/fetch/source.h \
	connector/fetch/source_rows.h \
	connector/fetch/token.c \
	connector/fetch/token.h \
	connector/fetch/token_answer.c \
	connector/fetch/token_answer.h

libconnector_la_SOURCES += \
	connector/relay/configuration.c \
	connector/relay/configuration.h \
	connector/relay/feed.c \
	connector/relay/feed.h \
	connector/relay/feed_alert.c \
	connector/relay/feed_failure.c \
	connector/relay/feed_page.c \
	connector/relay/feed_private.h \
	connector/relay/feed_schedule.c \
	connector/relay/field_rules.c \
	connector/relay/field_rules.h \
	connector/relay/filter.c \
	connector/relay/filter.h \
	connector/relay/least_message.c \
	connector/relay/least_message.h \
	connector/relay/load_destinations.c \
	connector/relay/load_sign_in.c \
	connector/relay/loader.c \
	connector/relay/loader.h \
	connector/relay/message.c \
	connector/relay/message.h \
	connector/relay/options.c \
	connector/relay/options.def \
	connector/relay/options.h \
	connector/relay/options_text.c \
	connector/relay/preset.c \
	connector/relay/preset.h \
	connector/relay/relay.c \
	connector/relay/relay.h \
	connector/relay/state_key.c \
	connector/relay/state_key.h \
	connector/relay/walk.c \
	connector/relay/walk.h \
	connector/relay/window.c \
	connector/relay/window.h

libconnector_la_SOURCES += \
	connector/cli/answers.c \
	connector/cli/answers.h \
	connector/cli/cli.c \
	connector/cli/cli.h \
	connector/cli/cmd_check.c \
	connector/cli/cmd_fetch.c \
	connector/cli/cmd_formats.c \
	connector/cli/cmd_preview.c \
	connector/cli/cmd_replay.c \
	connector/cli/cmd_run.c \
	connector/cli/cmd_sample.c \
	connector/cli/cmd_state.c \
	connector/cli/cmd_state.h \
	connector/cli/cmd_state_forget.c \
	connector/cli/explain.c \
	connector/cli/explain.h \
	connector/cli/mapping.c \
	connector/cli/mapping.h \
	connector/cli/members.c \
	connector/cli/members.h \
	connector/cli/state_target.c \
	connector/cli/state_target.h \
	connector/cli/tale.c \
	connector/cli/tale.h \
	connector/cli/trials.c \
	connector/cli/trials.h

bin_PROGRAMS += alertrelay
alertrelay_SOURCES = connector/main.c
alertrelay_LDADD = libconnector.la
