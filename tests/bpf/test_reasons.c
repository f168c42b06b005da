/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is not for a VIP is passed untouched; what can't be forwarded is dropped; each with its own
 * reason.
 */
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpf/fixture.h"
#include "bpf/tunnels.h"
#include "test.h"

enum { ACME = 1, SUSPENDED = 2, GLOBEX = 3 };
enum { VLAN_ACME = 200, VLAN_SUSPENDED = 300, VLAN_DEAD = 400, VLAN_GLOBEX = 500 };

#define V6 "2001:db8:a::10"

/*
 * Untagged and priority-tagged: shared, by address acme's. The tenants also have VLANs of their
 * own. The VIP of port 8000 has no backend, that of 8001 none that is resolved, 8002 and 8003
 * contradict themselves.
 */
static void open_world(struct world *w)
{
	world_open(w);
	world_add_tenant(w, 0, 0, 0);
	world_add_tenant(w, ACME, 8, 7);
	world_add_tenant(w, GLOBEX, 16, 7);
	world_add_segment(w, w->in, 0, 0, 0);
	world_add_segment(w, w->in, VLAN_ACME, 0, ACME);
	world_add_segment(w, w->in, VLAN_SUSPENDED, 0, SUSPENDED);
	world_add_segment(w, w->in, VLAN_DEAD, 0, ACME)->state = MTLB_SEGMENT_DEAD;
	world_add_segment(w, w->in, VLAN_GLOBEX, 0, GLOBEX);
	world_add_segment(w, w->out, 600, 0, ACME);
	world_add_entry(w, 0, "203.0.113.10", 0, 0, MTLB_ENTRY_ADDRESS, ACME);
	world_add_entry(w, 0, V6, 0, 0, MTLB_ENTRY_ADDRESS, ACME);
	world_add_vip(w, &(struct vip_row){ ACME, .id = 2, .owner = 5 });
	world_add_vip(w, &(struct vip_row){ ACME, .address = V6, .id = 3, .owner = 5 });
	world_add_vip(w, &(struct vip_row){ ACME, .port = 8000, .id = 4, .flags = MTLB_VIP_EMPTY });
	world_add_vip(w, &(struct vip_row){ ACME, .port = 8001, .id = 5, .owner = 6 });
	world_add_vip(w, &(struct vip_row){ ACME, .port = 8002, .id = 6, .owner = WORLD_IDS });
	world_add_vip(w, &(struct vip_row){ ACME, .port = 8003, .id = 7 })->word =
		mtlb_vip_word(WORLD_UNITS, 2, 0);
	world_add_vip(w, &(struct vip_row){ GLOBEX, .address = "203.0.113.20", .id = 8, .owner = 5 });
	world_add_backend(w, 5, &tunnel_rows[0].tunnel, true, 0);
}

struct row {
	const char *name;
	struct packet_spec spec;
	enum mtlb_reason reason;
	uint32_t tenant;
	uint16_t ethertype;          /* 0: as built */
	uint8_t version_byte;        /* of the IP header; 0: as built */
};

#define ON(vid) .n_tags = 1, .vlan = { vid }

