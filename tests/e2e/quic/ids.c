// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "ids.h"

static bool parse_hex(const char *text, uint8_t *bytes, size_t max, size_t *len)
{
	size_t n = strlen(text);

	if (!n || n % 2 || n / 2 > max)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isxdigit((unsigned char)text[i]))
			return false;
	for (size_t i = 0; i < n / 2; i++)
		sscanf(text + 2 * i, "%2hhx", &bytes[i]);
	*len = n / 2;
	return true;
}

bool id_layout_parse(const char *text, struct id_layout *out)
{
	struct id_layout l = {0};
	unsigned rotation, bits, nonce;
	char hex[2 * SERVER_ID_MAX + 1];
	int end = 0;

	if (sscanf(text, "%u/%u/%30[0-9a-fA-F]/%u%n", &rotation, &bits, hex, &nonce, &end) != 4)
		return false;
	l.encodes_length = !strcmp(text + end, "/len");
	if (text[end] && !l.encodes_length)
		return false;
	if (!parse_hex(hex, l.server_id, sizeof(l.server_id), &l.server_id_len))
		return false;
	/* all ones mean: no configuration */
	if (bits < 1 || bits > 3 || rotation >= (1U << bits) - 1)
		return false;
	if (nonce < NONCE_MIN || 1 + l.server_id_len + nonce > NGTCP2_MAX_CIDLEN)
		return false;
	l.rotation = (uint8_t)rotation;
	l.rotation_bits = (uint8_t)bits;
	l.nonce_len = nonce;
	*out = l;
	return true;
}

size_t id_layout_len(const struct id_layout *layout)
{
	return 1 + layout->server_id_len + layout->nonce_len;
}

static uint8_t first_octet(const struct id_layout *layout, uint8_t random)
{
	unsigned shift = 8U - layout->rotation_bits, mask = (1U << shift) - 1;
	unsigned rest = layout->encodes_length ? (unsigned)id_layout_len(layout) - 1 : random;

	return (uint8_t)((unsigned)layout->rotation << shift | (rest & mask));
}

bool id_make(const struct id_layout *layout, ngtcp2_cid *out)
{
	ngtcp2_cid id = {.datalen = id_layout_len(layout)};

	if (gnutls_rnd(GNUTLS_RND_RANDOM, id.data, id.datalen))
		return false;
	id.data[0] = first_octet(layout, id.data[0]);
	memcpy(id.data + 1, layout->server_id, layout->server_id_len);
	*out = id;
	return true;
}
