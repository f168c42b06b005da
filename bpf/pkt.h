/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * struct pkt: the cursor, what parse found, what the stages decided; struct found: the entries that
 * they found.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "mtlb_abi.h"
#include "mtlb_flow.h"

#define IPPROTO_ICMP6 58

/*
 * Numbers only. So it can be given to global functions, which the verifier walks through once and
 * not for each way that leads to them; what is not common, and what only some VIPs ask for, is in
 * such functions.
 */
struct pkt {
	/* parse */
	struct mtlb_tuple tuple;     /* of an ICMP error its flow; ports zero where there are none */
	__u32 frame_len;             /* as received, all buffers */
	__u32 ip_len;                /* of the IP packet, by its own header */
	__u32 l4;                    /* offset of the L4 header in the frame */
	__u16 l2_len;                /* 14, 18 or 22 */
	__u16 vlan, inner_vlan;
	__be16 ethertype;            /* behind the tags: ETH_P_IP or ETH_P_IPV6 */
	__u8 tcp_flags;              /* 0 for UDP; of SCTP what its first chunk means */
	__u8 tos;                    /* TOS, traffic class */
	bool is_common;              /* sound TCP or UDP, no options, extensions, fragments */
	/* headers */
	bool is_fragment, is_later;  /* of several; but the first */
	bool is_about;               /* an ICMP error: its flow is looked up, not changed */
	/* main */
	bool is_trace;               /* changes nothing but the trace record */
	__u8 how;                    /* MTLB_TRACE_* */
	__u32 fragment_id;           /* as it lies in memory */
	/* segment, service */
	__u32 segment_at;            /* its index + 1 */
	__u32 tenant;
	__u32 vip_at;                /* index in the tenant's table; only on the longer way */
	__be16 vip_port;             /* and the key there */
	__u16 vip_kind;
	__u32 vip_id;                /* of a later fragment, too */
	/* pick */
	__u32 backend_id;
	__u64 vip_word;              /* read once: mtlbd stores while we look */
	__u64 hash;
	__u32 slot, owner_id, previous_id; /* for the trace */
	/* encap */
	int redirect;                /* bpf_redirect_map()'s answer; -1: the same interface */
};

struct found {
	const struct mtlb_segment *segment;
	const struct mtlb_tenant *owner; /* of the VIP: hash key and flow range */
	const struct mtlb_vip *vip;  /* NULL for later fragments */
	const struct mtlb_backend *backend;
};

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* Begins a flow: a TCP SYN, an SCTP INIT. */
static __always_inline bool pkt_is_syn(const struct pkt *p)
{
	return (p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/*
 * A unicast address of another host: the only ones that an answer goes to (RFC 1812 4.3.2.7, RFC
 * 4443 2.4). After parse, so IPv4 is mapped.
 */
static __always_inline bool pkt_is_answerable(const struct pkt *p)
{
	const __u32 *s = p->tuple.source, *d = p->tuple.destination;
	__u8 first;

	if (!((s[0] ^ d[0]) | (s[1] ^ d[1]) | (s[2] ^ d[2]) | (s[3] ^ d[3])))
		return false;
	if (p->ethertype == bpf_htons(ETH_P_IP)) {
		first = (__u8)s[3];
		return first != 0 && first != 127 && first < 224;
	}
	if ((__u8)s[0] == 0xff)
		return false;
	return s[0] | s[1] | s[2] | (s[3] & ~bpf_htonl(1));
}
