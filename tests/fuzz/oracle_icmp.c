/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Section 6 of docs/packets.md, and the answers of section 8. */
#include <string.h>

#include "fuzz/oracle_parts.h"

bool can_be_answered(const struct facts *f)
{
	static const uint8_t any[16], loopback[16] = {[15] = 1};
	const uint8_t *s = f->source;

	if (!memcmp(s, f->destination, 16))
		return false;
	if (f->is_v6)
		return s[0] != 0xff && memcmp(s, any, 16) && memcmp(s, loopback, 16);
	return s[12] != 0 && s[12] != 127 && s[12] < 224;
}

static void swap(uint8_t *a, uint8_t *b, uint32_t len)
{
	uint8_t kept[16];

	memcpy(kept, a, len);
	memcpy(a, b, len);
	memcpy(b, kept, len);
}

/* RFC 1624: the checksum at `at` of something of which one word has changed. */
static void adjust(uint8_t *at, uint16_t old, uint16_t new)
{
	put16(at, (uint16_t)~sum_fold((uint16_t)~get16(at) + (uint32_t)(uint16_t)~old + new));
}

static enum oracle_reason answer_echo(struct facts *f)
{
	uint8_t *out = f->r->bytes, *ip = out + f->l2_len, *icmp = out + f->l4;
	uint16_t old;

	f->r->len = f->in->len;
	memcpy(out, f->in->bytes, f->r->len);
	swap(out, out + 6, 6);
	if (f->is_v6) {
		swap(ip + 8, ip + 24, 16);
		ip[7] = 64;
	} else {
		swap(ip + 12, ip + 16, 4);
		old = get16(ip + 8);
		ip[8] = 64;
		adjust(ip + 10, old, get16(ip + 8));
	}
	old = get16(icmp);
	icmp[0] = f->is_v6 ? 129 : 0;
	adjust(icmp + 2, old, get16(icmp));
	if (icmp[2] == 0 && icmp[3] == 0)
		icmp[2] = icmp[3] = 255;
	return ORACLE_echo_answered;
}

static bool address_answers(const struct facts *f)
{
	for (uint32_t i = 0; i < f->w->n_addresses; i++)
		if (f->w->addresses[i].tenant == f->tenant_slot &&
		    !memcmp(f->w->addresses[i].ip, f->destination, 16))
			return f->w->addresses[i].answers_echo;
	return false;
}

/* Finds the L4 header inside; ends with GO_ON only if all of the row of section 6 but the VIP holds. */
static enum oracle_reason inner_ip4(struct facts *f, uint32_t at, uint32_t end, uint32_t *l4)
{
	const uint8_t *ip = f->in->bytes + at;

	if (at + 20 > end || at + 20 > f->in->first_len)
		return ORACLE_icmp_other;
	if (ip[0] / 16 != 4 || ip[0] % 16 < 5 || memcmp(ip + 12, f->destination + 12, 4) ||
	    get16(ip + 6) % 8192)
		return ORACLE_icmp_other;
	f->flow_protocol = ip[9];
	*l4 = at + ip[0] % 16 * 4U;
	memcpy(f->flow_source, f->source, 12);
	memcpy(f->flow_source + 12, ip + 16, 4);
	return ORACLE_GO_ON;
}

static enum oracle_reason inner_ip6(struct facts *f, uint32_t at, uint32_t end, uint32_t *l4)
{
	const uint8_t *ip = f->in->bytes + at;
	struct ip6_walk walk;

	if (at + 40 > end || at + 40 > f->in->first_len)
		return ORACLE_icmp_other;
	if (ip[0] / 16 != 6 || memcmp(ip + 8, f->destination, 16))
		return ORACLE_icmp_other;
	enum oracle_reason reason =
		walk_ip6(f->in->bytes, at + 40, end, f->in->first_len, ip[6], &walk);

	if (reason || walk.is_later)
		return ORACLE_icmp_other;
	f->flow_protocol = walk.protocol;
	*l4 = walk.at;
	memcpy(f->flow_source, ip + 24, 16);
	return ORACLE_GO_ON;
}

static enum oracle_reason error(struct facts *f)
{
	uint32_t inside = f->l4 + 8, end = f->l2_len + f->ip_len, l4 = 0;
	enum oracle_reason reason =
		f->is_v6 ? inner_ip6(f, inside, end, &l4) : inner_ip4(f, inside, end, &l4);

