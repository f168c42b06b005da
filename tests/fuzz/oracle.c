/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sections 1 to 4 of docs/packets.md: from the frame to the VIP. */
#include <string.h>

#include "fuzz/oracle_parts.h"

uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] * 256 + at[1]);
}

uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) * 65536 + get16(at + 2);
}

void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value / 256);
	at[1] = (uint8_t)value;
}

void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

uint32_t words_sum(const uint8_t *bytes, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 ? bytes[i] : bytes[i] * 256U;
	return sum;
}

uint16_t sum_fold(uint32_t sum)
{
	while (sum > 0xffff)
		sum = sum / 65536 + sum % 65536;
	return (uint16_t)sum;
}

const char *oracle_reason_name(enum oracle_reason reason)
{
	static const char *const names[] = {"none",
#define NAME(name) #name,
					    ORACLE_REASONS(NAME)
#undef NAME
	};

	return names[reason];
}

bool is_ip6_header(uint8_t protocol)
{
	return protocol == 0 || protocol == 43 || protocol == 44 || protocol == 51 ||
	       protocol == 60;
}

bool is_known_l4(uint8_t protocol)
{
	return protocol == TCP || protocol == UDP || protocol == SCTP;
}

/* Section 2: the segment, and where IP begins. Sets what the addresses of the IP packet are. */
static enum oracle_reason frame(struct facts *f)
{
	const uint8_t *b = f->in->bytes;
	uint32_t tags = 0, at = 12;
	uint16_t ids[2] = {0, 0};

	if (f->in->len < 14)
		return ORACLE_not_ip;
	while (tags < 2 && (get16(b + at) == 0x8100 || get16(b + at) == 0x88a8)) {
		if (f->in->len < at + 6)
			return ORACLE_not_ip;
		ids[tags++] = get16(b + at + 2) % 4096;
		at += 4;
	}
	if (ids[0] == 0) {
		ids[0] = ids[1];
		ids[1] = 0;
	}
	f->l2_len = at + 2;
	uint16_t type = get16(b + at), room = type == 0x0800 ? 20 : 40;

	if (type != 0x0800 && type != 0x86dd)
		return ORACLE_not_ip;
	if (f->in->len < f->l2_len + room || b[f->l2_len] / 16 != (type == 0x0800 ? 4 : 6))
		return ORACLE_not_ip;
	f->is_v6 = type == 0x86dd;
	for (uint32_t i = 0; i < f->w->n_segments; i++) {
		const struct oracle_segment *s = &f->w->segments[i];

		if (s->ifindex == f->in->ifindex && s->vlan == ids[0] && s->inner_vlan == ids[1])
			f->segment = s;
	}
	return ORACLE_GO_ON;
}

static void address(uint8_t *out, const uint8_t *at, bool is_v6)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (is_v6) {
		memcpy(out, at, 16);
		return;
	}
	memcpy(out, mapped, 12);
	memcpy(out + 12, at, 4);
}

static const struct oracle_address *find_address(const struct facts *f)
{
	for (uint32_t i = 0; i < f->w->n_addresses; i++) {
		const struct oracle_address *a = &f->w->addresses[i];

		if (memcmp(a->ip, f->destination, 16))
			continue;
		if (f->segment->tenant ? a->tenant == f->segment->tenant : a->is_shared)
			return a;
	}
	return NULL;
}

static enum oracle_reason segment(struct facts *f)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *ip = f->in->bytes + f->l2_len;

	address(f->source, ip + (f->is_v6 ? 8 : 12), f->is_v6);
	address(f->destination, ip + (f->is_v6 ? 24 : 16), f->is_v6);
	if (f->is_v6 && !memcmp(f->destination, mapped, 12))
		return ORACLE_not_vip;
	if (!f->segment)
		return ORACLE_no_segment;
	f->tenant_slot = f->segment->tenant;
	const struct oracle_address *a = find_address(f);

	if (!a)
		return ORACLE_not_vip;
	f->tenant_slot = a->tenant;
	f->tenant = &f->w->tenants[a->tenant];
	return ORACLE_GO_ON;
}

