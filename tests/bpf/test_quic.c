/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A connection id that names a server of the VIP goes there; any other datagram is a UDP flow like all. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/fixture.h"
#include "bpf/tunnels.h"
#include "test.h"

enum {
	ACME = 1
};
enum {
	VIP = 2,
	VIP_OTHER = 3,
	VIP_PLAIN = 4,
	VIP_V6 = 5
};
enum {
	OTHER_PORT = 444,
	PLAIN_PORT = 445
};

/* HASH owns all slots, OLD did before they moved; the others are named by ids only. */
enum {
	HASH = 1,
	OLD,
	UP,
	DRAINING,
	LEAVING,
	DOWN,
	DISABLED,
	LONG_ID,
	SHORT_ID,
	OTHER,
	BACKENDS
};

#define V6 "2001:db8:a::10"

static const struct mtlb_quic_config configs[MTLB_QUIC_CONFIGS] = {
	[0] = {2, 9}, [1] = {3, 9}, [2] = {15, 20}, [3] = {2, 8}, [6] = {1, 6},
};

static const struct {
	uint32_t vip;
	const char *id;
	uint8_t len;
	uint32_t backend;
} servers[] = {
	{VIP, "\xa1\xb2", 2, UP},
	{VIP, "\x00\x00", 2, DRAINING},
	{VIP, "\xff\xff", 2, LEAVING},
	{VIP, "\xa1\xb3", 2, DOWN},
	{VIP, "\xa1\xb4", 2, DISABLED},
	{VIP, "\xa1\xb2\xc3", 3, OLD},
	{VIP, "fifteen octets.", 15, LONG_ID},
	{VIP, "\x07", 1, SHORT_ID},
	{VIP_OTHER, "\xa1\xb2", 2, OTHER},
	{VIP_PLAIN, "\xa1\xb2", 2, UP},
	{VIP_V6, "\xa1\xb2", 2, UP},
};

static void add_server(struct world *w, uint32_t vip, const char *id, uint8_t len, uint32_t backend)
{
	world_add_server(w, ACME, vip, (const uint8_t *)id, len, backend);
}

static struct mtlb_vip *add_vip(struct world *w, uint32_t id, const char *address, uint16_t port)
{
	struct mtlb_vip *v =
		world_add_vip(w, &(struct vip_row){ACME, .address = address, .port = port,
						   .protocol = IPPROTO_UDP, .id = id, .owner = HASH,
						   .previous = OLD});

	v->quic_shift = 5;
	memcpy(v->quic, configs, sizeof(configs));
	v->flags = id == VIP_PLAIN ? 0 : MTLB_VIP_QUIC;
	return v;
}

/* Returns the VIP that most rows are about. */
static struct mtlb_vip *open_world(struct world *w)
{
	struct mtlb_vip *v;

	world_open(w);
	world_add_tenant(w, ACME, 8, 7);
	world_add_segment(w, w->in, 0, 0, ACME);
	v = add_vip(w, VIP, NULL, 443);
	add_vip(w, VIP_OTHER, NULL, OTHER_PORT);
	add_vip(w, VIP_PLAIN, NULL, PLAIN_PORT);
	add_vip(w, VIP_V6, V6, 443);
	for (uint32_t b = HASH; b < BACKENDS; b++)
		world_add_backend(w, b, &tunnel_rows[0].tunnel, true, 0);
	world_set_state(w, DRAINING, MTLB_BACKEND_DRAINING);
	world_set_state(w, LEAVING, MTLB_BACKEND_LEAVING);
	world_set_state(w, DOWN, MTLB_BACKEND_DOWN);
	world_set_state(w, DISABLED, MTLB_BACKEND_DISABLED);
	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++)
		add_server(w, servers[i].vip, servers[i].id, servers[i].len, servers[i].backend);
	return v;
}

struct row {
	const char *name;
	uint16_t payload; /* the datagram's length [data_len] */
	uint32_t backend;
	const char *data; /* the datagram's first bytes; zeroes behind */
	uint8_t data_len;
	struct packet_spec spec;
	uint16_t udp_len; /* [8 + payload] */
};

#define BYTES(text) .data = text, .data_len = sizeof(text) - 1
#define LONG        "\xc3\x00\x00\x00\x01" /* an Initial of version 1; the id's length follows */

