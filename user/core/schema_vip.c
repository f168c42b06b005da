// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The tables of VIPs and backends. */
#include "core/schema_tables.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum {
	IDLE_TCP_S = 300,
	IDLE_UDP_S = 30,
	VXLAN_PORT = 4789,
};

/* ---- backend ---- */
static const struct choice admin_states[] = {
	{"up", BACKEND_ADMIN_UP},
	{"draining", BACKEND_ADMIN_DRAINING},
	{"disabled", BACKEND_ADMIN_DISABLED},
	{0},
};

static const struct field backend_fields[] = {
	{"name", FIELD_NAME, AT(model_backend, name), .required = true,
	 .text = "unique in its VIP; decides, with the address, which slots are its own"},
	{"address", FIELD_ADDRESS, AT(model_backend, address), .required = true,
	 .text = "where encapsulated packets go; its family need not be the VIP's"},
	{"weight", FIELD_NUMBER, AT(model_backend, weight), .min = 1, .max = 65535, .initial = 100,
	 .text = "share of new flows, in relation to the others of the VIP"},
	{"state", FIELD_CHOICE, AT(model_backend, state), .choices = admin_states,
	 .text = "draining: keeps its flows, gets no new ones; disabled: gets nothing"},
	{0},
};

static void complete_backend(const struct value *map, const void *before, void *object)
{
	struct model_backend *b = object;

	(void)before;
	if (value_get(map, "weight")) {
		b->configured_weight = b->weight;
		b->weight_overridden = false;
	}
	if (value_get(map, "state")) {
		b->configured_state = b->state;
		b->state_overridden = false;
	}
}

static void default_backend(void *object)
{
	struct model_backend *b = object;

	b->configured_weight = b->weight;
	b->configured_state = b->state;
}

const struct schema schema_backend = {
	.what = "a backend",
	.fields = backend_fields,
	.size = sizeof(struct model_backend),
	.has_origin = true,
	.origin = offsetof(struct model_backend, origin),
	.defaults = default_backend,
	.complete = complete_backend,
};

/* ---- VIP ---- */
static const struct choice encap_kinds[] = {
	{"ipip", MTLB_ENCAP_IPIP},
	{"vxlan", MTLB_ENCAP_VXLAN},
	{0},
};

static const struct field encap_fields[] = {
	{"type", FIELD_CHOICE, AT(model_encap, kind), .choices = encap_kinds,
	 .initial = MTLB_ENCAP_IPIP, .text = "ipip: all four combinations of IPv4 and IPv6"},
	{"vni", FIELD_NUMBER, AT(model_encap, vni), .max = (1 << 24) - 1,
	 .text = "VXLAN network identifier"},
	{"port", FIELD_NUMBER, AT(model_encap, udp_port), .min = 1, .max = 65535,
	 .initial = VXLAN_PORT, .text = "VXLAN: UDP port of the backends"},
	{"inner_mac", FIELD_MAC, AT(model_encap, inner_mac),
	 .text = "VXLAN: MAC address of the backends' VXLAN devices; default 02:6d:74:6c:62:01"},
	{0},
};

static void default_encap(void *object)
{
	static const struct mac inner = {{0x02, 'm', 't', 'l', 'b', 0x01}};
	struct model_encap *e = object;

	e->inner_mac = inner;
}

static const char *encap_refuses(const void *object, const char *key)
{
	const struct model_encap *e = object;

	return e->kind != MTLB_ENCAP_VXLAN && strcmp(key, "type") ? "type vxlan" : NULL;
}

/* What an ipip VIP was as vxlan is forgotten, and an unset MAC is the default one. */
static void complete_encap(const struct value *map, const void *before, void *object)
{
	static const struct mac zero;
	struct model_encap *e = object;
	enum mtlb_encap_kind kind = e->kind;

	(void)map;
	(void)before;
	if (kind != MTLB_ENCAP_VXLAN) {
		schema_defaults(&(struct schema){.fields = encap_fields}, e);
		e->kind = kind;
	}
	if (kind != MTLB_ENCAP_VXLAN || !memcmp(&e->inner_mac, &zero, sizeof(zero)))
		default_encap(e);
}

static const struct schema schema_encap = {
	.what = "an encapsulation",
	.fields = encap_fields,
	.size = sizeof(struct model_encap),
	.defaults = default_encap,
	.complete = complete_encap,
	.refuses = encap_refuses,
	.hides_refused = true,
};

static const struct choice protocols[] = {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {0}};
static const struct choice algorithms[] = {{"maglev", MTLB_ALGORITHM_MAGLEV}, {0}};

static void *add_backend(void *owner)
{
	return vip_add_backend(owner);
}

static void clear_backends(void *owner)
{
	struct model_vip *v = owner;

	free(v->backends);
	v->backends = NULL;
	v->n_backends = 0;
}

static const struct list backend_list = {
	.add = add_backend,
	.clear = clear_backends,
	.items = offsetof(struct model_vip, backends),
	.n = offsetof(struct model_vip, n_backends),
};

static const struct field vip_fields[] = {
	{"name", FIELD_NAME, AT(model_vip, name), .required = true, .text = "unique in its tenant"},
	{"address", FIELD_ADDRESS, AT(model_vip, address), .required = true,
	 .may_be_loopback = true, .text = "the address that clients connect to"},
	{"port", FIELD_NUMBER, AT(model_vip, port), .required = true, .min = 1, .max = 65535,
	 .text = "the port that clients connect to"},
	{"protocol", FIELD_CHOICE, AT(model_vip, protocol), .choices = protocols,
	 .initial = IPPROTO_TCP, .text = "the protocol that clients use"},
	{"algorithm", FIELD_CHOICE, AT(model_vip, algorithm), .choices = algorithms,
	 .text = "maglev: by the hash of addresses and ports, weighted"},
	{"ring_size", FIELD_NUMBER, AT(model_vip, ring_size), .min = 1 << MTLB_RING_LOG2_MIN,
	 .max = 1 << MTLB_RING_LOG2_MAX, .power_of_two = true,
	 .text = "slots of the ring; give it ahead where the VIP will grow"},
	{"idle_timeout", FIELD_SECONDS, AT(model_vip, idle_timeout_s), .min = 1, .max = 32768,
	 .initial = IDLE_TCP_S,
	 .text = "a flow without packets for so long is over; default for udp: 30s"},
	{"encapsulation", FIELD_OBJECT, AT(model_vip, encap), .schema = &schema_encap,
	 .text = "how packets reach the backends"},
	{"backends", FIELD_LIST, .schema = &schema_backend, .list = &backend_list,
	 .max = MTLB_VIP_BACKENDS_MAX, .text = "the servers behind the VIP"},
	{0},
};

static uint32_t default_idle_s(uint8_t protocol)
{
	return protocol == IPPROTO_UDP ? IDLE_UDP_S : IDLE_TCP_S;
}

/* The idle timeout's default follows the protocol, unless the operator has chosen one. */
static void complete_vip(const struct value *map, const void *before, void *object)
{
	const struct value *given = value_get(map, "idle_timeout");
	const struct model_vip *old = before;
	struct model_vip *v = object;

	if (given ? given->kind == VALUE_NULL
		  : old->idle_timeout_s == default_idle_s(old->protocol))
		v->idle_timeout_s = default_idle_s(v->protocol);
}

const struct schema schema_vip = {
	.what = "a VIP",
	.fields = vip_fields,
	.size = sizeof(struct model_vip),
	.has_origin = true,
	.origin = offsetof(struct model_vip, origin),
	.complete = complete_vip,
};
