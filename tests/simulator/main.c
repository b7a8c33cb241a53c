/* main.c - options of the simulator; see README for the control endpoint. */
#include "config.h"

#include "application.h"
#include "cert.h"
#include "faults.h"
#include "imds.h"
#include "refresh.h"
#include "server.h"
#include "trickle.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum option_name {
	OPT_HELP = 'h',
	OPT_VERBOSE = 'v',
	OPT_PORT = 256,
	OPT_PORT_FILE,
	OPT_IMDS_PORT_FILE,
	OPT_BIND,
	OPT_CERT,
	OPT_KEY,
	OPT_MAKE_CERT,
	OPT_PLAIN,
	OPT_TENANTS,
	OPT_ALERTS,
	OPT_SEED,
	OPT_SINCE,
	OPT_UNTIL,
	OPT_PAGE_MAX,
	OPT_MDE_PAGE_MAX,
	OPT_PAGING,
	OPT_RATE,
	OPT_SECRET,
	OPT_CLIENT_ID,
	OPT_TOKEN_LIFE,
	OPT_SAMPLES,
	OPT_TRICKLE,
	OPT_GZIP,
	OPT_PRETTY,
	OPT_THREADS,
	OPT_DUMP,
	OPT_DUMP_LINES,
};

static const struct option long_options[] = {
	{"help", no_argument, NULL, OPT_HELP},
	{"verbose", no_argument, NULL, OPT_VERBOSE},
	{"port", required_argument, NULL, OPT_PORT},
	{"port-file", required_argument, NULL, OPT_PORT_FILE},
	{"imds-port-file", required_argument, NULL, OPT_IMDS_PORT_FILE},
	{"bind", required_argument, NULL, OPT_BIND},
	{"cert", required_argument, NULL, OPT_CERT},
	{"key", required_argument, NULL, OPT_KEY},
	{"make-cert", required_argument, NULL, OPT_MAKE_CERT},
	{"plain", no_argument, NULL, OPT_PLAIN},
	{"tenants", required_argument, NULL, OPT_TENANTS},
	{"alerts", required_argument, NULL, OPT_ALERTS},
	{"seed", required_argument, NULL, OPT_SEED},
	{"since", required_argument, NULL, OPT_SINCE},
	{"until", required_argument, NULL, OPT_UNTIL},
	{"page-max", required_argument, NULL, OPT_PAGE_MAX},
	{"mde-page-max", required_argument, NULL, OPT_MDE_PAGE_MAX},
	{"paging", required_argument, NULL, OPT_PAGING},
	{"rate", required_argument, NULL, OPT_RATE},
	{"secret", required_argument, NULL, OPT_SECRET},
	{"client-id", required_argument, NULL, OPT_CLIENT_ID},
	{"token-life", required_argument, NULL, OPT_TOKEN_LIFE},
	{"samples", required_argument, NULL, OPT_SAMPLES},
	{"trickle", required_argument, NULL, OPT_TRICKLE},
	{"gzip", no_argument, NULL, OPT_GZIP},
	{"pretty", no_argument, NULL, OPT_PRETTY},
	{"threads", required_argument, NULL, OPT_THREADS},
	{"dump", required_argument, NULL, OPT_DUMP},
	{"dump-lines", required_argument, NULL, OPT_DUMP_LINES},
	{NULL, 0, NULL, 0},
};

static const char default_secret[] = "s3cret~+/=&.% 8Q";

