/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Backends: the templates of their outer headers. */
#include <arpa/inet.h>
#include <string.h>

#include "bpf/fixture.h"

static uint8_t kind_of(const struct packet_tunnel *t)
{
	static const uint8_t kinds[] = {
		[PACKET_IPIP] = MTLB_ENCAP_IPIP,        [PACKET_GUE] = MTLB_ENCAP_GUE,
		[PACKET_GUE0] = MTLB_ENCAP_GUE,         [PACKET_FOU] = MTLB_ENCAP_FOU,
		[PACKET_GRE] = MTLB_ENCAP_GRE,          [PACKET_GRE_KEY] = MTLB_ENCAP_GRE,
		[PACKET_VXLAN] = MTLB_ENCAP_VXLAN,      [PACKET_GENEVE] = MTLB_ENCAP_GENEVE,
		[PACKET_GENEVE_ID] = MTLB_ENCAP_GENEVE, [PACKET_L2] = MTLB_ENCAP_L2,
	};

	return kinds[t->kind];
}

static void set_fields(struct mtlb_encap *e, const struct packet_tunnel *t, bool outer_is_v4)
{
	*e = (struct mtlb_encap){
		.kind = kind_of(t),
		.l2_len = t->l2_len,
		.outer_len = tunnel_len(t),
		.mtu = UINT16_MAX,
		.dscp = t->sets_dscp ? t->dscp << 2 : 0,
		.copied = t->sets_dscp ? 0x03 : 0xff,
		.entropy = htonl((uint32_t)((1ULL << t->entropy_bits) - 1)),
	};
	if (t->kind != PACKET_L2 && !outer_is_v4)
		e->flags |= MTLB_ENCAP_OUTER_IPV6;
	if (tunnel_has_udp(t))
		e->flags |= MTLB_ENCAP_UDP;
	if (tunnel_has_ethernet(t))
		e->flags |= MTLB_ENCAP_INNER_ETH;
	memcpy(e->l2, t->l2, t->l2_len);
}

/* What packet_encapsulate() puts before an empty packet, less the fields that are patched. */
static void compose(struct mtlb_encap *e, const struct packet_tunnel *t, bool inner_is_v4)
{
	struct packet inner, outer;
	struct packet_tunnel constant = *t;
	uint8_t unused[16];
	bool outer_is_v4 = t->to && packet_address(t->to, unused);

	set_fields(e, t, outer_is_v4);
	if (t->kind == PACKET_L2)
		return;
	packet_build(&inner, &(struct packet_spec){.from = inner_is_v4 ? NULL : "2001:db8::1",
						   .to = inner_is_v4 ? NULL : "2001:db8::2"});
	constant.entropy_port = 0;
	constant.flow_label = 0;
	constant.source_bits = 0;
	constant.sets_dscp = false;
	packet_encapsulate(&outer, &inner, &constant);
	uint8_t *ip = outer.bytes + outer.l3;

	memset(ip + (outer_is_v4 ? 2 : 4), 0, 2);
	if (tunnel_has_udp(t))
		memset(ip + (outer_is_v4 ? 24 : 44), 0, 2);
	if (outer_is_v4) {
		packet_put16(ip + 10, 0);
		packet_put16(ip + 10, ~packet_checksum(ip, 20, 0));
	}
	memcpy(e->outer, ip, e->outer_len);
}

struct mtlb_backend *world_add_backend(struct world *w, uint32_t id, const struct packet_tunnel *t,
				       bool inner_is_v4, uint32_t ifindex)
{
	struct mtlb_backend *b = &w->backends[id];

	compose(&b->encap0, t, inner_is_v4);
	b->encap0.ifindex = ifindex ? ifindex : w->in;
	b->encap1 = b->encap0;
	b->word = mtlb_backend_word(MTLB_BACKEND_UP, 0, 100);
	return b;
}

void world_set_state(struct world *w, uint32_t backend, enum mtlb_backend_state state)
{
	w->backends[backend].word = mtlb_backend_word(state, 0, 100);
}
