/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A world that many tests begin with: one tenant, and VIPs of each protocol and family. */
#pragma once

#include "bpf/fixture.h"
#include "bpf/tunnels.h"

#define STAGE_V4        "203.0.113.10" /* every VIP: port 443 */
#define STAGE_V6        "2001:db8:a::10"
#define STAGE_CLIENT_V6 "2001:db8:c::7"

enum {
	STAGE_TENANT = 1,  /* untagged; buckets 8 to 15 */
	STAGE_VIPS = 6,    /* TCP, UDP, SCTP, each in IPv4 and IPv6; maglev, settled */
	STAGE_BACKEND = 8, /* of VIP id i: this + i, behind tunnel_rows[0] */
};

void stage_open(struct world *w);

/* The specification with addresses of the stage, where s has none. */
struct packet_spec stage_spec(const struct packet_spec *s, bool is_ipv6);

/* The entry and id of the VIP that a packet for a VIP is for. */
struct mtlb_vip *stage_vip(struct world *w, const struct packet_spec *s);
uint32_t stage_vip_id(const struct packet_spec *s);

/* The packet in (built from s, perhaps bent) is forwarded to the only backend of its VIP; hash is the flow's. */
void stage_forward(struct world *w, const char *where, const struct packet_spec *s,
		   const struct packet *in);

/* The same by another hash, or to another backend. */
void stage_forward_to(struct world *w, const char *where, const struct packet *in, uint64_t hash,
		      uint32_t vip, uint32_t backend);

/* The packet ends with a reason that is neither FORWARD nor REPLY. */
void stage_end(struct world *w, const char *where, const struct packet *in,
	       enum mtlb_reason reason);
