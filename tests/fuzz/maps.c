/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bpf/ground.h"
#include "fuzz/maps.h"
#include "mtlb.skel.h"
#include "mtlb_flow.h"

/* Packets come and go on one CPU: what runs elsewhere would count there. */
static void stay_on_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		ground_die("sched_setaffinity", errno);
}

static void set_sizes(struct mtlb_bpf *s)
{
	s->rodata->segment_mask = MAPS_SEGMENTS - 1;
	s->rodata->table_key[0] = 0x9e3779b97f4a7c15;
	s->rodata->table_key[1] = 0xd6e8feb86659fd93;
	bpf_map__set_max_entries(s->maps.segments, MAPS_SEGMENTS);
	bpf_map__set_max_entries(s->maps.vip_tables, ORACLE_TENANTS);
	bpf_map__set_max_entries(s->maps.vip_tables_large, ORACLE_TENANTS);
	bpf_map__set_max_entries(s->maps.rings, MAPS_UNITS);
	bpf_map__set_max_entries(s->maps.backends, ORACLE_BACKENDS);
	bpf_map__set_max_entries(s->maps.backend_loads, ORACLE_BACKENDS);
	bpf_map__set_max_entries(s->maps.turns, ORACLE_VIPS);
	bpf_map__set_max_entries(s->maps.flows, ORACLE_BUCKETS);
	bpf_map__set_max_entries(s->maps.tenant_stats, ORACLE_TENANTS);
	bpf_map__set_max_entries(s->maps.vip_stats, ORACLE_VIPS);
	bpf_map__set_max_entries(s->maps.backend_stats, ORACLE_BACKENDS);
}

static bool is_large(uint32_t tenant)
{
	return tenant == ORACLE_TENANTS - 1;
}

static struct bpf_map *inner_map(const struct maps *m, uint32_t tenant)
{
	return tenant == 0        ? m->skel->maps.address_table
	       : is_large(tenant) ? m->skel->maps.vip_table_large
				  : m->skel->maps.vip_table;
}

static uint32_t table_size(const struct maps *m, uint32_t tenant)
{
	return is_large(tenant) ? MAPS_TABLE_LARGE : bpf_map__max_entries(inner_map(m, tenant));
}

/* The last tenant's table is of the large kind. */
static struct bpf_map *outer_map(const struct maps *m, uint32_t tenant)
{
	return tenant == 0        ? m->skel->maps.address_tables
	       : is_large(tenant) ? m->skel->maps.vip_tables_large
				  : m->skel->maps.vip_tables;
}

void maps_open(struct maps *m)
{
	memset(m, 0, sizeof(*m));
	ground_enter();
	stay_on_this_cpu();
	m->in = if_nametoindex("in0");
	m->out = if_nametoindex("out0");
	m->skel = mtlb_bpf__open();
	if (!m->skel)
		ground_die("open", errno);
	set_sizes(m->skel);
	bpf_program__set_autoload(m->skel->progs.mtlb_trace, false);
	int err = mtlb_bpf__load(m->skel);

	if (err)
		ground_die("load", err);
	m->prog_fd = bpf_program__fd(m->skel->progs.mtlb);
	ground_attach(m->in, m->prog_fd);
	ground_attach(m->out, m->prog_fd);
	ground_allow_tx(m->skel, m->in);
	ground_allow_tx(m->skel, m->out);
	m->segments = ground_map(m->skel->maps.segments);
	m->tenants = ground_map(m->skel->maps.tenants);
	m->rings = ground_map(m->skel->maps.rings);
	m->backends = ground_map(m->skel->maps.backends);
	m->loads = ground_map(m->skel->maps.backend_loads);
	m->turns = ground_map(m->skel->maps.turns);
	m->answers = ground_map(m->skel->maps.answers);
	m->flows = ground_map(m->skel->maps.flows);
	for (uint32_t t = 0; t < ORACLE_TENANTS; t++)
		m->tables[t] = ground_add_table(m->skel, outer_map(m, t), inner_map(m, t), t,
						table_size(m, t));
}

