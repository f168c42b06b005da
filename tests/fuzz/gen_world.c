/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "fuzz/gen.h"

static const uint8_t tcp_udp_sctp[] = {6, 6, 17, 17, 132};

static void gen_ip4(uint8_t *ip, uint32_t address)
{
	memset(ip, 0, 16);
	ip[10] = ip[11] = 0xff;
	for (uint32_t i = 0; i < 4; i++)
		ip[12 + i] = (uint8_t)(address >> (24 - 8 * i));
}

static void gen_ip6(uint8_t *ip, uint32_t host)
{
	static const uint8_t prefix[8] = {0x20, 0x01, 0x0d, 0xb8};

	memset(ip, 0, 16);
	memcpy(ip, prefix, 8);
	ip[15] = (uint8_t)host;
	ip[14] = (uint8_t)(host >> 8);
}

static void gen_l2(struct random *r, uint8_t *l2, uint32_t *l2_len)
{
	*l2_len = 14 + 4 * random_below(r, 3);
	random_bytes(r, l2, 12);
	for (uint32_t at = 12; at + 2 < *l2_len; at += 4) {
		l2[at] = 0x81;
		l2[at + 1] = 0x00;
		random_bytes(r, l2 + at + 2, 2);
	}
}

static uint32_t gen_mtu(struct random *r)
{
	static const uint16_t some[] = {1500, 1500, 1500, 1500, 1480, 1450, 1400, 1300,
					1280, 1281, 700,  600,  576,  300,  9000, 65535};

	return random_once_in(r, 4) ? random_between(r, 200, 2000) : RANDOM_OF(r, some);
}

static void gen_segments(struct random *r, struct oracle_world *w, uint32_t in, uint32_t out)
{
	static const uint16_t vlans[] = {0, 0, 100, 200, 4094, 1, 0xfff};

	w->n_segments = random_between(r, 3, ORACLE_SEGMENTS);
	for (uint32_t i = 0; i < w->n_segments; i++) {
		struct oracle_segment *s = &w->segments[i];

		s->ifindex = random_once_in(r, 6) ? out : in;
		s->vlan = RANDOM_OF(r, vlans);
		s->inner_vlan = s->vlan && random_once_in(r, 3) ? RANDOM_OF(r, vlans) : 0;
		s->tenant = random_below(r, ORACLE_TENANTS);
		if (i == 0)
			*s = (struct oracle_segment){.ifindex = in};
		if (random_once_in(r, 4))
			gen_l2(r, s->l2, &s->l2_len);
		s->mtu = s->l2_len ? gen_mtu(r) : 0;
		for (uint32_t j = 0; j < i; j++)
			if (w->segments[j].ifindex == s->ifindex &&
			    w->segments[j].vlan == s->vlan &&
			    w->segments[j].inner_vlan == s->inner_vlan) {
				memset(s, 0, sizeof(*s));
				w->n_segments = i;
			}
	}
}

static void gen_tenants(struct random *r, struct oracle_world *w)
{
	static const uint16_t answers[] = {0, 1, 3, 1000, 1000, 65535};
	uint32_t bucket = 0;

	for (uint32_t t = 1; t < ORACLE_TENANTS; t++) {
		struct oracle_tenant *tenant = &w->tenants[t];

		random_bytes(r, (uint8_t *)tenant->key, sizeof(tenant->key));
		tenant->first_bucket = bucket;
		tenant->buckets = 1U << random_below(r, 5);
		bucket += tenant->buckets;
		tenant->answers = RANDOM_OF(r, answers);
		tenant->drops_other_ports = random_once_in(r, 2);
	}
}

static bool is_shared_taken(const struct oracle_world *w, const uint8_t *ip)
{
	for (uint32_t i = 0; i < w->n_addresses; i++)
		if (w->addresses[i].is_shared && !memcmp(w->addresses[i].ip, ip, 16))
			return true;
	return false;
}

