/* test_config.c - config/good*.yaml as typed values, config/bad*.yaml against the reports beside
 * them, secrets, and ten thousand tenants. REPORTS=write in the environment writes the reports. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/values.h"
#include "relay/configuration.h"
#include "relay/options.h"

static char temporary[200];

static int enter_data(void **state)
{
	const char *data = getenv("TEST_DATA");
	char path[PATH_MAX];

	(void)state;
	setenv("TEST_SECRET", "s3cret\n", 1);
	setenv("TEST_OTHER_SECRET", "other", 1);
	unsetenv("TEST_UNSET");
	unsetenv("CREDENTIALS_DIRECTORY");
	snprintf(path, sizeof(path), "%s/config", data ? data : "tests");
	return chdir(path);
}

static int enter_temporary(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	snprintf(temporary, sizeof(temporary), "%s/test_config-XXXXXX",
		base ? base : "/tmp");
	return mkdtemp(temporary) && !chdir(temporary) ? 0 : -1;
}

/* Everything here is two levels deep at most. */
static void empty_directory(const char *path)
{
	char name[PATH_MAX];
	struct dirent *entry;
	DIR *d = opendir(path);

	while (d && (entry = readdir(d))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (unlink(name)) {
			empty_directory(name);
			rmdir(name);
		}
	}
	if (d)
		closedir(d);
}

static int leave_temporary(void **state)
{
	empty_directory(temporary);
	return rmdir(temporary) || enter_data(state);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static struct config *load(const char *name)
{
	struct config_report report;
	struct config *config = NULL;

	if (config_load(name, &config, &report) != RC_OK)
		fail_msg("%s", report.text.p);
	assert_int_equal(report.count, 0);
	assert_string_equal(report.text.p, "");
	config_report_clear(&report);
	return config;
}

/* What this tenant's token request would carry. */
static void form_of(
	const struct config *c, const struct config_tenant *t, struct strbuf *form)
{
	struct loop *loop = loop_new(&clock_system);
	struct credential *credential =
		credential_new(loop, NULL, &c->credentials[t->credential]);
	struct credential_use use = {.url = "https://x/token", .client_id = "id"};
	struct error err;

	strbuf_init(form, 1048576);
	assert_int_equal(credential_fill(credential, &use, form, &err), RC_OK);
	credential_release(credential, &use);
	credential_free(credential);
	loop_free(loop);
}

static void has_secret(
	const struct config *c, const struct config_tenant *t, const char *secret)
{
	struct strbuf form;
	char want[100];

	form_of(c, t, &form);
	snprintf(want, sizeof(want), "grant_type=client_credentials&client_secret=%s",
		secret);
	assert_string_equal(form.p, want);
	strbuf_clear(&form);
}

/* The report without the directory that the test runs in. */
static char *report_of(const char *name)
{
	struct config *config = (struct config *)1;
	struct config_report report;
	char *text, *at, here[PATH_MAX];
	size_t n;

	assert_non_null(getcwd(here, sizeof(here) - 1));
	n = strlen(here);
	here[n++] = '/';
	here[n] = '\0';
	assert_int_equal(config_load(name, &config, &report), RC_CONFIG);
	assert_null(config);
	assert_true(report.count > 0);
	text = strdup(report.text.p);
	while ((at = strstr(text, here)))
		memmove(at, at + n, strlen(at + n) + 1);
	config_report_clear(&report);
	return text;
}

static void transports_have_options_of_their_own(void **state)
{
	struct config *c = load("good-transports.yaml");
	const struct destination_options *d = c->destinations;

	(void)state;
	assert_int_equal(d[0].rotate_bytes, 0);
	assert_int_equal(d[3].rotate_bytes, 100 << 20);
	assert_int_equal(d[3].rotate_every_ms, 24 * 3600 * 1000);
	assert_int_equal(d[3].keep, 90);
	assert_int_equal(d[4].transport, TRANSPORT_LISTEN);
	assert_int_equal(d[4].allow_count, 2);
	assert_string_equal(d[4].allow[1], "2001:db8::/32");
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(d[i].transport, TRANSPORT_UDP);
		assert_int_equal(d[i].framing, FRAMING_NONE);
	}
	assert_int_equal(d[0].max_message_bytes, TRANSPORT_DATAGRAM_UNBROKEN);
	assert_int_equal(d[0].rate, 1000);
	assert_int_equal(d[1].max_message_bytes, TRANSPORT_DATAGRAM_UNBROKEN);
	assert_int_equal(d[2].max_message_bytes, 65507);
	assert_int_equal(d[2].rate, 50);
	config_free(c);
}

