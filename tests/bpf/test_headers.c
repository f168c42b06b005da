/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IPv4 options, IPv6 extension headers, headers of L4, and frames in several buffers. */
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "bpf/stage.h"
#include "test.h"

enum {
	AROUND_BUFFER = 256 + 320, /* headroom and skb_shared_info, in the page of BPF_PROG_RUN */
	HOP_BY_HOP = 0,
	ROUTING = 43,
	ATOMIC = 44,
	AUTHENTICATION = 51,
	OPTIONS = 60,
};

static const uint8_t l4_protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};

static void ipv4_options_are_skipped_and_forwarded(void)
{
	struct packet p;
	struct world w;

	stage_open(&w);
	for (int i = 0; i < 3; i++)
		for (uint8_t len = 4; len <= 40; len += 4) {
			struct packet_spec s = {
				.protocol = l4_protocols[i], .ip_options = len, .payload = 5};

			packet_build(&p, &s);
			stage_forward(&w, "options", &s, &p);
		}
	world_close(&w);
}

static void ipv4_header_checksum_is_the_backends_matter(void)
{
	struct packet_spec s = {.payload = 5};
	struct packet p;
	struct world w;

	stage_open(&w);
	for (int options = 0; options <= 8; options += 8) {
		s.ip_options = options;
		packet_build(&p, &s);
		p.bytes[p.l3 + 10] ^= 0x55;
		stage_forward(&w, "wrong checksum", &s, &p);
	}
	world_close(&w);
}

/* What TTL and L4 checksum are does not matter: all of the packet is forwarded as it is. */
static void packet_is_forwarded_byte_for_byte(void)
{
	static const uint8_t ttls[] = {0, 1, 255};
	struct packet p;
	struct world w;

	stage_open(&w);
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++)
		for (int i = 0; i < 3; i++) {
			struct packet_spec s = stage_spec(
				&(struct packet_spec){.protocol = l4_protocols[i], .payload = 5},
				is_ipv6);

			packet_build(&p, &s);
			p.bytes[p.l3 + (is_ipv6 ? 7 : 8)] = ttls[i];
			p.bytes[p.l4 + (i == 1 ? 7 : i == 0 ? 17 : 9)] ^= 0x55;
			stage_forward(&w, "bent", &s, &p);
		}
	world_close(&w);
}

static const struct extension_row {
	const char *name;
	uint8_t n;
	struct packet_extension extensions[PACKET_EXTENSIONS_MAX];
	enum mtlb_reason reason;
} extension_rows[] = {
	{"hop-by-hop", 1, {{HOP_BY_HOP, 0}}, MTLB_REASON_forwarded},
	{"routing", 1, {{ROUTING, 0}}, MTLB_REASON_forwarded},
	{"destination options", 1, {{OPTIONS, 0}}, MTLB_REASON_forwarded},
	{"authentication", 1, {{AUTHENTICATION, 4}}, MTLB_REASON_forwarded},
	{"authentication, 20 bytes", 1, {{AUTHENTICATION, 3}}, MTLB_REASON_forwarded},
	{"authentication, 8 bytes", 1, {{AUTHENTICATION, 0}}, MTLB_REASON_forwarded},
	{"atomic fragment", 1, {{ATOMIC, 0}}, MTLB_REASON_forwarded},
	{"longest hop-by-hop", 1, {{HOP_BY_HOP, 255}}, MTLB_REASON_forwarded},
	{"longest authentication", 1, {{AUTHENTICATION, 255}}, MTLB_REASON_forwarded},
	{"in the order of RFC 8200",
	 6,
	 {{HOP_BY_HOP, 0},
	  {OPTIONS, 1},
	  {ROUTING, 2},
	  {ATOMIC, 0},
	  {AUTHENTICATION, 4},
	  {OPTIONS, 3}},
	 MTLB_REASON_forwarded},
	{"in another order",
	 6,
	 {{OPTIONS, 0},
	  {AUTHENTICATION, 4},
	  {ATOMIC, 0},
	  {ROUTING, 2},
	  {HOP_BY_HOP, 1},
	  {ROUTING, 0}},
	 MTLB_REASON_forwarded},
	{"six of a kind",
	 6,
	 {{OPTIONS, 0}, {OPTIONS, 0}, {OPTIONS, 0}, {OPTIONS, 0}, {OPTIONS, 0}, {OPTIONS, 0}},
	 MTLB_REASON_forwarded},
	{"six atomic fragments",
	 6,
	 {{ATOMIC, 0}, {ATOMIC, 0}, {ATOMIC, 0}, {ATOMIC, 0}, {ATOMIC, 0}, {ATOMIC, 0}},
	 MTLB_REASON_forwarded},
	{"seven",
	 7,
	 {{HOP_BY_HOP, 0},
	  {OPTIONS, 0},
	  {ROUTING, 0},
	  {AUTHENTICATION, 4},
	  {OPTIONS, 0},
	  {OPTIONS, 0},
	  {OPTIONS, 0}},
	 MTLB_REASON_too_many_headers},
	{"six and an atomic fragment",
	 7,
	 {{HOP_BY_HOP, 0},
	  {OPTIONS, 0},
	  {ROUTING, 0},
	  {OPTIONS, 0},
	  {OPTIONS, 0},
	  {OPTIONS, 0},
	  {ATOMIC, 0}},
	 MTLB_REASON_too_many_headers},
	{"eight",
	 8,
	 {{OPTIONS, 0},
	  {OPTIONS, 0},
	  {OPTIONS, 0},
	  {OPTIONS, 0},
	  {OPTIONS, 0},
	  {OPTIONS, 0},
	  {OPTIONS, 0},
	  {OPTIONS, 0}},
	 MTLB_REASON_too_many_headers},
};

