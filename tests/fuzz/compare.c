/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fuzz/compare.h"

enum {
	TENANT_WORDS = sizeof(struct mtlb_tenant_stats) / 8
};

static const char *const tenant_words[] = {
	"bytes",
#define NAME(name, verdict, text) #name,
	MTLB_REASONS(NAME)
#undef NAME
		"flows_added",
	"flows_refused",
	"notes_refused",
};

/* Both lists of reasons are one: the oracle's number is the place among the counters. */
#define SAME(name, verdict, text)                                                                  \
	_Static_assert((int)ORACLE_##name == (int)MTLB_REASON_##name, #name);
MTLB_REASONS(SAME)
#undef SAME
_Static_assert((int)ORACLE_REASON_END == (int)MTLB_REASON_END, "reasons");

__attribute__((format(printf, 3, 4))) static bool differs(struct difference *d, const char *what,
							  const char *format, ...)
{
	va_list args;

	d->is_found = true;
	snprintf(d->what, sizeof(d->what), "%s", what);
	va_start(args, format);
	vsnprintf(d->text, sizeof(d->text), format, args);
	va_end(args);
	return false;
}

void compare_begin(const struct maps *m, struct compare_counters *c)
{
	for (uint32_t i = 0; i < ORACLE_TENANTS; i++)
		c->tenants[i] = maps_tenant_stats(m, i);
	for (uint32_t i = 0; i < ORACLE_VIPS; i++)
		c->vips[i] = maps_vip_stats(m, i);
	for (uint32_t i = 0; i < ORACLE_BACKENDS; i++)
		c->backends[i] = maps_backend_stats(m, i);
}

void compare_expect(struct compare_counters *c, const struct oracle_result *r, uint32_t len)
{
	uint64_t *words = (uint64_t *)&c->tenants[r->tenant];

	words[0] += len;
	words[r->reason]++;
	c->tenants[r->tenant].flows_added += r->flows_added;
	c->tenants[r->tenant].flows_refused += r->flows_refused;
	c->tenants[r->tenant].notes_refused += r->notes_refused;
	if (!r->is_counted)
		return;
	c->vips[r->vip].packets++;
	c->vips[r->vip].bytes += len;
	c->vips[r->vip].syns += r->is_syn;
	c->backends[r->backend].packets++;
	c->backends[r->backend].bytes += len;
}

static bool compare_tenant(const struct maps *m, const struct compare_counters *c, uint32_t t,
			   struct difference *d)
{
	struct mtlb_tenant_stats stats = maps_tenant_stats(m, t);
	const uint64_t *is = (const uint64_t *)&stats, *want = (const uint64_t *)&c->tenants[t];

	for (uint32_t i = 1; i < TENANT_WORDS; i++)
		if (is[i] != want[i])
			return differs(d, tenant_words[i], "tenant %u %s: %lld too many", t,
				       tenant_words[i], (long long)(is[i] - want[i]));
	return is[0] == want[0] || differs(d, "tenant bytes", "tenant %u bytes: %lld too many", t,
					   (long long)(is[0] - want[0]));
}

static bool compare_flow(const struct maps *m, const struct oracle_world *w, uint32_t bucket,
			 uint32_t way, struct difference *d)
{
	const struct oracle_flow *want = &w->flows[bucket][way];
	struct oracle_flow is = maps_flow(m, bucket, way);

	if (is.state == want->state && is.state == ORACLE_FREE)
		return true;
	if (is.state == want->state && is.hash == want->hash && is.backend == want->backend &&
	    is.seen == want->seen && is.is_home == want->is_home && is.is_by_id == want->is_by_id)
		return true;
	const char *what = is.hash != want->hash         ? "flow entry"
			   : is.state != want->state     ? "flow state"
			   : is.backend != want->backend ? "flow backend"
			   : is.seen != want->seen       ? "flow tick"
			   : is.is_home != want->is_home ? "flow home"
							 : "flow by id";

	return differs(d, what,
		       "flow %u.%u: state %u hash %016llx backend %u seen %u, expected %u %016llx "
		       "%u %u",
		       bucket, way, is.state, (unsigned long long)is.hash, is.backend, is.seen,
		       want->state, (unsigned long long)want->hash, want->backend, want->seen);
}

static bool compare_flows(const struct maps *m, const struct oracle_world *w, uint32_t first,
			  uint32_t n, struct difference *d)
{
	for (uint32_t bucket = first; bucket < first + n; bucket++)
		for (uint32_t way = 0; way < ORACLE_WAYS; way++)
			if (!compare_flow(m, w, bucket, way, d))
				return false;
	return true;
}

static bool compare_loads(const struct maps *m, const struct oracle_world *w, struct difference *d)
{
	for (uint32_t i = 0; i < w->n_backends; i++)
		if (maps_load(m, i) != w->backends[i].load)
			return differs(d, "load", "load of backend %u: %d, expected %d", i,
				       maps_load(m, i), w->backends[i].load);
	for (uint32_t i = 0; i < w->n_vips; i++)
		if (m->turns[i] != w->vips[i].turn)
			return differs(d, "turn", "turn of VIP %u: %llu, expected %llu", i,
				       (unsigned long long)m->turns[i],
				       (unsigned long long)w->vips[i].turn);
	return true;
}

/* What was sent counts; how a refusal is written down does not. */
static bool compare_answers(const struct maps *m, const struct oracle_world *w,
			    struct difference *d)
{
	for (uint32_t i = 1; i < ORACLE_TENANTS; i++) {
		const struct oracle_tenant *t = &w->tenants[i];
		bool is_now = (uint32_t)(m->answers[i] >> 32) == (uint32_t)t->answers_tick;
		uint32_t sent = is_now ? (uint32_t)m->answers[i] : 0;

		if (sent > t->answers)
			sent = t->answers;
		if (sent != t->answers_sent)
			return differs(d, "answers",
				       "answers of tenant %u: %u, expected %u (%016llx)", i, sent,
				       t->answers_sent, (unsigned long long)m->answers[i]);
	}
	return true;
}

static bool compare_bytes(const struct oracle_result *r, const struct maps_outcome *o,
			  struct difference *d)
{
	uint32_t at = 0, len = o->len < r->len ? o->len : r->len;

	if (r->verdict == ORACLE_DROP)
		return true;
	if (o->len == r->len && !memcmp(o->bytes, r->bytes, r->len))
		return true;
	while (at < len && o->bytes[at] == r->bytes[at])
		at++;
	return differs(d, o->len == r->len ? "bytes" : "length",
		       "%u bytes, expected %u; first difference at %u: %02x, expected %02x", o->len,
		       r->len, at, at < len ? o->bytes[at] : 0, at < len ? r->bytes[at] : 0);
}

bool compare_packet(const struct maps *m, const struct oracle_world *w,
		    const struct compare_counters *c, const struct oracle_result *r,
		    const struct maps_outcome *o, struct difference *d)
{
	static const int verdicts[] = {
		[ORACLE_DROP] = XDP_DROP,
		[ORACLE_PASS] = XDP_PASS,
		[ORACLE_BACK] = XDP_TX,
		[ORACLE_AWAY] = XDP_REDIRECT,
	};
	const struct oracle_tenant *t = &w->tenants[r->tenant];

	if (!compare_tenant(m, c, r->tenant, d))
		return false;
	if (o->verdict != verdicts[r->verdict])
		return differs(d, "verdict", "verdict %d, expected %d", o->verdict,
			       verdicts[r->verdict]);
	return compare_bytes(r, o, d) && compare_flows(m, w, t->first_bucket, t->buckets, d) &&
	       compare_loads(m, w, d) && compare_answers(m, w, d);
}

bool compare_all(const struct maps *m, const struct oracle_world *w,
		 const struct compare_counters *c, struct difference *d)
{
	for (uint32_t i = 0; i < ORACLE_TENANTS; i++)
		if (!compare_tenant(m, c, i, d))
			return false;
	for (uint32_t i = 0; i < ORACLE_VIPS; i++) {
		struct mtlb_vip_stats is = maps_vip_stats(m, i), want = c->vips[i];

		if (memcmp(&is, &want, sizeof(is)))
			return differs(d, "VIP counters", "VIP %u: %lld %lld %lld too many", i,
				       (long long)(is.packets - want.packets),
				       (long long)(is.bytes - want.bytes),
				       (long long)(is.syns - want.syns));
	}
	for (uint32_t i = 0; i < ORACLE_BACKENDS; i++) {
		struct mtlb_backend_stats is = maps_backend_stats(m, i), want = c->backends[i];

		if (memcmp(&is, &want, sizeof(is)))
			return differs(d, "backend counters", "backend %u: %lld %lld too many", i,
				       (long long)(is.packets - want.packets),
				       (long long)(is.bytes - want.bytes));
	}
	return compare_flows(m, w, 0, ORACLE_BUCKETS, d) && compare_loads(m, w, d) &&
	       compare_answers(m, w, d);
}

void compare_reason(const struct maps *m, const struct compare_counters *c, char *out, size_t len)
{
	size_t at = 0;

	out[0] = 0;
	for (uint32_t t = 0; t < ORACLE_TENANTS; t++) {
		struct mtlb_tenant_stats stats = maps_tenant_stats(m, t);
		const uint64_t *is = (const uint64_t *)&stats;
		const uint64_t *want = (const uint64_t *)&c->tenants[t];

		for (uint32_t i = 1; i < MTLB_REASON_END && at < len; i++)
			if (is[i] > want[i])
				at += (size_t)snprintf(out + at, len - at, "%s of tenant %u ",
						       tenant_words[i], t);
	}
}