static void full_file_is_typed(void **state)
{
	struct config *c = load("good-full.yaml");
	const struct destination_options *d;
	const struct config_tenant *t;
	const struct config_feed *f;

	(void)state;
	assert_int_equal(c->destination_count, 3);
	d = &c->destinations[0];
	assert_string_equal(d->name, "soc");
	assert_int_equal(d->transport, TRANSPORT_TLS);
	assert_int_equal(d->address_count, 2);
	assert_string_equal(d->addresses[1], "[2001:db8::1]:6514");
	assert_string_equal(d->format, "cef");
	assert_int_equal(d->format_option_count, 1);
	assert_string_equal(d->format_options[0].name, "device_version");
	assert_string_equal(d->format_options[0].value, "no");
	assert_int_equal(d->framing, FRAMING_OCTET);
	assert_int_equal(d->header, HEADER_RFC3164);
	assert_true(d->utc && d->tag && !d->bom);
	assert_int_equal(d->facility, 13);
	assert_int_equal(d->max_message_bytes, 65536);
	assert_int_equal(d->settle_ms, 500);
	assert_int_equal(d->connections, 2);
	assert_non_null(strstr(d->pinned_key, "=;sha256//BBBB"));
	assert_int_equal(d->dead_after_ms, 10000);
	assert_int_equal(d->connect_timeout_ms, 10000);
	assert_string_equal(d->hostname, "relay");
	assert_string_equal(d->app_name, "alertrelay");
	assert_null(d->ca_file);
	d = &c->destinations[1];
	assert_int_equal(d->transport, TRANSPORT_FILE);
	assert_true(d->path[0] == '/' && strstr(d->path, "/config/archive.log"));
	assert_string_equal(d->format, "rfc5424-json");
	assert_int_equal(d->framing, FRAMING_LF);
	assert_int_equal(d->facility, 16);
	assert_string_equal(d->hostname, "tenant");
	d = &c->destinations[2];
	assert_int_equal(d->framing, FRAMING_OCTET);
	assert_int_equal(d->header, HEADER_NONE);
	assert_int_equal(d->max_message_bytes, 8096);

	assert_int_equal(c->tenant_count, 5);
	t = &c->tenants[0];
	assert_string_equal(t->key, "contoso");
	assert_string_equal(t->tenant_id, "11111111-aaaa-1111-1111-111111111111");
	assert_string_equal(t->display_name, "Contoso Gr\xc3\xb6\xc3\x9f"
					     "e");
	assert_string_equal(t->client_id, "abcdef00-1111-2222-3333-444444444444");
	has_secret(c, t, "s3cret");
	assert_string_equal(t->login_root, "http://127.0.0.1:8080/login");
	assert_string_equal(t->apis[API_GRAPH].root, "https://graph.example.net");
	assert_string_equal(
		t->apis[API_GRAPH].scope, "https://graph.microsoft.com/.default");
	assert_string_equal(t->file, "good-full.yaml");
	assert_int_equal(t->line, 32);
	assert_int_equal(t->feed_count, 2);
	f = &t->feeds[0];
	assert_string_equal(f->source, "graph-alerts");
	assert_int_equal(f->destination_count, 2);
	assert_string_equal(f->destinations[1], "archive");
	assert_int_equal(f->destination_index[1], 1);
	assert_int_equal(f->poll_ms, 60000);
	assert_int_equal(f->look_back_ms, 86400000);
	assert_int_equal(f->overlap_ms, 600000);
	assert_int_equal(f->slice_ms, 86400000);
	assert_int_equal(f->page_size, 100);
	assert_int_equal(f->policy, ALERT_POLICY_STATUS);
	assert_int_equal(f->window_bytes, 2097152);
	f = &t->feeds[1];
	assert_int_equal(f->destination_index[0], 2);
	assert_int_equal(f->poll_ms, 300000);
	assert_int_equal(f->overlap_ms, 0);
	assert_int_equal(f->page_size, 1000);
	assert_int_equal(f->policy, ALERT_POLICY_EVERY);
	assert_int_equal(f->lag_ms, 30000);
	assert_int_equal(f->rescan_every_ms, 0);
	assert_int_equal(f->min_severity, FMT_SEVERITY_MEDIUM);
	assert_int_equal(f->service_sources.count, 2);
	assert_string_equal(f->service_sources.items[1], "x");
	assert_int_equal(f->statuses.count, 1);
	assert_int_equal(f->categories.count, 0);
	assert_int_equal(f->window_bytes, 65536);
	t = &c->tenants[1]; /* `no` is a key like any other */
	assert_string_equal(t->key, "no");
	assert_string_equal(t->display_name, "no");
	assert_string_equal(t->tenant_id, "fabrikam.onmicrosoft.com");
	has_secret(c, t, "other");
	assert_string_equal(t->login_root, "http://127.0.0.1:8080/login");
	assert_string_equal(
		t->apis[API_GRAPH].root, "https://gateway.example.net:8443/graph");
	assert_int_equal(t->feed_count, 1);
	assert_string_equal(
		c->tenants[2].key, "zebra"); /* files in order, then as written */
	assert_string_equal(c->tenants[3].key, "yak");
	assert_string_equal(c->tenants[4].key, "alpine");
	assert_ptr_equal(c->tenants[4].feeds, c->tenants[0].feeds);
	assert_int_equal(c->tenants[4].line, 1);

	assert_non_null(strstr(c->state_file, "/config/state/x.db"));
	assert_true(c->state_keep_ms == INT64_C(30) * 86400000);
	assert_int_equal(strncmp(c->log_channel, "file:/", 6), 0);
	assert_int_equal(c->log_priority, LOG_DEBUG);
	assert_int_equal(c->memory_bytes, 1 << 30);
	assert_int_equal(c->http_max_transfers, 8);
	assert_false(c->http2);
	assert_string_equal(c->http_proxy, "http://proxy.example.net:3128");
	assert_int_equal(c->http_connect_timeout_ms, 2000);
	assert_int_equal(c->http_stall_timeout_ms, 60000);
	config_free(c);
}