static struct packet_spec with_extensions(const struct extension_row *r, uint8_t protocol)
{
	struct packet_spec s = stage_spec(&(struct packet_spec){.protocol = protocol,
								.payload = 9,
								.flags = PACKET_SYN,
								.chunk = PACKET_INIT,
								.n_extensions = r->n},
					  true);

	for (int i = 0; i < r->n; i++)
		s.extensions[i] = r->extensions[i];
	return s;
}

static void extension_headers_are_skipped_up_to_six(void)
{
	struct packet p;
	struct world w;

	stage_open(&w);
	for (size_t i = 0; i < sizeof(extension_rows) / sizeof(*extension_rows); i++)
		for (int k = 0; k < 3; k++) {
			const struct extension_row *r = &extension_rows[i];
			struct packet_spec s = with_extensions(r, l4_protocols[k]);

			packet_build(&p, &s);
			if (r->reason == MTLB_REASON_forwarded)
				stage_forward(&w, r->name, &s, &p);
			else
				stage_end(&w, r->name, &p, r->reason);
		}
	world_close(&w);
}

/* A header that says more than the payload length, at each place in the chain. */
static void extension_header_beyond_the_payload_is_bad(void)
{
	const struct extension_row *r = &extension_rows[9];
	struct packet_spec s = with_extensions(r, IPPROTO_UDP);
	struct packet p;
	struct world w;

	stage_open(&w);
	packet_build(&p, &s);
	uint32_t at = p.l3 + 40;

	for (int i = 0; i < r->n; i++) {
		uint8_t protocol = r->extensions[i].protocol, len = r->extensions[i].len;
		uint32_t room = p.len - at;

		if (protocol != ATOMIC) {
			p.bytes[at + 1] = protocol == AUTHENTICATION ? room / 4 - 1 : room / 8;
			stage_end(&w, "too long", &p, MTLB_REASON_bad_ip_header);
			p.bytes[at + 1] = 255;
			stage_end(&w, "as long as can be", &p, MTLB_REASON_bad_ip_header);
			p.bytes[at + 1] = len;
		}
		at += protocol == ATOMIC           ? 8
		      : protocol == AUTHENTICATION ? (len + 2) * 4
						   : (len + 1) * 8;
	}
	CU_ASSERT_EQUAL(at, p.l4);
	stage_forward(&w, "as built", &s, &p);
	world_close(&w);
}

/* So it may be of any length. */
static void seventh_header_is_not_looked_at(void)
{
	struct extension_row row = extension_rows[11];
	struct packet p;
	struct world w;

	row.extensions[row.n++] = (struct packet_extension){OPTIONS, 0};
	struct packet_spec s = with_extensions(&row, IPPROTO_TCP);

	stage_open(&w);
	packet_build(&p, &s);
	p.bytes[p.l4 - 7] = 255;
	stage_end(&w, "longer than the packet", &p, MTLB_REASON_too_many_headers);
	packet_put16(p.bytes + p.l3 + 4, p.l4 - 8 - p.l3 - 40);
	stage_end(&w, "not there", &p, MTLB_REASON_too_many_headers);
	world_close(&w);
}

static uint32_t header_min(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? 20 : protocol == IPPROTO_UDP ? 8 : 16;
}

static void set_ip_len(struct packet *p, uint32_t len)
{
	if (packet_is_ipv4(p)) {
		packet_put16(p->bytes + p->l3 + 2, len);
		packet_fix_ipv4(p);
	} else {
		packet_put16(p->bytes + p->l3 + 4, len - 40);
	}
}

