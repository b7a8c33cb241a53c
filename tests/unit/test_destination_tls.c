/* test_destination_tls.c - whom a destination trusts over TLS, and what it says of the others. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "destination_bench.h"

static void over_tls(void **state)
{
	struct bench bench;
	struct collector_stream *stream = &bench.collector.streams[0];

	(void)state;
	bench_new(&bench, TRANSPORT_TLS);
	bench_listen(&bench, certs_server(bench_directory, "server", NULL), 0);
	bench_open(&bench);
	send_some(&bench, 1000);
	UNTIL(&bench, bench.confirmed == 1000);
	assert_int_equal(check_all(&bench, 1000), 0);
	/* Full records under load: 16 KB each but for the last one. */
	assert_true(stream->records <= stream->got.n / 16384 + 2);
	assert_true(1000 / stream->records >= 8);
	assert_string_equal(bench.collector.sni, ""); /* an address is no name */
	destination_free(bench.destination);
	bench.destination = NULL;
	UNTIL(&bench, stream->fd < 0);
	assert_true(stream->close_notify);
	bench_free(&bench);
}

static void name_to_verify(void **state)
{
	struct bench bench;

	(void)state;
	bench_new(&bench, TRANSPORT_TLS);
	bench.options.tls_name = "siem.example.net";
	bench_listen(&bench, certs_server(bench_directory, "named", NULL), 0);
	bench_open(&bench);
	send_some(&bench, 1);
	UNTIL(&bench, bench.confirmed == 1);
	assert_string_equal(bench.collector.sni, "siem.example.net");
	bench_free(&bench);
}

/* One file becomes another, as when it is replaced. */
static void copy_over(const char *to, const char *from)
{
	char octets[10000];
	FILE *file = fopen(bench_file(from), "r");
	size_t n;

	assert_non_null(file);
	n = fread(octets, 1, sizeof(octets), file);
	fclose(file);
	file = fopen(bench_file(to), "w");
	assert_non_null(file);
	assert_int_equal(fwrite(octets, 1, n, file), n);
	fclose(file);
}

/* What is wrong, in the order of the words that say so, and with the files as they should be. */
struct refusal {
	const char *reason;
	const char *server, *ca, *crl, *pin; /* NULL: the right one, none, none */
};

static void set_files(struct bench *bench, const struct refusal *refusal)
{
	copy_over("now-ca.crt", refusal->ca ? refusal->ca : "ca.crt");
	if (refusal->crl)
		copy_over("now.crl", refusal->crl);
	SSL_CTX_free(bench->collector.tls);
	bench->collector.tls = certs_server(
		bench_directory, refusal->server ? refusal->server : "server", NULL);
}

/* Not one octet goes to a collector that is not the right one; it is said once; and with a file that was
 * replaced, here or there, all is well without a restart. */
static void check_refused(const struct refusal *refusal)
{
	const struct refusal right = {.crl = refusal->crl ? "empty.crl" : NULL};
	struct bench bench;
	int64_t end;

	bench_new(&bench, TRANSPORT_TLS);
	bench_listen(&bench, certs_server(bench_directory, "server", NULL), 0);
	set_files(&bench, refusal);
	bench.options.ca_file = bench_file("now-ca.crt");
	if (refusal->crl)
		bench.options.crl_file = bench_file("now.crl");
	if (refusal->pin)
		bench.options.pinned_key = certs_pin(bench_directory, refusal->pin);
	bench_open(&bench);
	send_some(&bench, 2);
	end = loop_now_ms(bench.loop) + 700;
	UNTIL(&bench, loop_now_ms(bench.loop) > end && bench.collector.count > 1);
	if (!strstr(state_of(&bench).trouble, refusal->reason))
		fail_msg("\"%s\" does not say \"%s\"", state_of(&bench).trouble,
			refusal->reason);
	assert_int_equal(log_count(&bench, refusal->reason), 1);
	assert_int_equal(log_count(&bench, "warning"), 1);
	for (size_t i = 0; i < bench.collector.count; i++)
		assert_int_equal(bench.collector.streams[i].got.n, 0);
	assert_int_equal(state_of(&bench).wire_bytes, 0);
	set_files(&bench, &right);
	UNTIL(&bench, bench.confirmed == 2);
	check_all(&bench, 2);
	bench_free(&bench);
}

