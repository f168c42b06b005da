/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Cut-off packets, lying lengths: dropped if they are for a VIP, otherwise none of our business. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/fixture.h"
#include "bpf/tunnels.h"
#include "test.h"

enum { ACME = 1 };

#define V4 "203.0.113.10"
#define V6 "2001:db8:a::10"
#define OTHER_V4 "203.0.113.11"
#define OTHER_V6 "2001:db8:a::11"

static void open_world(struct world *w)
{
	world_open(w);
	world_add_tenant(w, ACME, 0, 0);
	world_add_segment(w, w->in, 0, 0, ACME);
	world_add_segment(w, w->in, 100, 0, ACME);
	world_add_segment(w, w->in, 100, 200, ACME);
	for (int i = 0; i < 4; i++)
		world_add_vip(w, &(struct vip_row){ ACME,
						    .address = i & 1 ? V6 : V4,
						    .protocol = i & 2 ? IPPROTO_UDP : IPPROTO_TCP,
						    .id = i,
						    .owner = i & 1 ? 6 : 5 });
	world_add_backend(w, 5, &tunnel_rows[0].tunnel, true, 0);
	world_add_backend(w, 6, &tunnel_rows[0].tunnel, false, 0);
}

/* Every length from a bare Ethernet header to the whole packet less one byte. */
static void check_truncations(struct world *w, const struct packet_spec *s, bool is_vip)
{
	struct packet p;
	char where[64];

	packet_build(&p, s);
	uint32_t whole = p.len, address_end = p.l4;

	for (p.len = 14; p.len < whole; p.len++) {
		bool has_address = p.len >= address_end;
		struct expected e = { .reason = MTLB_REASON_not_ip };

		if (has_address) {
			e.reason = is_vip ? MTLB_REASON_truncated : MTLB_REASON_not_vip;
			e.tenant = ACME;
		}
		snprintf(where, sizeof(where), "%u of %u bytes to %s", p.len, whole, s->to);
		world_check(w, where, &p, &e);
	}
}

static void every_truncation_is_safe(void)
{
	static const char *const to[] = { V4, V6, OTHER_V4, OTHER_V6 };
	struct world w;

	open_world(&w);
	for (int i = 0; i < 4; i++)
		for (int tags = 0; tags < 3; tags++)
			for (int udp = 0; udp < 2; udp++)
				check_truncations(&w,
						  &(struct packet_spec){
							  .from = i & 1 ? "fd00::1" : NULL,
							  .to = to[i],
							  .protocol = udp ? IPPROTO_UDP : IPPROTO_TCP,
							  .n_tags = tags,
							  .vlan = { 100, 200 },
							  .payload = 3 },
						  i < 2);
	world_close(&w);
}

/* IPv4 options: the address is there before the header is whole. */
static void truncated_options_are_malformed(void)
{
	struct packet p;
	struct world w;

	open_world(&w);
	packet_build(&p, &(struct packet_spec){ .ip_options = 40 });
	uint32_t whole = p.len;

	for (p.len = p.l3 + 20; p.len < whole; p.len++)
		world_check(&w, "options", &p,
			    &(struct expected){ .reason = MTLB_REASON_truncated, .tenant = ACME });
	world_close(&w);
}

enum header { L3, L4 };

