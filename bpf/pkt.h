/* SPDX-License-Identifier: GPL-2.0-only */
/* struct pkt: the cursor, what parse found, what the stages decided. */
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

struct pkt {
	/* parse */
	struct mtlb_tuple tuple;     /* ports zero where they could not be read */
	__u32 frame_len;             /* as received */
	__u32 ip_len;                /* of the inner IP packet, by its own header */
	__u16 l2_len;                /* 14, 18 or 22 */
	__u16 vlan, inner_vlan;
	__be16 ethertype;            /* behind the tags: ETH_P_IP or ETH_P_IPV6 */
	__u8 tcp_flags;              /* 0 for UDP */
	__u8 defect;                 /* enum mtlb_reason that counts if the address is a VIP's; 0: none */
	/* segment, vip */
	const struct mtlb_segment *segment;
	const struct mtlb_tenant *owner; /* of the VIP: hash key and flow range */
	const struct mtlb_vip *vip;
	__u32 tenant;
	/* pick */
	__u64 hash;
	__u32 backend_id;
	const struct mtlb_backend *backend;
	__u32 how;                   /* MTLB_TRACE_* */
	bool is_traced;              /* nothing is written but struct mtlb_trace */
	/* encap */
	long redirect;               /* what bpf_redirect_map() answered; -1: back out of the same interface */
};

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
