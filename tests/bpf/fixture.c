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
#include <unistd.h>

#include "bpf/fixture.h"
#include "mtlb.skel.h"

static void die(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(EXIT_FAILURE);
}

static void *map_memory(struct bpf_map *map)
{
	size_t len = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (memory == MAP_FAILED)
		die(bpf_map__name(map), errno);
	return memory;
}

static void unmap_memory(struct bpf_map *map, void *memory)
{
	munmap(memory, (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map));
}

/* The namespace, with its pair of interfaces, goes with the process. */
static void enter_namespace(void)
{
	static bool is_entered;

	if (is_entered)
		return;
	if (unshare(CLONE_NEWNET))
		die("unshare", errno);
	/* without IPv6 the interfaces send nothing of their own, which would be counted */
	if (system("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 && "
		   "ip link add in0 arp off type veth peer name in1 && ip link set in0 up && "
		   "ip link set in1 up && ip link add out0 type veth peer name out1 && "
		   "ip link set out0 up && ip link set out1 up"))
		die("ip link", EINVAL);
	is_entered = true;
}

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

	w->segments = map_memory(s->maps.segments);
	w->tenants = map_memory(s->maps.tenants);
	w->rings = map_memory(s->maps.rings);
	w->backends = map_memory(s->maps.backends);
	w->loads = map_memory(s->maps.backend_loads);
	w->turns = map_memory(s->maps.turns);
	w->answers = map_memory(s->maps.answers);
	w->flows = map_memory(s->maps.flows);
	w->trace = map_memory(s->maps.trace);
}

void world_open(struct world *w)
{
	memset(w, 0, sizeof(*w));
	enter_namespace();
	w->in = if_nametoindex("in0");
	w->out = if_nametoindex("out0");
	w->skel = mtlb_bpf__open();
	if (!w->skel)
		die("open", errno);
	struct mtlb_bpf *s = w->skel;

	s->rodata->segment_mask = WORLD_SEGMENTS - 1;
	s->rodata->table_key[0] = 0x9e3779b97f4a7c15;
	s->rodata->table_key[1] = 0xd6e8feb86659fd93;
	set_sizes(s);
	int err = mtlb_bpf__load(s);

	if (err)
		die("load", err);
	w->prog_fd = bpf_program__fd(s->progs.mtlb);
	/* attached, the interface has a receive queue for XDP, which BPF_PROG_RUN wants */
	err = bpf_xdp_attach(w->in, w->prog_fd, XDP_FLAGS_DRV_MODE, NULL);
	if (err)
		die("attach", err);
	err = bpf_map_update_elem(bpf_map__fd(s->maps.tx_ports), &w->out, &w->out, 0);
	if (err)
		die("tx_ports", err);
	map_all(w);
	w->units_used = 8;
}

void world_close(struct world *w)
{
	struct mtlb_bpf *s = w->skel;

	for (uint32_t t = 0; t < WORLD_TENANTS; t++)
		world_remove_tenant(w, t);
	unmap_memory(s->maps.segments, w->segments);
	unmap_memory(s->maps.tenants, w->tenants);
	unmap_memory(s->maps.rings, w->rings);
	unmap_memory(s->maps.backends, w->backends);
	unmap_memory(s->maps.backend_loads, w->loads);
	unmap_memory(s->maps.turns, w->turns);
	unmap_memory(s->maps.answers, w->answers);
	unmap_memory(s->maps.flows, w->flows);
	unmap_memory(s->maps.trace, (void *)w->trace);
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
	struct bpf_map *like = inner_map(w, tenant);
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = bpf_map__map_flags(like),
		    .btf_fd = bpf_object__btf_fd(w->skel->obj),
		    .btf_key_type_id = bpf_map__btf_key_type_id(like),
		    .btf_value_type_id = bpf_map__btf_value_type_id(like));
	uint32_t n = world_table_size(w, tenant);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "vip_table", 4, sizeof(struct mtlb_vip), n,
				&opts);

	if (fd < 0)
		die("vip_table", fd);
	int err = bpf_map_update_elem(bpf_map__fd(outer_map(w, tenant)), &tenant, &fd, 0);

	if (err)
		die("vip_tables", err);
	struct mtlb_vip *table =
		mmap(NULL, n * sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (table == MAP_FAILED)
		die("mmap", errno);
	close(fd);
	w->tables[tenant] = table;
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
