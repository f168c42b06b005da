/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The outer headers of each backend, as bytes. Left to the data plane: lengths, the IPv4 checksum
 * (its field holds the sum of the rest), the UDP source port.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "core/image_internal.h"

enum {
	HOP_LIMIT = 64,
	IPV4_LEN = 20,
	IPV6_LEN = 40,
	UDP_LEN = 8,
	VXLAN_LEN = 8
};

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

/* RFC 1071 over the header with zero length and checksum, folded, not inverted, in memory order. */
static void put_sum(uint8_t *ipv4)
{
	uint32_t sum = 0;
	uint16_t word;

	for (int i = 0; i < IPV4_LEN; i += 2) {
		memcpy(&word, ipv4 + i, 2);
		sum += word;
	}
	word = mtlb_csum_fold(sum);
	memcpy(ipv4 + 10, &word, 2);
}

/* No fragmentation and identification 0: an atomic datagram (RFC 6864). */
static uint8_t compose_ipv4(uint8_t *at, const uint8_t from[16], const uint8_t to[16],
			    uint8_t protocol)
{
	at[0] = 0x45;
	put16(at + 6, 0x4000);
	at[8] = HOP_LIMIT;
	at[9] = protocol;
	memcpy(at + 12, from + 12, 4);
	memcpy(at + 16, to + 12, 4);
	put_sum(at);
	return IPV4_LEN;
}

static uint8_t compose_ipv6(uint8_t *at, const uint8_t from[16], const uint8_t to[16],
			    uint8_t protocol)
{
	at[0] = 0x60;
	at[6] = protocol;
	at[7] = HOP_LIMIT;
	memcpy(at + 8, from, 16);
	memcpy(at + 24, to, 16);
	return IPV6_LEN;
}

/* RFC 7348; UDP checksum zero, over IPv6 too (RFC 6935). */
static uint8_t compose_vxlan(uint8_t *at, const struct model_encap *model, const uint8_t *from_mac,
			     bool inner_is_ipv4)
{
	put16(at + 2, model->udp_port);
	at += UDP_LEN;
	at[0] = 0x08;
	at[4] = model->vni >> 16;
	at[5] = model->vni >> 8;
	at[6] = model->vni;
	at += VXLAN_LEN;
	memcpy(at, model->inner_mac.bytes, ETH_ALEN);
	memcpy(at + ETH_ALEN, from_mac, ETH_ALEN);
	put16(at + 2 * ETH_ALEN, inner_is_ipv4 ? ETH_P_IP : ETH_P_IPV6);
	return UDP_LEN + VXLAN_LEN + ETH_HLEN;
}

void encap_compose(const struct model_encap *model, bool inner_is_ipv4, const uint8_t to[16],
		   const struct next_hop *hop, struct mtlb_encap *out)
{
	struct addr address;
	uint8_t protocol = inner_is_ipv4 ? IPPROTO_IPIP : IPPROTO_IPV6;

	memset(out, 0, sizeof(*out));
	if (!hop || hop->l2_len < ETH_HLEN || hop->l2_len > MTLB_L2_MAX)
		return;
	memcpy(address.bytes, to, 16);
	bool outer_is_ipv4 = addr_is_ipv4(&address);

	out->kind = model->kind == MTLB_ENCAP_VXLAN ? MTLB_ENCAP_VXLAN : MTLB_ENCAP_IPIP;
	out->flags = outer_is_ipv4 ? 0 : MTLB_ENCAP_OUTER_IPV6;
	out->ifindex = hop->ifindex;
	out->l2_len = hop->l2_len;
	memcpy(out->l2, hop->l2, hop->l2_len);
	put16(out->l2 + hop->l2_len - 2, outer_is_ipv4 ? ETH_P_IP : ETH_P_IPV6);
	if (out->kind == MTLB_ENCAP_VXLAN) {
		out->flags |= MTLB_ENCAP_UDP | MTLB_ENCAP_INNER_ETH;
		protocol = IPPROTO_UDP;
	}
	out->outer_len = outer_is_ipv4 ? compose_ipv4(out->outer, hop->source.bytes, to, protocol)
				       : compose_ipv6(out->outer, hop->source.bytes, to, protocol);
	if (out->kind == MTLB_ENCAP_VXLAN)
		out->outer_len += compose_vxlan(out->outer + out->outer_len, model,
						hop->l2 + ETH_ALEN, inner_is_ipv4);
}

static void build_encap(struct build *b, uint32_t id, const struct model_vip *v)
{
	struct image_backend *k = &b->image->backends[id];
	const struct image_backend *old =
		image_has_backend(b->previous, id) ? &b->previous->backends[id] : NULL;
	struct next_hop hop = {0};
	struct addr to;

	memcpy(to.bytes, k->info.address, 16);
	bool known = b->in->next_hop && !b->in->next_hop(b->in->ctx, &to, &hop);

	encap_compose(&v->encap, addr_is_ipv4(&v->address), to.bytes, known ? &hop : NULL,
		      &k->encap);
	if (old)
		k->variant = old->variant ^ !!memcmp(&old->encap, &k->encap, sizeof(k->encap));
}

void build_encaps(struct build *b)
{
	const struct model *m = b->in->model;

	for (size_t t = 0; t < m->n_tenants; t++) {
		uint32_t slot = image_find_tenant(b->image, m->tenants[t].name);

		for (size_t v = 0; slot != IMAGE_NONE && v < m->tenants[t].n_vips; v++) {
			const struct model_vip *vip = &m->tenants[t].vips[v];
			uint32_t id = image_find_vip(b->image, slot, vip->name);

			if (id == IMAGE_NONE)
				continue;
			for (uint32_t k = b->image->vips[id].backends; k != IMAGE_NONE;
			     k = b->image->backends[k].next)
				build_encap(b, k, vip);
		}
	}
}