static const char help[] =
	"Usage: simulator [options]\n"
	"Plays Microsoft's login service and the APIs that list alerts, on loopback.\n"
	"\n"
	"Where it listens\n"
	"  --port N           port; 0 (default) lets the system choose\n"
	"  --port-file FILE   the port number is written here once it listens\n"
	"  --imds-port-file FILE   plain HTTP on another port for managed identities\n"
	"  --bind ADDRESS     loopback address (default 127.0.0.1)\n"
	"  --cert FILE --key FILE   PEM certificate and key of the server\n"
	"  --make-cert DIR    makes and uses a CA and certificate for localhost:\n"
	"                     DIR/ca.pem, DIR/server.pem, DIR/server.key\n"
	"  --plain            HTTP without TLS, for benchmarks\n"
	"  --threads N        threads that answer (default 2)\n"
	"\n"
	"What there is\n"
	"  --tenants N        tenants (default 1); ids 00000000-0000-4000-8000-%012d\n"
	"  --alerts N         alerts in total, spread over the tenants (default 100)\n"
	"  --seed N           the same seed gives the same alerts (default 1)\n"
	"  --since TIME       oldest alert (default 24 hours before --until)\n"
	"  --until TIME       newest alert (default now)\n"
	"  --samples DIR      directory of graph-alerts_v2*.json for /control/samples\n"
	"  --trickle N        so many new alerts or updates a minute, over all "
	"tenants\n"
	"\n"
	"How it answers\n"
	"  --secret TEXT      client secret (default 's3cret~+/=&.% 8Q')\n"
	"  --client-id ID     only this application is known (default: any)\n"
	"  --token-life S     life of access tokens in seconds (default 3599)\n"
	"  --page-max N       largest page; alerts_v2 lowers $top (default 1000)\n"
	"  --mde-page-max N   page of api/alerts without $top (default 10000)\n"
	"  --paging skip|key  nextLink counts alerts (default; changes shift pages) "
	"or\n"
	"                     remembers the last alert\n"
	"  --rate N           more than N requests per minute, tenant and API get 429\n"
	"  --gzip             compress for clients that accept it\n"
	"  --pretty           indented JSON\n"
	"\n"
	"  --dump N           print N alerts as one page and exit\n"
	"  --dump-lines N     print N alerts, one per line, and exit\n"
	"  -v, --verbose      log requests to stderr\n"
	"  -h, --help         this text\n"
	"\n"
	"The control endpoint under /control/ is described in "
	"tests/simulator/README.\n";

struct options {
	struct server_options server;
	const char *port_file, *imds_port_file, *cert, *key, *make_cert, *samples,
		*secret, *client_id;
	unsigned tenants, alerts, page_max, mde_page_max, rate, trickle, token_life,
		dump;
	uint64_t seed;
	int64_t since, until;
	bool plain, key_paging, dump_lines, dump_given;
};

static void usage_error(const char *what, const char *value)
{
	fprintf(stderr, "simulator: %s: %s\nTry simulator --help.\n", what, value);
	exit(2);
}

static uint64_t number(const char *text, uint64_t min, uint64_t max)
{
	char *end;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || v < min || v > max)
		usage_error("not a number in range", text);
	return v;
}

static int64_t point(const char *text)
{
	int64_t ticks;
	if (!moment_parse(text, strlen(text), &ticks))
		usage_error("not a time like 2026-01-31T12:00:00Z", text);
	return ticks;
}

static void set_world_option(struct options *o, int name, const char *value)
{
	switch (name) {
	case OPT_TENANTS:
		o->tenants = (unsigned)number(value, 1, 1000000);
		break;
	case OPT_ALERTS:
		o->alerts = (unsigned)number(value, 0, 20000000);
		break;
	case OPT_SEED:
		o->seed = number(value, 0, UINT64_MAX);
		break;
	case OPT_SINCE:
		o->since = point(value);
		break;
	case OPT_UNTIL:
		o->until = point(value);
		break;
	case OPT_SAMPLES:
		o->samples = value;
		break;
	case OPT_TRICKLE:
		o->trickle = (unsigned)number(value, 0, 10000000);
		break;
	case OPT_DUMP:
	case OPT_DUMP_LINES:
		o->dump = (unsigned)number(value, 0, 20000000);
		o->dump_given = true;
		o->dump_lines = name == OPT_DUMP_LINES;
		break;
	default:
		abort();
	}
}

