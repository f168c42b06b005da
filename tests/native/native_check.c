/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtlb_abi.h"
#include "native_check.h"
#include "native_map.h"

enum verdict {
	FORWARD,
	REPLY,
	PASS,
	DROP
};

static const struct {
	const char *name;
	enum verdict verdict;
} reasons[MTLB_REASON_END] = {
#define REASON(name, verdict, text) [MTLB_REASON_##name] = {#name, verdict},
	MTLB_REASONS(REASON)
#undef REASON
};

enum {
	REASONS_AT = 1,
	MAP_MAX = 256
}; /* in struct mtlb_tenant_stats, in words */

static struct sums {
	uint64_t reason[MTLB_REASON_END];
	uint64_t bytes, vip_packets, vip_bytes, backend_packets, backend_bytes;
} before;

static struct { /* of the trace run */
	bool is_valid;
	struct mtlb_trace record;
	int verdict;
	uint32_t len, more;
	uint8_t bytes[NATIVE_PACKET_MAX + NATIVE_HEADROOM_MAX];
} traced;

#define CHECK(claim, ...)                                                                          \
	do {                                                                                       \
		if (!(claim)) {                                                                    \
			fprintf(stderr, "does not hold: %s: ", #claim);                            \
			fprintf(stderr, __VA_ARGS__);                                              \
			fputc('\n', stderr);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static void read_sums(struct sums *s)
{
	*s = (struct sums){.bytes = 0};
	for (uint32_t i = 0; i < native_maps[NATIVE_tenant_stats].full; i++) {
		const uint64_t *words = native_map_at(NATIVE_tenant_stats, i);

		s->bytes += words[0];
		for (int reason = 1; reason < MTLB_REASON_END; reason++)
			s->reason[reason] += words[REASONS_AT + reason - 1];
	}
	for (uint32_t i = 0; i < native_maps[NATIVE_vip_stats].full; i++) {
		const struct mtlb_vip_stats *v = native_map_at(NATIVE_vip_stats, i);

		s->vip_packets += v->packets;
		s->vip_bytes += v->bytes;
	}
	for (uint32_t i = 0; i < native_maps[NATIVE_backend_stats].full; i++) {
		const struct mtlb_backend_stats *b = native_map_at(NATIVE_backend_stats, i);

		s->backend_packets += b->packets;
		s->backend_bytes += b->bytes;
	}
}

void native_check_begin(void)
{
	read_sums(&before);
}

/* Maps that were shrunk may have no place to count in. */
static bool is_counted(void)
{
	return native_maps[NATIVE_tenant_stats].max_entries ==
		       native_maps[NATIVE_tenant_stats].full &&
	       native_maps[NATIVE_vip_stats].max_entries == native_maps[NATIVE_vip_stats].full &&
	       native_maps[NATIVE_backend_stats].max_entries ==
		       native_maps[NATIVE_backend_stats].full;
}

static uint32_t sum16(const uint8_t *at, uint32_t len)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Where what was sent has an IPv4 header of ours, its sum and length are right. */
static void check_outer(const struct native_result *r)
{
	uint32_t l3 = ETH_HLEN;

	while (l3 < 22 && r->data[l3 - 2] == 0x81)
		l3 += 4;
	if (r->data[l3 - 2] != 8 || r->data[l3 - 1] || r->len < l3 + 20)
		return;
	CHECK(((uint32_t)r->data[l3 + 2] << 8 | r->data[l3 + 3]) == r->len - l3 + r->more,
	      "length in the outer header");
	CHECK(sum16(r->data + l3, 20) == 0xffff, "checksum of the outer header");
}

static void check_forward(const struct native_packet *p, const struct native_result *r,
			  const struct sums *now, uint64_t frame_len, bool has_sound_templates)
{
	uint64_t vips = now->vip_packets - before.vip_packets;

	CHECK(now->backend_packets - before.backend_packets == 1, "one backend counts");
	CHECK(now->backend_bytes - before.backend_bytes == frame_len, "a backend's bytes");
	CHECK(vips <= 1 && now->vip_bytes - before.vip_bytes == vips * frame_len,
	      "a VIP counts once"); /* 0: the VIP beyond vip_stats */
	CHECK(r->verdict == (r->is_redirected ? XDP_REDIRECT : XDP_TX), "verdict %d", r->verdict);
	CHECK(r->len >= ETH_HLEN, "%u bytes", r->len);
	if (!has_sound_templates)
		return;

	/* the IP packet as it was, at the end: all that came of it, padding cut off */
	uint32_t l3 = native_packet_l3(p), ip_len = native_packet_ip_len(p, l3);
	uint32_t inner = p->len - l3 < ip_len ? p->len - l3 : ip_len;

	CHECK(inner + r->more == ip_len, "%u + %u bytes of an IP packet of %u", inner, r->more,
	      ip_len);
	CHECK(inner <= r->len && !memcmp(r->data + r->len - inner, p->bytes + l3, inner),
	      "the inner packet");
	if (r->len - inner > 22)
		check_outer(r);
}

static void check_pass(const struct native_packet *p, const struct native_result *r)
{
	CHECK(r->verdict == XDP_PASS, "verdict %d", r->verdict);
	CHECK(r->len == p->len && r->more == p->more && !memcmp(r->data, p->bytes, p->len),
	      "a packet passed is untouched");
}

static void check_reason(enum mtlb_reason reason, const struct native_packet *p,
			 const struct native_result *r, const struct sums *now,
			 bool has_sound_templates)
{
	bool is_forward = reasons[reason].verdict == FORWARD;

	CHECK(is_forward || (now->vip_packets == before.vip_packets &&
			     now->backend_packets == before.backend_packets),
	      "%s is no packet of a backend", reasons[reason].name);
	switch (reasons[reason].verdict) {
	case FORWARD:
		check_forward(p, r, now, p->len + p->more, has_sound_templates);
		break;
	case REPLY:
		CHECK(r->verdict == XDP_TX, "verdict %d", r->verdict);
		CHECK(!memcmp(r->data, p->bytes + 6, 6) && !memcmp(r->data + 6, p->bytes, 6),
		      "MAC addresses exchanged");
		if (reason == MTLB_REASON_too_big_answered)
			check_outer(r);
		break;
	case PASS:
		check_pass(p, r);
		break;
	case DROP:
		CHECK(r->verdict == XDP_DROP, "verdict %d", r->verdict);
		break;
	}
}

static void check_traced(enum mtlb_reason reason, const struct native_result *r)
{
	CHECK(traced.record.reason == reason, "trace says %s, the packet ends with %s",
	      traced.record.reason < MTLB_REASON_END ? reasons[traced.record.reason].name : "?",
	      reasons[reason].name);
	CHECK(traced.verdict == r->verdict, "trace: verdict %d, the packet: %d", traced.verdict,
	      r->verdict);
	CHECK(traced.len == r->len && traced.more == r->more &&
		      !memcmp(traced.bytes, r->data, r->len),
	      "a traced packet is sent as the packet is");
}

void native_check_end(const struct native_packet *p, const struct native_result *r,
		      bool has_sound_templates)
{
	enum mtlb_reason reason = 0;
	struct sums now;
	bool was_traced = traced.is_valid;

	traced.is_valid = false;
	if (!is_counted()) {
		CHECK(r->verdict >= XDP_DROP && r->verdict <= XDP_REDIRECT, "verdict %d",
		      r->verdict);
		return;
	}
	read_sums(&now);
	for (int i = 1; i < MTLB_REASON_END; i++) {
		uint64_t n = now.reason[i] - before.reason[i];

		CHECK(n == 0 || (n == 1 && !reason), "one reason: %s, and %s", reasons[i].name,
		      reason ? reasons[reason].name : "itself");
		if (n)
			reason = i;
	}
	CHECK(reason, "a packet ends with a reason");
	CHECK(now.bytes - before.bytes == p->len + p->more, "bytes: %llu of %u",
	      (unsigned long long)(now.bytes - before.bytes), p->len + p->more);
	check_reason(reason, p, r, &now, has_sound_templates);
	if (was_traced)
		check_traced(reason, r);
}

void native_check_trace(const struct native_packet *p, uint64_t now_ns)
{
	uint64_t sum = native_map_sum_state();
	struct native_result r;

	native_packet_run(p, now_ns, true, &r);
	CHECK(native_map_sum_state() == sum, "a trace changes nothing");
	traced.is_valid = native_maps[NATIVE_trace].max_entries != 0;
	memcpy(&traced.record, native_map_at(NATIVE_trace, 0), sizeof(traced.record));
	traced.verdict = r.verdict;
	traced.len = r.len;
	traced.more = r.more;
	memcpy(traced.bytes, r.data, r.len);
}