/* The IP packet ends anywhere, whether the frame does or not. */
static void check_lengths(struct world *w, const struct packet_spec *s)
{
	struct packet whole, p;
	char where[64];

	packet_build(&whole, s);
	uint32_t l4_end = whole.l4 + header_min(s->protocol);
	uint32_t first = whole.l3 + (packet_is_ipv4(&whole) ? 20 : 40);

	for (uint32_t end = first; end < l4_end; end++)
		for (int is_cut = 0; is_cut < 2; is_cut++) {
			p = whole;
			set_ip_len(&p, end - p.l3);
			p.len = is_cut ? end : p.len;
			snprintf(where, sizeof(where), "IP packet of %u bytes", end - p.l3);
			stage_end(w, where, &p,
				  end < p.l4 ? MTLB_REASON_bad_ip_header
					     : MTLB_REASON_bad_l4_header);
		}
	/* UDP's length would be beyond the packet */
	for (uint32_t end = l4_end; s->protocol != IPPROTO_UDP && end < whole.len; end++) {
		p = whole;
		set_ip_len(&p, end - p.l3);
		stage_forward(w, "whole header", s, &p);
	}
	for (p = whole, p.len = first; p.len < whole.len; p.len++) {
		snprintf(where, sizeof(where), "frame of %u bytes", p.len);
		stage_end(w, where, &p, MTLB_REASON_truncated);
	}
}

static void every_length_has_its_reason(void)
{
	struct world w;

	stage_open(&w);
	for (int i = 0; i < 3; i++) {
		struct packet_spec v6 = with_extensions(&extension_rows[9], l4_protocols[i]);

		check_lengths(&w, &v6);
		check_lengths(&w, &(struct packet_spec){.protocol = l4_protocols[i], .payload = 9});
		check_lengths(&w, &(struct packet_spec){.protocol = l4_protocols[i],
							.ip_options = 12,
							.payload = 9});
	}
	world_close(&w);
}

/* Behind other headers too: what is wrong with one byte or two of the L4 header. */
static const struct l4_row {
	const char *name;
	uint8_t protocol, at, width;
	uint16_t value;
	enum mtlb_reason reason;
} l4_rows[] = {
	{"data offset 0", IPPROTO_TCP, 12, 1, 0, MTLB_REASON_bad_l4_header},
	{"data offset 4", IPPROTO_TCP, 12, 1, 0x40, MTLB_REASON_bad_l4_header},
	{"data offset 7", IPPROTO_TCP, 12, 1, 0x70, MTLB_REASON_forwarded},
	{"data offset 8", IPPROTO_TCP, 12, 1, 0x80, MTLB_REASON_bad_l4_header},
	{"UDP length 7", IPPROTO_UDP, 4, 2, 7, MTLB_REASON_bad_l4_header},
	{"UDP length 8", IPPROTO_UDP, 4, 2, 8, MTLB_REASON_forwarded},
	{"UDP length 17", IPPROTO_UDP, 4, 2, 17, MTLB_REASON_forwarded},
	{"UDP length 18", IPPROTO_UDP, 4, 2, 18, MTLB_REASON_bad_l4_header},
	{"SCTP chunk length 0", IPPROTO_SCTP, 14, 2, 0, MTLB_REASON_forwarded},
	{"SCTP chunk length 65535", IPPROTO_SCTP, 14, 2, 65535, MTLB_REASON_forwarded},
};

static void l4_lengths_behind_other_headers_are_checked(void)
{
	struct packet p;
	struct world w;

	stage_open(&w);
	for (size_t i = 0; i < sizeof(l4_rows) / sizeof(*l4_rows); i++)
		for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
			const struct l4_row *r = &l4_rows[i];
			struct packet_spec s =
				is_ipv6 ? with_extensions(&extension_rows[9], r->protocol)
					: (struct packet_spec){.protocol = r->protocol,
							       .ip_options = 8,
							       .payload = 9};

			packet_build(&p, &s);
			if (r->width == 2)
				packet_put16(p.bytes + p.l4 + r->at, r->value);
			else
				p.bytes[p.l4 + r->at] = r->value;
			if (r->reason == MTLB_REASON_forwarded)
				stage_forward(&w, r->name, &s, &p);
			else
				stage_end(&w, r->name, &p, r->reason);
		}
	world_close(&w);
}

static const struct {
	const char *name;
	uint8_t protocol;
	bool is_ipv6;
} other_rows[] = {
	{"IGMP", 2, false},
	{"IP in IP", 4, false},
	{"GRE", 47, false},
	{"ESP", 50, false},
	{"AH in IPv4", 51, false},
	{"ICMPv6 in IPv4", 58, false},
	{"hop-by-hop in IPv4", 0, false},
	{"fragment header in IPv4", 44, false},
	{"highest in IPv4", 255, false},
	{"ICMP in IPv6", 1, true},
	{"IP in IPv6", 41, true},
	{"ESP in IPv6", 50, true},
	{"no next header", 59, true},
	{"mobility", 135, true},
	{"highest in IPv6", 255, true},
};

