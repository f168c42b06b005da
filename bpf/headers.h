/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The longer way through a packet for a VIP that parse.h could not take at a glance: IPv4 options,
 * IPv6 extension headers, fragments, SCTP, ICMP, several buffers, and whatever is wrong.
 * docs/packets.md section 3 is the order of the checks.
 */
#pragma once

#include "pkt.h"

#define HEADERS_FAR 0x3fff           /* more than 22 + 40 + 6 extension headers of 2048 */

#define IPPROTO_FRAGMENT_HEADER 44
#define IPPROTO_AUTHENTICATION 51

#define SCTP_MIN 16                  /* common header and one chunk header */
#define SCTP_CHUNK 12                /* offset of the first chunk's type */
#define SCTP_INIT 1
#define SCTP_ABORT 6
#define SCTP_SHUTDOWN_COMPLETE 14

/*
 * What the walk needs to know and finds out. No pointers: global functions, which the verifier
 * walks through once and not for each way that leads to them, get it by its address.
 */
struct headers {
	__u32 at;                    /* offset in the frame of the header in hand; first the IP header */
	__u32 end;                   /* behind the last byte that counts */
	__u32 frame_len;
	__u32 protocol;              /* of an IPv6 header its next header */
	__u32 fragment_id;
	__u32 is_ipv4;
	__u32 tcp_flags;
	__be16 source_port, destination_port;
	__u8 is_fragment, is_later;
	__u8 is_offset_1;            /* 8 bytes into the packet: behind TCP's ports (RFC 1858) */
	__u8 zero;
	__u32 source[4];             /* of an ICMP error the flow's client */
	__u32 destination[4];
};

/* len bytes of the frame's first buffer from offset at on; NULL: they are not all there. */
static __always_inline const __u8 *headers_bytes(struct xdp_md *ctx, __u32 at, __u32 len)
{
	const __u8 *data = (const __u8 *)(long)ctx->data;
	const void *end = (const void *)(long)ctx->data_end;

	/*
	 * clang 14 would check one copy of the offset and add another, whose bounds the verifier
	 * does not know
	 */
	asm volatile("" : "+r"(at));
	if (at > HEADERS_FAR)
		return NULL;
	data += at;
	return (const void *)(data + len) > end ? NULL : data;
}

/* The IPv4 header at h->at; what its length field says is the caller's. */
static __always_inline enum mtlb_reason headers_ipv4(struct xdp_md *ctx, struct headers *h)
{
	const struct iphdr *ip = (const void *)headers_bytes(ctx, h->at, sizeof(*ip));
	__u32 offset, len;

	if (!ip)
		return MTLB_REASON_truncated;
	len = ip->ihl * 4;
	if (len < sizeof(*ip))
		return MTLB_REASON_bad_ip_header;
	offset = bpf_ntohs(ip->frag_off) & 0x1fff;
	h->is_fragment = (ip->frag_off & IPV4_MORE_OR_OFFSET) != 0;
	h->is_later = offset != 0;
	h->is_offset_1 = offset == 1;
	h->fragment_id = ip->id;
	h->protocol = ip->protocol;
	h->at += len;
	return MTLB_REASON_CONTINUE;
}

static __always_inline bool headers_is_extension(__u32 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_DSTOPTS ||
	       protocol == IPPROTO_ROUTING || protocol == IPPROTO_AUTHENTICATION ||
	       protocol == IPPROTO_FRAGMENT_HEADER;
}

static __always_inline __u32 headers_extension_len(__u32 protocol, const __u8 *extension)
{
	if (protocol == IPPROTO_FRAGMENT_HEADER)
		return 8;
	if (protocol == IPPROTO_AUTHENTICATION)
		return (extension[1] + 2) * 4;
	return (extension[1] + 1) * 8;
}

/*
 * Nothing is parsed behind a fragment header with an offset; one with neither offset nor more is
 * none (RFC 6946).
 */
static __always_inline void headers_fragment(struct headers *h, const __u8 *header)
{
	__be16 field = *(const __be16 *)(header + 2);

	if (!(field & bpf_htons(0xfff9)))
		return;
	h->is_fragment = true;
	h->is_later = (field & bpf_htons(0xfff8)) != 0;
	h->fragment_id = *(const __u32 *)(header + 4);
}

/* The extension headers from h->at on; h->protocol: what the IPv6 header names as next. */
static __always_inline enum mtlb_reason headers_ipv6(struct xdp_md *ctx, struct headers *h)
{
	for (__u32 n = 0; n <= MTLB_IP6_HEADERS_MAX; n++) {
		const __u8 *header;
		__u32 len;

		if (h->is_later || !headers_is_extension(h->protocol))
			return MTLB_REASON_CONTINUE;
		if (n == MTLB_IP6_HEADERS_MAX)
			break;
		if (h->at + 8 > h->end)
			return MTLB_REASON_bad_ip_header;
		header = headers_bytes(ctx, h->at, 8);
		if (!header)
			return MTLB_REASON_truncated;
		len = headers_extension_len(h->protocol, header);
		if (h->at + len > h->end)
			return MTLB_REASON_bad_ip_header;
		if (h->protocol == IPPROTO_FRAGMENT_HEADER)
			headers_fragment(h, header);
		if (!headers_bytes(ctx, h->at, len))
			return MTLB_REASON_truncated;
		h->protocol = header[0];
		h->at += len;
	}
	return MTLB_REASON_too_many_headers;
}