static void gen_addresses(struct random *r, struct oracle_world *w)
{
	for (uint32_t t = 1; t < ORACLE_TENANTS; t++)
		for (uint32_t i = 0, n = random_between(r, 1, 3); i < n; i++) {
			struct oracle_address *a = &w->addresses[w->n_addresses];
			uint32_t host = random_below(r, 2) * 4 + i;

			if (random_once_in(r, 2))
				gen_ip4(a->ip, 0xcb007100 + host);
			else
				gen_ip6(a->ip, 0x100 + host);
			a->tenant = t;
			a->answers_echo = !random_once_in(r, 4);
			a->is_shared = !is_shared_taken(w, a->ip) && !random_once_in(r, 4);
			w->n_addresses++;
			for (uint32_t j = 0; j + 1 < w->n_addresses; j++)
				if (w->addresses[j].tenant == t &&
				    !memcmp(w->addresses[j].ip, a->ip, 16)) {
					memset(a, 0, sizeof(*a));
					w->n_addresses--;
					break;
				}
		}
}

static void gen_encap(struct random *r, struct oracle_encap *e, uint32_t in, uint32_t out)
{
	static const uint16_t ports[] = {4789, 6080, 5555, 6081, 65535, 1};

	e->kind = random_once_in(r, 20) ? ORACLE_NO_NEXT_HOP
					: random_between(r, 1, ORACLE_KIND_END - 1);
	e->is_v6 = random_once_in(r, 2);
	if (e->is_v6) {
		gen_ip6(e->source, random_below(r, 65536));
		gen_ip6(e->destination, random_below(r, 65536));
	} else {
		gen_ip4(e->source, (uint32_t)random_word(r));
		gen_ip4(e->destination, (uint32_t)random_word(r));
	}
	if ((e->kind == ORACLE_IPIP || e->kind == ORACLE_GRE) && random_once_in(r, 2)) {
		e->host_bits = random_between(r, 1, 32);
		for (uint32_t bit = 0; bit < e->host_bits; bit++)
			e->source[15 - bit / 8] &= (uint8_t) ~(1 << bit % 8);
	}
	gen_l2(r, e->l2, &e->l2_len);
	e->ifindex = random_once_in(r, 3) ? out : in;
	e->port = RANDOM_OF(r, ports);
	e->has_key = random_once_in(r, 2);
	e->id = e->kind == ORACLE_GRE ? (uint32_t)random_word(r) : random_below(r, 1 << 24);
	e->has_tenant_id = random_once_in(r, 2);
	e->tenant_id = (uint32_t)random_word(r);
	random_bytes(r, e->inner_mac, 6);
	random_bytes(r, e->own_mac, 6);
	e->dscp = random_once_in(r, 2) ? -1 : (int)random_below(r, 64);
	e->mtu = gen_mtu(r);
}

static void gen_backend(struct random *r, struct oracle_world *w, uint32_t vip, uint32_t in,
			uint32_t out)
{
	struct oracle_backend *b = &w->backends[w->n_backends++];

	b->vip = vip;
	b->weight = random_once_in(r, 2) ? 100 : random_between(r, 1, 65535);
	b->state = random_once_in(r, 2) ? ORACLE_UP : random_below(r, ORACLE_DISABLED + 1);
	gen_encap(r, &b->encap, in, out);
}

