/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connection ids: what test_quic.c has not: other headers, every algorithm, ICMP errors. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/stage.h"
#include "test.h"

enum {
	OWNER = STAGE_BACKEND + 2, /* of all slots of the UDP VIP, which is VIP 2 */
	SERVER = 3,                /* server ids name these */
	OTHER_SERVER = 4,
	VIP = 2
};

/* Rotation bits 3; configuration 1: server id of 2 bytes in 8, 2: of 15 in 20, 6: of 1 in 2. */
static void open_world(struct world *w, bool is_ipv6)
{
	static const uint8_t long_id[15] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	struct packet_spec s = stage_spec(&(struct packet_spec){.protocol = IPPROTO_UDP}, is_ipv6);
	struct mtlb_vip *v;
	uint32_t id = stage_vip_id(&s);

	stage_open(w);
	world_add_backend(w, SERVER, &tunnel_rows[0].tunnel, !is_ipv6, 0);
	world_add_backend(w, OTHER_SERVER, &tunnel_rows[0].tunnel, !is_ipv6, 0);
	v = stage_vip(w, &s);
	v->flags = MTLB_VIP_QUIC;
	v->quic_shift = 5;
	v->quic[1] = (struct mtlb_quic_config){2, 8};
	v->quic[2] = (struct mtlb_quic_config){15, 20};
	v->quic[6] = (struct mtlb_quic_config){1, 2};
	world_add_server(w, STAGE_TENANT, id, (const uint8_t *)"\xab\xcd", 2, SERVER);
	world_add_server(w, STAGE_TENANT, id, (const uint8_t *)"\x00\x00", 2, OTHER_SERVER);
	world_add_server(w, STAGE_TENANT, id, long_id, 15, SERVER);
	world_add_server(w, STAGE_TENANT, id, (const uint8_t *)"\xab", 1, OTHER_SERVER);
	/* of another VIP */
	world_add_server(w, STAGE_TENANT, id + 4, (const uint8_t *)"\xee\xee", 2, SERVER);
}

#define LONG    0xc0, 0, 0, 0, 1 /* first byte, version 1 */
#define LONG_ID 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15