static void clouds(void **state)
{
	struct config *c = load("good-clouds.yaml");
	const struct config_tenant *t = c->tenants;
	const struct config_api *a = t->apis;

	(void)state;
	assert_string_equal(t->login_root, "https://login.example.net");
	assert_string_equal(a[API_GRAPH].root, "https://graph.microsoft.com");
	assert_string_equal(a[API_GRAPH].scope, "https://app.example/graph/.default");
	assert_string_equal(
		a[API_MDE].root, "https://api-gcc.securitycenter.microsoft.us");
	assert_string_equal(a[API_MDE].scope,
		"https://api-gcc.securitycenter.microsoft.us/.default");
	assert_string_equal(a[API_M365D].root, "https://api-gcc.security.microsoft.us");
	assert_string_equal(a[API_SIEM].root, "https://siem.example.net");
	assert_string_equal(a[API_SIEM].audience, "https://graph.windows.net");
	assert_false(t->feeds[0].expand);
	assert_int_equal(t->feeds[0].page_size, 50);
	assert_int_equal(t->feeds[1].page_size, 0);
	assert_int_equal(t->feeds[2].page_size, 1000);
	assert_true(t->feeds[2].expand);
	assert_int_equal(t->feeds[3].page_size, 7);
	t++; /* in the cloud of app: what is said there counts here too */
	assert_ptr_not_equal(t->apis, a);
	assert_string_equal(t->apis[API_GRAPH].audience, "https://app.example/graph");
	assert_string_equal(t->apis[API_MDE].root, "https://us.example.net/mde");
	assert_string_equal(t->apis[API_MDE].scope, "api://mde/.default");
	t++; /* another cloud with the same login */
	assert_string_equal(t->login_root, "https://login.microsoftonline.com");
	assert_string_equal(t->apis[API_GRAPH].audience, "https://graph.microsoft.com");
	assert_string_equal(
		t->apis[API_MDE].root, "https://api.security.microsoft.com");
	assert_string_equal(
		t->apis[API_MDE].audience, "https://api.securitycenter.microsoft.com");
	assert_string_equal(
		t->apis[API_M365D].audience, "https://api.security.microsoft.com");
	assert_string_equal(
		t->apis[API_SIEM].root, "https://wdatp-alertexporter-eu.windows.com");
	t++;
	assert_string_equal(t->login_root, "https://login.microsoftonline.us");
	assert_string_equal(t->apis[API_GRAPH].root, "https://graph.microsoft.us");
	assert_string_equal(c->credentials[t->credential].exchange_audience,
		"api://AzureADTokenExchangeUSGov");
	t++;
	assert_string_equal(t->apis[API_GRAPH].root, "https://dod-graph.microsoft.us");
	assert_string_equal(t->apis[API_SIEM].root,
		"https://wdatp-alertexporter-us.securitycenter.windows.us");
	t++;
	assert_string_equal(t->login_root, "https://login.chinacloudapi.cn");
	assert_string_equal(t->apis[API_GRAPH].root, "https://gateway.example.net");
	assert_string_equal(
		t->apis[API_GRAPH].audience, "https://microsoftgraph.chinacloudapi.cn");
	assert_string_equal(t->apis[API_MDE].audience, "https://gateway.example.net");
	assert_null(t->apis[API_M365D].root);
	config_free(c);
}

