/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is not for a VIP is passed untouched; what can't be forwarded is dropped; each with its own
 * reason.
 */
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/answers.h"
#include "bpf/fixture.h"
#include "bpf/tunnels.h"
#include "test.h"

enum { ACME = 1, SUSPENDED = 2, GLOBEX = 3 };
enum { VLAN_ACME = 200, VLAN_SUSPENDED = 300, VLAN_DEAD = 400, VLAN_GLOBEX = 500 };

#define V6 "2001:db8:a::10"

/* Port 8004: no packet fits the path to its backend; globex may answer nobody. */
static void add_narrow_vips(struct world *w)
{
	world_add_vip(w, &(struct vip_row){ ACME, .port = 8004, .id = 9, .owner = 8 });
	world_add_vip(w, &(struct vip_row){ GLOBEX, .address = "203.0.113.20", .port = 8004, .id = 10,
					    .owner = 8 });
	world_add_backend(w, 8, &tunnel_rows[0].tunnel, true, 0)->encap0.mtu = 59;
	w->tenants[GLOBEX].answers = 0;
	w->tenants[GLOBEX].flags = MTLB_TENANT_DROP_OTHER_PORTS;
}

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
	world_add_vip(w, &(struct vip_row){ ACME, .port = 8002, .id = 6, .owner = WORLD_BACKENDS });
	world_add_vip(w, &(struct vip_row){ ACME, .port = 8003, .id = 7 })->word =
		mtlb_vip_word(WORLD_UNITS, 2, 0);
	world_add_vip(w, &(struct vip_row){ GLOBEX, .address = "203.0.113.20", .id = 8, .owner = 5 });
	world_add_backend(w, 5, &tunnel_rows[0].tunnel, true, 0);
	add_narrow_vips(w);
}

struct row {
	const char *name;
	struct packet_spec spec;
	enum mtlb_reason reason;
	uint32_t tenant;
	uint16_t ethertype;          /* 0: as built */
	uint8_t cut;                 /* bytes off the end */
	uint8_t value, at;           /* one byte at this offset from the IP header is this; 0: as built */
};

#define ON(vid) .n_tags = 1, .vlan = { vid }

