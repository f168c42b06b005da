/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "fuzz/gen.h"

/* What a packet is made from. */
struct plan {
	struct random *r;
	const struct oracle_world *w;
	const struct oracle_segment *segment;
	const struct oracle_address *address;
	const struct oracle_vip *vip; /* NULL: none */
	uint8_t client[16], self[16];
	bool is_v6;
	uint16_t client_port, port;
	uint8_t protocol;
	struct gen_packet *p;
	uint32_t l3;
};

static void put(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void choose_segment(struct plan *n)
{
	n->segment = &n->w->segments[random_below(n->r, n->w->n_segments)];
}

/* An address that the segment reaches, if there is one. */
static void choose_address(struct plan *n)
{
	for (uint32_t tries = 0; tries < 16; tries++) {
		n->address = &n->w->addresses[random_below(n->r, n->w->n_addresses)];
		if (n->segment->tenant ? n->address->tenant == n->segment->tenant
				       : n->address->is_shared)
			break;
	}
	memcpy(n->self, n->address->ip, 16);
	if (random_once_in(n->r, 60))
		n->self[15] ^= (uint8_t)(1 << random_below(n->r, 8));
	n->is_v6 = n->self[0] != 0;
	if (random_once_in(n->r, 200))
		n->is_v6 = true;
}

static void choose_vip(struct plan *n)
{
	n->vip = NULL;
	for (uint32_t tries = 0; tries < 32 && !n->vip; tries++) {
		const struct oracle_vip *v = &n->w->vips[random_below(n->r, n->w->n_vips)];

		if (v->tenant == n->address->tenant && !memcmp(v->ip, n->address->ip, 16))
			n->vip = v;
	}
	n->port = n->vip ? n->vip->first : 443;
	n->protocol = n->vip ? n->vip->protocol : 6;
	if (n->vip && n->vip->is_range && random_once_in(n->r, 2))
		n->port = random_once_in(n->r, 2) ? n->vip->last : (uint16_t)(n->port + 1);
	if (random_once_in(n->r, 24))
		n->port = (uint16_t)random_word(n->r);
	if (random_once_in(n->r, 40))
		n->protocol = random_once_in(n->r, 2) ? (uint8_t)random_word(n->r) : 17;
}

static void choose_client(struct plan *n)
{
	static const uint8_t special[][4] = {
		{0, 1, 2, 3},       {127, 0, 0, 1}, {224, 0, 0, 1},
		{223, 255, 255, 1}, {240, 0, 0, 1}, {255, 255, 255, 255},
		{126, 0, 0, 1},     {128, 0, 0, 1}, {1, 0, 0, 0}};
	uint32_t client = random_below(n->r, GEN_CLIENTS);

	memset(n->client, 0, 16);
	n->client_port = (uint16_t)(40000 + random_below(n->r, 3));
	if (random_once_in(n->r, 40)) {
		memcpy(n->client, n->self, 16);
		return;
	}
	if (n->is_v6) {
		random_bytes(n->r, n->client, random_once_in(n->r, 100) ? 16 : 0);
		n->client[15] = (uint8_t)random_below(n->r, 3);
		if (random_once_in(n->r, 40)) {
			n->client[0] = random_once_in(n->r, 2) ? 0xff : 0;
			n->client[10] = n->client[11] = random_once_in(n->r, 2) ? 0xff : 0;
			return;
		}
		n->client[0] = 0xfd;
		n->client[7] = (uint8_t)client;
		return;
	}
	n->client[10] = n->client[11] = 0xff;
	n->client[12] = 198;
	n->client[13] = (uint8_t)client;
	n->client[15] = (uint8_t)random_below(n->r, 2);
	if (random_once_in(n->r, 30))
		memcpy(n->client + 12, RANDOM_OF(n->r, special), 4);
}

static void gen_ethernet(struct plan *n)
{
	static const uint16_t tags[] = {0x8100, 0x88a8, 0x8100};
	uint16_t vlans[3], count = 0;
	uint32_t at = 12;
	uint8_t *b = n->p->bytes;

	random_bytes(n->r, b, 12);
	if (n->segment->vlan)
		vlans[count++] = n->segment->vlan;
	if (n->segment->inner_vlan)
		vlans[count++] = n->segment->inner_vlan;
	if (count < 2 && random_once_in(n->r, 6)) {
		vlans[1] = vlans[0];
		vlans[0] = random_once_in(n->r, 8) ? random_below(n->r, 4096) : 0;
		count++;
	}
	if (random_once_in(n->r, 60))
		vlans[count++ % 3] = random_below(n->r, 4096);
	for (uint32_t i = 0; i < count && i < 3; i++, at += 4) {
		put(b + at, RANDOM_OF(n->r, tags));
		put(b + at + 2, vlans[i] | random_below(n->r, 16) << 12);
	}
	put(b + at, n->is_v6 ? 0x86dd : 0x0800);
	if (random_once_in(n->r, 200))
		put(b + at, random_once_in(n->r, 2) ? 0x0806 : (uint32_t)random_word(n->r));
	n->l3 = at + 2;
}

static uint32_t payload_len(struct random *r)
{
	switch (random_below(r, 40)) {
	case 0:
		return random_between(r, 3300, 3700);
	case 1:
		return random_once_in(r, 8) ? random_between(r, 3700, 60000)
					    : random_between(r, 3700, 9000);
	case 2 ... 4:
		return random_between(r, 1150, 1520);
	case 5 ... 6:
		return random_between(r, 490, 560);
	case 7:
		return random_below(r, 2000);
	default:
		return random_below(r, 64);
	}
}

static struct gen_ip layer(const struct plan *n)
{
	return (struct gen_ip){.is_v6 = n->is_v6,
			       .source = n->client,
			       .destination = n->self,
			       .protocol = n->protocol};
}

/* Ids are few, so that fragments find each other. */
static void as_fragment(struct random *r, struct gen_ip *ip)
{
	ip->is_fragment = true;
	ip->id = random_below(r, 4);
	ip->offset = random_once_in(r, 2)   ? 0
		     : random_once_in(r, 4) ? random_below(r, 4)
					    : random_below(r, 8192);
	ip->has_more = !ip->offset || random_once_in(r, 2);
}

static uint32_t end_of_flow_packet(struct plan *n, uint32_t at, const struct gen_ip *ip)
{
	uint8_t *b = n->p->bytes;
	uint32_t end, l4 = at;

	if (!ip->offset)
		at = gen_l4(n->r, b, at, n->protocol, n->client_port, n->port, n->w, n->vip);
	if (random_once_in(n->r, 60) && at > l4)
		at = l4 + random_below(n->r, at - l4);
	end = gen_payload(n->r, b, at, payload_len(n->r));
	if (n->protocol == 17 && !ip->offset)
		gen_udp_end(b, l4, ip->is_fragment ? end + random_below(n->r, 64) : end);
	if (n->protocol == 17 && random_once_in(n->r, 40))
		put(b + l4 + 4, random_below(n->r, 64));
	return end;
}

static uint32_t gen_flow(struct plan *n)
{
	struct gen_ip ip = layer(n);

	if (random_once_in(n->r, 6))
		as_fragment(n->r, &ip);
	return end_of_flow_packet(n, gen_ip(n->r, n->p->bytes, n->l3, &ip), &ip);
}

static uint32_t icmp_header(struct plan *n, struct gen_ip *ip, uint8_t type4, uint8_t type6)
{
	uint8_t *b = n->p->bytes;

	ip->protocol = n->is_v6 ? 58 : 1;
	if (random_once_in(n->r, 60))
		ip->protocol = n->is_v6 ? 1 : 58;
	if (random_once_in(n->r, 40))
		as_fragment(n->r, ip);
	uint32_t at = gen_ip(n->r, b, n->l3, ip);

	random_bytes(n->r, b + at, 8);
	b[at] = n->is_v6 ? type6 : type4;
	b[at + 1] = random_once_in(n->r, 10) ? (uint8_t)random_word(n->r) : 0;
	if (random_once_in(n->r, 8))
		memset(b + at + 2, random_once_in(n->r, 2) ? 0xff : 0, 2);
	if (random_once_in(n->r, 20))
		b[at] = (uint8_t)random_word(n->r);
	return at + 8;
}

static uint32_t gen_echo(struct plan *n)
{
	struct gen_ip ip = layer(n);
	uint32_t at = icmp_header(n, &ip, 8, 128);

	return gen_payload(n->r, n->p->bytes, at, payload_len(n->r));
}

static uint32_t gen_error(struct plan *n)
{
	static const uint8_t types4[] = {3, 3, 11, 12, 5}, types6[] = {1, 2, 3, 4, 137};
	struct gen_ip ip = layer(n), inner;
	uint8_t *b = n->p->bytes, router[16];
	uint32_t at, l3, l4;

	memcpy(router, n->client, 16);
	if (random_once_in(n->r, 2))
		router[14] ^= 0x55;
	ip.source = router;
	at = icmp_header(n, &ip, RANDOM_OF(n->r, types4), RANDOM_OF(n->r, types6));
	inner = (struct gen_ip){.is_v6 = n->is_v6,
				.source = n->self,
				.destination = n->client,
				.protocol = n->protocol};
	if (random_once_in(n->r, 30))
		inner.source = n->client;
	if (random_once_in(n->r, 60))
		inner.is_v6 = !inner.is_v6;
	if (random_once_in(n->r, 20))
		as_fragment(n->r, &inner);
	l3 = at;
	l4 = at = gen_ip(n->r, b, at, &inner);
	at = gen_l4(n->r, b, at, n->protocol, n->port, n->client_port, n->w, n->vip);
	at = gen_payload(n->r, b, at, payload_len(n->r));
	gen_ip_end(b, l3, at + random_below(n->r, 100));
	if (random_once_in(n->r, 2))
		at = random_between(n->r, random_once_in(n->r, 8) ? l3 : l4 + 8, at);
	return at;
}

void gen_packet(struct random *r, const struct oracle_world *w, uint32_t in, uint32_t out,
		struct gen_packet *p)
{
	struct plan n = {.r = r, .w = w, .p = p};
	uint32_t kind = random_below(r, 16), end;

	choose_segment(&n);
	choose_address(&n);
	choose_vip(&n);
	choose_client(&n);
	p->ifindex =
		random_once_in(r, 100) ? (random_once_in(r, 2) ? in : out) : n.segment->ifindex;
	p->meta = random_once_in(r, 50) ? 4 * random_between(r, 30, 54) : 0;
	gen_ethernet(&n);
	end = kind == 0 ? gen_echo(&n) : kind < 3 ? gen_error(&n) : gen_flow(&n);
	/* longer than IP can say: the length wraps, which is one more lie */
	gen_ip_end(p->bytes, n.l3, end);
	p->len = end;
	if (end < 60 && random_once_in(r, 4))
		p->len = gen_payload(r, p->bytes, end, 60 - end);
	if (random_once_in(r, 5))
		gen_damage(r, p, n.l3);
}
