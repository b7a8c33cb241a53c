/* bench_http.c - CPU and memory of empty polls: many tenants, few connections.
 *
 * bench_http [tenants [rounds [transfers [delay_ms | root [login [ca_file [h2]]]]]]]
 * Without a root it plays the API itself, with TLS, in a process of its own, whose CPU does not
 * count; delay_ms is how long that one thinks. Each round every tenant asks for one page. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/server.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "fetch/page.h"

struct tenant {
	struct token *token;
	struct page *page;
	char id[48];
};

static unsigned long done_count, ok_count, target;
static struct loop *loop;
static struct error last;
static unsigned delay_ms;

static void handle(struct exchange *x, void *context)
{
	static const char page[] = "{\"@odata.context\":\"https://graph.microsoft.com/"
				   "v1.0/$metadata#security/alerts_v2\","
				   "\"value\":[]}";
	static char token[2000];

	(void)context;
	if (strstr(x->path, "/token")) {
		char *p = token + snprintf(token, sizeof(token),
					  "{\"expires_in\":3599,\"access_token\":\"");

		memset(p, 'e', 1500);
		memcpy(p + 1500, "\"}", 3);
		exchange_reply(x, 200, "", token, strlen(token));
	} else {
		usleep(delay_ms * (500 + (unsigned)random() % 1000));
		exchange_reply(x, 200,
			"Content-Type: application/json;odata.metadata=minimal\r\n"
			"Cache-Control: no-cache\r\nVary: Accept-Encoding\r\n"
			"Strict-Transport-Security: max-age=31536000\r\n"
			"request-id: 1740feb8-b33a-4c08-a6ee-ab5cfc5a18c4\r\n"
			"client-request-id: 1740feb8-b33a-4c08-a6ee-ab5cfc5a18c4\r\n"
			"x-ms-ags-diagnostic: {\"ServerInfo\":{\"DataCenter\":\"West "
			"Europe\",\"Slice\":\"E\",\"Ring\":\"5\"}}\r\n"
			"OData-Version: 4.0\r\nDate: Tue, 06 Jan 2026 10:00:00 GMT\r\n",
			page, sizeof(page) - 1);
	}
}

static bool alert(void *context, struct fmt_alert *a)
{
	(void)context;
	(void)a;
	return true;
}

static void done(void *context, enum page_result result, const char *next,
	int64_t retry_after_ms, const struct error *err)
{
	(void)context;
	(void)next;
	(void)retry_after_ms;
	if (result == PAGE_OK)
		ok_count++;
	else
		last = *err;
	if (++done_count == target)
		loop_stop(loop);
}

static pid_t server_fork(char *root, size_t size, char *ca, size_t ca_size)
{
	int ends[2];
	pid_t pid;
	char line[300] = "";

	if (pipe(ends))
		exit(1);
	pid = fork();
	if (pid == 0) {
		struct server *server = server_new("localhost", handle, NULL);
		int n = snprintf(line, sizeof(line), "%s %s", server_root(server),
			server_ca_file());

		if (write(ends[1], line, (size_t)n) != n)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(ends[0], line, sizeof(line) - 1) <= 0)
		exit(1);
	snprintf(root, size, "%.*s", (int)strcspn(line, " "), line);
	snprintf(ca, ca_size, "%s", strchr(line, ' ') + 1);
	return pid;
}

static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec * 1e6 + (double)u.ru_utime.tv_usec +
	       (double)u.ru_stime.tv_sec * 1e6 + (double)u.ru_stime.tv_usec;
}

static long rss_kb(void)
{
	long pages = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file || fscanf(file, "%ld %ld", &pages, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char **argv)
{
	unsigned long tenants = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 10;
	struct http_options options = {.max_transfers = 64,
		.user_agent = "bench",
		.proxy = "",
		.connect_timeout_ms = 10000,
		.first_byte_timeout_ms = 30000,
		.stall_timeout_ms = 30000};
	struct page_events events = {.alert = alert, .done = done};
	char root[200], ca[200];
	const struct credential_options sign_in = {.secret_env = "BENCH_SECRET"};
	struct credential *credential;
	struct tenant *all;
	struct http *http;
	struct error err;
	pid_t pid = 0;

	log_set_level(LOG_ERR);
	if (argc > 3)
		options.max_transfers = (unsigned)strtoul(argv[3], NULL, 10);
	if (argc == 5 && argv[4][0] != 'h')
		delay_ms = (unsigned)strtoul(argv[4], NULL, 10);
	if (argc > 4 && !delay_ms) {
		snprintf(root, sizeof(root), "%s", argv[4]);
		options.ca_file = argc > 6 ? argv[6] : NULL;
		options.http2 = argc > 7;
	} else {
		pid = server_fork(root, sizeof(root), ca, sizeof(ca));
		options.ca_file = ca;
	}
	loop = loop_new(&clock_system);
	if (http_new(loop, &options, &http, &err) != RC_OK)
		return 1;
	all = xcalloc(tenants, sizeof(*all));
	setenv("BENCH_SECRET", "secret", 1);
	credential = credential_new(loop, http, &sign_in);
	printf("empty: rss %ld KB\n", rss_kb());
	for (unsigned long i = 0; i < tenants; i++) {
		struct token_options t = {.login_root = argc > 5 ? argv[5] : root,
			.tenant_id = all[i].id,
			.client_id = "97e0a5b7-d745-40b6-94fe-5f77d35c6e05",
			.credential = credential,
			.scope = "https://graph.microsoft.com/.default"};

		snprintf(all[i].id, sizeof(all[i].id),
			"%08lx-0000-0000-0000-000000000000", i);
		all[i].token = token_new(loop, http, &t);
		all[i].page = page_new(loop, http, all[i].token,
			budget_new(loop, API_GRAPH, all[i].id, 10000),
			&source_graph_alerts, root, &events);
	}
	for (unsigned long round = 0; round <= rounds; round++) {
		struct http_stats before, after;
		double cpu = cpu_us();
		int64_t start = loop_now_ms(loop), ms;
		char url[400];

		snprintf(url, sizeof(url),
			"%s/v1.0/security/"
			"alerts_v2?$filter=lastUpdateDateTime%%20ge%%202026-01-"
			"05T00:00:00.0000000Z%%20and%%20lastUpdateDateTime%%20lt%%"
			"202026-01-05T01:00:"
			"00.0000000Z&$top=100",
			root);
		http_stats(http, &before);
		done_count = ok_count = 0;
		target = tenants;
		for (unsigned long i = 0; i < tenants; i++)
			page_fetch(all[i].page, url);
		if (loop_run(loop, &err) != RC_OK)
			return 1;
		http_stats(http, &after);
		ms = loop_now_ms(loop) - start;
		printf("%s%lu: %lu of %lu ok, %.1f us CPU each, %lld ms, %llu new "
		       "connections, "
		       "rss %ld KB%s%s\n",
			round ? "round " : "sign-in ", round, ok_count, tenants,
			(cpu_us() - cpu) / (double)tenants, (long long)ms,
			(unsigned long long)(after.connects - before.connects),
			rss_kb(), *last.text ? " " : "", last.text);
	}
	for (unsigned long i = 0; i < tenants; i++) {
		page_free(all[i].page);
		token_free(all[i].token);
	}
	free(all);
	credential_free(credential);
	http_free(http);
	loop_free(loop);
	if (pid) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		unlink(ca);
	}
	return 0;
}
