/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Running a packet, and asserting all that it did. */
#include <bpf/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/fixture.h"
#include "mtlb.skel.h"
#include "test.h"

static uint32_t reached[MTLB_REASON_END];

static const char *const reason_names[] = {
#define NAME(name, verdict, text) [MTLB_REASON_##name] = #name,
	MTLB_REASONS(NAME)
#undef NAME
};

enum {
	FORWARD,
	REPLY,
	PASS,
	DROP
};
static const int reason_verdicts[] = {
#define VERDICT(name, verdict, text) [MTLB_REASON_##name] = verdict,
	MTLB_REASONS(VERDICT)
#undef VERDICT
};

uint32_t world_reached(enum mtlb_reason reason)
{
	return reached[reason];
}

const char *world_reason_name(enum mtlb_reason reason)
{
	return reason_names[reason];
}

/* Sums the CPUs of n elements of words 8-byte counters each; adds times to sums. */
static void add_stats(const struct bpf_map *map, uint64_t times, uint64_t *sums)
{
	uint32_t n = bpf_map__max_entries(map), words = bpf_map__value_size(map) / 8, token;
	uint32_t row = words * libbpf_num_possible_cpus();
	uint32_t *keys = malloc(n * sizeof(*keys));
	uint64_t *values = malloc(n * row * sizeof(*values));

	CU_ASSERT_EQUAL_FATAL(
		bpf_map_lookup_batch(bpf_map__fd(map), NULL, &token, keys, values, &n, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(n, bpf_map__max_entries(map));
	for (uint32_t i = 0; i < n * row; i++)
		sums[keys[i / row] * words + i % words] += times * values[i];
	free(values);
	free(keys);
}

static void add_counters(struct world *w, uint64_t times, struct outcome *o)
{
	add_stats(w->skel->maps.tenant_stats, times, (uint64_t *)o->tenants);
	add_stats(w->skel->maps.vip_stats, times, (uint64_t *)o->vips);
	add_stats(w->skel->maps.backend_stats, times, (uint64_t *)o->backends);
}

static int run_program(const struct world *w, int prog_fd, const struct packet *p,
		       struct outcome *o)
{
	static uint8_t in[PACKET_MAX + 256], out[PACKET_MAX + 512];
	struct xdp_md ctx_in = {
		.data = w->meta_len, .data_end = w->meta_len + p->len, .ingress_ifindex = w->in};
	struct xdp_md ctx_out = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = w->meta_len + p->len,
		    .data_out = out, .data_size_out = sizeof(out), .ctx_in = &ctx_in,
		    .ctx_size_in = sizeof(ctx_in), .ctx_out = &ctx_out,
		    .ctx_size_out = sizeof(ctx_out), .repeat = 1);

	memset(in, 0xa5, w->meta_len);
	memcpy(in + w->meta_len, p->bytes, p->len);
	int err = bpf_prog_test_run_opts(prog_fd, &opts);

	if (err)
		return err < 0 ? err : -err;
	o->verdict = opts.retval;
	/* the context's data_end is that of the first buffer */
	o->out.len = opts.data_size_out - ctx_out.data;
	memcpy(o->out.bytes, out + ctx_out.data, o->out.len);
	return 0;
}

int world_run(struct world *w, const struct packet *p, struct outcome *o)
{
	memset(o, 0, sizeof(*o));
	add_counters(w, -1, o);
	int err = run_program(w, w->prog_fd, p, o);

	add_counters(w, 1, o);
	return err;
}

/* All that packets may change, and all else but the trace. */
struct snapshot {
	struct outcome counters;
	struct mtlb_segment segments[WORLD_SEGMENTS];
	struct mtlb_tenant tenants[WORLD_TENANTS];
	struct mtlb_vip tables[WORLD_TENANTS][2 * MTLB_TABLE_SMALL];
	union mtlb_ring_unit rings[WORLD_UNITS];
	struct mtlb_backend backends[WORLD_BACKENDS];
	struct mtlb_backend_load loads[WORLD_BACKENDS];
	uint64_t turns[WORLD_IDS], answers[WORLD_TENANTS];
	struct mtlb_flow_bucket flows[WORLD_BUCKETS];
};

static void take_snapshot(struct world *w, struct snapshot *s)
{
	memset(s, 0, sizeof(*s));
	add_counters(w, 1, &s->counters);
	memcpy(s->segments, w->segments, sizeof(s->segments));
	memcpy(s->tenants, w->tenants, sizeof(s->tenants));
	for (uint32_t t = 0; t < WORLD_TENANTS; t++)
		if (w->tables[t])
			memcpy(s->tables[t], w->tables[t],
			       world_table_size(w, t) * sizeof(**s->tables));
	memcpy(s->rings, w->rings, sizeof(s->rings));
	memcpy(s->backends, w->backends, sizeof(s->backends));
	memcpy(s->loads, w->loads, sizeof(s->loads));
	memcpy(s->turns, w->turns, sizeof(s->turns));
	memcpy(s->answers, w->answers, sizeof(s->answers));
	memcpy(s->flows, w->flows, sizeof(s->flows));
}

int world_run_trace(struct world *w, const struct packet *p, struct outcome *o)
{
	static struct snapshot before, after;

	memset(o, 0, sizeof(*o));
	take_snapshot(w, &before);
	int err = run_program(w, bpf_program__fd(w->skel->progs.mtlb_trace), p, o);

	take_snapshot(w, &after);
	CU_ASSERT_EQUAL(memcmp(&before, &after, sizeof(before)), 0);
	return err;
}

static int verdict_of(const struct expected *e)
{
	if (reason_verdicts[e->reason] == FORWARD)
		return e->is_redirected ? XDP_REDIRECT : XDP_TX;
	if (reason_verdicts[e->reason] == REPLY)
		return XDP_TX;
	return reason_verdicts[e->reason] == PASS ? XDP_PASS : XDP_DROP;
}

static void print_difference(const char *where, const struct packet *is, const struct packet *want)
{
	uint32_t at = 0;

	while (at < is->len && at < want->len && is->bytes[at] == want->bytes[at])
		at++;
	printf("     %s: %u bytes, expected %u; first difference at %u: %02x, expected %02x\n",
	       where, is->len, want->len, at, is->bytes[at], want->bytes[at]);
}

static void print_reasons(const char *where, const struct outcome *o)
{
	for (uint32_t t = 0; t < WORLD_TENANTS; t++)
		for (int r = 1; r < MTLB_REASON_END; r++)
			if (((const uint64_t *)&o->tenants[t])[r])
				printf("     %s: verdict %d, counted %s of tenant %u\n", where,
				       o->verdict, reason_names[r], t);
}

/* The counters that the run must have raised, and nothing else. */
static bool counted(const struct outcome *o, const struct packet *p, const struct expected *e,
		    bool is_syn)
{
	struct outcome want = {0};
	struct mtlb_tenant_stats *t = &want.tenants[e->tenant];

	((uint64_t *)t)[e->reason] = 1;
	t->bytes = p->len;
	t->flows_added = e->flows_added;
	t->flows_refused = e->flows_refused;
	t->notes_refused = e->notes_refused;
	if (reason_verdicts[e->reason] == FORWARD) {
		want.vips[e->vip] = (struct mtlb_vip_stats){1, p->len, is_syn};
		want.backends[e->backend] = (struct mtlb_backend_stats){1, p->len};
	}
	return !memcmp(o->tenants, want.tenants, sizeof(want.tenants)) &&
	       !memcmp(o->vips, want.vips, sizeof(want.vips)) &&
	       !memcmp(o->backends, want.backends, sizeof(want.backends));
}

static bool is_syn(const struct packet *p)
{
	const uint8_t *l4 = p->bytes + p->l4;

	if (p->protocol == IPPROTO_SCTP)
		return l4[12] == PACKET_INIT;
	return p->protocol == IPPROTO_TCP && (l4[13] & (PACKET_SYN | PACKET_ACK)) == PACKET_SYN;
}

bool world_takes_meta(struct world *w, uint32_t len)
{
	static struct outcome o;
	uint32_t before = w->meta_len;
	struct packet p;

	packet_build(&p, &(struct packet_spec){0});
	w->meta_len = len;
	int err = world_run(w, &p, &o);

	w->meta_len = before;
	return !err;
}

/* A dropped packet's bytes are nobody's */
static bool is_same_packet(const struct packet *is, const struct packet *want,
			   const struct expected *e)
{
	return reason_verdicts[e->reason] == DROP ||
	       (is->len == want->len && !memcmp(is->bytes, want->bytes, want->len));
}

static void check_trace(struct world *w, const char *where, const struct packet *p,
			const struct packet *want, const struct expected *e)
{
	static struct outcome o;
	int err = world_run_trace(w, p, &o);

	CU_ASSERT_EQUAL_FATAL(err, 0);
	bool is_same = is_same_packet(&o.out, want, e);
	bool is_told = w->trace->reason == e->reason && w->trace->tenant == e->tenant;

	if (reason_verdicts[e->reason] == FORWARD)
		is_told = is_told && w->trace->vip == e->vip + 1 &&
			  w->trace->backend == e->backend + 1;
	if (!is_told)
		printf("     %s: trace: %s, tenant %u, VIP %d, backend %d\n", where,
		       reason_names[w->trace->reason], w->trace->tenant, w->trace->vip - 1,
		       w->trace->backend - 1);
	if (!is_same)
		print_difference(where, &o.out, want);
	CU_ASSERT_EQUAL(o.verdict, verdict_of(e));
	CU_ASSERT_TRUE(is_told);
	CU_ASSERT_TRUE(is_same);
}

void world_check(struct world *w, const char *where, const struct packet *p,
		 const struct expected *e)
{
	static struct outcome o;
	const struct packet *want = e->out ? e->out : p;

	check_trace(w, where, p, want, e);
	int err = world_run(w, p, &o);

	CU_ASSERT_EQUAL_FATAL(err, 0);
	bool is_counted = counted(&o, p, e, is_syn(p));
	bool is_same = is_same_packet(&o.out, want, e);

	if (!is_same)
		print_difference(where, &o.out, want);
	if (o.verdict != verdict_of(e) || !is_counted)
		print_reasons(where, &o);
	CU_ASSERT_EQUAL(o.verdict, verdict_of(e));
	CU_ASSERT_TRUE(is_counted);
	CU_ASSERT_TRUE(is_same);
	reached[e->reason] += is_counted && is_same;
}
