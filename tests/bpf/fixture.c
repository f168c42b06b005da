/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>
#include <sys/mman.h>

#include "bpf/fixture.h"
#include "bpf/ground.h"
#include "mtlb.skel.h"

static void set_sizes(struct mtlb_bpf *s)
{
	bpf_map__set_max_entries(s->maps.segments, WORLD_SEGMENTS);
	bpf_map__set_max_entries(s->maps.tenants, WORLD_TENANTS);
	bpf_map__set_max_entries(s->maps.vip_tables, WORLD_TENANTS);
	bpf_map__set_max_entries(s->maps.vip_tables_large, WORLD_TENANTS);
	bpf_map__set_max_entries(s->maps.rings, WORLD_UNITS);
	bpf_map__set_max_entries(s->maps.backends, WORLD_BACKENDS);
	bpf_map__set_max_entries(s->maps.backend_loads, WORLD_BACKENDS);
	bpf_map__set_max_entries(s->maps.turns, WORLD_IDS);
	bpf_map__set_max_entries(s->maps.answers, WORLD_TENANTS);
	bpf_map__set_max_entries(s->maps.flows, WORLD_BUCKETS);
	bpf_map__set_max_entries(s->maps.tenant_stats, WORLD_TENANTS);
	bpf_map__set_max_entries(s->maps.vip_stats, WORLD_IDS);
	bpf_map__set_max_entries(s->maps.backend_stats, WORLD_BACKENDS);
}

static void map_all(struct world *w)
{
	struct mtlb_bpf *s = w->skel;

	w->segments = ground_map(s->maps.segments);
	w->tenants = ground_map(s->maps.tenants);
	w->rings = ground_map(s->maps.rings);
	w->backends = ground_map(s->maps.backends);
	w->loads = ground_map(s->maps.backend_loads);
	w->turns = ground_map(s->maps.turns);
	w->answers = ground_map(s->maps.answers);
	w->flows = ground_map(s->maps.flows);
	w->trace = ground_map(s->maps.trace);
}

void world_open(struct world *w)
{
	memset(w, 0, sizeof(*w));
	ground_enter();
	w->in = if_nametoindex("in0");
	w->out = if_nametoindex("out0");
	w->skel = mtlb_bpf__open();
	if (!w->skel)
		ground_die("open", errno);
	struct mtlb_bpf *s = w->skel;

	s->rodata->segment_mask = WORLD_SEGMENTS - 1;
	s->rodata->table_key[0] = 0x9e3779b97f4a7c15;
	s->rodata->table_key[1] = 0xd6e8feb86659fd93;
	set_sizes(s);
	int err = mtlb_bpf__load(s);

	if (err)
		ground_die("load", err);
	w->prog_fd = bpf_program__fd(s->progs.mtlb);
	ground_attach(w->in, w->prog_fd);
	ground_allow_tx(s, w->out);
	map_all(w);
	w->units_used = 8;
}

void world_close(struct world *w)
{
	struct mtlb_bpf *s = w->skel;

	for (uint32_t t = 0; t < WORLD_TENANTS; t++)
		world_remove_tenant(w, t);
	ground_unmap(s->maps.segments, w->segments);
	ground_unmap(s->maps.tenants, w->tenants);
	ground_unmap(s->maps.rings, w->rings);
	ground_unmap(s->maps.backends, w->backends);
	ground_unmap(s->maps.backend_loads, w->loads);
	ground_unmap(s->maps.turns, w->turns);
	ground_unmap(s->maps.answers, w->answers);
	ground_unmap(s->maps.flows, w->flows);
	ground_unmap(s->maps.trace, (void *)w->trace);
	bpf_xdp_detach(w->in, XDP_FLAGS_DRV_MODE, NULL);
	mtlb_bpf__destroy(s);
}

struct mtlb_segment *world_add_segment(struct world *w, uint32_t ifindex, uint16_t vlan,
				       uint16_t inner_vlan, uint32_t tenant)
{
	uint32_t at = mtlb_segment_hash(ifindex, vlan, inner_vlan);

	while (w->segments[at & (WORLD_SEGMENTS - 1)].state != MTLB_SEGMENT_EMPTY)
		at++;
	struct mtlb_segment *s = &w->segments[at & (WORLD_SEGMENTS - 1)];

	*s = (struct mtlb_segment){.ifindex = ifindex,
				   .vlan = vlan,
				   .inner_vlan = inner_vlan,
				   .tenant = tenant,
				   .state = MTLB_SEGMENT_LIVE};
	return s;
}

static struct bpf_map *outer_map(const struct world *w, uint32_t tenant)
{
	const struct mtlb_bpf *s = w->skel;

	if (!tenant)
		return s->maps.address_tables;
	return w->has_large_tables ? s->maps.vip_tables_large : s->maps.vip_tables;
}

/* What the skeleton says of the tables in there. */
static struct bpf_map *inner_map(const struct world *w, uint32_t tenant)
{
	const struct mtlb_bpf *s = w->skel;

	if (!tenant)
		return s->maps.address_table;
	return w->has_large_tables ? s->maps.vip_table_large : s->maps.vip_table;
}

uint32_t world_table_size(const struct world *w, uint32_t tenant)
{
	return bpf_map__max_entries(inner_map(w, tenant));
}

void world_add_tenant(struct world *w, uint32_t tenant, uint32_t flow_base, uint32_t flow_mask)
{
	w->tables[tenant] = ground_add_table(w->skel, outer_map(w, tenant), inner_map(w, tenant),
					     tenant, world_table_size(w, tenant));
	for (uint32_t i = 0; i < 12; i++)
		w->tenants[tenant].key[i] = (tenant * 12 + i + 1) * 0x9e3779b9;
	w->tenants[tenant].flows = mtlb_flow_range(flow_base, flow_mask);
	w->tenants[tenant].idle_ticks = 300;
	w->tenants[tenant].answers = UINT16_MAX;
}

void world_remove_tenant(struct world *w, uint32_t tenant)
{
	if (!w->tables[tenant])
		return;
	munmap(w->tables[tenant], world_table_size(w, tenant) * sizeof(*w->tables[tenant]));
	w->tables[tenant] = NULL;
	bpf_map_delete_elem(bpf_map__fd(outer_map(w, tenant)), &tenant);
}