static enum oracle_reason ip4(struct facts *f)
{
	const uint8_t *ip = f->in->bytes + f->l2_len;
	uint32_t header = ip[0] % 16 * 4U, total = get16(ip + 2), fragment = get16(ip + 6);

	if (header < 20 || total < header)
		return ORACLE_bad_ip_header;
	if (f->l2_len + total > f->in->len)
		return ORACLE_truncated;
	f->ip_len = total;
	f->has_options = header > 20;
	f->protocol = ip[9];
	f->l4 = f->l2_len + header;
	f->fragment_offset = fragment % 8192;
	f->is_later = f->fragment_offset != 0;
	f->is_fragment = f->is_later || fragment & 0x2000;
	f->fragment_id = (uint32_t)ip[5] * 256 + ip[4];
	return ORACLE_GO_ON;
}

enum oracle_reason walk_ip6(const uint8_t *bytes, uint32_t at, uint32_t end, uint32_t first_len,
			    uint8_t next, struct ip6_walk *walk)
{
	memset(walk, 0, sizeof(*walk));
	for (; is_ip6_header(next); walk->n++) {
		if (walk->n == 6)
			return ORACLE_too_many_headers;
		if (at + 8 > end)
			return ORACLE_bad_ip_header;
		if (at + 8 > first_len)
			return ORACLE_truncated;
		uint32_t len = next == 44   ? 8
			       : next == 51 ? (bytes[at + 1] + 2U) * 4
					    : (bytes[at + 1] + 1U) * 8;
		uint16_t fragment = get16(bytes + at + 2);

		if (at + len > end)
			return ORACLE_bad_ip_header;
		if (at + len > first_len)
			return ORACLE_truncated;
		if (next == 44 && (fragment / 8 || fragment & 1)) {
			walk->is_fragment = true;
			walk->fragment_offset = fragment / 8;
			memcpy(&walk->fragment_id, bytes + at + 4, 4);
		}
		next = bytes[at];
		at += len;
		if (walk->fragment_offset) {
			walk->is_later = true;
			walk->n++;
			break;
		}
	}
	walk->protocol = next;
	walk->at = at;
	return ORACLE_GO_ON;
}

static enum oracle_reason ip6(struct facts *f)
{
	const uint8_t *ip = f->in->bytes + f->l2_len;
	struct ip6_walk walk;

	f->ip_len = 40 + get16(ip + 4);
	if (f->l2_len + f->ip_len > f->in->len)
		return ORACLE_truncated;
	enum oracle_reason reason = walk_ip6(f->in->bytes, f->l2_len + 40, f->l2_len + f->ip_len,
					     f->in->first_len, ip[6], &walk);

	if (reason)
		return reason;
	f->protocol = walk.protocol;
	f->l4 = walk.at;
	f->has_options = walk.n > 0;
	f->is_fragment = walk.is_fragment;
	f->is_later = walk.is_later;
	f->fragment_offset = walk.fragment_offset;
	f->fragment_id = walk.fragment_id;
	return ORACLE_GO_ON;
}

/* Sets ports and what kind of packet of a flow it is. */
static enum oracle_reason l4(struct facts *f)
{
	const uint8_t *l4 = f->in->bytes + f->l4;
	enum oracle_reason too_short = f->is_fragment ? ORACLE_fragment : ORACLE_bad_l4_header;
	uint32_t least = f->protocol == TCP ? 20 : f->protocol == UDP ? 8 : 16;