static void defaults_are_those_of_the_table(void **state)
{
	struct config *c = load("good-small.yaml");

	(void)state;
	assert_int_equal(c->destinations[0].framing, FRAMING_LF);
	assert_string_equal(c->destinations[0].format, "cef");
	assert_int_equal(c->destinations[0].settle_ms, 1000);
	assert_string_equal(
		c->tenants[0].login_root, "https://login.microsoftonline.com");
	assert_string_equal(
		c->tenants[0].apis[API_GRAPH].root, "https://graph.microsoft.com");
	assert_string_equal(c->state_file, LOCALSTATEDIR "/lib/alertrelay/state.db");
	assert_true(c->state_keep_ms == INT64_C(180) * 86400000);
	assert_string_equal(c->log_channel, "stderr:");
	assert_int_equal(c->log_priority, LOG_INFO);
	assert_int_equal(c->memory_bytes, 256 << 20);
	assert_int_equal(c->http_max_transfers, 64);
	assert_true(c->http2);
	assert_null(c->http_proxy);
	config_free(c);
}

static void read_text(const char *name, char *out, size_t size)
{
	FILE *f = fopen(name, "r");

	if (!f)
		fail_msg("%s is missing", name);
	out[fread(out, 1, size - 1, f)] = '\0';
	fclose(f);
}

static void bad_files_are_reported(void **state)
{
	static char expected[65536];
	struct dirent **entries;
	int count = scandir(".", &entries, NULL, alphasort), seen = 0;

	(void)state;
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		const char *dot = strstr(name, ".yaml");
		char beside[300], *text;

		if (strncmp(name, "bad", 3) || !dot || dot[5]) {
			free(entries[i]);
			continue;
		}
		snprintf(
			beside, sizeof(beside), "%.*s.report", (int)(dot - name), name);
		text = report_of(name);
		if (getenv("REPORTS"))
			write_file(beside, text, 0644);
		read_text(beside, expected, sizeof(expected));
		assert_string_equal(text, expected);
		assert_null(strstr(text, "hunter2"));
		free(text);
		free(entries[i]);
		seen++;
	}
	free(entries);
	assert_true(seen > 10);
}

#define START                                                                          \
	"destinations: {soc: {transport: stdout}}\nfeeds: [{to: soc}]\n"               \
	"tenants: {a: {tenant_id: a.com}}\n"                                           \
	"app:\n  client_id: 00000000-0000-0000-0000-000000000001\n"

static void secret_says(const char *option, const char *what)
{
	char text[1000], *report;

	snprintf(text, sizeof(text), START "  %s\n", option);
	write_file("c.yaml", text, 0644);
	report = report_of("c.yaml");
	if (!strstr(report, what) || strncmp(report, "c.yaml:6: ", 10))
		fail_msg("\"%s\" does not say \"%s\"", report, what);
	assert_null(strstr(report, "hunter2"));
	free(report);
}