static __always_inline enum mtlb_reason headers_ip(struct xdp_md *ctx, struct headers *h)
{
	enum mtlb_reason reason;

	if (h->is_ipv4) {
		reason = headers_ipv4(ctx, h);
		if (reason)
			return reason;
		if (h->at > h->end)
			return MTLB_REASON_bad_ip_header;
	}
	if (h->end > h->frame_len)
		return MTLB_REASON_truncated;
	if (h->is_ipv4)
		return headers_bytes(ctx, h->at, 0) ? MTLB_REASON_CONTINUE : MTLB_REASON_truncated;
	h->at += sizeof(struct ipv6hdr);
	return headers_ipv6(ctx, h);
}

static __always_inline enum mtlb_reason headers_tcp(struct xdp_md *ctx, struct headers *h)
{
	const enum mtlb_reason short_reason =
		h->is_fragment ? MTLB_REASON_fragment : MTLB_REASON_bad_l4_header;
	const struct tcphdr *tcp;
	__u32 len;

	if (h->at + sizeof(*tcp) > h->end)
		return short_reason;
	tcp = (const void *)headers_bytes(ctx, h->at, sizeof(*tcp));
	if (!tcp)
		return MTLB_REASON_truncated;
	len = tcp->doff * 4;
	if (len < sizeof(*tcp))
		return MTLB_REASON_bad_l4_header;
	if (h->at + len > h->end)
		return short_reason;
	h->tcp_flags = ((const __u8 *)tcp)[13];
	return headers_bytes(ctx, h->at, len) ? MTLB_REASON_CONTINUE : MTLB_REASON_truncated;
}

static __always_inline enum mtlb_reason headers_udp(struct xdp_md *ctx, const struct headers *h)
{
	const struct udphdr *udp;
	__u32 len;

	if (h->at + sizeof(*udp) > h->end)
		return h->is_fragment ? MTLB_REASON_fragment : MTLB_REASON_bad_l4_header;
	udp = (const void *)headers_bytes(ctx, h->at, sizeof(*udp));
	if (!udp)
		return MTLB_REASON_truncated;
	len = bpf_ntohs(udp->len);
	if (len < sizeof(*udp) || (!h->is_fragment && h->at + len > h->end))
		return MTLB_REASON_bad_l4_header;
	return MTLB_REASON_CONTINUE;
}

static __always_inline enum mtlb_reason headers_sctp(struct xdp_md *ctx, struct headers *h)
{
	const __u8 *sctp;
	__u8 type;

	if (h->at + SCTP_MIN > h->end)
		return h->is_fragment ? MTLB_REASON_fragment : MTLB_REASON_bad_l4_header;
	sctp = headers_bytes(ctx, h->at, SCTP_MIN);
	if (!sctp)
		return MTLB_REASON_truncated;
	type = sctp[SCTP_CHUNK];
	if (type == SCTP_INIT)
		h->tcp_flags = TCP_SYN;
	else if (type == SCTP_ABORT || type == SCTP_SHUTDOWN_COMPLETE)
		h->tcp_flags = TCP_RST;
	else
		h->tcp_flags = TCP_ACK;
	return MTLB_REASON_CONTINUE;
}

static __always_inline bool headers_has_ports(__u32 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

/* ICMP of the packet's own family. */
static __always_inline bool headers_is_icmp(const struct headers *h)
{
	return h->protocol == (h->is_ipv4 ? (__u32)IPPROTO_ICMP : IPPROTO_ICMP6);
}

static __always_inline enum mtlb_reason headers_later(const struct headers *h)
{
	if (headers_is_icmp(h) || (h->protocol == IPPROTO_TCP && h->is_offset_1))
		return MTLB_REASON_fragment;
	/* an IPv6 extension header in there may be followed by anything */
	if (headers_has_ports(h->protocol) || (!h->is_ipv4 && headers_is_extension(h->protocol)))
		return MTLB_REASON_CONTINUE;
	return MTLB_REASON_other_protocol;
}

static __always_inline enum mtlb_reason headers_l4(struct xdp_md *ctx, struct headers *h)
{
	enum mtlb_reason reason;
	const __u32 *ports;

	if (h->protocol == IPPROTO_TCP)
		reason = headers_tcp(ctx, h);
	else if (h->protocol == IPPROTO_UDP)
		reason = headers_udp(ctx, h);
	else
		reason = headers_sctp(ctx, h);
	if (reason)
		return reason;
	ports = (const void *)headers_bytes(ctx, h->at, 4);
	if (!ports)
		return MTLB_REASON_internal;
	h->source_port = (__be16)*ports;
	h->destination_port = (__be16)(*ports >> 16);
	return MTLB_REASON_CONTINUE;
}

/*
 * From the IP header at h->at to the L4 header: sets at, protocol, ports, tcp_flags and what a
 * fragment is. ICMP's own header is icmp.h's.
 */
__noinline int headers_walk(struct xdp_md *ctx, struct headers *h)
{
	enum mtlb_reason reason;

	if (!h)
		return MTLB_REASON_internal;
	reason = headers_ip(ctx, h);
	if (reason)
		return reason;
	if (h->is_later)
		return headers_later(h);
	if (headers_has_ports(h->protocol))
		return headers_l4(ctx, h);
	if (!headers_is_icmp(h))
		return MTLB_REASON_other_protocol;
	return h->is_fragment ? MTLB_REASON_fragment : MTLB_REASON_CONTINUE;
}