static const struct row rows[] = {
	{"short header", 40, UP, BYTES("\x40\x00\xa1\xb2noncex")},
	{"short header, other bits of it set", 40, UP, BYTES("\x3f\x00\xa1\xb2noncex")},
	{"rest of the first octet", 40, UP, BYTES("\x40\x1f\xa1\xb2noncex")},
	{"nothing behind the id", 0, UP, BYTES("\x40\x00\xa1\xb2noncex")},
	{"draining backend", 40, DRAINING, BYTES("\x40\x00\x00\x00noncex")},
	{"leaving backend", 40, LEAVING, BYTES("\x40\x00\xff\xffnoncex")},
	{"backend that is down", 40, HASH, BYTES("\x40\x00\xa1\xb3noncex")},
	{"disabled backend", 40, HASH, BYTES("\x40\x00\xa1\xb4noncex")},
	{"nobody's id", 40, HASH, BYTES("\x40\x00\xb2\xa1noncex")},
	{"second configuration", 40, OLD, BYTES("\x40\x20\xa1\xb2\xc3nonce")},
	{"a shorter id's bytes in the second", 40, HASH, BYTES("\x40\x20\xa1\xb2\x00nonce")},
	{"server id of 15", 40, LONG_ID,
	 BYTES("\x40\x40"
	       "fifteen octets.nonc")},
	{"server id of 15 but one bit", 40, HASH,
	 BYTES("\x40\x40"
	       "fifteen octets/nonc")},
	{"same server id, shorter nonce", 40, UP, BYTES("\x40\x60\xa1\xb2nonce")},
	{"server id of 1", 40, SHORT_ID, BYTES("\x40\xc0\x07nonc")},
	{"no such configuration", 40, HASH, BYTES("\x40\x80\xa1\xb2noncex")},
	{"all ones: no configuration", 40, HASH, BYTES("\x40\xe0\xa1\xb2noncex")},
	{"DTLS 1.2, which has 0xfe there", 40, HASH, BYTES("\x17\xfe\xfd\x00\x01\x00")},
	{"long header", 1200, UP, BYTES(LONG "\x09\x00\xa1\xb2noncex")},
	{"long header of another version", 40, UP,
	 BYTES("\x80\xff\xff\xff\xff\x09\x00\xa1\xb2noncex")},
	{"long header, second configuration", 1200, OLD, BYTES(LONG "\x09\x20\xa1\xb2\xc3nonce")},
	{"long header, id of 20", 1200, LONG_ID,
	 BYTES(LONG "\x14\x40"
		    "fifteen octets.nonc")},
	{"long header, nothing behind the id", 0, UP, BYTES(LONG "\x09\x00\xa1\xb2noncex")},
	{"long header, id too long", 1200, HASH, BYTES(LONG "\x0a\x00\xa1\xb2noncexx")},
	{"long header, id too short", 1200, HASH, BYTES(LONG "\x08\x00\xa1\xb2nonce")},
	{"long header without an id", 1200, HASH, BYTES(LONG "\x00\x00\xa1\xb2noncex")},
	{"long header, id of 255", 1200, HASH, BYTES(LONG "\xff\x00\xa1\xb2noncex")},
	{"long header, backend down", 1200, HASH, BYTES(LONG "\x09\x00\xa1\xb3noncex")},
	{"long header, all ones", 1200, HASH, BYTES(LONG "\x09\xe0\xa1\xb2noncex")},
	{"short header, id cut off", 0, HASH, BYTES("\x40\x00\xa1\xb2nonce")},
	{"server id cut off", 0, HASH, BYTES("\x40\x00\xa1")},
	{"only the first octet", 0, HASH, BYTES("\x40\x00")},
	{"only a header byte", 0, HASH, BYTES("\x40")},
	{"empty datagram", 0, HASH, BYTES("")},
	{"long header, id cut off", 0, HASH, BYTES(LONG "\x09\x00\xa1\xb2nonce")},
	{"long header without a length", 0, HASH, BYTES(LONG)},
	{"long header, one byte", 0, HASH, BYTES("\xc3")},
	{"id ends in the padding of the frame", 0, HASH, BYTES("\x40\x00\xa1\xb2nonce"),
	 .spec = {.padding = 20}},
	{"id ends behind UDP's length", 40, HASH, BYTES("\x40\x00\xa1\xb2noncex"),
	 .udp_len = 8 + 9},
	{"id ends with UDP's length", 40, UP, BYTES("\x40\x00\xa1\xb2noncex"), .udp_len = 8 + 10},
	{"behind IPv4 options", 40, UP, BYTES("\x40\x00\xa1\xb2noncex"),
	 .spec = {.ip_options = 40}},
	{"from another port", 40, UP, BYTES("\x40\x00\xa1\xb2noncex"),
	 .spec = {.from_port = 40001}},
	{"from another address", 40, UP, BYTES("\x40\x00\xa1\xb2noncex"),
	 .spec = {.from = "192.0.2.1"}},
	{"another VIP's id", 40, OTHER, BYTES("\x40\x00\xa1\xb2noncex"),
	 .spec = {.to_port = OTHER_PORT}},
	{"id that another VIP has", 40, HASH, BYTES("\x40\x00\x00\x00noncex"),
	 .spec = {.to_port = OTHER_PORT}},
	{"VIP without quic", 40, HASH, BYTES("\x40\x00\xa1\xb2noncex"),
	 .spec = {.to_port = PLAIN_PORT}},
};

