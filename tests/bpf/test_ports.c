/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which VIP a port of an address belongs to, and what happens to the others. */
#include <netinet/in.h>
#include <string.h>

#include "bpf/fixture.h"
#include "bpf/tunnels.h"
#include "test.h"

enum {
	ACME = 1,
	BACKEND = 8
};

#define V4 "203.0.113.10"
#define V6 "2001:db8:a::10"

/* VIP id i: row i; backend BACKEND + i. */
static const struct {
	const char *address;
	uint8_t protocol;
	uint16_t first, last; /* last 0: one port */
} vips[] = {
	{V4, IPPROTO_TCP, 8000, 8999},  {V4, IPPROTO_TCP, 8500, 0},
	{V4, IPPROTO_TCP, 9000, 9000},  {V4, IPPROTO_TCP, 1, 10},
	{V4, IPPROTO_UDP, 0, 65535},    {V6, IPPROTO_UDP, 60000, 65535},
	{V6, IPPROTO_SCTP, 2000, 2999}, {V4, IPPROTO_SCTP, 2905, 0},
};
enum {
	VIPS = sizeof(vips) / sizeof(*vips),
	NONE = VIPS
};

static bool is_v6(const char *address)
{
	return strchr(address, ':');
}

static void open_world(struct world *w, bool has_large_tables, bool drops)
{
	world_open(w);
	w->has_large_tables = has_large_tables;
	world_add_tenant(w, ACME, 0, 7);
	w->tenants[ACME].flags = drops ? MTLB_TENANT_DROP_OTHER_PORTS : 0;
	world_add_segment(w, w->in, 0, 0, ACME);
	for (uint32_t id = 0; id < VIPS; id++) {
		world_add_backend(w, BACKEND + id, &tunnel_rows[0].tunnel, !is_v6(vips[id].address),
				  0);
		world_add_vip(w, &(struct vip_row){.tenant = ACME,
						   .address = vips[id].address,
						   .protocol = vips[id].protocol,
						   .port = vips[id].first,
						   .last_port = vips[id].last,
						   .id = id,
						   .owner = BACKEND + id});
	}
}

static const struct row {
	const char *name;
	const char *to;
	uint8_t protocol;
	uint16_t port;
	uint32_t vip;
} rows[] = {
	{"first of a range", V4, IPPROTO_TCP, 8000, 0},
	{"last of a range", V4, IPPROTO_TCP, 8999, 0},
	{"in a range", V4, IPPROTO_TCP, 8256, 0},
	{"exact port in a range", V4, IPPROTO_TCP, 8500, 1},
	{"beside the exact port", V4, IPPROTO_TCP, 8501, 0},
	{"range of one port", V4, IPPROTO_TCP, 9000, 2},
	{"before the range", V4, IPPROTO_TCP, 7999, NONE},
	{"behind the ranges", V4, IPPROTO_TCP, 9001, NONE},
	{"lowest ports", V4, IPPROTO_TCP, 1, 3},
	{"highest of the lowest", V4, IPPROTO_TCP, 10, 3},
	{"above the lowest", V4, IPPROTO_TCP, 11, NONE},
	{"any port: 65535", V4, IPPROTO_UDP, 65535, 4},
	{"any port: 1", V4, IPPROTO_UDP, 1, 4},
	{"any port: one that TCP has", V4, IPPROTO_UDP, 8500, 4},
	{"range of another address", V6, IPPROTO_UDP, 8500, NONE},
	{"range up to the end", V6, IPPROTO_UDP, 65535, 5},
	{"range up to the end, first", V6, IPPROTO_UDP, 60000, 5},
	{"one less", V6, IPPROTO_UDP, 59999, NONE},
	{"SCTP range", V6, IPPROTO_SCTP, 2500, 6},
	{"SCTP port", V4, IPPROTO_SCTP, 2905, 7},
	{"SCTP port of another address", V4, IPPROTO_SCTP, 2500, NONE},
	{"TCP to an address without TCP", V6, IPPROTO_TCP, 8500, NONE},
};

static void check_row(struct world *w, const struct row *r, bool is_common, bool drops)
{
	bool is_ipv6 = is_v6(r->to);
	struct packet_spec s = {.from = is_ipv6 ? "fd00::1" : NULL,
				.to = r->to,
				.protocol = r->protocol,
				.to_port = r->port,
				.flags = PACKET_SYN,
				.chunk = PACKET_INIT,
				.payload = 9};
	struct expected e = {.reason = MTLB_REASON_forwarded, .tenant = ACME};
	struct packet in, out;

	s.ip_options = is_common || is_ipv6 ? 0 : 8;
	s.n_extensions = is_common || !is_ipv6 ? 0 : 1;
	packet_build(&in, &s);
	if (r->vip == NONE) {
		e.reason = drops ? MTLB_REASON_port_closed : MTLB_REASON_not_vip_port;
	} else {
		tunnel_expect(w, ACME, &s, &in, &tunnel_rows[0].tunnel, &out);
		e.vip = r->vip;
		e.backend = BACKEND + r->vip;
		e.out = &out;
	}
	world_check(w, r->name, &in, &e);
}

static void check_rows(bool has_large_tables, bool drops)
{
	struct world w;

	open_world(&w, has_large_tables, drops);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		check_row(&w, &rows[i], true, drops);
		check_row(&w, &rows[i], false, drops);
	}
	world_close(&w);
}