static void set_answer_option(struct options *o, int name, const char *value)
{
	switch (name) {
	case OPT_SECRET:
		o->secret = value;
		break;
	case OPT_CLIENT_ID:
		o->client_id = value;
		break;
	case OPT_TOKEN_LIFE:
		o->token_life = (unsigned)number(value, 1, 1000000);
		break;
	case OPT_PAGE_MAX:
		o->page_max = (unsigned)number(value, 1, 1000000);
		break;
	case OPT_MDE_PAGE_MAX:
		o->mde_page_max = (unsigned)number(value, 1, 10000);
		break;
	case OPT_PAGING:
		o->key_paging = !strcmp(value, "key");
		if (!o->key_paging && strcmp(value, "skip") != 0)
			usage_error("--paging is skip or key, not", value);
		break;
	case OPT_RATE:
		o->rate = (unsigned)number(value, 0, 1000000);
		break;
	case OPT_GZIP:
		o->server.gzip = true;
		break;
	case OPT_PRETTY:
		o->server.pretty = true;
		break;
	default:
		set_world_option(o, name, value);
	}
}

static void set_option(struct options *o, int name, const char *value)
{
	switch (name) {
	case OPT_HELP:
		fputs(help, stdout);
		exit(0);
	case OPT_VERBOSE:
		o->server.verbose = true;
		break;
	case OPT_PORT:
		o->server.port = (unsigned)number(value, 0, 65535);
		break;
	case OPT_PORT_FILE:
		o->port_file = value;
		break;
	case OPT_IMDS_PORT_FILE:
		o->imds_port_file = value;
		break;
	case OPT_BIND:
		o->server.address = value;
		break;
	case OPT_CERT:
		o->cert = value;
		break;
	case OPT_KEY:
		o->key = value;
		break;
	case OPT_MAKE_CERT:
		o->make_cert = value;
		break;
	case OPT_PLAIN:
		o->plain = true;
		break;
	case OPT_THREADS:
		o->server.threads = (unsigned)number(value, 1, 64);
		break;
	case '?':
		fputs("Try simulator --help.\n", stderr);
		exit(2);
	default:
		set_answer_option(o, name, value);
	}
}

static void read_options(struct options *o, int argc, char **argv)
{
	int name;
	while ((name = getopt_long(argc, argv, "hv", long_options, NULL)) != -1)
		set_option(o, name, optarg);
	if (optind < argc)
		usage_error("no argument is expected", argv[optind]);
	if (!o->until)
		o->until = moment_now();
	if (!o->since)
		o->since = o->until - 24 * 3600 * MOMENT_SECOND;
	if (o->since > o->until)
		usage_error("--since", "is after --until");
	if (o->until > moment_now())
		usage_error("--until", "is in the future");
	if (o->dump_given)
		return;
	if (o->plain + !!o->make_cert + (o->cert || o->key) != 1)
		usage_error("give one of", "--plain, --make-cert, --cert with --key");
	if (!o->cert != !o->key)
		usage_error("--cert and --key", "belong together");
}

static char *read_file(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct text t = {0};
	char buf[4096];
	size_t n;
	snprintf(path, sizeof(path), "%s%s%s", dir ? dir : "", dir ? "/" : "", name);
	FILE *f = fopen(path, "re");
	if (!f) {
		fprintf(stderr, "simulator: cannot read %s: %s\n", path,
			strerror(errno));
		exit(1);
	}
	while ((n = fread(buf, 1, sizeof(buf), f)) > 0)
		text_add(&t, buf, n);
	fclose(f);
	return text_take(&t, NULL);
}

static bool write_port(const char *path, unsigned port)
{
	char part[PATH_MAX];
	if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
		return false;
	FILE *f = fopen(part, "we");
	if (!f)
		return false;
	bool good = fprintf(f, "%u\n", port) > 0;
	good = !fclose(f) && good;
	return good && !rename(part, path);
}

static bool tell_port(const char *path, unsigned port)
{
	bool good = write_port(path, port);
	if (!good)
		fprintf(stderr, "simulator: cannot write %s: %s\n", path,
			strerror(errno));
	return good;
}