static void build(struct packet *p, struct packet_spec *s, const struct row *r)
{
	*s = r->spec;
	s->protocol = IPPROTO_UDP;
	s->payload = r->payload ? r->payload : r->data_len;
	packet_build(p, s);
	memset(p->bytes + p->l4 + 8, 0, s->payload);
	memcpy(p->bytes + p->l4 + 8, r->data, r->data_len);
	if (s->padding) /* what would complete the id */
		memset(p->bytes + p->l4 + 8 + s->payload, 'x', s->padding);
	if (r->udp_len)
		packet_put16(p->bytes + p->l4 + 4, r->udp_len);
}

static uint32_t vip_of(const struct row *r)
{
	switch (r->spec.to_port) {
	case OTHER_PORT:
		return VIP_OTHER;
	case PLAIN_PORT:
		return VIP_PLAIN;
	default:
		return r->spec.to ? VIP_V6 : VIP;
	}
}

static void check(struct world *w, const struct row *r, uint32_t backend, uint32_t flows_added)
{
	struct packet_spec s;
	struct packet in, out;

	build(&in, &s, r);
	tunnel_expect(w, ACME, &s, &in, &tunnel_rows[0].tunnel, &out);
	world_check(w, r->name, &in,
		    &(struct expected){.reason = MTLB_REASON_forwarded,
				       .tenant = ACME,
				       .vip = vip_of(r),
				       .backend = backend,
				       .out = &out,
				       .flows_added = flows_added});
}

static bool is_unknown(const struct world *w, const struct row *r)
{
	struct packet_spec s;
	struct packet unused;

	build(&unused, &s, r);
	return !world_find_flow(w, ACME, world_hash(w, ACME, &s));
}

/* On a settled slot: what the id names is noted, as the slot's owner is another. */
static void check_settled(struct world *w, const struct row *r, uint32_t backend)
{
	check(w, r, backend, backend != HASH && is_unknown(w, r));
}

static void id_names_the_backend(void)
{
	struct world w;

	open_world(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_settled(&w, &rows[i], rows[i].backend);
	world_close(&w);
}

static const struct row named = {"named", 40, UP, BYTES("\x40\x00\xa1\xb2noncex")};
static const struct row unnamed = {"unnamed", 40, HASH, BYTES("\x40\x80\xa1\xb2noncex")};

static void id_names_the_backend_ipv6(void)
{
	struct row r = named;
	struct world w;

	open_world(&w);
	for (uint32_t b = HASH; b < BACKENDS; b++)
		world_add_backend(&w, b, &tunnel_rows[0].tunnel, false, 0);
	r.spec = (struct packet_spec){.from = "2001:db8:c::7", .to = V6};
	check_settled(&w, &r, UP);
	r.spec.from_port = 40001;
	check_settled(&w, &r, UP);
	r.data = "\x40\x00\xb2\xa1noncex";
	check_settled(&w, &r, HASH);
	world_close(&w);
}

/* The vector in appendix B.1 of draft-ietf-quic-load-balancers-20. */
static void vector_of_the_draft(void)
{
	static const struct row vector = {"vector", 40, UP,
					  BYTES("\x40\x07\xc4\x60\x5e\x45\x04\xcc\x4f")};
	struct mtlb_vip *v;
	struct world w;

	v = open_world(&w);
	v->quic[0] = (struct mtlb_quic_config){3, 8};
	add_server(&w, VIP, "\xc4\x60\x5e", 3, UP);
	check_settled(&w, &vector, UP);
	world_close(&w);
}

/* Of 1 and 2 rotation bits, as older drafts had. */
static void fewer_rotation_bits(void)
{
	static const struct {
		uint8_t shift, octet;
		uint32_t backend;
	} cases[] = {
		{6, 0x3f, UP}, {6, 0x40, HASH}, {6, 0x80, HASH}, {6, 0xff, HASH},
		{7, 0x00, UP}, {7, 0x7f, UP},   {7, 0x80, HASH},
	};
	struct mtlb_vip *v;
	struct world w;

	v = open_world(&w);
	memset(&v->quic[1], 0, sizeof(v->quic) - sizeof(v->quic[0]));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char data[] = "\x40\x00\xa1\xb2noncex";
		struct row r = named;

		data[1] = (char)cases[i].octet;
		r.data = data;
		v->quic_shift = cases[i].shift;
		check_settled(&w, &r, cases[i].backend);
	}
	world_close(&w);
}