static void wrong_certificates_are_refused(void **state)
{
	static const struct refusal refusals[] = {
		{"is not for", .server = "named"},
		{"unknown CA", .ca = "other-ca.crt"},
		{"has expired", .server = "expired"},
		{"not valid yet", .server = "early"},
		{"revoked by crl_file", .crl = "revoked.crl"},
		{"newest list", .crl = "old.crl"},
		{"has no list", .crl = "other.crl"},
		{"crl_file cannot be used", .crl = "server.key"},
		/* The pin is that of "server". */
		{"not one of pinned_key", .server = "renewed", .pin = "server"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		check_refused(&refusals[i]);
}

/* It alone says who the collector is, whoever issued its certificate, for whom and till when; with
 * ca_file the certificate must be right too. */
static void pinned_key_says_who_it_is(void **state)
{
	static const char *const servers[] = {"server", "expired", "stranger"};
	struct bench bench;
	char pins[300];

	(void)state;
	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++) {
		for (int second = 0; second < 2; second++) {
			bench_new(&bench, TRANSPORT_TLS);
			bench_listen(&bench,
				certs_server(bench_directory, servers[i], NULL), 0);
			snprintf(pins, sizeof(pins), "%s",
				certs_pin(bench_directory, servers[i]));
			if (second)
				snprintf(pins, sizeof(pins), "%s;%s",
					"sha256//"
					"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
					certs_pin(bench_directory, servers[i]));
			bench.options.pinned_key = pins;
			bench.options.ca_file = NULL;
			bench_open(&bench);
			send_some(&bench, 2);
			UNTIL(&bench, bench.confirmed == 2);
			bench_free(&bench);
		}
	}
	bench_new(&bench, TRANSPORT_TLS);
	bench_listen(&bench, certs_server(bench_directory, "expired", NULL), 0);
	bench.options.pinned_key = certs_pin(bench_directory, "expired");
	bench_open(&bench);
	send_some(&bench, 2);
	UNTIL(&bench, state_of(&bench).trouble[0]);
	assert_non_null(strstr(state_of(&bench).trouble, "has expired"));
	bench_free(&bench);
	/* A wrong one without a CA. */
	bench_new(&bench, TRANSPORT_TLS);
	bench_listen(&bench, certs_server(bench_directory, "server", NULL), 0);
	bench.options.ca_file = NULL;
	bench.options.pinned_key = certs_pin(bench_directory, "stranger");
	bench_open(&bench);
	send_some(&bench, 2);
	UNTIL(&bench, state_of(&bench).trouble[0]);
	assert_non_null(strstr(state_of(&bench).trouble, "pinned_key"));
	assert_int_equal(bench.collector.streams[0].got.n, 0);
	bench_free(&bench);
}

/* The FIN says that all was read, also when it comes later, or only after our own close_notify. */
static void fin_after_close_notify(void **state)
{
	struct bench bench;

	(void)state;
	for (int waits = 0; waits < 2; waits++) {
		int64_t end;

		bench_new(&bench, TRANSPORT_TLS);
		bench_listen(&bench, certs_server(bench_directory, "server", NULL), 0);
		bench_open(&bench);
		send_some(&bench, 20);
		UNTIL(&bench, bench.confirmed == 20);
		collector_notify(&bench.collector);
		end = loop_now_ms(bench.loop) + 50;
		UNTIL(&bench, loop_now_ms(bench.loop) > end);
		send_some(&bench, 1);
		if (waits)
			UNTIL(&bench, bench.collector.streams[0].fd < 0);
		else
			collector_close(&bench.collector, false);
		UNTIL(&bench, bench.confirmed == 21);
		assert_int_equal(bench.collector.count, 2);
		assert_int_equal(check_all(&bench, 21), 0);
		bench_free(&bench);
	}
}

static void tls_versions(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct bench bench;

	(void)state;
	for (int i = 0; i < 2; i++) {
		bench_new(&bench, TRANSPORT_TLS);
		bench_listen(&bench, certs_server(bench_directory, "server", NULL), 0);
		SSL_CTX_set_min_proto_version(bench.collector.tls, versions[i]);
		SSL_CTX_set_max_proto_version(bench.collector.tls, versions[i]);
		bench_open(&bench);
		send_some(&bench, 20);
		UNTIL(&bench, bench.confirmed == 20);
		assert_int_equal(bench.collector.tls_version, versions[i]);
		/* close_notify of the collector: nothing more is written there. */
		collector_close(&bench.collector, true);
		UNTIL(&bench, bench.collector.count == 2);
		send_some(&bench, 20);
		UNTIL(&bench, bench.confirmed == 40);
		assert_int_equal(check_all(&bench, 40), 0);
		/* And ours. */
		destination_free(bench.destination);
		bench.destination = NULL;
		UNTIL(&bench, bench.collector.streams[1].fd < 0);
		assert_true(bench.collector.streams[1].close_notify);
		bench_free(&bench);
	}
	/* Nothing older, even where the library would. */
	bench_new(&bench, TRANSPORT_TLS);
	bench_listen(&bench, certs_server(bench_directory, "server", NULL), 0);
	SSL_CTX_set_security_level(bench.collector.tls, 0);
	SSL_CTX_set_min_proto_version(bench.collector.tls, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(bench.collector.tls, TLS1_1_VERSION);
	bench_open(&bench);
	send_some(&bench, 1);
	UNTIL(&bench, state_of(&bench).trouble[0]);
	assert_non_null(strstr(state_of(&bench).trouble, "handshake"));
	assert_int_equal(bench.confirmed, 0);
	bench_free(&bench);
}

static void client_certificates(void **state)
{
	struct bench bench;
	FILE *file = fopen(bench_file("password"), "w");
	int64_t end;

	(void)state;
	fputs("pass word\n", file);
	fclose(file);
	for (int locked = 0; locked < 2; locked++) {
		bench_new(&bench, TRANSPORT_TLS);
		bench_listen(&bench, certs_server(bench_directory, "server", "ca"), 0);
		bench.options.cert_file = bench_file("client.crt");
		bench.options.key_file =
			bench_file(locked ? "client-locked.key" : "client.key");
		if (locked)
			bench.options.key_password_file = bench_file("password");
		bench_open(&bench);
		send_some(&bench, 2);
		UNTIL(&bench, bench.confirmed == 2);
		bench_free(&bench);
	}
	/* With a certificate of a stranger, and with none, nothing is confirmed. */
	for (int none = 0; none < 2; none++) {
		bench_new(&bench, TRANSPORT_TLS);
		bench_listen(&bench, certs_server(bench_directory, "server", "ca"), 0);
		if (!none) {
			bench.options.cert_file = bench_file("stranger.crt");
			bench.options.key_file = bench_file("stranger.key");
		}
		bench_open(&bench);
		send_some(&bench, 2);
		end = loop_now_ms(bench.loop) + 700;
		UNTIL(&bench,
			loop_now_ms(bench.loop) > end && state_of(&bench).trouble[0]);
		assert_int_equal(bench.confirmed, 0);
		assert_non_null(strstr(state_of(&bench).trouble, "alert"));
		assert_int_equal(log_count(&bench, "warning"), 1);
		/* Cured without a restart. */
		bench.options.cert_file = bench_file("client.crt");
		bench.options.key_file = bench_file("client.key");
		UNTIL(&bench, bench.confirmed == 2);
		check_all(&bench, 2);
		bench_free(&bench);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_tls),
		cmocka_unit_test(name_to_verify),
		cmocka_unit_test(wrong_certificates_are_refused),
		cmocka_unit_test(pinned_key_says_who_it_is),
		cmocka_unit_test(fin_after_close_notify),
		cmocka_unit_test(tls_versions),
		cmocka_unit_test(client_certificates),
	};

	return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
