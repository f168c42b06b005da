/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QUIC: the server id inside a connection id names the backend (draft-ietf-quic-load-balancers,
 * plaintext algorithm), so that a client that changes its address stays where it is.
 */
#pragma once

#include "headers.h"
#include "maps.h"
#include "pkt.h"
#include "vip.h"

#define QUIC_LONG 0x80               /* RFC 8999 5.1: version, length, id follow; else the id */
#define QUIC_LONG_ID 6
#define QUIC_LONG_LEN 5
#define QUIC_SHORT_ID 1

struct quic_id {
	__u32 at;                    /* offset of its first octet in the frame */
	__u32 len;                   /* of a long header; 0: as the configuration says */
};

static __always_inline bool quic_find_id(struct xdp_md *ctx, const struct pkt *p,
					 struct quic_id *id)
{
	__u32 at = p->l4 + sizeof(struct udphdr);
	const __u8 *first = headers_bytes(ctx, at, 1);
	const __u8 *header;

	if (!first)
		return false;
	if (!(*first & QUIC_LONG)) {
		*id = (struct quic_id){.at = at + QUIC_SHORT_ID};
		return true;
	}
	header = headers_bytes(ctx, at, QUIC_LONG_ID);
	if (!header)
		return false;
	*id = (struct quic_id){.at = at + QUIC_LONG_ID, .len = header[QUIC_LONG_LEN]};
	return id->len;
}

/*
 * Where the datagram's payload ends: by UDP's length, and no fragment reaches further than its IP
 * packet.
 */
static __always_inline __u32 quic_end(struct xdp_md *ctx, const struct pkt *p)
{
	const struct udphdr *udp = (const void *)headers_bytes(ctx, p->l4, sizeof(*udp));
	__u32 end = p->l2_len + p->ip_len, udp_end = udp ? p->l4 + bpf_ntohs(udp->len) : 0;

	return udp_end < end ? udp_end : end;
}

/*
 * The key of the server's entry; 0: the id is not there in full. Global: the verifier walks its
 * loop once.
 */
__noinline int quic_read_server(struct xdp_md *ctx, __u32 at, __u32 len, __u32 vip_id,
				struct vip_key *key)
{
	union {
		__u8 bytes[16];
		__u64 words[2];
	} id = {};

	if (!key)
		return 0;
	for (__u32 i = 0; i < MTLB_QUIC_SERVER_ID_MAX; i++) {
		const __u8 *byte;

		if (i >= len)
			break;
		byte = headers_bytes(ctx, at + i, 1);
		if (!byte)
			return 0;
		id.bytes[i] = *byte;
	}
	id.bytes[15] = (__u8)len;
	key->address[0] = id.words[0];
	key->address[1] = id.words[1];
	key->port = (__be16)vip_id;
	key->protocol = (__u8)(vip_id >> 16);
	key->kind = MTLB_ENTRY_SERVER;
	return 1;
}

/* The backend that the connection id names; MTLB_BACKENDS_MAX: none. */
__noinline __u32 quic(struct xdp_md *ctx, const struct pkt *p, const struct mtlb_vip *v)
{
	const struct mtlb_quic_config *config;
	const struct mtlb_server *server;
	const struct mtlb_backend *b;
	struct vip_key key = {};
	struct quic_id id;
	const __u8 *octet;
	__u32 backend;
	long place;

	if (!p || !v || !quic_find_id(ctx, p, &id))
		return MTLB_BACKENDS_MAX;
	octet = headers_bytes(ctx, id.at, 1);
	if (!octet)
		return MTLB_BACKENDS_MAX;
	config = &v->quic[(*octet >> (v->quic_shift & 7)) & (MTLB_QUIC_CONFIGS - 1)];
	if (!config->server_id_len || (id.len && id.len != config->id_len) ||
	    id.at + config->id_len > quic_end(ctx, p) ||
	    !headers_bytes(ctx, id.at, config->id_len) ||
	    !quic_read_server(ctx, id.at + 1, config->server_id_len, v->id, &key))
		return MTLB_BACKENDS_MAX;
	place = vip_place(&key, p->tenant);
	server = place < 0 ? NULL : (const void *)vip_entry(p->tenant, (__u32)place, &key);
	if (!server)
		return MTLB_BACKENDS_MAX;
	backend = server->backend;
	b = bpf_map_lookup_elem(&backends, &backend);
	if (!b || !mtlb_backend_is_alive(mtlb_backend_word_state(b->word)))
		return MTLB_BACKENDS_MAX;
	return backend;
}