static const struct row passed[] = {
	{ "arp", { 0 }, MTLB_REASON_not_ip, 0, ETH_P_ARP, 0, 0, 0 },
	{ "lldp", { 0 }, MTLB_REASON_not_ip, 0, 0x88cc, 0, 0, 0 },
	{ "length field, not a type", { 0 }, MTLB_REASON_not_ip, 0, 100, 0, 0, 0 },
	{ "version 6 in an IPv4 frame", { 0 }, MTLB_REASON_not_ip, 0, 0, 0, 0x65, 0 },
	{ "version 0 in an IPv4 frame", { 0 }, MTLB_REASON_not_ip, 0, 0, 0, 0x05, 0 },
	{ "version 4 in an IPv6 frame", { .from = "fd00::1", .to = V6 }, MTLB_REASON_not_ip, 0, 0, 0, 0x45, 0 },
	{ "three tags", { .n_tags = 3, .vlan = { VLAN_ACME, 1, 2 } }, MTLB_REASON_not_ip, 0, 0, 0, 0, 0 },
	{ "unknown vlan", { ON(999) }, MTLB_REASON_no_segment, 0, 0, 0, 0, 0 },
	{ "vlan of another interface", { ON(600) }, MTLB_REASON_no_segment, 0, 0, 0, 0, 0 },
	{ "second tag on a vlan", { .n_tags = 2, .vlan = { VLAN_ACME, 7 } }, MTLB_REASON_no_segment,
	  0, 0, 0, 0, 0 },
	{ "unknown vlan behind a priority tag", { .n_tags = 2, .vlan = { 0xe000, 999 } },
	  MTLB_REASON_no_segment, 0, 0, 0, 0, 0 },
	{ "removed segment", { ON(VLAN_DEAD) }, MTLB_REASON_no_segment, 0, 0, 0, 0, 0 },
	{ "other address, shared", { .to = "203.0.113.11" }, MTLB_REASON_not_vip, 0, 0, 0, 0, 0 },
	{ "other address, own", { .to = "203.0.113.11", ON(VLAN_ACME) }, MTLB_REASON_not_vip, ACME,
	  0, 0, 0, 0 },
	{ "unshared address", { .to = "203.0.113.20" }, MTLB_REASON_not_vip, 0, 0, 0, 0, 0 },
	{ "another tenant's address", { ON(VLAN_GLOBEX) }, MTLB_REASON_not_vip, GLOBEX, 0, 0, 0, 0 },
	{ "mapped address in IPv6", { .from = "fd00::1", .to = "::ffff:203.0.113.10" },
	  MTLB_REASON_not_vip, 0, 0, 0, 0, 0 },
	{ "compatible address in IPv6", { .from = "fd00::1", .to = "::203.0.113.10" },
	  MTLB_REASON_not_vip, 0, 0, 0, 0, 0 },
	{ "suspended tenant", { ON(VLAN_SUSPENDED) }, MTLB_REASON_not_vip, SUSPENDED, 0, 0, 0, 0 },
	{ "other port", { .to_port = 80 }, MTLB_REASON_not_vip_port, ACME, 0, 0, 0, 0 },
	{ "other port, IPv6", { .from = "fd00::1", .to = V6, .to_port = 80 },
	  MTLB_REASON_not_vip_port, ACME, 0, 0, 0, 0 },
	{ "UDP to a TCP port", { .protocol = IPPROTO_UDP }, MTLB_REASON_not_vip_port, ACME, 0, 0, 0, 0 },
	{ "other port on own vlan", { .to_port = 444, ON(VLAN_ACME) }, MTLB_REASON_not_vip_port,
	  ACME, 0, 0, 0, 0 },
	{ "ping", { .protocol = IPPROTO_ICMP, .icmp_type = 8 }, MTLB_REASON_icmp_other, ACME, 0, 0, 0, 0 },
	{ "ping, IPv6", { .from = "fd00::1", .to = V6, .protocol = IPPROTO_ICMPV6, .icmp_type = 128 },
	  MTLB_REASON_icmp_other, ACME, 0, 0, 0, 0 },
	{ "ESP", { .protocol = IPPROTO_ESP }, MTLB_REASON_other_protocol, ACME, 0, 0, 0, 0 },
	{ "no next header", { .from = "fd00::1", .to = V6, .protocol = IPPROTO_NONE },
	  MTLB_REASON_other_protocol, ACME, 0, 0, 0, 0 },
	{ "ping of another address", { .to = "203.0.113.11", .protocol = IPPROTO_ICMP },
	  MTLB_REASON_not_vip, 0, 0, 0, 0, 0 },
	{ "fragment header for another address",
	  { .from = "fd00::1", .to = "2001:db8::99", .protocol = IPPROTO_FRAGMENT },
	  MTLB_REASON_not_vip, 0, 0, 0, 0, 0 },
};

static const struct row dropped[] = {
	{ "fragment of a ping", { .protocol = IPPROTO_ICMP }, MTLB_REASON_fragment, ACME, 0, 0, 0x20, 6 },
	{ "later fragment", { .protocol = IPPROTO_UDP }, MTLB_REASON_fragment_unknown, ACME, 0, 0, 9, 7 },
	{ "cut off", { 0 }, MTLB_REASON_truncated, ACME, 0, 1, 0, 0 },
	{ "data offset 4", { 0 }, MTLB_REASON_bad_l4_header, ACME, 0, 0, 0x40, 32 },
	{ "seven extension headers",
	  { .from = "fd00::1", .to = V6, .n_extensions = 7, .extensions = { { 0 } } },
	  MTLB_REASON_too_many_headers, ACME, 0, 0, 0, 0 },
	{ "other port, closed", { .to = "203.0.113.20", .to_port = 80, ON(VLAN_GLOBEX) },
	  MTLB_REASON_port_closed, GLOBEX, 0, 0, 0, 0 },
	{ "too long, may be fragmented", { .may_fragment = true, .to_port = 8004 },
	  MTLB_REASON_too_big, ACME, 0, 0, 0, 0 },
	{ "too long, no answers left", { .to_port = 8004, .to = "203.0.113.20", ON(VLAN_GLOBEX),
	  .payload = 1000 }, MTLB_REASON_too_big_limited, GLOBEX, 0, 0, 0, 0 },
	{ "header of 16 bytes", { 0 }, MTLB_REASON_bad_ip_header, ACME, 0, 0, 0x44, 0 },
	{ "no backend", { .to_port = 8000 }, MTLB_REASON_no_backend, ACME, 0, 0, 0, 0 },
	{ "next hop unknown", { .to_port = 8001 }, MTLB_REASON_no_next_hop, ACME, 0, 0, 0, 0 },
	{ "backend that is none", { .to_port = 8002 }, MTLB_REASON_internal, ACME, 0, 0, 0, 0 },
	{ "ring outside of the rings", { .to_port = 8003 }, MTLB_REASON_internal, ACME, 0, 0, 0, 0 },
};

