/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The outer headers of each backend, as bytes. Left to the data plane: lengths, TOS, the IPv4 checksum (its field
 * holds the sum of the rest), the UDP source port, host bits of a source prefix.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "core/image_internal.h"

enum {
	HOP_LIMIT = 64,
	IPV4_LEN = 20,
	IPV6_LEN = 40,
	UDP_LEN = 8,
	VXLAN_LEN = 8,
	GUE_LEN = 4,
	GRE_LEN = 4,
	GRE_KEY = 0x2000,
	GENEVE_LEN = 8,
	GENEVE_OPTION_LEN = 8,
	GENEVE_CLASS = 0xff4d, /* experimental (RFC 8926, IANA considerations) */
	GENEVE_TENANT = 1,
	ECN_BITS = 0x03
};

struct compose {
	const struct model_encap *model;
	const struct next_hop *hop;
	bool inner_is_ipv4;
};

static uint8_t inner_protocol(const struct compose *c)
{
	return c->inner_is_ipv4 ? IPPROTO_IPIP : IPPROTO_IPV6;
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void put24(uint8_t *at, uint32_t value)
{
	at[0] = value >> 16;
	put16(at + 1, value);
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
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

/* Length, source port: the data plane. Checksum zero, over IPv6 too (RFC 6935). */
static uint8_t compose_udp(uint8_t *at, uint16_t port)
{
	put16(at + 2, port);
	return UDP_LEN;
}

/* The ethertype is patched for each packet; a VIP's packets have one anyway. */
static uint8_t compose_ethernet(uint8_t *at, const struct compose *c)
{
	memcpy(at, c->model->inner_mac.bytes, ETH_ALEN);
	memcpy(at + ETH_ALEN, c->hop->l2 + ETH_ALEN, ETH_ALEN);
	put16(at + 2 * ETH_ALEN, c->inner_is_ipv4 ? ETH_P_IP : ETH_P_IPV6);
	return ETH_HLEN;
}

/* RFC 7348: the I flag, VNI. */
static uint8_t compose_vxlan(uint8_t *at, const struct compose *c)
{
	uint8_t len = compose_udp(at, c->model->udp_port);

	at[len] = 0x08;
	put24(at + len + 4, c->model->vni);
	len += VXLAN_LEN;
	return len + compose_ethernet(at + len, c);
}

/* RFC 8926: version 0, length of options in units of 4 bytes, transparent Ethernet bridging. */
static uint8_t compose_geneve(uint8_t *at, const struct compose *c)
{
	uint8_t len = compose_udp(at, c->model->udp_port);

	put16(at + len + 2, ETH_P_TEB);
	put24(at + len + 4, c->model->vni);
	if (c->model->tenant_id_set) {
		at[len] = GENEVE_OPTION_LEN / 4;
		put16(at + len + 8, GENEVE_CLASS);
		at[len + 10] = GENEVE_TENANT;
		at[len + 11] = 1; /* units of 4 bytes, the option's own header not counted */
		put32(at + len + 12, c->model->tenant_id);
		len += GENEVE_OPTION_LEN;
	}
	len += GENEVE_LEN;
	return len + compose_ethernet(at + len, c);
}

/* draft-ietf-intarea-gue: variant 1 is the packet itself, told by its version number. */
static uint8_t compose_gue(uint8_t *at, const struct compose *c)
{
	uint8_t len = compose_udp(at, c->model->udp_port);

	if (c->model->variant)
		return len;
	at[len + 1] = inner_protocol(c);
	return len + GUE_LEN;
}

static uint8_t compose_fou(uint8_t *at, const struct compose *c)
{
	return compose_udp(at, c->model->udp_port);
}

/* RFC 2784; RFC 2890 for the key. */
static uint8_t compose_gre(uint8_t *at, const struct compose *c)
{
	put16(at + 2, c->inner_is_ipv4 ? ETH_P_IP : ETH_P_IPV6);
	if (!c->model->key_set)
		return GRE_LEN;
	put16(at, GRE_KEY);
	put32(at + GRE_LEN, c->model->key);
	return GRE_LEN + 4;
}

static uint8_t compose_nothing(uint8_t *at, const struct compose *c)
{
	(void)at;
	(void)c;
	return 0;
}

/* protocol 0: that of the packet inside. */
static const struct kind {
	uint8_t protocol, flags;
	uint8_t (*compose)(uint8_t *at, const struct compose *c);
} kinds[] = {
	[MTLB_ENCAP_IPIP] = {0, 0, compose_nothing},
	[MTLB_ENCAP_VXLAN] = {IPPROTO_UDP, MTLB_ENCAP_UDP | MTLB_ENCAP_INNER_ETH, compose_vxlan},
	[MTLB_ENCAP_GUE] = {IPPROTO_UDP, MTLB_ENCAP_UDP, compose_gue},
	[MTLB_ENCAP_FOU] = {IPPROTO_UDP, MTLB_ENCAP_UDP, compose_fou},
	[MTLB_ENCAP_GRE] = {IPPROTO_GRE, 0, compose_gre},
	[MTLB_ENCAP_GENEVE] = {IPPROTO_UDP, MTLB_ENCAP_UDP | MTLB_ENCAP_INNER_ETH, compose_geneve},
};

static bool has_kind(const struct model_encap *model)
{
	return model->kind == MTLB_ENCAP_L2 ||
	       (model->kind < sizeof(kinds) / sizeof(*kinds) && kinds[model->kind].compose);
}

/* UDP has its source port for this. */
static bool varies_source(enum mtlb_encap_kind kind)
{
	return kind == MTLB_ENCAP_IPIP || kind == MTLB_ENCAP_GRE;
}

/* Host bits of a prefix of source_bits, at most the last 32; the template has them zero. */
static uint32_t entropy_bits(uint8_t source_bits)
{
	if (source_bits >= 128)
		return 0;
	return source_bits <= 96 ? 0xffffffff : (1U << (128 - source_bits)) - 1;
}

static void clear_entropy(uint8_t source[16], __be32 entropy)
{
	uint32_t low;

	memcpy(&low, source + 12, 4);
	low &= ~entropy;
	memcpy(source + 12, &low, 4);
}

static void compose_outer(const struct compose *c, const uint8_t to[16], bool outer_is_ipv4,
			  struct mtlb_encap *out)
{
	const struct kind *k = &kinds[c->model->kind];
	uint8_t protocol = k->protocol ? k->protocol : inner_protocol(c);
	struct addr source = c->hop->source;

	out->flags = k->flags | (outer_is_ipv4 ? 0 : MTLB_ENCAP_OUTER_IPV6);
	clear_entropy(source.bytes, out->entropy);
	out->outer_len = outer_is_ipv4 ? compose_ipv4(out->outer, source.bytes, to, protocol)
				       : compose_ipv6(out->outer, source.bytes, to, protocol);
	out->outer_len += k->compose(out->outer + out->outer_len, c);
}

const char *encap_refuses(const struct model_encap *model, const struct next_hop *hop)
{
	if (model->kind == MTLB_ENCAP_L2 && !hop->is_on_link)
		return "is behind a gateway: encapsulation l2 needs the backend on the link itself";
	return NULL;
}

void encap_compose(const struct model_encap *model, bool inner_is_ipv4, const uint8_t to[16],
		   const struct next_hop *hop, uint8_t source_bits, struct mtlb_encap *out)
{
	struct compose c = {.model = model, .hop = hop, .inner_is_ipv4 = inner_is_ipv4};
	struct addr address;

	memset(out, 0, sizeof(*out));
	if (!hop || hop->l2_len < ETH_HLEN || hop->l2_len > MTLB_L2_MAX || !has_kind(model) ||
	    encap_refuses(model, hop))
		return;
	memcpy(address.bytes, to, 16);
	bool is_l2 = model->kind == MTLB_ENCAP_L2;
	bool sent_is_ipv4 = is_l2 ? inner_is_ipv4 : addr_is_ipv4(&address);

	out->kind = model->kind;
	out->ifindex = hop->ifindex;
	out->l2_len = hop->l2_len;
	memcpy(out->l2, hop->l2, hop->l2_len);
	put16(out->l2 + hop->l2_len - 2, sent_is_ipv4 ? ETH_P_IP : ETH_P_IPV6);
	out->mtu = model->mtu && model->mtu < hop->mtu ? model->mtu : hop->mtu;
	out->dscp = model->dscp_set ? model->dscp << 2 : 0;
	out->copied = model->dscp_set ? ECN_BITS : 0xff;
	if (varies_source(model->kind))
		out->entropy = htonl(entropy_bits(source_bits));
	if (!is_l2)
		compose_outer(&c, to, sent_is_ipv4, out);
}

/* Of the node's own source address of this family; a route's is one address. */
static uint8_t source_bits_of(const struct model_node *n, bool is_ipv4)
{
	int family = !is_ipv4;

	return n->source_set[family] && n->source_bits[family] ? n->source_bits[family] : 128;
}

/*
 * No answer is no reason to cut off traffic: a restarted mtlbd knows nobody who has not spoken since, and whether the backend
 * lives is for health checks to find out. A template of the same interface and tags names who answered there before; of kind
 * l2 that is the backend itself.
 */
static bool keep_mac(const struct image_backend *old, const struct model_encap *model,
		     struct next_hop *hop)
{
	const struct mtlb_encap *was = old ? &old->encap : NULL;

	if (!was || was->kind == MTLB_ENCAP_NONE || was->ifindex != hop->ifindex ||
	    was->l2_len != hop->l2_len ||
	    memcmp(was->l2 + 2 * ETH_ALEN, hop->l2 + 2 * ETH_ALEN, hop->l2_len - ETH_HLEN) ||
	    (model->kind == MTLB_ENCAP_L2 && was->kind != MTLB_ENCAP_L2))
		return false;
	memcpy(hop->l2, was->l2, ETH_ALEN);
	return true;
}

static void build_encap(struct build *b, uint32_t id, const struct model_vip *v)
{
	struct image_backend *k = &b->image->backends[id];
	const struct image_backend *old =
		image_has_backend(b->previous, id) ? &b->previous->backends[id] : NULL;
	struct next_hop hop = {0};
	struct addr to;

	memcpy(to.bytes, k->info.address, 16);
	int err = b->in->next_hop ? b->in->next_hop(b->in->ctx, &to, &hop) : -ENOENT;
	bool is_silent = err == -EAGAIN || err == -EHOSTUNREACH;
	bool known = !err || (is_silent && keep_mac(old, &v->encap, &hop));

	if (err == -EBUSY && old)
		k->encap = old->encap;
	else
		encap_compose(&v->encap, addr_is_ipv4(&v->address), to.bytes, known ? &hop : NULL,
			      source_bits_of(&b->in->model->node, addr_is_ipv4(&to)), &k->encap);
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