static void port_finds_its_vip_or_range(void)
{
	check_rows(false, false);
}

static void tables_of_any_size_are_searched(void)
{
	check_rows(true, false);
}

static void other_ports_are_dropped_where_the_tenant_says_so(void)
{
	check_rows(false, true);
	check_rows(true, true);
}

/* ICMP and other protocols are no ports: what the tenant says of those does not matter. */
static void other_protocols_are_passed_even_then(void)
{
	static const struct {
		uint8_t protocol;
		enum mtlb_reason reason;
	} others[] = {
		{IPPROTO_ICMP, MTLB_REASON_icmp_other},
		{IPPROTO_GRE, MTLB_REASON_other_protocol},
		{IPPROTO_ESP, MTLB_REASON_other_protocol},
	};
	struct packet in;
	struct world w;

	open_world(&w, false, true);
	for (int i = 0; i < 3; i++) {
		packet_build(&in, &(struct packet_spec){.protocol = others[i].protocol});
		world_check(&w, "other protocol", &in,
			    &(struct expected){.reason = others[i].reason, .tenant = ACME});
	}
	packet_build(&in, &(struct packet_spec){.to = "203.0.113.11"});
	world_check(&w, "other address", &in,
		    &(struct expected){.reason = MTLB_REASON_not_vip, .tenant = ACME});
	world_close(&w);
}

static void eight_ranges_are_searched(void)
{
	struct packet in, out;
	struct world w;

	world_open(&w);
	world_add_tenant(&w, ACME, 0, 7);
	world_add_segment(&w, w.in, 0, 0, ACME);
	for (uint32_t id = 0; id < MTLB_RANGES_MAX; id++) {
		world_add_backend(&w, BACKEND + id, &tunnel_rows[0].tunnel, true, 0);
		world_add_vip(&w, &(struct vip_row){.tenant = ACME,
						    .port = 1000 + 100 * id,
						    .last_port = 1098 + 100 * id,
						    .id = id,
						    .owner = BACKEND + id});
	}
	for (uint16_t port = 990; port < 1810; port++) {
		struct packet_spec s = {.to_port = port};
		uint32_t id = (port - 1000) / 100;
		struct expected e = {.reason = MTLB_REASON_not_vip_port, .tenant = ACME};

		packet_build(&in, &s);
		if (port >= 1000 && port < 1800 && port % 100 != 99) {
			tunnel_expect(&w, ACME, &s, &in, &tunnel_rows[0].tunnel, &out);
			e = (struct expected){.reason = MTLB_REASON_forwarded,
					      .tenant = ACME,
					      .vip = id,
					      .backend = BACKEND + id,
					      .out = &out};
		}
		world_check(&w, "eight ranges", &in, &e);
	}
	world_close(&w);
}

static void vip_of_a_range_without_backends_drops(void)
{
	struct packet in;
	struct world w;

	open_world(&w, false, false);
	world_add_vip(&w, &(struct vip_row){.tenant = ACME,
					    .port = 8000,
					    .last_port = 8999,
					    .owner = BACKEND,
					    .flags = MTLB_VIP_EMPTY});
	packet_build(&in, &(struct packet_spec){.to_port = 8001});
	world_check(&w, "empty", &in,
		    &(struct expected){.reason = MTLB_REASON_no_backend, .tenant = ACME});
	world_close(&w);
}

static void sctp_is_balanced_like_the_others(void)
{
	static const uint32_t backends[] = {1, 2, 3, 4};
	uint32_t seen = 0;
	struct packet in, out;
	struct world w;

	world_open(&w);
	world_add_tenant(&w, ACME, 0, 7);
	world_add_segment(&w, w.in, 0, 0, ACME);
	for (uint32_t i = 1; i <= 4; i++)
		world_add_backend(&w, i, &tunnel_rows[0].tunnel, true, 0);
	world_add_vip(&w, &(struct vip_row){.tenant = ACME,
					    .protocol = IPPROTO_SCTP,
					    .backends = backends,
					    .n_backends = 4});
	for (uint16_t port = 3000; port < 3032; port++) {
		struct packet_spec s = {
			.protocol = IPPROTO_SCTP, .from_port = port, .chunk = port % 2};
		uint32_t slot = mtlb_hash_slot(world_hash(&w, ACME, &s), 2);

		packet_build(&in, &s);
		tunnel_expect(&w, ACME, &s, &in, &tunnel_rows[0].tunnel, &out);
		world_check(&w, "SCTP", &in,
			    &(struct expected){.reason = MTLB_REASON_forwarded,
					       .tenant = ACME,
					       .backend = backends[slot],
					       .out = &out});
		seen |= 1U << slot;
	}
	CU_ASSERT_EQUAL(seen, 15);
	world_close(&w);
}

static const struct test tests[] = {
	{"port_finds_its_vip_or_range", port_finds_its_vip_or_range},
	{"tables_of_any_size_are_searched", tables_of_any_size_are_searched},
	{"other_ports_are_dropped_where_the_tenant_says_so",
	 other_ports_are_dropped_where_the_tenant_says_so},
	{"other_protocols_are_passed_even_then", other_protocols_are_passed_even_then},
	{"eight_ranges_are_searched", eight_ranges_are_searched},
	{"vip_of_a_range_without_backends_drops", vip_of_a_range_without_backends_drops},
	{"sctp_is_balanced_like_the_others", sctp_is_balanced_like_the_others},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "ports", tests);
}
