// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* doctor --probe: packets for a backend's VIP, and what comes back. */
#include "cli/doctor_packet.h"

#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "core/image_internal.h"

enum {
	IPV4_LEN = 20,
	IPV6_LEN = 40,
	TCP_LEN = 20,
	ECHO_LEN = 8,
	UDP_LEN = 8,
	HOP_LIMIT = 64,
	TCP_RST = 0x04,
	TCP_SYN = 0x02,
	TCP_ACK = 0x10,
	ENTROPY_PORT = 0xc000, /* the data plane's first outer source port */
};

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, (uint16_t)value);
}

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

/* RFC 1071. */
static uint32_t sum(uint32_t start, const uint8_t *at, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		start += get16(at + i);
	return len & 1 ? start + (uint32_t)(at[len - 1] << 8) : start;
}

static uint16_t finish(uint32_t value)
{
	value = (value & 0xffff) + (value >> 16);
	value = (value & 0xffff) + (value >> 16);
	return (uint16_t)~value;
}

static size_t put_ip(uint8_t *at, const struct probe_flow *flow, uint8_t protocol, size_t len)
{
	bool is_ipv4 = addr_is_ipv4(&flow->vip);

	memset(at, 0, is_ipv4 ? IPV4_LEN : IPV6_LEN);
	if (!is_ipv4) {
		at[0] = 0x60;
		put16(at + 4, (uint16_t)len);
		at[6] = protocol;
		at[7] = HOP_LIMIT;
		memcpy(at + 8, flow->from.bytes, 16);
		memcpy(at + 24, flow->vip.bytes, 16);
		return IPV6_LEN;
	}
	at[0] = 0x45;
	put16(at + 2, (uint16_t)(IPV4_LEN + len));
	put16(at + 6, 0x4000);
	at[8] = HOP_LIMIT;
	at[9] = protocol;
	memcpy(at + 12, flow->from.bytes + 12, 4);
	memcpy(at + 16, flow->vip.bytes + 12, 4);
	put16(at + 10, finish(sum(0, at, IPV4_LEN)));
	return IPV4_LEN;
}

/* The sum of the mapped addresses differs from that of the short ones by a constant: take those that are in the packet. */
static uint32_t pseudo_header(const struct probe_flow *flow, uint8_t protocol, size_t len)
{
	size_t skip = addr_is_ipv4(&flow->vip) ? 12 : 0;
	uint32_t value = sum(0, flow->from.bytes + skip, 16 - skip);

	return sum(value, flow->vip.bytes + skip, 16 - skip) + protocol + (uint32_t)len;
}

static size_t put_tcp(uint8_t *at, const struct probe_flow *flow)
{
	memset(at, 0, TCP_LEN);
	put16(at, flow->id);
	put16(at + 2, flow->port);
	put32(at + 4, flow->sequence);
	at[12] = TCP_LEN / 4 << 4;
	at[13] = flow->is_reset ? TCP_RST : TCP_SYN;
	put16(at + 14, flow->is_reset ? 0 : 64240);
	put16(at + 16, finish(sum(pseudo_header(flow, IPPROTO_TCP, TCP_LEN), at, TCP_LEN)));
	return TCP_LEN;
}

static size_t put_echo(uint8_t *at, const struct probe_flow *flow)
{
	bool is_ipv4 = addr_is_ipv4(&flow->vip);
	uint32_t pseudo = is_ipv4 ? 0 : pseudo_header(flow, IPPROTO_ICMPV6, ECHO_LEN);

	memset(at, 0, ECHO_LEN);
	at[0] = is_ipv4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
	put16(at + 4, flow->id);
	put16(at + 6, 1);
	put16(at + 2, finish(sum(pseudo, at, ECHO_LEN)));
	return ECHO_LEN;
}

static size_t put_packet(uint8_t *at, const struct probe_flow *flow)
{
	bool is_ipv4 = addr_is_ipv4(&flow->vip), is_tcp = flow->protocol == IPPROTO_TCP;
	size_t ip_len = is_ipv4 ? IPV4_LEN : IPV6_LEN;
	size_t len = is_tcp ? put_tcp(at + ip_len, flow) : put_echo(at + ip_len, flow);
	uint8_t protocol = is_tcp ? IPPROTO_TCP : is_ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;

	return put_ip(at, flow, protocol, len) + len;
}

/* What the data plane patches in the template: lengths, the checksum, the source port. */
static void patch_outer(uint8_t *outer, const struct mtlb_encap *encap, size_t len, uint16_t id)
{
	bool is_ipv6 = encap->flags & MTLB_ENCAP_OUTER_IPV6;
	uint8_t *udp = outer + (is_ipv6 ? IPV6_LEN : IPV4_LEN);

	if (is_ipv6) {
		put16(outer + 4, (uint16_t)(len - IPV6_LEN));
	} else {
		put16(outer + 2, (uint16_t)len);
		put16(outer + 10, 0);
		put16(outer + 10, finish(sum(0, outer, IPV4_LEN)));
	}
	if (encap->flags & MTLB_ENCAP_UDP) {
		put16(udp, ENTROPY_PORT | id);
		put16(udp + 4, (uint16_t)(outer + len - udp));
	}
}