static void check_rows(struct world *w, const struct row *rows, size_t n)
{
	static const uint16_t payloads[] = { 0, 1, 1000 };

	for (size_t i = 0; i < n; i++)
		for (int k = 0; k < 3; k++) {
			struct packet_spec s = rows[i].spec;
			struct packet p;

			s.payload = s.payload ? s.payload : payloads[k];
			packet_build(&p, &s);
			if (rows[i].ethertype)
				packet_put16(p.bytes + 12, rows[i].ethertype);
			if (rows[i].value)
				p.bytes[p.l3 + rows[i].at] = rows[i].value;
			p.len -= rows[i].cut;
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

static void check_echo(struct world *w)
{
	struct packet in, out;

	world_add_entry(w, ACME, "203.0.113.10", 0, 0, MTLB_ENTRY_ADDRESS, 0)->flags = MTLB_VIP_ECHO;
	packet_build(&in, &(struct packet_spec){ .protocol = IPPROTO_ICMP, .icmp_type = 8 });
	answer_echo(&out, &in);
	world_check(w, "echo", &in,
		    &(struct expected){ .reason = MTLB_REASON_echo_answered, .tenant = ACME, .out = &out });
}

static void check_forwarded(struct world *w)
{
	struct packet_spec s = { 0 };
	struct packet in, out, about, error;
	struct expected e = { .tenant = ACME, .vip = 2, .backend = 5, .out = &out };

	packet_build(&in, &s);
	tunnel_expect(w, ACME, &s, &in, &tunnel_rows[0].tunnel, &out);
	e.reason = MTLB_REASON_forwarded;
	world_check(w, "forwarded", &in, &e);
	packet_build(&about, &(struct packet_spec){ .from = "203.0.113.10", .to = "198.51.100.7",
						    .from_port = 443, .to_port = 40000 });
	packet_build_error(&error, &(struct packet_spec){ .protocol = IPPROTO_ICMP, .icmp_type = 3 },
			   &about, 28);
	tunnel_expect_hash(world_hash(w, ACME, &s), &error, &tunnel_rows[0].tunnel, &out);
	e.reason = MTLB_REASON_icmp_forwarded;
	world_check(w, "error", &error, &e);
}

static void check_too_big(struct world *w)
{
	struct packet in, out;

	packet_build(&in, &(struct packet_spec){ .to_port = 8004, .payload = 1000 });
	answer_too_big(&out, &in, 59 - 20);
	world_check(w, "too big", &in,
		    &(struct expected){ .reason = MTLB_REASON_too_big_answered, .tenant = ACME,
					.out = &out });
}

/* By this test alone, so that it cannot pass because of another. */
static void every_reason_is_reached(void)
{
	uint32_t before[MTLB_REASON_END];
	struct world w;

	for (int r = 1; r < MTLB_REASON_END; r++)
		before[r] = world_reached(r);
	open_world(&w);
	check_rows(&w, passed, sizeof(passed) / sizeof(*passed));
	check_rows(&w, dropped, sizeof(dropped) / sizeof(*dropped));
	check_forwarded(&w);
	check_echo(&w);
	check_too_big(&w);
	world_close(&w);
	bool has_headroom_test = check_no_headroom();

	for (int r = 1; r < MTLB_REASON_END; r++) {
		if (world_reached(r) > before[r] ||
		    (r == MTLB_REASON_no_headroom && !has_headroom_test))
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
