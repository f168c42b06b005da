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
	FOU_PORT = 5555,
	GUE_PORT = 6080,
	GENEVE_PORT = 6081,
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
	{"server_id", FIELD_SERVER_IDS, .max = MTLB_QUIC_CONFIGS,
	 .text = "QUIC: what stands for this backend in connection ids, of each length in "
		 "quic.configs at most one"},
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

/* ---- encapsulation ---- */
static const struct choice encap_kinds[] = {
	{"ipip", MTLB_ENCAP_IPIP},   {"gue", MTLB_ENCAP_GUE},
	{"fou", MTLB_ENCAP_FOU},     {"gre", MTLB_ENCAP_GRE},
	{"vxlan", MTLB_ENCAP_VXLAN}, {"geneve", MTLB_ENCAP_GENEVE},
	{"l2", MTLB_ENCAP_L2},       {0},
};

static const struct field encap_fields[] = {
	{"type", FIELD_CHOICE, AT(model_encap, kind), .choices = encap_kinds,
	 .initial = MTLB_ENCAP_IPIP,
	 .text = "what is put before packets; all mix IPv4 and IPv6; l2: nothing, the backends "
		 "are on the link and have the VIP"},
	{"vni", FIELD_NUMBER, AT(model_encap, vni), .max = (1 << 24) - 1,
	 .text = "vxlan, geneve: network identifier"},
	{"port", FIELD_NUMBER, AT(model_encap, udp_port), .min = 1, .max = 65535,
	 .initial = VXLAN_PORT,
	 .text = "UDP port of the backends; default for geneve: 6081, gue: 6080, fou: 5555"},
	{"inner_mac", FIELD_MAC, AT(model_encap, inner_mac),
	 .text = "vxlan, geneve: MAC address of the backends' devices; default "
		 "02:6d:74:6c:62:01"},
	{"variant", FIELD_NUMBER, AT(model_encap, variant), .max = 1, .initial = 1,
	 .text = "gue: 1: nothing between UDP and the packet; 0: a header of 4 bytes"},
	{"key", FIELD_NUMBER, AT(model_encap, key), SET(model_encap, key_set), .unset = "none",
	 .max = UINT32_MAX, .text = "gre: key of the tunnel"},
	{"tenant_id", FIELD_NUMBER, AT(model_encap, tenant_id), SET(model_encap, tenant_id_set),
	 .unset = "none", .max = UINT32_MAX, .text = "geneve: an option carries it"},
	{"dscp", FIELD_NUMBER, AT(model_encap, dscp), SET(model_encap, dscp_set), .unset = "inner",
	 .max = 63, .text = "of the outer header; inner: that of the packet inside"},
	{"mtu", FIELD_NUMBER, AT(model_encap, mtu), .min = 1280, .max = 65535,
	 .zero = "that of the interface",
	 .text = "of the path to the backends, where it is less than the interface's"},
	{0},
};

#define KIND(name) (1u << MTLB_ENCAP_##name)

/* Which types have a field, where not all of them do. */
static const struct {
	const char *key;
	unsigned int kinds;
	const char *types;
} encap_having[] = {
	{"vni", KIND(VXLAN) | KIND(GENEVE), "type vxlan or geneve"},
	{"port", KIND(GUE) | KIND(FOU) | KIND(VXLAN) | KIND(GENEVE),
	 "type gue, fou, vxlan or geneve"},
	{"inner_mac", KIND(VXLAN) | KIND(GENEVE), "type vxlan or geneve"},
	{"variant", KIND(GUE), "type gue"},
	{"key", KIND(GRE), "type gre"},
	{"tenant_id", KIND(GENEVE), "type geneve"},
	{"dscp", ~KIND(L2), "type ipip, gue, fou, gre, vxlan or geneve"},
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

	for (size_t i = 0; i < sizeof(encap_having) / sizeof(encap_having[0]); i++)
		if (!strcmp(key, encap_having[i].key))
			return encap_having[i].kinds & 1u << e->kind ? NULL : encap_having[i].types;
	return NULL;
}

static uint16_t default_port(enum mtlb_encap_kind kind)
{
	switch (kind) {
	case MTLB_ENCAP_GENEVE:
		return GENEVE_PORT;
	case MTLB_ENCAP_GUE:
		return GUE_PORT;
	case MTLB_ENCAP_FOU:
		return FOU_PORT;
	default:
		return VXLAN_PORT;
	}
}

/*
 * What the type lacks is forgotten, an unset MAC is the default one, and the port's default follows
 * the type, unless the operator has chosen one.
 */