static void other_protocols_are_passed(void)
{
	struct packet p;
	struct world w;

	stage_open(&w);
	for (size_t i = 0; i < sizeof(other_rows) / sizeof(*other_rows); i++)
		for (int n = 0; n < 3; n++) {
			bool is_ipv6 = other_rows[i].is_ipv6;
			struct packet_spec s = stage_spec(
				&(struct packet_spec){.payload = 40,
						      .n_extensions = is_ipv6 ? n : 0,
						      .extensions = {{OPTIONS, 0}, {ROUTING, 1}},
						      .ip_options = is_ipv6 ? 0 : n * 8},
				is_ipv6);

			s.protocol = other_rows[i].protocol ? other_rows[i].protocol : 253;
			packet_build(&p, &s);
			if (!other_rows[i].protocol) {
				p.bytes[p.l3 + 9] = 0;
				packet_fix_ipv4(&p);
			}
			stage_end(&w, other_rows[i].name, &p, MTLB_REASON_other_protocol);
		}
	world_close(&w);
}

static void frame_in_several_buffers_is_forwarded_whole(void)
{
	static const uint16_t payloads[] = {3446, 3447, 3466, 3467, 3468, 5000, 8900};
	static const uint16_t paddings[] = {0, 1, 60};
	struct packet p;
	struct world w;

	stage_open(&w);
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++)
		for (int i = 0; i < 7; i++)
			for (int k = 0; k < 3; k++) {
				struct packet_spec s = stage_spec(
					&(struct packet_spec){.protocol = l4_protocols[i % 3],
							      .payload = payloads[i],
							      .padding = paddings[k]},
					is_ipv6);

				packet_build(&p, &s);
				stage_forward(&w, "several buffers", &s, &p);
			}
	world_close(&w);
}

/* Ethernet frames are padded to 60 bytes; this is a driver's mischief, but none that may do harm. */
static void padding_beyond_the_first_buffer_is_cut_off(void)
{
	struct packet_spec s = {.payload = 10, .padding = 6000};
	struct packet p;
	struct world w;

	stage_open(&w);
	packet_build(&p, &s);
	stage_forward(&w, "padding", &s, &p);
	world_close(&w);
}

static void header_beyond_the_first_buffer_counts_as_truncated(void)
{
	uint32_t first_buffer = sysconf(_SC_PAGESIZE) - AROUND_BUFFER;
	struct packet p;
	struct world w;

	stage_open(&w);
	for (uint32_t first = 0; first < 256; first++)
		for (int i = 0; i < 3; i++) {
			/* a longest one, and one of any length: L4 begins before, at or behind the edge */
			struct packet_spec s =
				stage_spec(&(struct packet_spec){.protocol = l4_protocols[i],
								 .payload = 3000,
								 .n_extensions = 2,
								 .extensions = {{OPTIONS, 255},
										{ROUTING, first}}},
					   true);

			packet_build(&p, &s);
			if (p.l4 + header_min(s.protocol) <= first_buffer)
				stage_forward(&w, "in the first buffer", &s, &p);
			else
				stage_end(&w, "beyond it", &p, MTLB_REASON_truncated);
		}
	world_close(&w);
}

static const struct test tests[] = {
	{"ipv4_options_are_skipped_and_forwarded", ipv4_options_are_skipped_and_forwarded},
	{"ipv4_header_checksum_is_the_backends_matter",
	 ipv4_header_checksum_is_the_backends_matter},
	{"packet_is_forwarded_byte_for_byte", packet_is_forwarded_byte_for_byte},
	{"extension_headers_are_skipped_up_to_six", extension_headers_are_skipped_up_to_six},
	{"extension_header_beyond_the_payload_is_bad", extension_header_beyond_the_payload_is_bad},
	{"seventh_header_is_not_looked_at", seventh_header_is_not_looked_at},
	{"every_length_has_its_reason", every_length_has_its_reason},
	{"l4_lengths_behind_other_headers_are_checked",
	 l4_lengths_behind_other_headers_are_checked},
	{"other_protocols_are_passed", other_protocols_are_passed},
	{"frame_in_several_buffers_is_forwarded_whole",
	 frame_in_several_buffers_is_forwarded_whole},
	{"padding_beyond_the_first_buffer_is_cut_off", padding_beyond_the_first_buffer_is_cut_off},
	{"header_beyond_the_first_buffer_counts_as_truncated",
	 header_beyond_the_first_buffer_counts_as_truncated},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "headers", tests);
}
