/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Section 8 of docs/packets.md: the outer headers. */
#include <string.h>

#include "fuzz/oracle_parts.h"

static bool has_udp(const struct oracle_encap *e)
{
	return e->kind == ORACLE_GUE0 || e->kind == ORACLE_GUE1 || e->kind == ORACLE_FOU ||
	       e->kind == ORACLE_VXLAN || e->kind == ORACLE_GENEVE;
}

static bool has_ethernet(const struct oracle_encap *e)
{
	return e->kind == ORACLE_VXLAN || e->kind == ORACLE_GENEVE;
}

/* Of the header between UDP (or IP) and the inner packet (or inner Ethernet). */
static uint32_t shim_len(const struct oracle_encap *e)
{
	switch (e->kind) {
	case ORACLE_GUE0:
		return 4;
	case ORACLE_GRE:
		return e->has_key ? 8 : 4;
	case ORACLE_VXLAN:
		return 8;
	case ORACLE_GENEVE:
		return e->has_tenant_id ? 16 : 8;
	default:
		return 0;
	}
}

static uint32_t outer_len(const struct oracle_encap *e)
{
	if (e->kind == ORACLE_L2)
		return 0;
	return (e->is_v6 ? 40 : 20) + (has_udp(e) ? 8 : 0) + shim_len(e) +
	       (has_ethernet(e) ? 14 : 0);
}

static void put_shim(uint8_t *at, const struct oracle_encap *e, bool inner_is_v6)
{
	memset(at, 0, shim_len(e));
	switch (e->kind) {
	case ORACLE_GUE0:
		at[1] = inner_is_v6 ? 41 : 4;
		break;
	case ORACLE_GRE:
		at[0] = e->has_key ? 0x20 : 0;
		put16(at + 2, inner_is_v6 ? 0x86dd : 0x0800);
		if (e->has_key)
			put32(at + 4, e->id);
		break;
	case ORACLE_VXLAN:
		at[0] = 0x08;
		put32(at + 4, e->id << 8);
		break;
	case ORACLE_GENEVE:
		at[0] = e->has_tenant_id ? 2 : 0;
		put16(at + 2, 0x6558);
		put32(at + 4, e->id << 8);
		if (!e->has_tenant_id)
			break;
		put16(at + 8, 0xff4d);
		at[10] = 1;
		at[11] = 1;
		put32(at + 12, e->tenant_id);
		break;
	default:
		break;
	}
}

static uint8_t outer_protocol(const struct oracle_encap *e, bool inner_is_v6)
{
	if (has_udp(e))
		return UDP;
	if (e->kind == ORACLE_GRE)
		return 47;
	return inner_is_v6 ? 41 : 4;
}

static void put_ip(uint8_t *ip, const struct facts *f, const struct oracle_encap *e, uint32_t len)
{
	const uint8_t *inner = f->in->bytes + f->l2_len;
	uint32_t tos = f->is_v6 ? get16(inner) / 16 % 256 : inner[1];
	uint32_t hash = (uint32_t)f->outer_hash;
	uint8_t source[16];

	if (e->dscp >= 0)
		tos = (uint32_t)e->dscp * 4 + tos % 4;
	memcpy(source, e->source, 16);
	if (e->host_bits)
		put32(source + 12,
		      get32(source + 12) | (hash & (0xffffffff >> (32 - e->host_bits))));
	if (e->is_v6) {
		put32(ip, 0x60000000 | tos << 20 | (hash & 0xfffff));
		put16(ip + 4, len - 40);
		ip[6] = outer_protocol(e, f->is_v6);
		ip[7] = 64;
		memcpy(ip + 8, source, 16);
		memcpy(ip + 24, e->destination, 16);
		return;
	}
	memset(ip, 0, 20);
	ip[0] = 0x45;
	ip[1] = (uint8_t)tos;
	put16(ip + 2, len);
	put16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = outer_protocol(e, f->is_v6);
	memcpy(ip + 12, source + 12, 4);
	memcpy(ip + 16, e->destination + 12, 4);
	put16(ip + 10, (uint16_t)~sum_fold(words_sum(ip, 20, 0)));
}

static void put_outer(uint8_t *at, const struct facts *f, const struct oracle_encap *e)
{
	uint32_t len = outer_len(e) + f->ip_len;

	if (e->kind == ORACLE_L2)
		return;
	put_ip(at, f, e, len);
	at += e->is_v6 ? 40 : 20;
	if (has_udp(e)) {
		put16(at, 0xc000 + (f->outer_hash & 0x3fff));
		put16(at + 2, e->port);
		put16(at + 4, len - (e->is_v6 ? 40 : 20));
		put16(at + 6, 0);
		at += 8;
	}
	put_shim(at, e, f->is_v6);
	at += shim_len(e);
	if (!has_ethernet(e))
		return;
	memcpy(at, e->inner_mac, 6);
	memcpy(at + 6, e->own_mac, 6);
	put16(at + 12, f->is_v6 ? 0x86dd : 0x0800);
}

static void put_frame(struct facts *f, const struct oracle_encap *e)
{
	const struct oracle_segment *s = f->segment;
	uint32_t l2_len = s->l2_len ? s->l2_len : e->l2_len;
	bool is_v6 = e->kind == ORACLE_L2 ? f->is_v6 : e->is_v6;
	uint8_t *out = f->r->bytes;

	memcpy(out, s->l2_len ? s->l2 : e->l2, l2_len);
	if (s->l2_len > 14 && f->l2_len > 14)
		memcpy(out + 12, f->in->bytes + 12, 2);
	put16(out + l2_len - 2, is_v6 ? 0x86dd : 0x0800);
	put_outer(out + l2_len, f, e);
	memcpy(out + l2_len + outer_len(e), f->in->bytes + f->l2_len, f->ip_len);
	f->r->len = l2_len + outer_len(e) + f->ip_len;
	f->r->ifindex = s->l2_len ? s->ifindex : e->ifindex;
}

enum oracle_reason encapsulate(struct facts *f)
{
	const struct oracle_encap *e = &f->w->backends[f->backend].encap;
	const struct oracle_segment *s = f->segment;
	uint32_t mtu = s->l2_len && s->mtu < e->mtu ? s->mtu : e->mtu;
	uint32_t l2_len = s->l2_len ? s->l2_len : e->l2_len;

	if (e->kind == ORACLE_NO_NEXT_HOP)
		return ORACLE_no_next_hop;
	if (outer_len(e) + f->ip_len > mtu)
		return answer_too_big(f, mtu - outer_len(e));
	if (l2_len + outer_len(e) > f->l2_len + f->in->headroom)
		return ORACLE_no_headroom;
	put_frame(f, e);
	return ORACLE_GO_ON;
}