static void secrets_are_checked_and_never_shown(void **state)
{
	struct config *c;
	char big[70000];

	(void)state;
	write_file("good", "hunter2\r\n", 0600);
	write_file("open", "hunter2\n", 0640);
	write_file("empty", "\n\n", 0600);
	write_file("lines", "hunter2\nhunter2\n", 0400);
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	write_file("big", big, 0600);
	write_file("c.yaml", START "  client_secret_file: good\n", 0644);
	c = load("c.yaml");
	has_secret(c, &c->tenants[0], "hunter2");
	config_free(c);

	secret_says("client_secret_file: open", "(mode 640); run chmod 600 open");
	secret_says("client_secret_file: empty", "is empty");
	secret_says("client_secret_file: lines", "alone there");
	secret_says("client_secret_file: big", "larger than any client secret");
	secret_says("client_secret_file: none", "No such file");
	secret_says("client_secret_file: /dev/zero", "not a regular file");
	secret_says("client_secret_env: TEST_UNSET", "TEST_UNSET is not set");
	secret_says("client_secret_env: a=b", "a name, not a path or value");
	secret_says("client_secret_credential: app", "LoadCredential=app:FILE");
	secret_says("client_secret_credential: ../app", "a name, not a path or value");
	secret_says("client_secret: hunter2", "a secret does not belong in this file");

	setenv("CREDENTIALS_DIRECTORY", temporary, 1);
	write_file("c.yaml", START "  client_secret_credential: open\n", 0644);
	c = load("c.yaml"); /* systemd sets its mode */
	has_secret(c, &c->tenants[0], "hunter2");
	config_free(c);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void bounds_of_the_table_can_be_read(void **state)
{
	size_t count, octets, ranges = 0;
	const struct option *rows = options_all(&count);
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const char *const bounds[] = {rows[i].min, rows[i].max};
		bool duration = rows[i].type == TYPE_DURATION;

		if (!duration && rows[i].type != TYPE_SIZE &&
			rows[i].type != TYPE_COUNT)
			continue;
		for (size_t j = 0; j < 2; j++)
			if ((duration ? value_duration(bounds[j], &ms, NULL)
				      : value_size(bounds[j], &octets, NULL)) != RC_OK)
				fail_msg("%s: %s", rows[i].key, bounds[j]);
		ranges++;
	}
	assert_true(ranges > 10);
}

/* What the state calls a feed, DOMAIN/graph-alerts/soc, has 255 octets at most. */
/* Which ways the tenants of one file get: the app's, with a user of their own, or wholly own. */
static void ways_to_sign_in(void **state)
{
	static const struct {
		const char *key, *client, *begins, *holds;
	} rows[] = {
		{"plain", "00000000-0000-0000-0000-000000000001",
			"grant_type=client_credentials&client_secret=hunter2", NULL},
		{"user", "00000000-0000-0000-0000-000000000001",
			"grant_type=refresh_token&client_secret=hunter2",
			"&refresh_token=user-1"},
		{"public", "00000000-0000-0000-0000-000000000002",
			"grant_type=refresh_token&refresh_token=user-1", NULL},
		{"federated", "00000000-0000-0000-0000-000000000003",
			"grant_type=client_credentials&client_assertion_type=",
			"&client_assertion=eyJ.x.y"},
		{"no-identity", "00000000-0000-0000-0000-000000000001",
			"grant_type=client_credentials&client_secret=hunter2", NULL},
	};
	struct config *c;

	(void)state;
	write_file("secret", "hunter2\n", 0600);
	write_file("user", "user-1\n", 0600);
	write_file("token", " eyJ.x.y\n", 0644);
	write_file("c.yaml",
		"destinations: {soc: {transport: stdout}}\nfeeds: [{to: soc}]\n"
		"app: {client_id: 00000000-0000-0000-0000-000000000001,\n"
		"  client_secret_file: secret, client_secret_next_file: none}\n"
		"tenants:\n"
		"  plain: {tenant_id: plain.com}\n"
		"  user: {tenant_id: user.com, refresh_token_file: user}\n"
		"  public: {tenant_id: public.com, refresh_token_file: user,\n"
		"    client_id: 00000000-0000-0000-0000-000000000002}\n"
		"  federated: {tenant_id: f.com, federated_token_file: token,\n"
		"    client_id: 00000000-0000-0000-0000-000000000003}\n"
		"  no-identity: {tenant_id: n.com, managed_identity: no}\n"
		"  managed: {tenant_id: m.com, managed_identity: yes,\n"
		"    client_id: 00000000-0000-0000-0000-000000000004}\n"
		"  other: {tenant_id: o.com,\n"
		"    managed_identity: 11111111-AAAA-1111-1111-111111111111,\n"
		"    client_id: 00000000-0000-0000-0000-000000000004}\n",
		0644);
	c = load("c.yaml");
	assert_int_equal(c->tenant_count, 7);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct strbuf form;

		assert_string_equal(c->tenants[i].key, rows[i].key);
		assert_string_equal(c->tenants[i].client_id, rows[i].client);
		form_of(c, &c->tenants[i], &form);
		if (strncmp(form.p, rows[i].begins, strlen(rows[i].begins)) != 0 ||
			(rows[i].holds && !strstr(form.p, rows[i].holds)))
			fail_msg("%s: %s", rows[i].key, form.p);
		strbuf_clear(&form);
	}
	assert_int_equal(c->tenants[0].credential, c->tenants[4].credential);
	assert_string_equal(
		c->credentials[c->tenants[5].credential].managed_identity, "");
	assert_string_equal(c->credentials[c->tenants[6].credential].managed_identity,
		"11111111-aaaa-1111-1111-111111111111");
	config_free(c);
	/* An app of users alone needs no way of its own. */
	write_file("c.yaml",
		"destinations: {soc: {transport: stdout}}\nfeeds: [{to: soc}]\n"
		"app: {client_id: 00000000-0000-0000-0000-000000000001}\n"
		"tenants: {user: {tenant_id: user.com, refresh_token_file: user}}\n",
		0644);
	config_free(load("c.yaml"));
}