static const struct row passed[] = {
	{ "arp", { 0 }, MTLB_REASON_not_ip, 0, ETH_P_ARP, 0 },
	{ "lldp", { 0 }, MTLB_REASON_not_ip, 0, 0x88cc, 0 },
	{ "length field, not a type", { 0 }, MTLB_REASON_not_ip, 0, 100, 0 },
	{ "version 6 in an IPv4 frame", { 0 }, MTLB_REASON_not_ip, 0, 0, 0x65 },
	{ "version 0 in an IPv4 frame", { 0 }, MTLB_REASON_not_ip, 0, 0, 0x05 },
	{ "version 4 in an IPv6 frame", { .from = "fd00::1", .to = V6 }, MTLB_REASON_not_ip, 0, 0, 0x45 },
	{ "three tags", { .n_tags = 3, .vlan = { VLAN_ACME, 1, 2 } }, MTLB_REASON_not_ip, 0, 0, 0 },
	{ "unknown vlan", { ON(999) }, MTLB_REASON_no_segment, 0, 0, 0 },
	{ "vlan of another interface", { ON(600) }, MTLB_REASON_no_segment, 0, 0, 0 },
	{ "second tag on a vlan", { .n_tags = 2, .vlan = { VLAN_ACME, 7 } }, MTLB_REASON_no_segment,
	  0, 0, 0 },
	{ "unknown vlan behind a priority tag", { .n_tags = 2, .vlan = { 0xe000, 999 } },
	  MTLB_REASON_no_segment, 0, 0, 0 },
	{ "removed segment", { ON(VLAN_DEAD) }, MTLB_REASON_no_segment, 0, 0, 0 },
	{ "other address, shared", { .to = "203.0.113.11" }, MTLB_REASON_not_vip, 0, 0, 0 },
	{ "other address, own", { .to = "203.0.113.11", ON(VLAN_ACME) }, MTLB_REASON_not_vip, ACME,
	  0, 0 },
	{ "unshared address", { .to = "203.0.113.20" }, MTLB_REASON_not_vip, 0, 0, 0 },
	{ "another tenant's address", { ON(VLAN_GLOBEX) }, MTLB_REASON_not_vip, GLOBEX, 0, 0 },
	{ "mapped address in IPv6", { .from = "fd00::1", .to = "::ffff:203.0.113.10" },
	  MTLB_REASON_not_vip, 0, 0, 0 },
	{ "compatible address in IPv6", { .from = "fd00::1", .to = "::203.0.113.10" },
	  MTLB_REASON_not_vip, 0, 0, 0 },
	{ "suspended tenant", { ON(VLAN_SUSPENDED) }, MTLB_REASON_not_vip, SUSPENDED, 0, 0 },
	{ "other port", { .to_port = 80 }, MTLB_REASON_not_vip_port, ACME, 0, 0 },
	{ "other port, IPv6", { .from = "fd00::1", .to = V6, .to_port = 80 },
	  MTLB_REASON_not_vip_port, ACME, 0, 0 },
	{ "UDP to a TCP port", { .protocol = IPPROTO_UDP }, MTLB_REASON_not_vip_port, ACME, 0, 0 },
	{ "other port on own vlan", { .to_port = 444, ON(VLAN_ACME) }, MTLB_REASON_not_vip_port,
	  ACME, 0, 0 },
	{ "ping", { .protocol = IPPROTO_ICMP }, MTLB_REASON_other_protocol, ACME, 0, 0 },
	{ "ping, IPv6", { .from = "fd00::1", .to = V6, .protocol = IPPROTO_ICMPV6 },
	  MTLB_REASON_other_protocol, ACME, 0, 0 },
	{ "destination options", { .from = "fd00::1", .to = V6, .protocol = IPPROTO_DSTOPTS },
	  MTLB_REASON_other_protocol, ACME, 0, 0 },
	{ "ping of another address", { .to = "203.0.113.11", .protocol = IPPROTO_ICMP },
	  MTLB_REASON_not_vip, 0, 0, 0 },
	{ "fragment header for another address",
	  { .from = "fd00::1", .to = "2001:db8::99", .protocol = IPPROTO_FRAGMENT },
	  MTLB_REASON_not_vip, 0, 0, 0 },
};

static const struct row dropped[] = {
	{ "fragment", { .from = "fd00::1", .to = V6, .protocol = IPPROTO_FRAGMENT },
	  MTLB_REASON_fragment, ACME, 0, 0 },
	{ "header of 16 bytes", { 0 }, MTLB_REASON_bad_ip_header, ACME, 0, 0x44 },
	{ "no backend", { .to_port = 8000 }, MTLB_REASON_no_backend, ACME, 0, 0 },
	{ "next hop unknown", { .to_port = 8001 }, MTLB_REASON_no_next_hop, ACME, 0, 0 },
	{ "backend that is none", { .to_port = 8002 }, MTLB_REASON_internal, ACME, 0, 0 },
	{ "ring outside of the rings", { .to_port = 8003 }, MTLB_REASON_internal, ACME, 0, 0 },
};

static void check_rows(struct world *w, const struct row *rows, size_t n)
{
	static const uint16_t payloads[] = { 0, 1, 1000 };

	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < 3; k++) {
			struct packet_spec s = rows[i].spec;
			struct packet p;

			s.payload = payloads[k];
			packet_build(&p, &s);
			if (rows[i].ethertype)
				packet_put16(p.bytes + 12, rows[i].ethertype);
			if (rows[i].version_byte)
				p.bytes[p.l3] = rows[i].version_byte;
			world_check(w, rows[i].name, &p,
				    &(struct expected){ .reason = rows[i].reason,
							.tenant = rows[i].tenant });
		}
}

static void not_ours_is_passed_untouched(void)
{
	struct world w;

	open_world(&w);
	check_rows(&w, passed, sizeof(passed) / sizeof(*passed));
	world_close(&w);
}

static void what_has_no_way_is_dropped(void)
{
	struct world w;

	open_world(&w);
	check_rows(&w, dropped, sizeof(dropped) / sizeof(*dropped));
	world_close(&w);
}

/*
 * Metadata in front of the packet takes the headroom away; kernels before 6.3 or so allow too little
 * of it. Returns whether this one can be asked.
 */
static bool check_no_headroom(void)
{
	struct packet p;
	struct world w;

	open_world(&w);
	if (!world_takes_meta(&w, 200)) {
		world_close(&w);
		return false;
	}
	world_add_backend(&w, 5, &tunnel_rows[3].tunnel, true, 0);
	w.meta_len = 200;
	packet_build(&p, &(struct packet_spec){ 0 });
	world_check(&w, "no headroom", &p,
		    &(struct expected){ .reason = MTLB_REASON_no_headroom, .tenant = ACME });
	world_close(&w);
	return true;
}

