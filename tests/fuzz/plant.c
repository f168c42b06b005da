/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Errors that the comparison must find: each changes one thing of what is expected. */
#include <string.h>

#include "fuzz/diff.h"

static uint8_t *outer(struct oracle_result *r)
{
	uint32_t at = 12;

	while (r->bytes[at] == 0x81)
		at += 4;
	return r->bytes + at + 2;
}

static void plant_tos(struct oracle_world *w, struct oracle_result *r)
{
	(void)w;
	if (r->reason == ORACLE_forwarded)
		outer(r)[1] ^= 0x10;
}

static void plant_last_byte(struct oracle_world *w, struct oracle_result *r)
{
	(void)w;
	if (r->verdict == ORACLE_BACK)
		r->bytes[r->len - 1] ^= 1;
}

static void plant_length(struct oracle_world *w, struct oracle_result *r)
{
	(void)w;
	r->len -= r->reason == ORACLE_forwarded;
}

static void plant_verdict(struct oracle_world *w, struct oracle_result *r)
{
	(void)w;
	if (r->reason == ORACLE_other_protocol)
		r->verdict = ORACLE_DROP;
}

static void plant_reason(struct oracle_world *w, struct oracle_result *r)
{
	(void)w;
	if (r->reason == ORACLE_bad_l4_header)
		r->reason = ORACLE_bad_ip_header;
}

static void plant_tenant(struct oracle_world *w, struct oracle_result *r)
{
	(void)w;
	if (r->reason == ORACLE_not_vip_port)
		r->tenant = 0;
}

static void plant_vip(struct oracle_world *w, struct oracle_result *r)
{
	r->vip = (r->vip + 1) % w->n_vips;
}

static void plant_backend(struct oracle_world *w, struct oracle_result *r)
{
	r->backend = (r->backend + 1) % w->n_backends;
}

static void plant_syn(struct oracle_world *w, struct oracle_result *r)
{
	(void)w;
	r->is_syn = false;
}

static void plant_added(struct oracle_world *w, struct oracle_result *r)
{
	(void)w;
	r->flows_added = 0;
}

static void plant_flow(struct oracle_world *w, struct oracle_result *r)
{
	struct oracle_flow *e = &w->flows[w->tenants[r->tenant].first_bucket][0];

	if (e->state == ORACLE_NEW)
		e->state = ORACLE_CONFIRMED;
}

static void plant_load(struct oracle_world *w, struct oracle_result *r)
{
	w->backends[r->backend].load += r->is_counted;
}

static void plant_turn(struct oracle_world *w, struct oracle_result *r)
{
	w->vips[r->vip].turn += r->is_counted;
}

static void plant_answers(struct oracle_world *w, struct oracle_result *r)
{
	w->tenants[r->tenant].answers_sent += r->reason == ORACLE_too_big_answered;
}

bool plant(const char *name, struct oracle_world *w, struct oracle_result *r)
{
	static const struct {
		const char *name;
		void (*plant)(struct oracle_world *w, struct oracle_result *r);
	} plants[] = {
		{"tos", plant_tos},       {"last-byte", plant_last_byte},
		{"length", plant_length}, {"verdict", plant_verdict},
		{"reason", plant_reason}, {"tenant", plant_tenant},
		{"vip", plant_vip},       {"backend", plant_backend},
		{"syn", plant_syn},       {"added", plant_added},
		{"flow", plant_flow},     {"load", plant_load},
		{"turn", plant_turn},     {"answers", plant_answers},
	};

	for (uint32_t i = 0; i < sizeof(plants) / sizeof(*plants); i++)
		if (!strcmp(plants[i].name, name)) {
			plants[i].plant(w, r);
			return true;
		}
	return false;
}
