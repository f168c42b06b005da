/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Connection ids that a load balancer can read: draft-ietf-quic-load-balancers, without a key. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ngtcp2/ngtcp2.h>

enum {
	SERVER_ID_MAX = 15,
	NONCE_MIN = 4
};

struct id_layout {
	uint8_t rotation, rotation_bits;
	bool encodes_length; /* the rest of the first octet: the id's length less 1; else random */
	uint8_t server_id[SERVER_ID_MAX];
	size_t server_id_len, nonce_len;
};

/* Reads ROTATION/BITS/SERVER-ID-HEX/NONCE-LENGTH[/len]. False: text is none, and out unchanged. */
bool id_layout_parse(const char *text, struct id_layout *out);

size_t id_layout_len(const struct id_layout *layout);

/* A new id: first octet, server id, random nonce. False: no randomness to be had. */
bool id_make(const struct id_layout *layout, ngtcp2_cid *out);