	if (reason)
		return reason;
	if (!is_known_l4(f->flow_protocol) || l4 + 8 > end || l4 + 8 > f->in->first_len)
		return ORACLE_icmp_other;
	memcpy(f->flow_destination, f->destination, 16);
	f->dport = get16(f->in->bytes + l4);
	f->sport = get16(f->in->bytes + l4 + 2);
	f->is_error = true;
	if (!find_vip(f))
		return ORACLE_icmp_other;
	reason = pick(f);
	if (!reason)
		reason = encapsulate(f);
	return reason ? reason : ORACLE_icmp_forwarded;
}

enum oracle_reason icmp(struct facts *f)
{
	const uint8_t *icmp = f->in->bytes + f->l4;

	if (f->l4_len < 8)
		return ORACLE_bad_l4_header;
	if (f->l4 + 8 > f->in->first_len)
		return ORACLE_truncated;
	if (icmp[0] == (f->is_v6 ? 128 : 8)) {
		if (icmp[1] == 0 && address_answers(f) && can_be_answered(f) && !f->has_options)
			return answer_echo(f);
		return ORACLE_icmp_other;
	}
	if (f->is_v6 ? icmp[0] >= 1 && icmp[0] <= 4
		     : icmp[0] == 3 || icmp[0] == 11 || icmp[0] == 12)
		return error(f);
	return ORACLE_icmp_other;
}

static void answer_ip4(struct facts *f, uint8_t *ip, uint32_t mtu)
{
	const uint8_t *old = f->in->bytes + f->l2_len;
	uint8_t *icmp = ip + 20;

	memset(ip, 0, 28);
	memcpy(icmp + 8, old, 548);
	ip[0] = 0x45;
	ip[1] = 0xc0;
	put16(ip + 2, 20 + 8 + 548);
	put16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = ICMP;
	memcpy(ip + 12, old + 16, 4);
	memcpy(ip + 16, old + 12, 4);
	put16(ip + 10, (uint16_t)~sum_fold(words_sum(ip, 20, 0)));
	icmp[0] = 3;
	icmp[1] = 4;
	put16(icmp + 6, mtu);
	put16(icmp + 2, (uint16_t)~sum_fold(words_sum(icmp, 8 + 548, 0)));
	f->r->len = f->l2_len + 20 + 8 + 548;
}

static void answer_ip6(struct facts *f, uint8_t *ip, uint32_t mtu)
{
	const uint8_t *old = f->in->bytes + f->l2_len;
	uint8_t *icmp = ip + 40;

	memset(ip, 0, 48);
	memcpy(icmp + 8, old, 1232);
	ip[0] = 0x60;
	put16(ip + 4, 8 + 1232);
	ip[6] = ICMP6;
	ip[7] = 64;
	memcpy(ip + 8, old + 24, 16);
	memcpy(ip + 24, old + 8, 16);
	icmp[0] = 2;
	put32(icmp + 4, mtu < 1280 ? 1280 : mtu);
	uint32_t sum = words_sum(ip + 8, 32, 8 + 1232 + ICMP6);

	put16(icmp + 2, (uint16_t)~sum_fold(words_sum(icmp, 8 + 1232, sum)));
	f->r->len = f->l2_len + 40 + 8 + 1232;
}

enum oracle_reason answer_too_big(struct facts *f, uint32_t mtu)
{
	const uint8_t *ip = f->in->bytes + f->l2_len;
	struct oracle_tenant *t = &f->w->tenants[f->tenant_slot];
	uint8_t *out = f->r->bytes;
	bool is_long = f->is_v6 ? f->ip_len > 1280 : f->ip_len >= 548;

	if (f->is_error || f->is_later || !is_long || !can_be_answered(f) ||
	    (!f->is_v6 && !(ip[6] & 0x40)))
		return ORACLE_too_big;
	if (t->answers_tick != f->in->now) {
		t->answers_tick = f->in->now;
		t->answers_sent = 0;
	}
	if (t->answers_sent >= t->answers)
		return ORACLE_too_big_limited;
	t->answers_sent++;
	if ((f->is_v6 ? 48 : 28) > f->in->headroom)
		return ORACLE_no_headroom;
	memcpy(out, f->in->bytes, f->l2_len);
	swap(out, out + 6, 6);
	if (f->is_v6)
		answer_ip6(f, out + f->l2_len, mtu);
	else
		answer_ip4(f, out + f->l2_len, mtu);
	return ORACLE_too_big_answered;
}