	if (f->l4_len < least)
		return too_short;
	if (f->l4 + least > f->in->first_len)
		return ORACLE_truncated;
	f->flow_protocol = f->protocol;
	f->sport = get16(l4);
	f->dport = get16(l4 + 2);
	if (f->protocol == UDP) {
		f->is_first = true;
		if (get16(l4 + 4) < 8)
			return ORACLE_bad_l4_header;
		return !f->is_fragment && get16(l4 + 4) > f->l4_len ? ORACLE_bad_l4_header
								    : ORACLE_GO_ON;
	}
	if (f->protocol == SCTP) {
		f->is_syn = f->is_first = l4[12] == 1;
		f->is_closing = l4[12] == 6 || l4[12] == 14;
		return ORACLE_GO_ON;
	}
	uint32_t header = l4[12] / 16 * 4U;

	if (header < 20)
		return ORACLE_bad_l4_header;
	if (header > f->l4_len)
		return too_short;
	if (f->l4 + header > f->in->first_len)
		return ORACLE_truncated;
	f->is_syn = f->is_first = l4[13] & 0x02 && !(l4[13] & 0x10);
	f->is_closing = l4[13] & 0x05;
	return ORACLE_GO_ON;
}

bool find_vip(struct facts *f)
{
	struct oracle_vip *range = NULL;

	for (uint32_t i = 0; i < f->w->n_vips; i++) {
		struct oracle_vip *v = &f->w->vips[i];

		if (v->tenant != f->tenant_slot || memcmp(v->ip, f->flow_destination, 16) ||
		    v->protocol != f->flow_protocol || f->dport < v->first || f->dport > v->last)
			continue;
		if (v->is_range) {
			range = v;
			continue;
		}
		f->vip = v;
		return true;
	}
	f->vip = range;
	return range;
}

static enum oracle_reason flow(struct facts *f)
{
	enum oracle_reason reason = l4(f);

	if (reason)
		return reason;
	memcpy(f->flow_source, f->source, 16);
	memcpy(f->flow_destination, f->destination, 16);
	if (!find_vip(f))
		return f->tenant->drops_other_ports ? ORACLE_port_closed : ORACLE_not_vip_port;
	reason = pick(f);
	if (reason)
		return reason;
	if (f->is_fragment)
		remember_fragment(f);
	reason = encapsulate(f);
	return reason ? reason : ORACLE_forwarded;
}

static enum oracle_reason decide(struct facts *f)
{
	enum oracle_reason reason = frame(f);

	if (!reason)
		reason = segment(f);
	if (!reason)
		reason = f->is_v6 ? ip6(f) : ip4(f);
	if (reason)
		return reason;
	f->l4_len = f->l2_len + f->ip_len - f->l4;
	if (f->protocol == (f->is_v6 ? ICMP6 : ICMP))
		return f->is_fragment ? ORACLE_fragment : icmp(f);
	if (f->is_later)
		return later_fragment(f);
	return is_known_l4(f->protocol) ? flow(f) : ORACLE_other_protocol;
}

static enum oracle_verdict verdict(const struct facts *f, enum oracle_reason reason)
{
	if (reason == ORACLE_forwarded || reason == ORACLE_icmp_forwarded)
		return f->r->ifindex == f->in->ifindex ? ORACLE_BACK : ORACLE_AWAY;
	if (reason == ORACLE_echo_answered || reason == ORACLE_too_big_answered)
		return ORACLE_BACK;
	return reason >= ORACLE_not_ip && reason <= ORACLE_icmp_other ? ORACLE_PASS : ORACLE_DROP;
}

void oracle_packet(struct oracle_world *w, const struct oracle_input *in, struct oracle_result *r)
{
	struct facts f = {.w = w, .in = in, .r = r};

	memset(r, 0, offsetof(struct oracle_result, bytes));
	r->reason = decide(&f);
	r->verdict = verdict(&f, r->reason);
	r->tenant = f.tenant_slot;
	if (r->verdict == ORACLE_PASS) {
		r->len = in->len;
		memcpy(r->bytes, in->bytes, in->len);
	}
	r->is_counted = r->reason == ORACLE_forwarded || r->reason == ORACLE_icmp_forwarded;
	r->backend = f.backend;
	r->vip = f.vip ? (uint32_t)(f.vip - w->vips) : w->backends[f.backend].vip;
	r->is_syn = f.is_syn;
}