static const struct row {
	const char *name;
	uint8_t len; /* of the UDP payload */
	uint8_t data[32];
	uint32_t backend;
} rows[] = {
	/* short headers: the id begins at the second byte */
	{"short header", 9, {0x40, 0x20, 0xab, 0xcd}, SERVER},
	{"short header, low bits of the octet do not matter", 9, {0x40, 0x3f, 0xab, 0xcd}, SERVER},
	{"short header, fixed bit clear", 9, {0x00, 0x20, 0xab, 0xcd}, SERVER},
	{"short header, all other bits set", 9, {0x7f, 0x20, 0xab, 0xcd}, SERVER},
	{"server id of zeroes", 9, {0x40, 0x20, 0, 0}, OTHER_SERVER},
	{"more behind the id", 32, {0x40, 0x20, 0xab, 0xcd}, SERVER},
	{"id cut by one byte", 8, {0x40, 0x20, 0xab, 0xcd}, OWNER},
	{"id cut behind the server id", 4, {0x40, 0x20, 0xab, 0xcd}, OWNER},
	{"id cut in the server id", 3, {0x40, 0x20, 0xab}, OWNER},
	{"first byte alone", 1, {0x40}, OWNER},
	{"first octet alone", 2, {0x40, 0x20}, OWNER},
	{"no payload", 0, {0}, OWNER},
	{"unknown server id", 9, {0x40, 0x20, 0xab, 0xce}, OWNER},
	{"another VIP's server id", 9, {0x40, 0x20, 0xee, 0xee}, OWNER},
	{"no such configuration", 9, {0x40, 0x00, 0xab, 0xcd}, OWNER},
	{"rotation bits 7: no id", 9, {0x40, 0xe0, 0xab, 0xcd}, OWNER},
	{"another configuration's server id", 9, {0x40, 0xc0, 0xcd, 0xcd}, OWNER},
	{"shorter server id", 9, {0x40, 0xc0, 0xab, 0xcd}, OTHER_SERVER},
	{"shortest id", 3, {0x40, 0xc0, 0xab}, OTHER_SERVER},
	{"shortest id, cut", 2, {0x40, 0xc0}, OWNER},
	{"longest server id", 21, {0x40, 0x40, LONG_ID}, SERVER},
	{"longest server id, nonce cut", 20, {0x40, 0x40, LONG_ID}, OWNER},
	{"longest server id, last byte other",
	 21,
	 {0x40, 0x41, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 14},
	 OWNER},
	/* long headers: version, length of the id, id */
	{"long header", 14, {LONG, 8, 0x20, 0xab, 0xcd}, SERVER},
	{"long header of version 0", 14, {0x80, 0, 0, 0, 0, 8, 0x20, 0xab, 0xcd}, SERVER},
	{"long header of any version",
	 14,
	 {0xff, 0xfa, 0xfa, 0xfa, 0xfa, 8, 0x3f, 0xab, 0xcd},
	 SERVER},
	{"long header, longest server id", 26, {LONG, 20, 0x40, LONG_ID}, SERVER},
	{"long header, shortest id", 8, {LONG, 2, 0xc0, 0xab}, OTHER_SERVER},
	{"id one byte shorter than configured", 14, {LONG, 7, 0x20, 0xab, 0xcd}, OWNER},
	{"id one byte longer than configured", 16, {LONG, 9, 0x20, 0xab, 0xcd}, OWNER},
	{"id of length 0", 14, {LONG, 0, 0x20, 0xab, 0xcd}, OWNER},
	{"id of length 255", 14, {LONG, 255, 0x20, 0xab, 0xcd}, OWNER},
	{"long header, id cut", 13, {LONG, 8, 0x20, 0xab, 0xcd}, OWNER},
	{"long header, length alone", 6, {LONG, 8}, OWNER},
	{"long header, cut before the length", 5, {LONG}, OWNER},
	{"long header, first byte alone", 1, {0xc0}, OWNER},
	{"long header, unknown server id", 14, {LONG, 8, 0x20, 0xab, 0xce}, OWNER},
	{"short id where a long header's is", 14, {LONG, 8, 0, 0, 0x20, 0xab, 0xcd}, OWNER},
};

static void forward(struct world *w, const char *name, const struct packet *in, uint64_t hash,
		    const struct expected *like)
{
	struct expected e = *like;
	struct packet out;

	tunnel_expect_hash(hash, in, &tunnel_rows[0].tunnel, &out);
	e.reason = MTLB_REASON_forwarded;
	e.tenant = STAGE_TENANT;
	e.out = &out;
	world_check(w, name, in, &e);
}

/* Nothing but the id leads to its backend, so the first packet of the flow that has one is noted. */
static void check_row(struct world *w, const struct row *r, const struct packet_spec *like)
{
	struct packet_spec s = *like;
	struct packet in;
	uint32_t vip = stage_vip_id(&s);
	uint64_t hash = world_hash(w, STAGE_TENANT, &s);
	bool is_named = r->backend != OWNER;

	s.data = r->data;
	s.payload = r->len;
	packet_build(&in, &s);
	forward(w, r->name, &in, hash,
		&(struct expected){.vip = vip,
				   .backend = is_named ? r->backend : STAGE_BACKEND + vip,
				   .flows_added =
					   is_named && !world_find_flow(w, STAGE_TENANT, hash)});
}

static void check_rows(const struct packet_spec *like, bool is_ipv6)
{
	struct packet_spec s = stage_spec(like, is_ipv6);
	struct world w;

	s.protocol = IPPROTO_UDP;
	open_world(&w, is_ipv6);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&w, &rows[i], &s);
	world_close(&w);
}

static void connection_id_names_the_backend(void)
{
	check_rows(&(struct packet_spec){0}, false);
	check_rows(&(struct packet_spec){0}, true);
}