void probe_template(const struct model_encap *model, bool inner_is_ipv4, const struct addr *backend,
		    const struct next_hop *hop, struct mtlb_encap *out)
{
	encap_compose(model, inner_is_ipv4, backend->bytes, hop, 128, out);
}

size_t probe_compose(const struct model_encap *model, const struct addr *backend,
		     const struct next_hop *hop, const struct probe_flow *flow, uint8_t *frame)
{
	bool inner_is_ipv4 = addr_is_ipv4(&flow->vip);
	uint16_t inner_type = inner_is_ipv4 ? ETH_P_IP : ETH_P_IPV6;
	struct mtlb_encap encap;

	probe_template(model, inner_is_ipv4, backend, hop, &encap);
	if (encap.kind == MTLB_ENCAP_NONE)
		return 0;
	uint8_t *outer = frame + encap.l2_len;
	size_t len = encap.outer_len + put_packet(outer + encap.outer_len, flow);

	memcpy(frame, encap.l2, encap.l2_len);
	memcpy(outer, encap.outer, encap.outer_len);
	if (encap.flags & MTLB_ENCAP_INNER_ETH)
		put16(outer + encap.outer_len - 2, inner_type);
	if (encap.outer_len)
		patch_outer(outer, &encap, len, flow->id);
	else
		put16(outer - 2, inner_type);
	return encap.l2_len + len;
}

/* ---- what comes back ---- */
static void get_ipv4(const uint8_t *at, struct addr *out)
{
	*out = (struct addr){.bytes = {[10] = 0xff, [11] = 0xff}};
	memcpy(out->bytes + 12, at, 4);
}

/* An ICMP error holds the beginning of the outer packet: its destination is the backend that would not have it. */
static bool read_refused(const uint8_t *at, size_t len, struct probe_answer *out)
{
	if (len >= IPV4_LEN && at[0] >> 4 == 4)
		get_ipv4(at + 16, &out->from);
	else if (len >= IPV6_LEN && at[0] >> 4 == 6)
		memcpy(out->from.bytes, at + 24, 16);
	else
		return false;
	out->outcome = PROBE_UNREACHABLE;
	return true;
}

static bool read_tcp(const uint8_t *at, size_t len, struct probe_answer *out)
{
	if (len < TCP_LEN || !(at[13] & TCP_ACK) || !(at[13] & (TCP_SYN | TCP_RST)))
		return false;
	out->port = get16(at);
	out->id = get16(at + 2);
	out->acknowledged = get32(at + 8);
	out->outcome = at[13] & TCP_RST ? PROBE_CLOSED : PROBE_ANSWERED;
	return true;
}

static bool read_icmp(const uint8_t *at, size_t len, bool is_ipv4, struct probe_answer *out)
{
	if (len < ECHO_LEN)
		return false;
	if (at[0] == (is_ipv4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY)) {
		out->id = get16(at + 4);
		out->outcome = PROBE_ANSWERED;
		return true;
	}
	bool is_error = is_ipv4 ? at[0] == ICMP_DEST_UNREACH
				: at[0] == ICMP6_DST_UNREACH || at[0] == ICMP6_PARAM_PROB;
	return is_error && read_refused(at + ECHO_LEN, len - ECHO_LEN, out);
}

static bool read_l4(const uint8_t *at, size_t len, uint8_t protocol, bool is_ipv4,
		    struct probe_answer *out)
{
	if (protocol == IPPROTO_TCP)
		return read_tcp(at, len, out);
	return protocol == (is_ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) &&
	       read_icmp(at, len, is_ipv4, out);
}

bool probe_read(const uint8_t *packet, size_t len, struct probe_answer *out)
{
	size_t ip_len = len ? (packet[0] & 15U) * 4 : 0;

	memset(out, 0, sizeof(*out));
	if (len >= IPV6_LEN && packet[0] >> 4 == 6) {
		memcpy(out->from.bytes, packet + 8, 16);
		memcpy(out->to.bytes, packet + 24, 16);
		return read_l4(packet + IPV6_LEN, len - IPV6_LEN, packet[6], false, out);
	}
	if (len < IPV4_LEN || packet[0] >> 4 != 4 || ip_len < IPV4_LEN || ip_len > len)
		return false;
	get_ipv4(packet + 12, &out->from);
	get_ipv4(packet + 16, &out->to);
	return read_l4(packet + ip_len, len - ip_len, packet[9], true, out);
}