static void gen_ring(struct random *r, struct oracle_world *w, struct oracle_vip *v, uint32_t first)
{
	uint32_t n = w->n_backends - first;
	bool all_move = random_once_in(r, 3);

	v->n_ids = n;
	if (v->algorithm == ORACLE_LEAST_CONNECTIONS && random_once_in(r, 3))
		v->n_ids = random_between(r, 255, ORACLE_IDS);
	for (uint32_t i = 0; i < v->n_ids; i++)
		v->ids[i] = first + (i < n ? i : random_below(r, n));
	v->slots_log2 = random_once_in(r, 4) ? random_between(r, 2, 9) : random_between(r, 2, 4);
	if (v->n_ids > 256 && v->slots_log2 < 4)
		v->slots_log2 = 4; /* mtlbd gives no such VIP fewer */
	for (uint32_t i = 0; i < 1U << v->slots_log2; i++)
		v->slots[i] = (struct oracle_slot){.owner = (uint16_t)random_below(r, v->n_ids),
						   .previous = (uint16_t)random_below(r, v->n_ids),
						   .is_moving = all_move || random_once_in(r, 2)};
}

static uint32_t gen_source_bits(struct random *r, const uint8_t *ip)
{
	static const uint8_t of_ip4[] = {97, 104, 120, 127, 128},
			     of_ip6[] = {1, 32, 48, 64, 100, 128};

	return ip[0] ? RANDOM_OF(r, of_ip6) : RANDOM_OF(r, of_ip4);
}

/* Of a VIP that changes its algorithm all slots are marked. */
static void gen_algorithm(struct random *r, struct oracle_vip *v)
{
	v->source_bits = gen_source_bits(r, v->ip);
	if (v->algorithm == ORACLE_SOURCE)
		v->previous_source_bits = v->source_bits;
	if (!random_once_in(r, 4))
		return;
	v->previous_source_bits = random_once_in(r, 2) ? 0 : gen_source_bits(r, v->ip);
	for (uint32_t i = 0; i < 1U << v->slots_log2; i++)
		v->slots[i].is_moving = true;
}

static void gen_quic(struct random *r, struct oracle_world *w, struct oracle_vip *v, uint32_t first)
{
	v->has_quic = true;
	v->rotation_bits = random_between(r, 1, 3);
	/* all ones mean no configuration */
	for (uint32_t i = 0; i + 1 < 1U << v->rotation_bits; i++) {
		if (random_once_in(r, 4))
			continue;
		v->quic[i].server_id_len =
			random_once_in(r, 2) ? random_between(r, 1, 3) : random_between(r, 1, 15);
		v->quic[i].id_len = random_between(r, 1 + v->quic[i].server_id_len, 20);
	}
	for (uint32_t n = random_between(r, 1, 6); n && w->n_servers < ORACLE_SERVERS; n--) {
		struct oracle_server *s = &w->servers[w->n_servers];
		uint32_t len = v->quic[random_below(r, 1 << v->rotation_bits)].server_id_len;

		if (!len)
			continue;
		s->vip = (uint32_t)(v - w->vips);
		s->len = len;
		memset(s->id, 0, sizeof(s->id));
		random_bytes(r, s->id, len);
		s->id[0] = (uint8_t)w->n_servers; /* no two alike */
		s->backend = random_between(r, first, w->n_backends - 1);
		w->n_servers++;
	}
}

static bool is_port_taken(const struct oracle_world *w, const struct oracle_vip *v)
{
	uint32_t ranges = 0;

	for (uint32_t i = 0; i < w->n_vips; i++) {
		const struct oracle_vip *o = &w->vips[i];

		if (o == v || o->tenant != v->tenant || memcmp(o->ip, v->ip, 16) ||
		    o->protocol != v->protocol || o->is_range != v->is_range)
			continue;
		if (v->first <= o->last && o->first <= v->last)
			return true;
		ranges += o->is_range;
	}
	return ranges >= 8;
}

static void gen_ports(struct random *r, struct oracle_vip *v)
{
	static const uint16_t ports[] = {443, 443, 80, 53, 8000, 1, 65535};

	v->is_range = random_once_in(r, 3);
	v->first = v->last = RANDOM_OF(r, ports);
	if (!v->is_range)
		return;
	if (random_once_in(r, 4)) {
		v->first = (uint16_t)random_below(r, 2);
		v->last = 65535;
		return;
	}
	v->first = (uint16_t)(400 + 50 * random_below(r, 4));
	v->last = (uint16_t)(v->first + random_below(r, 50));
}