static void dump(const struct options *o)
{
	struct generator *g = generator_new(o->seed);
	struct text t = {0}, indented = {0};
	if (!o->dump_lines)
		fputs("{\"@odata.context\":\"https://graph.microsoft.com/v1.0/"
		      "$metadata#security/alerts_v2\",\"value\":[",
			stdout);
	for (unsigned n = 1; n <= o->dump; n++) {
		struct alert_state s;
		unsigned tenant = 1 + (n - 1) % o->tenants;
		unsigned number_in = 1 + (n - 1) / o->tenants;
		generate_state(g, tenant, number_in, o->since, o->until, &s);
		t.n = indented.n = 0;
		generate_alert(&t, g, tenant, number_in, &s, true);
		struct text *out = &t;
		if (o->server.pretty && !o->dump_lines) {
			text_indent(&indented, t.p, t.n);
			out = &indented;
		}
		if (!o->dump_lines && n > 1)
			putchar(',');
		fwrite(out->p, 1, out->n, stdout);
		if (o->dump_lines)
			putchar('\n');
	}
	if (!o->dump_lines)
		puts("]}");
	text_clear(&t);
	text_clear(&indented);
	generator_free(g);
	if (fflush(stdout) || ferror(stdout)) {
		perror("simulator: cannot print");
		exit(1);
	}
}

static struct machine *machine_new(const struct world *w)
{
	struct machine *m = calloc(1, sizeof(*m));
	if (!m)
		abort();
	m->tenant = &w->tenants[0];
	m->client_id = "00000000-0000-4000-9000-00000000c11e";
	m->object_id = "00000000-0000-4000-9000-0000000000b1";
	m->header = "simulated-identity-header";
	return m;
}

static struct world *make_world(const struct options *o)
{
	struct world *w = world_new(o->seed, o->tenants, o->alerts, o->since, o->until);
	w->application = application_new(o->secret);
	w->refresh_tokens = refresh_new();
	w->machine = machine_new(w);
	w->client_id = o->client_id;
	w->samples = o->samples;
	w->page_max = o->page_max;
	w->mde_page_max = o->mde_page_max;
	w->rate_per_minute = o->rate;
	w->key_paging = o->key_paging;
	w->token_life_s = o->token_life;
	if (getrandom(w->token_key, sizeof(w->token_key), 0) != sizeof(w->token_key))
		abort();
	return w;
}

static int serve(struct options *o)
{
	char *cert = NULL, *key = NULL;
	sigset_t signals;
	int rc = 1, got;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Pages are big: keep their memory instead of mapping it anew each time. */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
	if (o->make_cert && !cert_make(o->make_cert))
		return 1;
	if (!o->plain) {
		cert = read_file(o->make_cert, o->make_cert ? "server.pem" : o->cert);
		key = read_file(o->make_cert, o->make_cert ? "server.key" : o->key);
		o->server.cert = cert;
		o->server.key = key;
	}
	struct world *w = make_world(o);
	struct server_options plain = {
		.address = o->server.address, .threads = 1, .imds = true};
	struct server *s = server_start(w, &o->server),
		      *imds = s && o->imds_port_file ? server_start(w, &plain) : NULL;
	if (s) {
		trickle_start(w, o->trickle);
		/* The file of the main port is last: then everything listens. */
		bool good = !o->imds_port_file ||
			    (imds && tell_port(o->imds_port_file, server_port(imds)));
		if (good && o->port_file)
			good = tell_port(o->port_file, server_port(s));
		else if (good && printf("%u\n", server_port(s)) > 0)
			fflush(stdout);
		rc = !good;
		if (good)
			sigwait(&signals, &got);
		trickle_stop();
		if (imds)
			server_stop(imds);
		server_stop(s);
	}
	application_free(w->application);
	refresh_free(w->refresh_tokens);
	free(w->machine);
	fault_clear_all(w);
	world_free(w);
	free(cert);
	free(key);
	return rc;
}

int main(int argc, char **argv)
{
	struct options o = {.tenants = 1,
		.alerts = 100,
		.seed = 1,
		.page_max = 1000,
		.mde_page_max = 10000,
		.token_life = 3599,
		.secret = default_secret,
		.server = {.address = "127.0.0.1", .threads = 2}};
	read_options(&o, argc, argv);
	if (o.dump_given) {
		dump(&o);
		return 0;
	}
	return serve(&o);
}
