// SPDX-License-Identifier: GPL-2.0-only
/* The data plane as it is, built for this machine with the helpers of shim/, and what the harness needs of it. */
#include "mtlb.bpf.c"

#include "native_bpf.h"

void native_bpf_declare(void)
{
	static const uint32_t entries[NATIVE_TABLES] = {256, 512, 512, 512, 512};

#define DECLARE(name, kind, n) native_map_declare(NATIVE_##name, &name, sizeof(*name.value));
	NATIVE_MAPS(DECLARE)
#undef DECLARE
	native_map_declare(NATIVE_address_tables, &address_tables, 0);
	native_map_declare(NATIVE_vip_tables, &vip_tables, 0);
	native_map_declare(NATIVE_vip_tables_large, &vip_tables_large, 0);
	native_map_declare_tables(entries, sizeof(struct mtlb_vip));
	native_map_make();
}

uint32_t native_bpf_segment_mask(void)
{
	return segment_mask;
}

uint32_t native_bpf_table_hash(const uint8_t *address, __be16 port, uint8_t protocol)
{
	const __u64 key[2] = {table_key[0], table_key[1]};
	__u64 words[2];

	__builtin_memcpy(words, address, sizeof(words));
	return mtlb_table_hash(words, port, protocol, key);
}

bool native_bpf_is_tx_ports(const void *map)
{
	return map == &tx_ports;
}

int native_bpf_run(struct xdp_md *ctx, bool is_trace)
{
	return is_trace ? mtlb_trace(ctx) : mtlb(ctx);
}

/* The verifier takes a global function on its own, and its pointers may be NULL: each has to say so. */
bool native_bpf_takes_null(void)
{
	struct xdp_md ctx = {};
	struct pkt p = {};
	struct vip_key key = {};
	struct mtlb_vip v = {};
	struct mtlb_tenant owner = {};
	struct flow_query q = {};
	struct flow_entry e = {};
	struct mtlb_flow_bucket bucket = {};

	return headers_walk(&ctx, NULL) == MTLB_REASON_internal &&
	       icmp_read(&ctx, 0, NULL, 0) == MTLB_REASON_internal &&
	       service_uncommon(&ctx, NULL, false) == MTLB_REASON_internal &&
	       too_big(&ctx, NULL, 0, 0) == MTLB_REASON_internal && vip_place(NULL, 1) == -1 &&
	       vip_place(&key, 15) == -1 /* no table */ && vip_range_first(NULL, 0) == -1 &&
	       quic_read_server(&ctx, 0, 0, 0, NULL) == 0 &&
	       quic(&ctx, NULL, &v) == MTLB_BACKENDS_MAX &&
	       quic(&ctx, &p, NULL) == MTLB_BACKENDS_MAX &&
	       flow_follow(NULL, &q) == MTLB_BACKENDS_MAX &&
	       flow_follow(&bucket, NULL) == MTLB_BACKENDS_MAX && !flow_go_on_by_id(NULL, &q, 0) &&
	       !flow_go_on_by_id(&bucket, NULL, 0) && !flow_remember(NULL, &e) &&
	       !flow_remember(&bucket, NULL) && !fragment_remember(NULL, &owner) &&
	       !fragment_remember(&p, NULL) && fragment_follow(NULL, &owner) == MTLB_BACKENDS_MAX &&
	       fragment_follow(&p, NULL) == MTLB_BACKENDS_MAX &&
	       pick_least_of(NULL) == MTLB_BACKENDS_MAX &&
	       pick_tracked(NULL, &v, &owner) == MTLB_BACKENDS_MAX &&
	       pick_tracked(&p, NULL, &owner) == MTLB_BACKENDS_MAX &&
	       pick_tracked(&p, &v, NULL) == MTLB_BACKENDS_MAX && !pick_note(NULL, &v, &owner, 0) &&
	       !pick_note(&p, NULL, &owner, 0) && !pick_note(&p, &v, NULL, 0) &&
	       pick_special(&ctx, NULL, &v, &owner) == MTLB_BACKENDS_MAX &&
	       pick_special(&ctx, &p, NULL, &owner) == MTLB_BACKENDS_MAX &&
	       pick_special(&ctx, &p, &v, NULL) == MTLB_BACKENDS_MAX;
}