void maps_close(struct maps *m)
{
	bpf_xdp_detach((int)m->in, XDP_FLAGS_DRV_MODE, NULL);
	bpf_xdp_detach((int)m->out, XDP_FLAGS_DRV_MODE, NULL);
	for (uint32_t t = 0; t < ORACLE_TENANTS; t++)
		munmap(m->tables[t], table_size(m, t) * sizeof(*m->tables[t]));
	ground_unmap(m->skel->maps.segments, m->segments);
	ground_unmap(m->skel->maps.tenants, m->tenants);
	ground_unmap(m->skel->maps.rings, m->rings);
	ground_unmap(m->skel->maps.backends, m->backends);
	ground_unmap(m->skel->maps.backend_loads, m->loads);
	ground_unmap(m->skel->maps.turns, m->turns);
	ground_unmap(m->skel->maps.answers, m->answers);
	ground_unmap(m->skel->maps.flows, m->flows);
	mtlb_bpf__destroy(m->skel);
}

int maps_run(struct maps *m, const struct gen_packet *p, struct maps_outcome *o)
{
	static uint8_t in[ORACLE_PACKET_MAX + 256];
	const uint8_t *data = p->bytes;
	struct xdp_md md = {
		.data = p->meta, .data_end = p->meta + p->len, .ingress_ifindex = p->ifindex};
	struct xdp_md md_out = {0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_size_in = p->meta + p->len, .data_out = o->bytes,
		    .data_size_out = sizeof(o->bytes), .ctx_in = &md, .ctx_size_in = sizeof(md),
		    .repeat = 1);

	if (p->meta) {
		memset(in, 0xa5, p->meta);
		memcpy(in + p->meta, p->bytes, p->len);
		data = in;
		opts.ctx_out = &md_out;
		opts.ctx_size_out = sizeof(md_out);
	}
	opts.data_in = data;
	int err = bpf_prog_test_run_opts(m->prog_fd, &opts);

	if (err)
		return err < 0 ? err : -err;
	o->verdict = (int)opts.retval;
	o->len = opts.data_size_out - md_out.data;
	if (md_out.data)
		memmove(o->bytes, o->bytes + md_out.data, o->len);
	return 0;
}

/* Sums the CPUs of one element of `words` counters. */
static void sum_counters(struct bpf_map *map, uint32_t key, uint32_t words, uint64_t *sums)
{
	static uint64_t values[MAPS_CPUS * 64];
	uint32_t cpus = (uint32_t)libbpf_num_possible_cpus();
	int err = bpf_map_lookup_elem(bpf_map__fd(map), &key, values);

	if (err)
		ground_die(bpf_map__name(map), err);
	memset(sums, 0, words * sizeof(*sums));
	for (uint32_t i = 0; i < cpus * words; i++)
		sums[i % words] += values[i];
}

struct mtlb_tenant_stats maps_tenant_stats(const struct maps *m, uint32_t tenant)
{
	struct mtlb_tenant_stats s;

	sum_counters(m->skel->maps.tenant_stats, tenant, sizeof(s) / 8, (uint64_t *)&s);
	return s;
}

struct mtlb_vip_stats maps_vip_stats(const struct maps *m, uint32_t vip)
{
	struct mtlb_vip_stats s;

	sum_counters(m->skel->maps.vip_stats, vip, sizeof(s) / 8, (uint64_t *)&s);
	return s;
}

struct mtlb_backend_stats maps_backend_stats(const struct maps *m, uint32_t backend)
{
	struct mtlb_backend_stats s;

	sum_counters(m->skel->maps.backend_stats, backend, sizeof(s) / 8, (uint64_t *)&s);
	return s;
}

struct oracle_flow maps_flow(const struct maps *m, uint32_t bucket, uint32_t way)
{
	static const enum oracle_flow_state states[16] = {
		[MTLB_FLOW_FREE] = ORACLE_FREE,           [MTLB_FLOW_NEW] = ORACLE_NEW,
		[MTLB_FLOW_CONFIRMED] = ORACLE_CONFIRMED, [MTLB_FLOW_CLOSING] = ORACLE_CLOSING,
		[MTLB_FLOW_FRAGMENT] = ORACLE_FRAGMENT,
	};
	const struct mtlb_flow *e = &m->flows[bucket].ways[way];

	return (struct oracle_flow){.state = states[mtlb_flow_word_state(e->word)],
				    .hash = e->fingerprint,
				    .backend = mtlb_flow_word_backend(e->word),
				    .seen = mtlb_flow_word_seen(e->word),
				    .is_home = e->word & MTLB_FLOW_HOME,
				    .is_by_id = e->word & MTLB_FLOW_BY_ID};
}

int32_t maps_load(const struct maps *m, uint32_t backend)
{
	const struct mtlb_backend_load *l = &m->loads[backend];

	return (int32_t)((uint32_t)l->word + l->added - (uint32_t)(l->word >> 32));
}
