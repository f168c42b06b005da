// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* doctor --probe: the packets, and what counts as an answer. */
#include <stdlib.h>
#include <string.h>

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "cli/doctor_packet.h"
#include "test.h"

enum {
	ID = 0x8001,
	PORT = 443,
	SEQUENCE = 0x12345678
};

static const struct model_encap ipip = {.kind = MTLB_ENCAP_IPIP};
static const struct model_encap vxlan = {.kind = MTLB_ENCAP_VXLAN,
					 .vni = 4100,
					 .udp_port = 4789,
					 .inner_mac = {{2, 0x6d, 0x74, 0x6c, 0x62, 1}}};

/* A second parser: nothing of the code under test is used below. */
static unsigned int be16(const uint8_t *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

static unsigned int ones_sum(const uint8_t *at, size_t len, unsigned int value)
{
	for (size_t i = 0; i < len; i += 2)
		value += i + 1 < len ? be16(at + i) : (unsigned int)at[i] << 8;
	while (value >> 16)
		value = (value & 0xffff) + (value >> 16);
	return value;
}

/* Checks an IP header with its lengths and checksum; returns what is behind it. */
static const uint8_t *assert_ip(const uint8_t *at, size_t len, bool is_ipv4, uint8_t protocol)
{
	CU_ASSERT_EQUAL_FATAL(at[0] >> 4, is_ipv4 ? 4 : 6);
	if (!is_ipv4) {
		CU_ASSERT_EQUAL(be16(at + 4) + 40, len);
		CU_ASSERT_EQUAL(at[6], protocol);
		CU_ASSERT_EQUAL(at[7], 64);
		return at + 40;
	}
	CU_ASSERT_EQUAL(be16(at + 2), len);
	CU_ASSERT_EQUAL(at[8], 64);
	CU_ASSERT_EQUAL(at[9], protocol);
	CU_ASSERT_EQUAL(ones_sum(at, 20, 0), 0xffff);
	return at + 20;
}

static unsigned int pseudo(const uint8_t *ip, bool is_ipv4, uint8_t protocol, size_t len)
{
	return ones_sum(is_ipv4 ? ip + 12 : ip + 8, is_ipv4 ? 8 : 32, protocol + (unsigned int)len);
}

static struct next_hop hop_from(const char *source)
{
	struct next_hop hop = {
		.ifindex = 7, .l2_len = 14, .l2 = {2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8}};

	addr_parse(source, &hop.source);
	return hop;
}

static const struct frame_row {
	const char *source, *backend, *from, *vip;
	const struct model_encap *encap;
	uint8_t protocol;
	size_t len; /* of the frame */
} frame_rows[] = {
	{"10.0.0.1", "10.0.0.11", "10.0.0.1", "203.0.113.1", &ipip, IPPROTO_TCP, 14 + 20 + 40},
	{"10.0.0.1", "10.0.0.11", "2001:db8::1", "2001:db8::53", &ipip, IPPROTO_TCP, 14 + 20 + 60},
	{"fd00::1", "fd00::11", "10.0.0.1", "203.0.113.1", &ipip, IPPROTO_UDP, 14 + 40 + 28},
	{"fd00::1", "fd00::11", "fd00::1", "2001:db8::53", &ipip, IPPROTO_UDP, 14 + 40 + 48},
	{"10.0.0.1", "10.0.0.11", "10.0.0.1", "203.0.113.1", &vxlan, IPPROTO_TCP, 14 + 50 + 40},
	{"fd00::1", "fd00::11", "fd00::1", "2001:db8::53", &vxlan, IPPROTO_SCTP, 14 + 70 + 48},
};

static struct probe_flow flow_of(const struct frame_row *r)
{
	struct probe_flow flow = {
		.port = PORT, .id = ID, .protocol = r->protocol, .sequence = SEQUENCE};

	addr_parse(r->from, &flow.from);
	addr_parse(r->vip, &flow.vip);
	return flow;
}

static size_t compose(const struct frame_row *r, const struct probe_flow *flow,
		      uint8_t frame[PROBE_FRAME_MAX])
{
	struct next_hop hop = hop_from(r->source);
	struct addr backend;

	addr_parse(r->backend, &backend);
	return probe_compose(r->encap, &backend, &hop, flow, frame);
}

static void assert_inner(const struct frame_row *r, const uint8_t *ip, size_t len)
{
	bool is_ipv4 = !strchr(r->vip, ':'), is_tcp = r->protocol == IPPROTO_TCP;
	uint8_t protocol = is_tcp ? IPPROTO_TCP : is_ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	const uint8_t *l4 = assert_ip(ip, len, is_ipv4, protocol);
	size_t l4_len = len - (size_t)(l4 - ip);
	unsigned int start = protocol == IPPROTO_ICMP ? 0 : pseudo(ip, is_ipv4, protocol, l4_len);

	CU_ASSERT_EQUAL(ones_sum(l4, l4_len, start), 0xffff);
	CU_ASSERT_EQUAL(be16(l4 + (is_tcp ? 0 : 4)), ID);
	if (is_tcp) {
		CU_ASSERT_EQUAL(be16(l4 + 2), PORT);
		CU_ASSERT_EQUAL(l4[13], 0x02);
	} else {
		CU_ASSERT_EQUAL(l4[0], is_ipv4 ? 8 : 128);
	}
}

static void a_probe_is_what_the_data_plane_would_send(void)
{
	for (size_t i = 0; i < sizeof(frame_rows) / sizeof(*frame_rows); i++) {
		const struct frame_row *r = &frame_rows[i];
		bool outer_is_ipv4 = !strchr(r->source, ':'), is_vxlan = r->encap == &vxlan;
		bool inner_is_ipv4 = !strchr(r->vip, ':');
		struct probe_flow flow = flow_of(r);
		uint8_t frame[PROBE_FRAME_MAX];
		size_t len = compose(r, &flow, frame);
		CU_ASSERT_EQUAL_FATAL(len, r->len);
		CU_ASSERT_EQUAL(be16(frame + 12), outer_is_ipv4 ? 0x0800 : 0x86dd);
		const uint8_t *inner = assert_ip(frame + 14, len - 14, outer_is_ipv4,
						 is_vxlan        ? IPPROTO_UDP
						 : inner_is_ipv4 ? IPPROTO_IPIP
								 : IPPROTO_IPV6);
		if (is_vxlan) {
			CU_ASSERT_TRUE(be16(inner) >= 0xc000);
			CU_ASSERT_EQUAL(be16(inner + 2), 4789);
			CU_ASSERT_EQUAL(be16(inner + 4), (size_t)(frame + len - inner));
			CU_ASSERT_EQUAL(be16(inner + 6), 0);
			inner += 8 + 8 + 14;
			CU_ASSERT_EQUAL(be16(inner - 2), inner_is_ipv4 ? 0x0800 : 0x86dd);
		}
		assert_inner(r, inner, (size_t)(frame + len - inner));
	}
}

static void a_connection_is_reset(void)
{
	struct probe_flow flow = flow_of(&frame_rows[0]);
	uint8_t frame[PROBE_FRAME_MAX];

	flow.is_reset = true;
	size_t len = compose(&frame_rows[0], &flow, frame);
	const uint8_t *tcp = frame + len - 20;
	CU_ASSERT_EQUAL(tcp[13], 0x04);
	CU_ASSERT_EQUAL(ones_sum(tcp, 20, pseudo(tcp - 20, true, IPPROTO_TCP, 20)), 0xffff);
}

static void nothing_is_sent_where_the_next_hop_cannot_carry_it(void)
{
	struct probe_flow flow = flow_of(&frame_rows[0]);
	struct next_hop hop = {0};
	uint8_t frame[PROBE_FRAME_MAX];
	struct addr backend;

	addr_parse("10.0.0.11", &backend);
	CU_ASSERT_EQUAL(probe_compose(&ipip, &backend, &hop, &flow, frame), 0);
}

/* ---- answers ---- */
static const uint8_t syn_ack[] = {0x45, 0,    0,    40,   0,   0, 0x40, 0, 64,   6,
				  0,    0,    203,  0,    113, 1, 10,   0, 0,    1,
				  1,    0xbb, 0x80, 1,    0,   0, 0,    1, 0x12, 0x34,
				  0x56, 0x79, 0x50, 0x12, 0,   0, 0,    0, 0,    0};
static const uint8_t rst[] = {0x45, 0,    0,    40,   0,    0,    0x40, 0,    64,   6, 0, 0, 203, 0,
			      113,  1,    10,   0,    0,    1,    1,    0xbb, 0x80, 1, 0, 0, 0,   0,
			      0x12, 0x34, 0x56, 0x79, 0x50, 0x14, 0,    0,    0,    0, 0, 0};
static const uint8_t data[] = {0x45, 0,    0,    40,   0,   0, 0x40, 0, 64,   6,
			       0,    0,    203,  0,    113, 1, 10,   0, 0,    1,
			       1,    0xbb, 0x80, 1,    0,   0, 0,    0, 0x12, 0x34,
			       0x56, 0x79, 0x50, 0x10, 0,   0, 0,    0, 0,    0};
/* with options */
static const uint8_t reply[] = {0x46, 0, 0, 32, 0, 0, 0, 0, 64, 1, 0, 0, 203,  0, 113, 1,
				10,   0, 0, 1,  1, 1, 1, 0, 0,  0, 0, 0, 0x80, 1, 0,   1};
static const uint8_t reply6[] = {0x60, 0, 0, 0, 0, 8, 58, 64,   0x20, 1, 0xd, 0xb8, 0,    0, 0, 0,
				 0,    0, 0, 0, 0, 0, 0,  0x53, 0xfd, 0, 0,   0,    0,    0, 0, 0,
				 0,    0, 0, 0, 0, 0, 0,  1,    0x81, 0, 0,   0,    0x80, 1, 0, 1};
/* from a router: the backend is who the outer packet was for */
static const uint8_t unreachable[] = {0x45, 0, 0,  48, 0,  0, 0, 0, 64, 1, 0, 0, 10,   0, 0, 254,
				      10,   0, 0,  1,  3,  2, 0, 0, 0,  0, 0, 0, 0x45, 0, 0, 60,
				      0,    0, 64, 0,  64, 4, 0, 0, 10, 0, 0, 1, 10,   0, 0, 11};
static const uint8_t redirect[] = {0x45, 0, 0,  48, 0,  0, 0, 0, 64, 1, 0, 0, 10,   0, 0, 254,
				   10,   0, 0,  1,  5,  2, 0, 0, 0,  0, 0, 0, 0x45, 0, 0, 60,
				   0,    0, 64, 0,  64, 4, 0, 0, 10, 0, 0, 1, 10,   0, 0, 11};

static const struct answer_row {
	const char *name;
	const uint8_t *packet;
	size_t len;
	enum probe_outcome outcome; /* NOT_SENT: no answer */
	const char *from;
	uint16_t port;
} answer_rows[] = {
	{"SYN/ACK", syn_ack, sizeof(syn_ack), PROBE_ANSWERED, "203.0.113.1", PORT},
	{"RST", rst, sizeof(rst), PROBE_CLOSED, "203.0.113.1", PORT},
	{"data", data, sizeof(data), PROBE_NOT_SENT, NULL, 0},
	{"echo reply", reply, sizeof(reply), PROBE_ANSWERED, "203.0.113.1", 0},
	{"IPv6 echo reply", reply6, sizeof(reply6), PROBE_ANSWERED, "2001:db8::53", 0},
	{"unreachable", unreachable, sizeof(unreachable), PROBE_UNREACHABLE, "10.0.0.11", 0},
	{"redirect", redirect, sizeof(redirect), PROBE_NOT_SENT, NULL, 0},
};

static void answers_are_told_from_other_packets(void)
{
	for (size_t i = 0; i < sizeof(answer_rows) / sizeof(*answer_rows); i++) {
		const struct answer_row *r = &answer_rows[i];
		struct probe_answer a;
		char text[ADDR_TEXT];
		bool is_answer = probe_read(r->packet, r->len, &a);
		CU_ASSERT_EQUAL(is_answer, r->outcome != PROBE_NOT_SENT);
		if (!is_answer)
			continue;
		CU_ASSERT_EQUAL(a.outcome, r->outcome);
		CU_ASSERT_STRING_EQUAL(addr_print(&a.from, text), r->from);
		CU_ASSERT_EQUAL(a.port, r->port);
		if (r->outcome != PROBE_UNREACHABLE)
			CU_ASSERT_EQUAL(a.id, ID);
		if (r->port)
			CU_ASSERT_EQUAL(a.acknowledged, SEQUENCE + 1);
	}
}

/* Each in memory of its own, so that the sanitizer sees a byte too far. */
static void no_cut_off_packet_is_an_answer(void)
{
	for (size_t i = 0; i < sizeof(answer_rows) / sizeof(*answer_rows); i++)
		for (size_t len = 0; len < answer_rows[i].len; len++) {
			struct probe_answer a;
			uint8_t *copy = malloc(len ? len : 1);
			memcpy(copy, answer_rows[i].packet, len);
			CU_ASSERT_FALSE(probe_read(copy, len, &a));
			free(copy);
		}
}

int main(int argc, char **argv)
{
	static const struct test tests[] = {
		{"a_probe_is_what_the_data_plane_would_send",
		 a_probe_is_what_the_data_plane_would_send},
		{"a_connection_is_reset", a_connection_is_reset},
		{"nothing_is_sent_where_the_next_hop_cannot_carry_it",
		 nothing_is_sent_where_the_next_hop_cannot_carry_it},
		{"answers_are_told_from_other_packets", answers_are_told_from_other_packets},
		{"no_cut_off_packet_is_an_answer", no_cut_off_packet_is_an_answer},
		{0},
	};

	return test_main(argc, argv, "doctor_packet", tests);
}
