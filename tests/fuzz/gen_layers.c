/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The layers of random packets, and what damages them. */
#include <string.h>

#include "fuzz/gen.h"

static void put(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Words of a pool: drawing each byte of each payload would be most of the work. */
uint32_t gen_payload(struct random *r, uint8_t *b, uint32_t at, uint32_t len)
{
	static uint8_t pool[2 * ORACLE_PACKET_MAX];

	if (!pool[0] && !pool[1] && !pool[2]) {
		struct random fixed = random_begin(1, 1);

		random_bytes(&fixed, pool, sizeof(pool));
	}
	if (at + len > GEN_PACKET_MAX)
		len = at < GEN_PACKET_MAX ? GEN_PACKET_MAX - at : 0;
	memcpy(b + at, pool + random_below(r, ORACLE_PACKET_MAX), len);
	return at + len;
}

static uint32_t gen_ip4(struct random *r, uint8_t *b, uint32_t at, const struct gen_ip *ip)
{
	static const uint8_t ttls[] = {64, 1, 0, 255, 63};
	uint32_t words = random_once_in(r, 6) ? random_between(r, 6, 15) : 5;
	uint32_t fragment = ip->offset | (ip->has_more ? 0x2000 : 0) |
			    (random_once_in(r, 4) ? 0 : 0x4000) |
			    (random_once_in(r, 16) ? 0x8000 : 0);

	random_bytes(r, b + at, words * 4);
	b[at] = (uint8_t)(0x40 | words);
	if (ip->is_fragment) {
		b[at + 4] = (uint8_t)ip->id;
		b[at + 5] = (uint8_t)(ip->id >> 8);
		if (ip->offset)
			fragment &= ~0x4000U;
	}
	put(b + at + 6, fragment);
	b[at + 8] = RANDOM_OF(r, ttls);
	b[at + 9] = ip->protocol;
	memcpy(b + at + 12, ip->source + 12, 4);
	memcpy(b + at + 16, ip->destination + 12, 4);
	return at + words * 4;
}

/* An extension header of any kind; next is where its number belongs, and moves on to its own. */
static uint32_t gen_header(struct random *r, uint8_t *b, uint32_t at, uint32_t *next)
{
	static const uint8_t kinds[] = {0, 60, 43, 51, 44, 60};
	uint8_t kind = RANDOM_OF(r, kinds);
	uint32_t units = random_once_in(r, 60)  ? random_below(r, 256)
			 : random_once_in(r, 3) ? random_below(r, 5)
						: 0;
	uint32_t len = kind == 44 ? 8 : kind == 51 ? (units + 2) * 4 : (units + 1) * 8;

	random_bytes(r, b + at, 8);
	gen_payload(r, b, at + 8, len - 8);
	b[*next] = kind;
	b[at + 1] = (uint8_t)units;
	if (kind == 44)
		put(b + at + 2, random_once_in(r, 30) ? (uint32_t)random_word(r) & 0xffff
						      : random_below(r, 4) << 1);
	if (kind == 44 && !random_once_in(r, 30))
		b[at + 2] = 0, b[at + 3] &= 0x06;
	*next = at;
	return at + len;
}

/* Headers that end about where the first buffer does, so that what follows begins, or ends, beyond it. */
static uint32_t gen_long_headers(struct random *r, uint8_t *b, uint32_t at, uint32_t *next)
{
	static const uint8_t kinds[] = {0, 60, 43};
	uint32_t end = random_between(r, 3380, 3530);

	while (at + 8 <= end) {
		uint32_t units = (end - at) / 8 - 1;

		if (units > 255)
			units = 255;
		gen_payload(r, b, at, (units + 1) * 8);
		b[*next] = RANDOM_OF(r, kinds);
		b[at + 1] = (uint8_t)units;
		*next = at;
		at += (units + 1) * 8;
	}
	return at;
}

static uint32_t gen_ip6(struct random *r, uint8_t *b, uint32_t at, const struct gen_ip *ip)
{
	uint32_t headers = random_once_in(r, 5) ? random_between(r, 1, 3) : 0, next = at + 6;
	uint32_t fragment_at = random_below(r, headers + 1), end = at + 40;

	if (random_once_in(r, 30))
		headers = random_between(r, 4, 7);
	random_bytes(r, b + at, 8);
	b[at] = (uint8_t)(0x60 | (b[at] & 15));
	memcpy(b + at + 8, ip->source, 16);
	memcpy(b + at + 24, ip->destination, 16);
	for (uint32_t i = 0; i <= headers; i++) {
		if (i == fragment_at && ip->is_fragment) {
			b[next] = 44;
			b[end + 1] = 0;
			put(b + end + 2, ip->offset << 3 | ip->has_more | random_below(r, 4) << 1);
			memset(b + end + 4, 0, 4);
			put(b + end + 4, ip->id);
			next = end;
			end += 8;
			if (ip->offset)
				break;
		}
		if (i < headers)
			end = gen_header(r, b, end, &next);
	}
	if (random_once_in(r, 60) && !ip->offset)
		end = gen_long_headers(r, b, end, &next);
	b[next] = ip->protocol;
	return end;
}

uint32_t gen_ip(struct random *r, uint8_t *b, uint32_t at, const struct gen_ip *ip)
{
	return ip->is_v6 ? gen_ip6(r, b, at, ip) : gen_ip4(r, b, at, ip);
}

void gen_ip_end(uint8_t *b, uint32_t at, uint32_t end)
{
	uint32_t sum = 0;

	if (b[at] >> 4 == 6) {
		put(b + at + 4, end - at - 40);
		return;
	}
	put(b + at + 2, end - at);
	put(b + at + 10, 0);
	for (uint32_t i = 0; i < (b[at] & 15) * 4U; i++)
		sum += i % 2 ? b[at + i] : b[at + i] * 256U;
	while (sum >> 16)
		sum = (sum >> 16) + (sum & 0xffff);
	put(b + at + 10, ~sum);
}

static uint8_t gen_tcp_flags(struct random *r)
{
	static const uint8_t some[] = {0x02, 0x02, 0x02, 0x10, 0x10, 0x18, 0x12,
				       0x11, 0x04, 0x14, 0x03, 0x06, 0xc2};

	return random_once_in(r, 10) ? (uint8_t)random_word(r) : RANDOM_OF(r, some);
}

static uint32_t gen_tcp(struct random *r, uint8_t *b, uint32_t at)
{
	uint32_t words = random_once_in(r, 3) ? random_between(r, 5, 15) : 5;

	random_bytes(r, b + at + 4, words * 4 - 4);
	b[at + 12] = (uint8_t)(words << 4);
	b[at + 13] = gen_tcp_flags(r);
	return at + words * 4;
}

/* A connection id that names a server of the VIP, or nearly one. */
static uint32_t gen_quic(struct random *r, uint8_t *b, uint32_t at, const struct oracle_world *w,
			 const struct oracle_vip *vip)
{
	/* behind the last one lies one of length 0, where there is room */
	uint32_t n = w->n_servers < ORACLE_SERVERS ? w->n_servers + 1 : ORACLE_SERVERS;
	const struct oracle_server *s = &w->servers[random_below(r, n)];
	bool is_long = random_once_in(r, 2);
	uint32_t config = random_below(r, 1U << vip->rotation_bits), id = at + (is_long ? 6 : 1);
	uint32_t len = vip->quic[config].id_len;

	for (uint32_t i = 0; i < w->n_servers; i++)
		if (random_once_in(r, 2) && &w->vips[w->servers[i].vip] == vip)
			s = &w->servers[i];
	for (uint32_t i = 0; i < 1U << vip->rotation_bits; i++)
		if (vip->quic[i].server_id_len == s->len && random_once_in(r, 2))
			config = i, len = vip->quic[i].id_len;
	if (random_once_in(r, 8))
		len = random_below(r, 21);
	random_bytes(r, b + at, 32);
	b[at] = (uint8_t)((b[at] & 0x7f) | (is_long ? 0x80 : 0));
	if (is_long)
		b[at + 5] = (uint8_t)len;
	if (vip->rotation_bits)
		b[id] = (uint8_t)((b[id] & 0xff >> vip->rotation_bits) |
				  config << (8 - vip->rotation_bits));
	if (w->n_servers)
		memcpy(b + id + 1, s->id, s->len);
	return id + len;
}

uint32_t gen_l4(struct random *r, uint8_t *b, uint32_t at, uint8_t protocol, uint16_t sport,
		uint16_t dport, const struct oracle_world *w, const struct oracle_vip *vip)
{
	static const uint8_t chunks[] = {1, 1, 2, 0, 0, 3, 6, 7, 14, 10};

	random_bytes(r, b + at, 8);
	put(b + at, sport);
	put(b + at + 2, dport);
	switch (protocol) {
	case 6:
		return gen_tcp(r, b, at);
	case 17:
		if (vip && vip->has_quic && !random_once_in(r, 4))
			return gen_quic(r, b, at + 8, w, vip);
		return at + 8;
	case 132:
		random_bytes(r, b + at + 8, 8);
		b[at + 12] = RANDOM_OF(r, chunks);
		return at + 16;
	default:
		return at + 8;
	}
}

void gen_udp_end(uint8_t *b, uint32_t at, uint32_t end)
{
	put(b + at + 4, end - at);
}

/* Lengths that lie, bits that flip, frames that end too early. */
void gen_damage(struct random *r, struct gen_packet *p, uint32_t l3)
{
	uint32_t near = p->len < l3 + 128 ? p->len : l3 + 128;

	for (uint32_t n = random_between(r, 1, 2); n; n--) {
		switch (random_below(r, 8)) {
		case 0:
			p->len = random_below(r, p->len + 1);
			break;
		case 1:
			p->len = random_below(r, near + 1);
			break;
		case 2:
			p->bytes[random_below(r, near)] ^= (uint8_t)(1 << random_below(r, 8));
			break;
		case 3:
			p->bytes[random_below(r, near)] = (uint8_t)random_word(r);
			break;
		case 4:
			put(p->bytes + l3 + 2, random_below(r, p->len + 64));
			break;
		case 5:
			put(p->bytes + l3 + 4, random_below(r, p->len + 64));
			break;
		case 6:
			p->bytes[l3 + random_below(r, 24)] ^= (uint8_t)(1 << random_below(r, 8));
			break;
		default: {
			uint32_t more = random_below(r, random_once_in(r, 4) ? 2000 : 64);

			p->len = gen_payload(r, p->bytes, p->len, more);
		}
		}
		if (p->len < 14)
			p->len = 14;
		near = p->len < near ? p->len : near;
	}
}