/* One or two bytes at an offset of a header get another value. */
static const struct row {
	const char *name;
	bool is_v6;
	uint8_t protocol;
	enum header header;
	uint8_t at, width;
	uint16_t value;
	enum mtlb_reason reason;
} rows[] = {
	{ "ihl 0", false, IPPROTO_TCP, L3, 0, 1, 0x40, MTLB_REASON_bad_ip_header },
	{ "ihl 4", false, IPPROTO_TCP, L3, 0, 1, 0x44, MTLB_REASON_bad_ip_header },
	{ "ihl beyond the packet", false, IPPROTO_TCP, L3, 0, 1, 0x4f, MTLB_REASON_bad_ip_header },
	{ "total length 0", false, IPPROTO_TCP, L3, 2, 2, 0, MTLB_REASON_bad_ip_header },
	{ "total length below the header", false, IPPROTO_TCP, L3, 2, 2, 19, MTLB_REASON_bad_ip_header },
	{ "total length without TCP", false, IPPROTO_TCP, L3, 2, 2, 20, MTLB_REASON_bad_l4_header },
	{ "total length cuts TCP", false, IPPROTO_TCP, L3, 2, 2, 39, MTLB_REASON_bad_l4_header },
	{ "total length beyond the frame", false, IPPROTO_TCP, L3, 2, 2, 51, MTLB_REASON_truncated },
	{ "total length 65535", false, IPPROTO_TCP, L3, 2, 2, 65535, MTLB_REASON_truncated },
	{ "total length cuts UDP", false, IPPROTO_UDP, L3, 2, 2, 27, MTLB_REASON_bad_l4_header },
	{ "total length below the UDP length", false, IPPROTO_UDP, L3, 2, 2, 37, MTLB_REASON_bad_l4_header },
	{ "don't fragment", false, IPPROTO_TCP, L3, 6, 2, 0x4000, MTLB_REASON_forwarded },
	{ "may fragment", false, IPPROTO_TCP, L3, 6, 2, 0, MTLB_REASON_forwarded },
	{ "data offset 0", false, IPPROTO_TCP, L4, 12, 1, 0x00, MTLB_REASON_bad_l4_header },
	{ "data offset 4", false, IPPROTO_TCP, L4, 12, 1, 0x40, MTLB_REASON_bad_l4_header },
	{ "data offset 7", false, IPPROTO_TCP, L4, 12, 1, 0x70, MTLB_REASON_forwarded },
	{ "data offset 8", false, IPPROTO_TCP, L4, 12, 1, 0x80, MTLB_REASON_bad_l4_header },
	{ "UDP length 0", false, IPPROTO_UDP, L4, 4, 2, 0, MTLB_REASON_bad_l4_header },
	{ "UDP length 7", false, IPPROTO_UDP, L4, 4, 2, 7, MTLB_REASON_bad_l4_header },
	{ "UDP length 8", false, IPPROTO_UDP, L4, 4, 2, 8, MTLB_REASON_forwarded },
	{ "UDP length beyond IP", false, IPPROTO_UDP, L4, 4, 2, 19, MTLB_REASON_bad_l4_header },
	{ "payload length 0", true, IPPROTO_TCP, L3, 4, 2, 0, MTLB_REASON_bad_l4_header },
	{ "payload length cuts TCP", true, IPPROTO_TCP, L3, 4, 2, 19, MTLB_REASON_bad_l4_header },
	{ "payload length without payload", true, IPPROTO_TCP, L3, 4, 2, 20, MTLB_REASON_forwarded },
	{ "payload length beyond the frame", true, IPPROTO_TCP, L3, 4, 2, 31, MTLB_REASON_truncated },
	{ "payload length 65535", true, IPPROTO_TCP, L3, 4, 2, 65535, MTLB_REASON_truncated },
	{ "payload length cuts UDP", true, IPPROTO_UDP, L3, 4, 2, 7, MTLB_REASON_bad_l4_header },
	{ "data offset 8 in IPv6", true, IPPROTO_TCP, L4, 12, 1, 0x80, MTLB_REASON_bad_l4_header },
	{ "UDP length beyond IPv6", true, IPPROTO_UDP, L4, 4, 2, 19, MTLB_REASON_bad_l4_header },
	{ "TCP for a routing header", true, IPPROTO_TCP, L3, 6, 1, 43, MTLB_REASON_bad_ip_header },
};

/* 10 bytes of payload. */
static void build_row(const struct row *r, bool is_vip, struct packet *p, struct packet_spec *s)
{
	*s = (struct packet_spec){ .from = r->is_v6 ? "fd00::1" : NULL, .protocol = r->protocol,
				   .payload = 10 };
	s->to = r->is_v6 ? (is_vip ? V6 : OTHER_V6) : is_vip ? V4 : OTHER_V4;
	packet_build(p, s);
	uint8_t *at = p->bytes + (r->header == L3 ? p->l3 : p->l4) + r->at;

	if (r->width == 2)
		packet_put16(at, r->value);
	else
		*at = r->value;
	if (!r->is_v6 && r->header == L3 && (p->bytes[p->l3] & 15) == 5)
		packet_fix_ipv4(p);
}

static void lying_lengths_are_found(void)
{
	struct packet_spec s;
	struct packet p, out;
	struct world w;

	open_world(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *r = &rows[i];
		struct expected e = { .reason = r->reason, .tenant = ACME };

		build_row(r, true, &p, &s);
		if (r->reason == MTLB_REASON_forwarded) {
			tunnel_expect(&w, ACME, &s, &p, &tunnel_rows[0].tunnel, &out);
			e.vip = r->is_v6 + (r->protocol == IPPROTO_UDP) * 2;
			e.backend = r->is_v6 ? 6 : 5;
			e.out = &out;
		}
		world_check(&w, r->name, &p, &e);
	}
	world_close(&w);
}

static void what_is_wrong_but_not_ours_is_passed(void)
{
	struct packet_spec s;
	struct packet p;
	struct world w;

	open_world(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		build_row(&rows[i], false, &p, &s);
		world_check(&w, rows[i].name, &p,
			    &(struct expected){ .reason = MTLB_REASON_not_vip, .tenant = ACME });
	}
	world_close(&w);
}

static const struct test tests[] = {
	{ "every_truncation_is_safe", every_truncation_is_safe },
	{ "truncated_options_are_malformed", truncated_options_are_malformed },
	{ "lying_lengths_are_found", lying_lengths_are_found },
	{ "what_is_wrong_but_not_ours_is_passed", what_is_wrong_but_not_ours_is_passed },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "lengths", tests);
}