static void complete_encap(const struct value *map, const void *before, void *object)
{
	static const struct mac zero;
	const struct value *port = value_get(map, "port");
	const struct model_encap *old = before;
	struct model_encap *e = object;

	for (const struct field *f = encap_fields; f->name; f++)
		if (encap_refuses(e, f->name))
			field_set_default(f, e);
	if (!memcmp(&e->inner_mac, &zero, sizeof(zero)))
		default_encap(e);
	if (port ? port->kind == VALUE_NULL : old->udp_port == default_port(old->kind))
		e->udp_port = default_port(e->kind);
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

/* ---- QUIC ---- */
static const struct field quic_config_fields[] = {
	{"rotation", FIELD_NUMBER, AT(model_quic_config, rotation), .required = true, .max = 6,
	 .text = "the first rotation_bits bits of connection ids that are made this way; all ones "
		 "mean none"},
	{"server_id_length", FIELD_NUMBER, AT(model_quic_config, server_id_length),
	 .required = true, .min = 1, .max = MTLB_QUIC_SERVER_ID_MAX,
	 .text = "bytes of the server id, which follow the first byte"},
	{"nonce_length", FIELD_NUMBER, AT(model_quic_config, nonce_length), .required = true,
	 .min = 4, .max = 18, .text = "bytes behind the server id"},
	{0},
};

static const struct schema schema_quic_config = {
	.what = "a QUIC configuration",
	.fields = quic_config_fields,
	.size = sizeof(struct model_quic_config),
};

static void *add_quic_config(void *owner)
{
	return quic_add_config(owner);
}

static void clear_quic_configs(void *owner)
{
	struct model_quic *q = owner;

	free(q->configs);
	q->configs = NULL;
	q->n_configs = 0;
}

static const struct list quic_config_list = {
	.add = add_quic_config,
	.clear = clear_quic_configs,
	.items = offsetof(struct model_quic, configs),
	.n = offsetof(struct model_quic, n_configs),
};

static const struct field quic_fields[] = {
	{"rotation_bits", FIELD_NUMBER, AT(model_quic, rotation_bits), .min = 1, .max = 3,
	 .initial = 3, .text = "bits of a connection id that say how it was made"},
	{"configs", FIELD_LIST, .schema = &schema_quic_config, .list = &quic_config_list,
	 .max = MTLB_QUIC_CONFIGS - 1,
	 .text = "how connection ids are made; none: they are not looked at"},
	{0},
};

static const struct schema schema_quic = {
	.what = "a VIP's quic",
	.fields = quic_fields,
	.size = sizeof(struct model_quic),
};

/* ---- VIP ---- */
static const struct choice protocols[] = {
	{"tcp", IPPROTO_TCP},
	{"udp", IPPROTO_UDP},
	{"sctp", IPPROTO_SCTP},
	{0},
};

static const struct choice algorithms[] = {
	{"maglev", MTLB_ALGORITHM_MAGLEV},
	{"source", MTLB_ALGORITHM_SOURCE},
	{"round-robin", MTLB_ALGORITHM_ROUND_ROBIN},
	{"least-connections", MTLB_ALGORITHM_LEAST_CONNECTIONS},
	{0},
};

/* FIELD_PORTS writes both. */
_Static_assert(offsetof(struct model_vip, last_port) == offsetof(struct model_vip, port) + 2,
	       "vip_fields");

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
	{"port", FIELD_PORTS, .offset = offsetof(struct model_vip, port),
	 .size = 2 * sizeof(uint16_t), .required = true,
	 .text = "the ports that clients connect to; a VIP of one port goes before ranges"},
	{"protocol", FIELD_CHOICE, AT(model_vip, protocol), .choices = protocols,
	 .initial = IPPROTO_TCP, .text = "the protocol that clients use"},
	{"algorithm", FIELD_CHOICE, AT(model_vip, algorithm), .choices = algorithms,
	 .text = "which backend gets a new flow, all by weight; maglev: by the hash of addresses "
		 "and ports; source: by that of the client's address; least-connections: the one "
		 "with the fewest live flows"},
	{"source_prefix", FIELD_NUMBER, AT(model_vip, source_prefix), .min = 1, .max = 128,
	 .zero = "the whole address",
	 .text = "algorithm source: leading bits of the client's address that count; IPv4: at "
		 "most 32"},
	{"echo", FIELD_BOOL, AT(model_vip, echo), .initial = true,
	 .text = "echo requests (ping) to the address are answered; true if any of its VIPs says "
		 "so"},
	{"quic", FIELD_OBJECT, AT(model_vip, quic), .schema = &schema_quic,
	 .text = "udp: connection ids name the backend, so that flows survive a new address of "
		 "the client"},
	{"ring_size", FIELD_NUMBER, AT(model_vip, ring_size), .min = 1 << MTLB_RING_LOG2_MIN,
	 .max = 1 << MTLB_RING_LOG2_MAX, .power_of_two = true, .zero = "by the number of backends",
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

static const char *vip_refuses(const void *object, const char *key)
{
	const struct model_vip *v = object;

	if (!strcmp(key, "source_prefix") && v->algorithm != MTLB_ALGORITHM_SOURCE)
		return "algorithm source";
	if (!strcmp(key, "quic") && v->protocol != IPPROTO_UDP)
		return "protocol udp";
	return NULL;
}

/*
 * What the algorithm or the protocol lacks is forgotten, and the idle timeout's default follows the
 * protocol, unless the operator has chosen one.
 */
static void complete_vip(const struct value *map, const void *before, void *object)
{
	const struct value *given = value_get(map, "idle_timeout");
	const struct model_vip *old = before;
	struct model_vip *v = object;

	for (const struct field *f = vip_fields; f->name; f++)
		if (vip_refuses(v, f->name))
			field_set_default(f, v);
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
	.refuses = vip_refuses,
	.hides_refused = true,
};
