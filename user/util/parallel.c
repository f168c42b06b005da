/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <pthread.h>
#include <stdbool.h>

#include "util/parallel.h"

enum {
	MOST_PARTS = 128,
	STACK = 256 * 1024, /* bytes */
};

struct part {
	void (*work)(void *context, size_t first, size_t end);
	void *context;
	size_t first, end;
	pthread_t thread;
	bool has_thread;
};

static void *run_part(void *part)
{
	const struct part *p = part;

	p->work(p->context, p->first, p->end);
	return NULL;
}

void parallel_run(size_t n, void (*work)(void *context, size_t first, size_t end), void *context)
{
	size_t n_parts = n < MOST_PARTS ? n : MOST_PARTS;
	struct part parts[MOST_PARTS];
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	for (size_t i = 0; i < n_parts; i++) {
		struct part *p = &parts[i];

		*p = (struct part){
			.work = work,
			.context = context,
			.first = n * i / n_parts,
			.end = n * (i + 1) / n_parts,
		};
		/* the last one is the caller's own */
		p->has_thread =
			i + 1 < n_parts && !pthread_create(&p->thread, &attributes, run_part, p);
		if (!p->has_thread)
			run_part(p);
	}
	for (size_t i = 0; i < n_parts; i++)
		if (parts[i].has_thread)
			pthread_join(parts[i].thread, NULL);
	pthread_attr_destroy(&attributes);
}