static void connection_id_is_found_behind_other_headers(void)
{
	check_rows(&(struct packet_spec){.ip_options = 12, .padding = 40}, false);
	check_rows(&(struct packet_spec){.n_extensions = 2, .extensions = {{60, 0}, {44, 0}}},
		   true);
}

static const struct row *const short_header = &rows[0];

/* What is behind UDP's own length, or behind the IP packet, is no connection id. */
static void bytes_behind_the_datagram_are_no_id(void)
{
	struct packet_spec s = {.protocol = IPPROTO_UDP, .data = short_header->data, .payload = 9};
	struct packet in;
	struct world w;

	open_world(&w, false);
	packet_build(&in, &s);
	packet_put16(in.bytes + in.l4 + 4, 8 + 8);
	stage_forward(&w, "beyond UDP", &s, &in);
	packet_put16(in.bytes + in.l3 + 2, 20 + 8 + 8);
	packet_fix_ipv4(&in);
	stage_forward(&w, "beyond IP", &s, &in);
	world_close(&w);
}

static void server_id_of_a_backend_that_does_not_serve_counts_not(void)
{
	static const struct {
		enum mtlb_backend_state state;
		bool serves;
	} states[] = {
		{MTLB_BACKEND_UP, true},        {MTLB_BACKEND_DRAINING, true},
		{MTLB_BACKEND_LEAVING, true},   {MTLB_BACKEND_DOWN, false},
		{MTLB_BACKEND_DISABLED, false}, {MTLB_BACKEND_FREE, false},
	};
	struct packet_spec s = {.protocol = IPPROTO_UDP};
	struct world w;

	open_world(&w, false);
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		struct row r = *short_header;

		world_set_state(&w, SERVER, states[i].state);
		r.backend = states[i].serves ? SERVER : OWNER;
		check_row(&w, &r, &s);
	}
	world_close(&w);
}

/* A slot that moves, or an algorithm that remembers all: the id decides, and no turn is taken. */
static void id_decides_whatever_the_flow_table_says(void)
{
	struct packet_spec s = {.protocol = IPPROTO_UDP};
	struct world w;

	for (int algorithm = 0; algorithm <= MTLB_ALGORITHM_LEAST_CONNECTIONS; algorithm++) {
		open_world(&w, false);
		struct mtlb_vip *v = stage_vip(&w, &s);
		uint64_t hash = world_hash(&w, STAGE_TENANT, &s);

		v->algorithm = algorithm;
		v->word |= MTLB_VIP_MOVING | MTLB_VIP_LEARNING;
		for (uint32_t slot = 0; slot < 4; slot++)
			*world_slot(&w, v, slot) |= MTLB_SLOT_MOVING;
		world_set_flow(&world_bucket(&w, STAGE_TENANT, hash)->ways[0], hash, OTHER_SERVER,
			       MTLB_FLOW_NEW, 3);
		/* without an id the table decides */
		struct row without = rows[12];

		without.backend = OTHER_SERVER;
		check_row(&w, &without, &s);
		check_row(&w, short_header, &s);
		without.backend = SERVER;
		check_row(&w, &without, &s);
		CU_ASSERT_EQUAL(w.turns[VIP], 0);
		world_close(&w);
	}
}

/* What the id names takes no new flows, but it has its connections. */
static void id_counts_where_no_backend_takes_new_flows(void)
{
	struct packet_spec s = {.protocol = IPPROTO_UDP};
	struct packet in;
	struct world w;

	open_world(&w, false);
	stage_vip(&w, &s)->word |= MTLB_VIP_EMPTY;
	world_set_state(&w, SERVER, MTLB_BACKEND_DRAINING);
	check_row(&w, short_header, &s);
	packet_build(&in, &s);
	stage_end(&w, "without an id", &in, MTLB_REASON_no_backend);
	world_close(&w);
}