static void feed_keys_fit_into_the_state(void **state)
{
	static const char label[] =
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.";
	char text[1000], *report;

	(void)state;
	for (int over = 0; over < 2; over++) {
		snprintf(text, sizeof(text),
			"destinations: {soc: {transport: stdout}}\n"
			"feeds: [{to: soc}]\n"
			"tenants: {a: {tenant_id: %s%s%s%.*s.example}}\n"
			"app: {client_id: 00000000-0000-0000-0000-000000000001,\n"
			"  client_secret_file: secret}\n",
			label, label, label, 41 + over, label);
		write_file("c.yaml", text, 0644);
		write_file("secret", "hunter2\n", 0600);
		if (!over) {
			config_free(load("c.yaml"));
			continue;
		}
		report = report_of("c.yaml");
		assert_non_null(strstr(report, "are 256 octets together"));
		free(report);
	}
}

static void whole_directories_are_read(void **state)
{
	struct config *c;

	(void)state;
	mkdir("tenants.d", 0700);
	write_file("c.yaml",
		"app: {client_id: 00000000-0000-0000-0000-000000000001, "
		"client_secret_env: TEST_SECRET}\n"
		"destinations: {soc: {transport: stdout}}\nfeeds: [{to: soc}]\n",
		0644);
	free(report_of("c.yaml")); /* no tenants */
	write_file("tenants.d/x.yaml", "x: {tenant_id: x.com}\n", 0644);
	c = load("c.yaml"); /* without being told of the directory */
	assert_int_equal(c->tenant_count, 1);
	config_free(c);
}

/* The sample is a configuration once the secret is there, and so it is with all of its defaults
 * uncommented. */
