// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* QUIC: configurations of connection ids, and the server ids of a VIP's backends. */
#include <stdio.h>

#include "core/check.h"
#include "core/server_id.h"

enum {
	ID_MAX = 20 /* bytes of a connection id of QUIC version 1: RFC 9000 17.2 */
};

static void check_rotation(const struct model_vip *v, size_t i, bool partial, const char *path,
			   struct report *r)
{
	const struct model_quic *q = &v->quic;
	unsigned int found = q->configs[i].rotation, none = (1u << q->rotation_bits) - 1;

	if (found >= none)
		check_complain(
			r, &v->origin, path,
			"quic.configs: found the rotation %u with %u rotation_bits, allowed: "
			"0 to %u (%u, all ones, means that an id names no server)",
			found, q->rotation_bits, none - 1, none);
	if (partial && !found) /* it may be what a mistake left */
		return;
	for (size_t j = 0; j < i; j++)
		if (q->configs[j].rotation == found) {
			check_complain(r, &v->origin, path,
				       "quic.configs: found the rotation %u again, allowed: each "
				       "once in a VIP",
				       found);
			return;
		}
}

static void check_length(const struct model_vip *v, const struct model_quic_config *c,
			 const char *path, struct report *r)
{
	unsigned int len = 1u + c->server_id_length + c->nonce_length;

	if (len > ID_MAX)
		check_complain(r, &v->origin, path,
			       "quic.configs: found ids of %u bytes with rotation %u (1, server id "
			       "%u, nonce %u), allowed: at most %d",
			       len, c->rotation, c->server_id_length, c->nonce_length, ID_MAX);
}

static void print_lengths(const struct model_quic *q, char *buffer, size_t size)
{
	bool is_told[MTLB_QUIC_SERVER_ID_MAX + 1] = {0};
	size_t n = 0;

	*buffer = '\0';
	for (size_t i = 0; i < q->n_configs && n < size; i++) {
		uint8_t len = q->configs[i].server_id_length;

		if (is_told[len])
			continue;
		is_told[len] = true;
		n += snprintf(buffer + n, size - n, "%s%u", n ? ", " : "", len);
	}
}

static bool has_length(const struct model_quic *q, uint8_t len)
{
	for (size_t i = 0; i < q->n_configs; i++)
		if (q->configs[i].server_id_length == len)
			return true;
	return false;
}

/* In a partly read VIP, what a server id should fit may be missing. */
static bool is_known(const struct model_quic *q, bool partial)
{
	return !partial || (q->n_configs && !has_length(q, 0));
}

static void check_fit(const struct model_vip *v, const struct model_backend *b,
		      const struct model_server_id *id, const char *path, struct report *r)
{
	char text[SERVER_ID_TEXT], lengths[64];

	if (has_length(&v->quic, id->len))
		return;
	server_id_print(id, text);
	print_lengths(&v->quic, lengths, sizeof(lengths));
	if (!v->quic.n_configs)
		check_complain(r, &b->origin, path,
			       "server_id: found %s in a VIP without quic.configs, allowed: only "
			       "with these",
			       text);
	else
		check_complain(r, &b->origin, path,
			       "server_id: found %s of length %u, allowed: the lengths in "
			       "quic.configs of the VIP: %s",
			       text, id->len, lengths);
}

static void check_server_ids(const struct model_tenant *t, const struct model_vip *v,
			     const struct model_backend *b, struct check_set *ids, bool partial,
			     struct report *r)
{
	char path[CHECK_PATH], text[SERVER_ID_TEXT], place[512];

	check_path(path, t, v, b);
	for (size_t i = 0; i < b->n_server_ids; i++) {
		const struct model_server_id *id = &b->server_ids[i];
		const struct model_backend *first = check_seen(ids, id->bytes, id->len, b);

		if (is_known(&v->quic, partial))
			check_fit(v, b, id, path, r);
		if (first)
			check_complain(r, &b->origin, path,
				       "server_id: found %s, which backend \"%s\" of this VIP has "
				       "already (%s), allowed: each once in a VIP",
				       server_id_print(id, text), first->name,
				       check_place(&first->origin, path, place, sizeof(place)));
	}
}

void check_quic(const struct model_tenant *t, const struct model_vip *v, bool partial,
		struct report *r)
{
	struct check_set ids = {0};
	char path[CHECK_PATH];

	check_path(path, t, v, NULL);
	for (size_t i = 0; i < v->quic.n_configs; i++) {
		check_rotation(v, i, partial, path, r);
		check_length(v, &v->quic.configs[i], path, r);
	}
	for (size_t i = 0; i < v->n_backends; i++)
		check_server_ids(t, v, &v->backends[i], &ids, partial, r);
	check_forget(&ids);
}