/* One to eight configurations: as many bits of the first octet say which. */
static void rotation_bits_choose_the_configuration(void)
{
	struct packet_spec s = {.protocol = IPPROTO_UDP};
	struct world w;

	open_world(&w, false);
	struct mtlb_vip *v = stage_vip(&w, &s);

	for (uint32_t bits = 1; bits <= 3; bits++)
		for (uint32_t octet = 0; octet < 256; octet += 15) {
			struct row r = *short_header;
			bool is_it = octet >> (8 - bits) == 1;

			memset(v->quic, 0, sizeof(v->quic));
			v->quic_shift = 8 - bits;
			v->quic[1] = (struct mtlb_quic_config){2, 8};
			r.data[1] = octet;
			r.backend = is_it ? SERVER : OWNER;
			check_row(&w, &r, &s);
		}
	world_close(&w);
}

/* The packet inside an ICMP error has a port of the VIP's, but no id of the client's. */
static void errors_go_by_the_flow(void)
{
	struct packet_spec s = {.protocol = IPPROTO_UDP};
	struct packet about, error, out;
	struct world w;

	open_world(&w, false);
	packet_build(&about, &(struct packet_spec){.protocol = IPPROTO_UDP,
						   .from = STAGE_V4,
						   .to = "198.51.100.7",
						   .from_port = 443,
						   .to_port = 40000,
						   .data = short_header->data,
						   .payload = 9});
	packet_build_error(&error, &(struct packet_spec){.protocol = IPPROTO_ICMP, .icmp_type = 3},
			   &about, 37);
	tunnel_expect_hash(world_hash(&w, STAGE_TENANT, &s), &error, &tunnel_rows[0].tunnel, &out);
	world_check(&w, "error", &error,
		    &(struct expected){.reason = MTLB_REASON_icmp_forwarded,
				       .tenant = STAGE_TENANT,
				       .vip = VIP,
				       .backend = OWNER,
				       .out = &out});
	world_close(&w);
}

/* First fragments have the id, and the others follow; the id must be in the fragment. */
static void first_fragment_goes_by_its_id(void)
{
	uint8_t data[400] = {0};
	struct packet_spec s = {.protocol = IPPROTO_UDP, .data = data, .payload = 400};
	struct packet whole, piece;
	struct world w;

	memcpy(data, short_header->data, short_header->len);
	open_world(&w, false);
	packet_build(&whole, &s);
	for (uint32_t len = 8; len <= 24; len += 8) {
		uint64_t hash = world_fragment_hash(&w, STAGE_TENANT, &s, len);
		struct expected e = {
			.vip = VIP, .backend = len < 24 ? OWNER : SERVER, .flows_added = len == 24};

		packet_fragment(&piece, &whole, 0, len, len);
		forward(&w, "first", &piece, hash, &e);
		w.backends[e.backend].vip = VIP;
		packet_fragment(&piece, &whole, 200, 200, len);
		e.flows_added = 0;
		forward(&w, "later", &piece, hash, &e);
	}
	world_close(&w);
}

static const struct test tests[] = {
	{"connection_id_names_the_backend", connection_id_names_the_backend},
	{"connection_id_is_found_behind_other_headers",
	 connection_id_is_found_behind_other_headers},
	{"bytes_behind_the_datagram_are_no_id", bytes_behind_the_datagram_are_no_id},
	{"server_id_of_a_backend_that_does_not_serve_counts_not",
	 server_id_of_a_backend_that_does_not_serve_counts_not},
	{"id_decides_whatever_the_flow_table_says", id_decides_whatever_the_flow_table_says},
	{"id_counts_where_no_backend_takes_new_flows", id_counts_where_no_backend_takes_new_flows},
	{"rotation_bits_choose_the_configuration", rotation_bits_choose_the_configuration},
	{"errors_go_by_the_flow", errors_go_by_the_flow},
	{"first_fragment_goes_by_its_id", first_fragment_goes_by_its_id},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "connection_ids", tests);
}