static void sample_is_a_configuration(void **state)
{
	struct strbuf sample, plain;
	struct config *c;
	char *line, *end;
	size_t shown = 0;

	(void)state;
	strbuf_init(&sample, 1048576);
	strbuf_init(&plain, 1048576);
	config_sample(&sample);
	write_file("app.secret", "hunter2", 0600);
	write_file("sample.yaml", sample.p, 0644);
	c = load("sample.yaml");
	assert_int_equal(c->tenant_count, 1);
	assert_string_equal(c->tenants[0].key, "contoso");
	assert_int_equal(c->destinations[0].transport, TRANSPORT_TLS);
	config_free(c);
	for (line = sample.p; *line; line = end + 1) {
		char *hash, *colon;

		end = line + strcspn(line, "\n");
		*end = '\0';
		hash = line + strspn(line, " ");
		colon = strchr(hash, ':');
		assert_true(strlen(line) <= 100);
		if (hash[0] == '#' && hash[1] != ' ' && colon && colon[1] == ' ' &&
			strncmp(hash, "#tenants_dir", 12) &&
			strncmp(hash, "#directory", 10) && strncmp(hash, "#bom", 4) &&
			strncmp(hash, "#utc", 4) && strncmp(hash, "#tag", 4) &&
			strncmp(hash, "#rate", 5) && strncmp(hash, "#relp_", 6)) {
			memmove(hash, hash + 1, strlen(hash));
			shown++;
		}
		strbuf_addf(&plain, "%s\n", line);
	}
	assert_true(shown > 25);
	write_file("plain.yaml", plain.p, 0644);
	c = load("plain.yaml");
	assert_int_equal(c->tenants[0].feeds[0].window_bytes, 2097152);
	config_free(c);
	strbuf_clear(&sample);
	strbuf_clear(&plain);
}

static void manual_names_every_option(void **state)
{
	static const char *const some[] = {".Ss destinations\n",
		".It Ic transport : tcp | tls | listen | listen+tls | udp | relp |",
		"| relp+tls | file | stdout\n", ".It Ic max_message_bytes : Ar size\n",
		"From 480 to 1M.", "Default: 8096.",
		"There are: cef, leef, rfc5424-json, json, ecs, ocsf.",
		".Ss tenants_dir\n"};
	struct strbuf manual;

	(void)state;
	strbuf_init(&manual, 1048576);
	config_manual(&manual);
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++)
		if (!strstr(manual.p, some[i]))
			fail_msg("%s is not in:\n%s", some[i], manual.p);
	assert_null(strstr(manual.p, "client_secret :"));
	strbuf_clear(&manual);
}

#define MANY 10000

static void ten_thousand_tenants_stay_small(void **state)
{
	int64_t start;
	struct config *c;
	size_t before;

	(void)state;
	mkdir("tenants.d", 0700);
	for (int i = 0; i < MANY; i++) {
		char name[64], text[200];

		snprintf(name, sizeof(name), "tenants.d/customer-%05d.yaml", i);
		snprintf(text, sizeof(text),
			"customer-%05d:\n  tenant_id: 11111111-1111-1111-1111-%012d\n  "
			"display_name: Customer Number %d Ltd\n",
			i, i, i);
		write_file(name, text, 0644);
	}
	write_file("c.yaml",
		"app: {client_id: 00000000-0000-0000-0000-000000000001, "
		"client_secret_env: TEST_SECRET}\n"
		"destinations: {soc: {transport: stdout}}\nfeeds: [{to: soc}]\n",
		0644);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	start = clock_mono_ms(&clock_system);
	c = load("c.yaml");
	assert_int_equal(c->tenant_count, MANY);
	assert_string_equal(c->tenants[MANY - 1].key, "customer-09999");
	print_message("# %d tenants: %lld ms, %zu octets each\n", MANY,
		(long long)(clock_mono_ms(&clock_system) - start),
		(mallinfo2().uordblks + mallinfo2().hblkhd - before) / MANY);
	assert_true((mallinfo2().uordblks + mallinfo2().hblkhd - before) / MANY < 1024);
	config_free(c);
}

#define IN_DATA(test) cmocka_unit_test_setup(test, enter_data)
#define IN_TEMPORARY(test)                                                             \
	cmocka_unit_test_setup_teardown(test, enter_temporary, leave_temporary)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DATA(full_file_is_typed),
		IN_DATA(transports_have_options_of_their_own),
		IN_DATA(clouds),
		IN_DATA(defaults_are_those_of_the_table),
		IN_DATA(bad_files_are_reported),
		IN_TEMPORARY(secrets_are_checked_and_never_shown),
		IN_TEMPORARY(ways_to_sign_in),
		cmocka_unit_test(bounds_of_the_table_can_be_read),
		IN_TEMPORARY(feed_keys_fit_into_the_state),
		IN_TEMPORARY(whole_directories_are_read),
		IN_TEMPORARY(sample_is_a_configuration),
		cmocka_unit_test(manual_names_every_option),
		IN_TEMPORARY(ten_thousand_tenants_stay_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
