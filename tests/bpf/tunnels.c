/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stddef.h>

#include "bpf/tunnels.h"

#define MACS 0x02, 0, 0, 0, 0, 0x11, 0x02, 0, 0, 0, 0, 0x02

const struct tunnel_row tunnel_rows[] = {
	{ "ipip4", { .from = "10.0.0.1", .to = "10.0.0.11", .l2_len = 14, .l2 = { MACS } } },
	{ "ipip6", { .from = "fd00::1", .to = "fd00::11", .l2_len = 14, .l2 = { MACS } } },
	{ "vxlan4",
	  { .kind = PACKET_VXLAN, .from = "10.0.0.1", .to = "10.255.255.254", .vni = 4100,
	    .udp_port = 4789, .inner_mac = { 0x02, 0, 0, 0, 0, 0x99 }, .l2_len = 14, .l2 = { MACS } } },
	{ "vxlan6",
	  { .kind = PACKET_VXLAN, .from = "fd00::1", .to = "fd00::11", .vni = 0xfedcba,
	    .udp_port = 8472, .inner_mac = { 0x02, 0, 0, 0, 0, 0x99 }, .l2_len = 14, .l2 = { MACS } } },
	{ "ipip4 on a vlan",
	  { .from = "10.0.0.1", .to = "10.0.0.12", .l2_len = 18, .l2 = { MACS, 0x81, 0, 0, 77 } } },
	{ "vxlan6 in qinq",
	  { .kind = PACKET_VXLAN, .from = "fd00::1", .to = "fd00::12", .vni = 1, .udp_port = 4789,
	    .inner_mac = { 0x02, 0, 0, 0, 0, 0x98 }, .l2_len = 22,
	    .l2 = { MACS, 0x88, 0xa8, 0, 78, 0x81, 0, 0, 77 } } },
	{ NULL, { 0 } },
};

void tunnel_expect_hash(uint64_t hash, const struct packet *in, const struct packet_tunnel *t,
			struct packet *out)
{
	struct packet_tunnel with_entropy = *t;

	with_entropy.flow_label = hash & 0xfffff;
	with_entropy.entropy_port = 0xc000 + (hash & 0x3fff);
	with_entropy.source_bits = (uint32_t)hash & (uint32_t)((1ULL << t->entropy_bits) - 1);
	packet_encapsulate(out, in, &with_entropy);
}

void tunnel_expect(const struct world *w, uint32_t tenant, const struct packet_spec *s,
		   const struct packet *in, const struct packet_tunnel *t, struct packet *out)
{
	tunnel_expect_hash(world_hash(w, tenant, s), in, t, out);
}