static void gen_vip(struct random *r, struct oracle_world *w, uint32_t in, uint32_t out)
{
	const struct oracle_address *a = &w->addresses[random_below(r, w->n_addresses)];
	struct oracle_vip *v = &w->vips[w->n_vips];
	uint32_t first = w->n_backends;

	v->tenant = a->tenant;
	memcpy(v->ip, a->ip, 16);
	v->protocol = RANDOM_OF(r, tcp_udp_sctp);
	gen_ports(r, v);
	if (is_port_taken(w, v)) {
		memset(v, 0, sizeof(*v));
		return;
	}
	v->idle_ticks = random_between(r, 20, 300);
	v->short_ticks = random_between(r, 2, 40);
	v->algorithm = random_below(r, 4);
	v->is_empty = random_once_in(r, 12);
	v->is_moving = !random_once_in(r, 3);
	v->is_learning = v->is_moving && random_once_in(r, 2);
	for (uint32_t n = random_between(r, 1, 5); n; n--)
		gen_backend(r, w, w->n_vips, in, out);
	gen_ring(r, w, v, first);
	gen_algorithm(r, v);
	if (v->protocol == 17 && random_once_in(r, 2))
		gen_quic(r, w, v, first);
	if (v->idle_ticks > w->tenants[v->tenant].idle_ticks)
		w->tenants[v->tenant].idle_ticks = v->idle_ticks;
	w->n_vips++;
}

void gen_world(struct random *r, struct oracle_world *w, uint32_t in, uint32_t out)
{
	memset(w, 0, sizeof(*w));
	gen_segments(r, w, in, out);
	gen_tenants(r, w);
	gen_addresses(r, w);
	for (uint32_t n = random_between(r, 4, 24); n && w->n_backends + 5 < ORACLE_BACKENDS; n--)
		gen_vip(r, w, in, out);
}

static struct gen_event gen_age(struct random *r, struct oracle_world *w, uint64_t now)
{
	struct gen_event e = {GEN_AGE, random_below(r, ORACLE_BUCKETS),
			      random_below(r, ORACLE_WAYS), 0};
	static const uint16_t some[] = {1, 1, 2, 2, 3, 29, 30, 31};
	struct oracle_flow *flow = &w->flows[e.index][e.way];

	/* no entry gets so old that its tick means the future */
	if (flow->state == ORACLE_FREE || (uint16_t)((uint16_t)now - flow->seen) > 2000)
		return (struct gen_event){0};
	e.ticks = random_once_in(r, 3) ? random_between(r, 1, 320) : RANDOM_OF(r, some);
	flow->seen -= (uint16_t)e.ticks;
	return e;
}

struct gen_event gen_event(struct random *r, struct oracle_world *w, uint64_t now)
{
	struct oracle_vip *v;
	struct gen_event e = {0};

	switch (random_below(r, 64)) {
	case 0:
		e = (struct gen_event){GEN_STATE, random_below(r, w->n_backends), 0, 0};
		w->backends[e.index].state = random_below(r, ORACLE_DISABLED + 1);
		return e;
	case 1:
		e = (struct gen_event){GEN_FLAGS, random_below(r, w->n_vips), 0, 0};
		v = &w->vips[e.index];
		v->is_empty = random_once_in(r, 8);
		v->is_moving = !random_once_in(r, 3);
		v->is_learning = v->is_moving && random_once_in(r, 2);
		return e;
	case 2:
		e = (struct gen_event){GEN_COUNT, random_below(r, w->n_backends), 0, 0};
		w->backends[e.index].load = (int32_t)random_below(r, 20);
		return e;
	default:
		for (uint32_t tries = 0; tries < 8 && e.kind == GEN_NOTHING; tries++)
			e = gen_age(r, w, now);
		return e;
	}
}
