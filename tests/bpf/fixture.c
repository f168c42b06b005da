/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netinet/in.h>
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
	bpf_map__set_max_entries(s->maps.segments, WORLD_SEGMENTS);
	bpf_map__set_max_entries(s->maps.vip_tables, WORLD_TENANTS);
	bpf_map__set_max_entries(s->maps.rings, WORLD_UNITS);
	bpf_map__set_max_entries(s->maps.backends, WORLD_IDS);
	bpf_map__set_max_entries(s->maps.flows, WORLD_BUCKETS);
	bpf_map__set_max_entries(s->maps.tenant_stats, WORLD_TENANTS);
	bpf_map__set_max_entries(s->maps.vip_stats, WORLD_IDS);
	bpf_map__set_max_entries(s->maps.backend_stats, WORLD_IDS);
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
	w->segments = map_memory(s->maps.segments);
	w->tenants = map_memory(s->maps.tenants);
	w->rings = map_memory(s->maps.rings);
	w->backends = map_memory(s->maps.backends);
	w->flows = map_memory(s->maps.flows);
	w->units_used = 8;
}

void world_close(struct world *w)
{
	struct mtlb_bpf *s = w->skel;

	for (uint32_t t = 0; t < WORLD_TENANTS; t++)
		world_remove_tenant(w, t);
	unmap_memory(s->maps.segments, w->segments);
	unmap_memory(s->maps.rings, w->rings);
	unmap_memory(s->maps.backends, w->backends);
	unmap_memory(s->maps.flows, w->flows);
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
	return tenant ? w->skel->maps.vip_tables : w->skel->maps.address_tables;
}

/* Of the maps of maps whose tables have one size, as the skeleton gives it. */
static uint32_t table_size(const struct world *w, uint32_t tenant)
{
	return bpf_map__max_entries(tenant ? w->skel->maps.vip_table : w->skel->maps.address_table);
}

void world_add_tenant(struct world *w, uint32_t tenant, uint32_t flow_base, uint32_t flow_mask)
{
	struct bpf_map *like = tenant ? w->skel->maps.vip_table : w->skel->maps.address_table;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = bpf_map__map_flags(like),
		    .btf_fd = bpf_object__btf_fd(w->skel->obj),
		    .btf_key_type_id = bpf_map__btf_key_type_id(like),
		    .btf_value_type_id = bpf_map__btf_value_type_id(like));
	uint32_t n = table_size(w, tenant);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "vip_table", 4, sizeof(struct mtlb_vip), n,
				&opts);

	if (fd < 0)
		die("vip_table", fd);
	int err = bpf_map_update_elem(bpf_map__fd(outer_map(w, tenant)), &tenant, &fd, 0);

	if (err)
		die("vip_tables", err);
	struct mtlb_vip *table = mmap(NULL, n * sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED,
				      fd, 0);

	if (table == MAP_FAILED)
		die("mmap", errno);
	close(fd);
	w->tables[tenant] = table;
	for (uint32_t i = 0; i < 12; i++)
		w->tenants[tenant].key[i] = (tenant * 12 + i + 1) * 0x9e3779b9;
	w->tenants[tenant].flows = mtlb_flow_range(flow_base, flow_mask);
	w->tenants[tenant].idle_ticks = 300;
}

void world_remove_tenant(struct world *w, uint32_t tenant)
{
	if (!w->tables[tenant])
		return;
	munmap(w->tables[tenant], table_size(w, tenant) * sizeof(*w->tables[tenant]));
	w->tables[tenant] = NULL;
	bpf_map_delete_elem(bpf_map__fd(outer_map(w, tenant)), &tenant);
}

struct mtlb_vip *world_add_entry(struct world *w, uint32_t tenant, const char *address,
				 uint16_t port, uint8_t protocol, uint8_t kind, uint32_t id)
{
	const __u64 key[2] = {w->skel->rodata->table_key[0], w->skel->rodata->table_key[1]};
	uint32_t mask = table_size(w, tenant) - 1, at;
	__u64 words[2];

	packet_address(address, (uint8_t *)words);
	at = mtlb_table_hash(words, htons(port), protocol, key);
	for (;; at++) {
		struct mtlb_vip *v = &w->tables[tenant][at & mask];

		if (v->kind == kind && !memcmp(v->address, words, 16) && v->port == htons(port) &&
		    v->protocol == protocol)
			return v;
		if (v->kind != MTLB_ENTRY_EMPTY)
			continue;
		memcpy(v->address, words, 16);
		v->port = htons(port);
		v->protocol = protocol;
		v->id = id;
		v->idle_ticks = 300;
		v->short_ticks = 30;
		v->kind = kind;
		return v;
	}
}

