/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <netinet/in.h>

#include "bpf/stage.h"

static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};

void stage_open(struct world *w)
{
	world_open(w);
	world_add_tenant(w, STAGE_TENANT, 8, 7);
	world_add_segment(w, w->in, 0, 0, STAGE_TENANT);
	for (uint32_t id = 0; id < STAGE_VIPS; id++) {
		world_add_backend(w, STAGE_BACKEND + id, &tunnel_rows[0].tunnel, !(id & 1), 0);
		world_add_vip(w, &(struct vip_row){.tenant = STAGE_TENANT,
						   .address = id & 1 ? STAGE_V6 : STAGE_V4,
						   .protocol = protocols[id / 2],
						   .id = id,
						   .owner = STAGE_BACKEND + id});
	}
}

struct packet_spec stage_spec(const struct packet_spec *s, bool is_ipv6)
{
	struct packet_spec spec = *s;

	if (!spec.from)
		spec.from = is_ipv6 ? STAGE_CLIENT_V6 : "198.51.100.7";
	if (!spec.to)
		spec.to = is_ipv6 ? STAGE_V6 : STAGE_V4;
	return spec;
}

uint32_t stage_vip_id(const struct packet_spec *s)
{
	uint8_t unused[16];
	uint32_t at = s->protocol == IPPROTO_UDP ? 1 : s->protocol == IPPROTO_SCTP ? 2 : 0;

	return 2 * at + (s->to && !packet_address(s->to, unused));
}

struct mtlb_vip *stage_vip(struct world *w, const struct packet_spec *s)
{
	return world_add_entry(w, STAGE_TENANT, s->to ? s->to : STAGE_V4, 443,
			       s->protocol ? s->protocol : IPPROTO_TCP, MTLB_ENTRY_VIP, 0);
}

void stage_forward_to(struct world *w, const char *where, const struct packet *in, uint64_t hash,
		      uint32_t vip, uint32_t backend)
{
	struct packet out;

	tunnel_expect_hash(hash, in, &tunnel_rows[0].tunnel, &out);
	world_check(w, where, in,
		    &(struct expected){.reason = MTLB_REASON_forwarded,
				       .tenant = STAGE_TENANT,
				       .vip = vip,
				       .backend = backend,
				       .out = &out});
}

void stage_forward(struct world *w, const char *where, const struct packet_spec *s,
		   const struct packet *in)
{
	uint32_t vip = stage_vip_id(s);

	stage_forward_to(w, where, in, world_hash(w, STAGE_TENANT, s), vip, STAGE_BACKEND + vip);
}

void stage_end(struct world *w, const char *where, const struct packet *in, enum mtlb_reason reason)
{
	world_check(w, where, in, &(struct expected){.reason = reason, .tenant = STAGE_TENANT});
}