static void no_headroom_is_counted(void)
{
	if (!check_no_headroom())
		test_skip("this kernel allows too little metadata to use the headroom up");
}

static void node_without_any_configuration_passes_all(void)
{
	struct packet p;
	struct world w;

	world_open(&w);
	packet_build(&p, &(struct packet_spec){ 0 });
	world_check(&w, "empty", &p, &(struct expected){ .reason = MTLB_REASON_no_segment });
	world_add_segment(&w, w.in, 0, 0, 0);
	world_check(&w, "no shared table", &p, &(struct expected){ .reason = MTLB_REASON_not_vip });
	world_close(&w);
}

/* Half of the address is not enough, wherever in the table the search begins. */
static void addresses_are_compared_whole(void)
{
	char to[64];
	struct packet p;
	struct world w;

	open_world(&w);
	for (int i = 0; i < 128; i++) {
		snprintf(to, sizeof(to), i & 1 ? "2001:db8:a::%x:10" : "2001:db8:%x::10", 0x100 + i);
		packet_build(&p, &(struct packet_spec){ .from = "fd00::1", .to = to, ON(VLAN_ACME) });
		world_check(&w, to, &p,
			    &(struct expected){ .reason = MTLB_REASON_not_vip, .tenant = ACME });
	}
	world_close(&w);
}

/* A search goes over removed segments, and ends behind the last probe. */
static void removed_segments_do_not_hide_others(void)
{
	uint32_t base = 0, found[16];
	uint16_t n = 0;
	struct packet p;
	struct world w;

	open_world(&w);
	memset(w.segments, 0, WORLD_SEGMENTS * sizeof(*w.segments));
	base = mtlb_segment_hash(w.in, 1000, 0) & (WORLD_SEGMENTS - 1);
	for (uint16_t vlan = 1000; n < MTLB_TABLE_PROBES + 1; vlan++) {
		if ((mtlb_segment_hash(w.in, vlan, 0) & (WORLD_SEGMENTS - 1)) != base)
			continue;
		found[n++] = vlan;
		world_add_segment(&w, w.in, vlan, 0, ACME);
	}
	for (uint32_t i = 0; i < MTLB_TABLE_PROBES + 1; i++) {
		packet_build(&p, &(struct packet_spec){ ON(found[i]), .to = "203.0.113.11" });
		bool is_near = i < MTLB_TABLE_PROBES;

		world_check(&w, "probe", &p,
			    &(struct expected){ .reason = is_near ? MTLB_REASON_not_vip :
								    MTLB_REASON_no_segment,
						.tenant = is_near ? ACME : 0 });
		w.segments[(base + i) & (WORLD_SEGMENTS - 1)].state = MTLB_SEGMENT_DEAD;
	}
	world_close(&w);
}

/* too_big needs frames near 64 KiB, which a buffer of one page does not hold. */
static void every_reason_is_reached(void)
{
	static const struct test_forwarded {
		struct packet_spec spec;
	} forwarded = { { 0 } };
	struct packet in, out;
	struct world w;

	open_world(&w);
	check_rows(&w, passed, sizeof(passed) / sizeof(*passed));
	check_rows(&w, dropped, sizeof(dropped) / sizeof(*dropped));
	packet_build(&in, &forwarded.spec);
	tunnel_expect(&w, ACME, &forwarded.spec, &in, &tunnel_rows[0].tunnel, &out);
	world_check(&w, "forwarded", &in,
		    &(struct expected){ .reason = MTLB_REASON_forwarded,
					.tenant = ACME,
					.vip = 2,
					.backend = 5,
					.out = &out });
	world_close(&w);
	bool has_headroom_test = check_no_headroom();

	for (int r = 1; r < MTLB_REASON_END; r++) {
		if (world_reached(r) || (r == MTLB_REASON_no_headroom && !has_headroom_test) ||
		    (r == MTLB_REASON_too_big && sysconf(_SC_PAGESIZE) < 0x10000))
			continue;
		printf("     reason %s is not reached\n", world_reason_name(r));
		CU_FAIL("not reached");
	}
}

static const struct test tests[] = {
	{ "not_ours_is_passed_untouched", not_ours_is_passed_untouched },
	{ "what_has_no_way_is_dropped", what_has_no_way_is_dropped },
	{ "no_headroom_is_counted", no_headroom_is_counted },
	{ "node_without_any_configuration_passes_all", node_without_any_configuration_passes_all },
	{ "addresses_are_compared_whole", addresses_are_compared_whole },
	{ "removed_segments_do_not_hide_others", removed_segments_do_not_hide_others },
	{ "every_reason_is_reached", every_reason_is_reached },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "reasons", tests);
}