struct mtlb_vip *world_add_vip(struct world *w, const struct vip_row *row)
{
	const char *address = row->address ? row->address : "203.0.113.10";
	uint32_t log2 = row->ring_log2 ? row->ring_log2 : 2;
	uint32_t units = (1U << log2) / 4;
	uint32_t ring = w->units_used + 1;
	bool is_moving = row->flags & MTLB_VIP_MOVING;
	struct mtlb_vip *v;

	w->units_used += 1 + 2 * units;
	w->rings[ring - 1].ids[0] = row->owner;
	w->rings[ring - 1].ids[1] = row->previous;
	for (uint32_t slot = 0; slot < 1U << log2; slot++) {
		w->rings[ring + slot / 4].slots[slot % 4] = is_moving ? MTLB_SLOT_MOVING : 0;
		w->rings[ring + units + slot / 4].slots[slot % 4] = 1;
	}
	world_add_entry(w, row->tenant, address, 0, 0, MTLB_ENTRY_ADDRESS, 0);
	v = world_add_entry(w, row->tenant, address, row->port ? row->port : 443,
			    row->protocol ? row->protocol : IPPROTO_TCP, MTLB_ENTRY_VIP, row->id);
	v->word = mtlb_vip_word(ring, log2, row->flags);
	return v;
}

/* The template is what packet_encapsulate() puts before an empty packet, less the fields that are patched. */
static void compose(struct mtlb_encap *e, const struct packet_tunnel *t, bool inner_is_v4)
{
	struct packet inner, outer;
	struct packet_tunnel constant = *t;
	uint8_t unused[16];
	bool outer_is_v4 = packet_address(t->to, unused);

	packet_build(&inner, &(struct packet_spec){.from = inner_is_v4 ? NULL : "2001:db8::1",
						   .to = inner_is_v4 ? NULL : "2001:db8::2"});
	constant.entropy_port = 0;
	constant.flow_label = 0;
	packet_encapsulate(&outer, &inner, &constant);
	uint8_t *ip = outer.bytes + outer.l3;

	memset(e, 0, sizeof(*e));
	e->kind = t->is_vxlan ? MTLB_ENCAP_VXLAN : MTLB_ENCAP_IPIP;
	e->flags = (outer_is_v4 ? 0 : MTLB_ENCAP_OUTER_IPV6) |
		   (t->is_vxlan ? MTLB_ENCAP_UDP | MTLB_ENCAP_INNER_ETH : 0);
	e->l2_len = t->l2_len;
	e->mtu = UINT16_MAX;
	e->copied = 0xff;
	e->outer_len = outer.len - outer.l3 - (inner.len - inner.l3);
	memcpy(e->l2, outer.bytes, t->l2_len);
	memset(ip + (outer_is_v4 ? 2 : 4), 0, 2);
	if (t->is_vxlan)
		memset(ip + (outer_is_v4 ? 24 : 44), 0, 2);
	if (outer_is_v4) {
		packet_put16(ip + 10, 0);
		packet_put16(ip + 10, ~packet_checksum(ip, 20, 0));
	}
	memcpy(e->outer, ip, e->outer_len);
}

struct mtlb_backend *world_add_backend(struct world *w, uint32_t id, const struct packet_tunnel *t,
				       bool inner_is_v4, uint32_t ifindex)
{
	struct mtlb_backend *b = &w->backends[id];

	compose(&b->encap0, t, inner_is_v4);
	b->encap0.ifindex = ifindex ? ifindex : w->in;
	b->encap1 = b->encap0;
	b->word = mtlb_backend_word(MTLB_BACKEND_UP, 0, 100);
	return b;
}

void world_set_state(struct world *w, uint32_t backend, enum mtlb_backend_state state)
{
	w->backends[backend].word = mtlb_backend_word(state, 0, 100);
}

uint64_t world_hash(const struct world *w, uint32_t tenant, const struct packet_spec *s)
{
	struct mtlb_tuple t = {.protocol = s->protocol ? s->protocol : IPPROTO_TCP,
			       .source_port = htons(s->from_port ? s->from_port : 40000),
			       .destination_port = htons(s->to_port ? s->to_port : 443)};

	packet_address(s->from ? s->from : "198.51.100.7", (uint8_t *)t.source);
	packet_address(s->to ? s->to : "203.0.113.10", (uint8_t *)t.destination);
	return mtlb_flow_hash(&t, w->tenants[tenant].key);
}

struct mtlb_flow_bucket *world_bucket(const struct world *w, uint32_t tenant, uint64_t hash)
{
	return &w->flows[mtlb_flow_range_bucket(w->tenants[tenant].flows, hash)];
}
