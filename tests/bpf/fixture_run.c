/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Running a packet, and asserting all that it did. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/fixture.h"
#include "mtlb.skel.h"
#include "test.h"

enum {
	CPUS_MAX = 256
};

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
static void add_stats(int fd, uint32_t n, uint32_t words, uint64_t times, uint64_t *sums)
{
	static uint64_t values[CPUS_MAX * 64];
	int cpus = libbpf_num_possible_cpus();

	for (uint32_t key = 0; key < n; key++) {
		CU_ASSERT_EQUAL_FATAL(bpf_map_lookup_elem(fd, &key, values), 0);
		for (uint32_t i = 0; i < cpus * words; i++)
			sums[key * words + i % words] += times * values[i];
	}
}

static void add_counters(struct world *w, uint64_t times, struct outcome *o)
{
	add_stats(bpf_map__fd(w->skel->maps.tenant_stats), WORLD_TENANTS, sizeof(*o->tenants) / 8,
		  times, (uint64_t *)o->tenants);
	add_stats(bpf_map__fd(w->skel->maps.vip_stats), WORLD_IDS, sizeof(*o->vips) / 8, times,
		  (uint64_t *)o->vips);
	add_stats(bpf_map__fd(w->skel->maps.backend_stats), WORLD_IDS, sizeof(*o->backends) / 8,
		  times, (uint64_t *)o->backends);
}

int world_run(struct world *w, const struct packet *p, struct outcome *o)
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
	memset(o, 0, sizeof(*o));
	add_counters(w, -1, o);
	int err = bpf_prog_test_run_opts(w->prog_fd, &opts);

	if (err)
		return err < 0 ? err : -err;
	add_counters(w, 1, o);
	o->verdict = opts.retval;
	o->out.len = ctx_out.data_end - ctx_out.data;
	memcpy(o->out.bytes, out + ctx_out.data, o->out.len);
	return 0;
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
	if (e->reason == MTLB_REASON_forwarded) {
		want.vips[e->vip] = (struct mtlb_vip_stats){1, p->len, is_syn};
		want.backends[e->backend] = (struct mtlb_backend_stats){1, p->len};
	}
	return !memcmp(o->tenants, want.tenants, sizeof(want.tenants)) &&
	       !memcmp(o->vips, want.vips, sizeof(want.vips)) &&
	       !memcmp(o->backends, want.backends, sizeof(want.backends));
}

static bool is_syn(const struct packet *p)
{
	const uint8_t *ip = p->bytes + p->l3;
	uint8_t protocol = ip[0] >> 4 == 4 ? ip[9] : ip[6];

	return protocol == 6 && (p->bytes[p->l4 + 13] & (PACKET_SYN | PACKET_ACK)) == PACKET_SYN;
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

void world_check(struct world *w, const char *where, const struct packet *p,
		 const struct expected *e)
{
	static struct outcome o;
	const struct packet *want = e->out ? e->out : p;
	int err = world_run(w, p, &o);

	CU_ASSERT_EQUAL_FATAL(err, 0);
	bool is_counted = counted(&o, p, e, is_syn(p));
	/* a dropped packet's bytes are nobody's */
	bool is_same = reason_verdicts[e->reason] == DROP ||
		       (o.out.len == want->len && !memcmp(o.out.bytes, want->bytes, want->len));

	if (!is_same)
		print_difference(where, &o.out, want);
	if (o.verdict != verdict_of(e) || !is_counted)
		print_reasons(where, &o);
	CU_ASSERT_EQUAL(o.verdict, verdict_of(e));
	CU_ASSERT_TRUE(is_counted);
	CU_ASSERT_TRUE(is_same);
	reached[e->reason] += is_counted;
}
