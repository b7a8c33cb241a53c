/* trickle.c - new alerts and updates at a steady pace. */
#include "config.h"

#include "trickle.h"

#include <stdlib.h>
#include <time.h>

static struct {
	struct world *world;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned per_minute;
	bool stopping;
} trickle = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void happen(struct world *w, uint64_t k)
{
	static const char *const statuses[] = {"new", "inProgress", "resolved"};
	struct tenant *t = &w->tenants[k % w->tenant_count];
	struct change c = {.status = statuses[(k >> 40) % 3]};
	int64_t updated;
	pthread_mutex_lock(&t->lock);
	size_t count = t->count;
	pthread_mutex_unlock(&t->lock);
	if ((k >> 32) % 5 || !count)
		tenant_add(w, t, 0);
	else
		tenant_update(
			w, t, NULL, (unsigned)(1 + (k >> 16) % count), &c, &updated);
}

static void *run(void *context)
{
	struct timespec due;
	uint64_t n = 0;
	(void)context;
	pthread_mutex_lock(&trickle.lock);
	clock_gettime(CLOCK_MONOTONIC, &due);
	while (!trickle.stopping) {
		if (!trickle.per_minute) {
			pthread_cond_wait(&trickle.changed, &trickle.lock);
			clock_gettime(CLOCK_MONOTONIC, &due);
			continue;
		}
		int64_t step = INT64_C(60000000000) / trickle.per_minute + due.tv_nsec;
		due.tv_sec += step / 1000000000;
		due.tv_nsec = step % 1000000000;
		while (!trickle.stopping &&
			!pthread_cond_timedwait(&trickle.changed, &trickle.lock, &due))
			;
		if (trickle.stopping)
			break;
		pthread_mutex_unlock(&trickle.lock);
		happen(trickle.world, generate_mix(0x7472, n++));
		pthread_mutex_lock(&trickle.lock);
	}
	pthread_mutex_unlock(&trickle.lock);
	return NULL;
}

void trickle_start(struct world *w, unsigned per_minute)
{
	pthread_condattr_t attr;
	trickle.world = w;
	trickle.per_minute = per_minute;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&trickle.changed, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&trickle.thread, NULL, run, NULL) != 0)
		abort();
}

void trickle_set(unsigned per_minute)
{
	pthread_mutex_lock(&trickle.lock);
	trickle.per_minute = per_minute;
	pthread_cond_signal(&trickle.changed);
	pthread_mutex_unlock(&trickle.lock);
}

void trickle_stop(void)
{
	pthread_mutex_lock(&trickle.lock);
	trickle.stopping = true;
	pthread_cond_signal(&trickle.changed);
	pthread_cond_signal(&trickle.changed);
	pthread_mutex_unlock(&trickle.lock);
	pthread_join(trickle.thread, NULL);
}