/* A remembered flow goes on, unless an id says otherwise; and then goes on there. */
static void id_goes_before_the_flow_table(void)
{
	static const struct row other = {"other", 40, DRAINING, BYTES("\x40\x00\x00\x00noncex")};
	struct mtlb_vip *v;
	struct world w;

	v = open_world(&w);
	v->algorithm = MTLB_ALGORITHM_ROUND_ROBIN;
	check(&w, &unnamed, HASH, 1);
	check(&w, &named, UP, 0);
	check(&w, &unnamed, UP, 0);
	check(&w, &other, DRAINING, 0);
	check(&w, &unnamed, DRAINING, 0);
	world_close(&w);
}

static void id_is_heeded_while_slots_move(void)
{
	static const struct row dead = {"dead", 40, OLD, BYTES("\x40\x00\xa1\xb3noncex"),
					.spec = {.from_port = 40001}};
	struct world w;

	open_world(&w);
	world_add_vip(&w, &(struct vip_row){ACME, .port = 443, .protocol = IPPROTO_UDP, .id = VIP,
					    .flags = MTLB_VIP_MOVING | MTLB_VIP_LEARNING,
					    .owner = HASH, .previous = OLD});
	check(&w, &unnamed, OLD, 1);
	check(&w, &named, UP, 0);
	check(&w, &dead, OLD, 1);
	world_close(&w);
}

static void put_fragment(struct packet *p, uint16_t word)
{
	packet_put16(p->bytes + p->l3 + 6, word);
	packet_fix_ipv4(p);
}

static void check_fragment(struct world *w, const struct row *r, uint16_t word,
			   uint32_t flows_added)
{
	struct packet_spec s;
	struct packet in, out;

	build(&in, &s, r);
	put_fragment(&in, word);
	packet_encapsulate(&out, &in, &tunnel_rows[0].tunnel);
	world_check(w, r->name, &in,
		    &(struct expected){.reason = MTLB_REASON_forwarded,
				       .tenant = ACME,
				       .vip = VIP,
				       .backend = r->backend,
				       .out = &out,
				       .flows_added = flows_added});
}

/* The id is in the first fragment; the later ones go where that went. */
static void fragments_follow_the_id(void)
{
	static const struct row cut = {"id cut off by the fragment's end",
				       0,
				       HASH,
				       BYTES("\x40\x00\xa1\xb2nonc"),
				       .spec = {.padding = 20},
				       .udp_len = 8 + 40};
	struct world w;

	open_world(&w);
	w.backends[UP].vip = VIP;
	check_fragment(&w, &named, 0x2000, 1);
	check_fragment(&w, &named, 48 / 8, 0);
	check_fragment(&w, &cut, 0x2000, 0);
	world_close(&w);
}

/* Without a usable backend in the ring none is left to be named: the VIP drops before it looks at ids. */
static void vip_without_backend_drops(void)
{
	struct mtlb_vip *v;
	struct packet_spec s;
	struct packet in;
	struct world w;

	v = open_world(&w);
	v->word = mtlb_vip_word(1, 2, MTLB_VIP_EMPTY);
	build(&in, &s, &unnamed);
	world_check(
		&w, "no backend", &in,
		&(struct expected){.reason = MTLB_REASON_no_backend, .tenant = ACME, .vip = VIP});
	world_close(&w);
}

static const struct test tests[] = {
	{"id_names_the_backend", id_names_the_backend},
	{"id_names_the_backend_ipv6", id_names_the_backend_ipv6},
	{"vector_of_the_draft", vector_of_the_draft},
	{"fewer_rotation_bits", fewer_rotation_bits},
	{"id_goes_before_the_flow_table", id_goes_before_the_flow_table},
	{"id_is_heeded_while_slots_move", id_is_heeded_while_slots_move},
	{"fragments_follow_the_id", fragments_follow_the_id},
	{"vip_without_backend_drops", vip_without_backend_drops},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "quic", tests);
}
