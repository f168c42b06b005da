// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The tables: every key of the configuration, once; those of VIPs and backends are in schema_vip.c. */
#include "core/schema_tables.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- tenant ---- */
static const struct field tenant_limit_fields[] = {
	{"vips", FIELD_NUMBER, AT(model_limits, vips), .max = 1 << 20, .initial = 64,
	 .text = "VIPs"},
	{"backends", FIELD_NUMBER, AT(model_limits, backends), .max = MTLB_BACKENDS_MAX,
	 .initial = 1024, .text = "backends of all VIPs together"},
	{"flows", FIELD_NUMBER, AT(model_limits, flows), .min = 256, .max = 1 << 30,
	 .initial = 16 << 10, .power_of_two = true,
	 .text = "entries of the node's flow table that are this tenant's own"},
	{"icmp_per_second", FIELD_NUMBER, AT(model_limits, icmp_per_second), .max = 65535,
	 .initial = 1000, .text = "\"too big\" errors that its packets may cause"},
	{0},
};

static const struct schema schema_tenant_limits = {
	.what = "a tenant's limits",
	.fields = tenant_limit_fields,
	.size = sizeof(struct model_limits),
};

static void *add_vip(void *owner)
{
	return tenant_add_vip(owner);
}

static void clear_vips(void *owner)
{
	struct model_tenant *t = owner;

	for (size_t i = 0; i < t->n_vips; i++)
		vip_clear(&t->vips[i]);
	free(t->vips);
	t->vips = NULL;
	t->n_vips = 0;
}

static const struct list vip_list = {
	.add = add_vip,
	.clear = clear_vips,
	.items = offsetof(struct model_tenant, vips),
	.n = offsetof(struct model_tenant, n_vips),
};

static const struct choice other_ports[] = {{"pass", false}, {"drop", true}, {0}};

static const struct field tenant_fields[] = {
	{"name", FIELD_NAME, AT(model_tenant, name), .required = true,
	 .text = "unique on this node"},
	{"shared", FIELD_BOOL, AT(model_tenant, shared), SET(model_tenant, shared_set),
	 .text = "reachable through shared segments; default: true if it owns no segment"},
	{"prefixes", FIELD_PREFIXES, .max = 1024, .text = "its VIPs lie in these; none: anywhere"},
	{"other_ports", FIELD_CHOICE, AT(model_tenant, drop_other_ports), .choices = other_ports,
	 .text = "packets for its addresses at ports of no VIP: pass: to the kernel; drop"},
	{"limits", FIELD_OBJECT, AT(model_tenant, limits), .schema = &schema_tenant_limits,
	 .text = "what the tenant may use of this node"},
	{"vips", FIELD_LIST, .schema = &schema_vip, .list = &vip_list, .max = 1 << 20,
	 .text = "its services"},
	{0},
};

const struct schema schema_tenant = {
	.what = "a tenant",
	.fields = tenant_fields,
	.size = sizeof(struct model_tenant),
	.has_origin = true,
	.origin = offsetof(struct model_tenant, origin),
};

/* ---- segment ---- */
static const struct field segment_fields[] = {
	{"name", FIELD_NAME, AT(model_segment, name), .required = true,
	 .text = "unique on this node"},
	{"interface", FIELD_INTERFACE, AT(model_segment, interface), .required = true,
	 .text = "where its packets enter; one of node.interfaces"},
	{"vlan", FIELD_NUMBER, AT(model_segment, vlan), .max = MTLB_VLAN_MAX,
	 .text = "VLAN id of its packets; 0: untagged"},
	{"inner_vlan", FIELD_NUMBER, AT(model_segment, inner_vlan), .max = MTLB_VLAN_MAX,
	 .text = "QinQ: second VLAN id; 0: at most one tag"},
	{"tenant", FIELD_NAME, AT(model_segment, tenant),
	 .text = "whose packets these are; default: shared, the VIP's address decides"},
	{"next_hop", FIELD_MAC, AT(model_segment, next_hop), SET(model_segment, next_hop_set),
	 .unset = "auto", .text = "send encapsulated packets back to this router"},
	{0},
};

const struct schema schema_segment = {
	.what = "a segment",
	.fields = segment_fields,
	.size = sizeof(struct model_segment),
	.has_origin = true,
	.origin = offsetof(struct model_segment, origin),
};

/* ---- interface and node ---- */
static const struct choice modes[] = {{"native", ATTACH_NATIVE}, {"generic", ATTACH_GENERIC}, {0}};

static const struct field interface_fields[] = {
	{"name", FIELD_INTERFACE, AT(model_interface, name), .required = true,
	 .text = "where mtlb attaches"},
	{"mode", FIELD_CHOICE, AT(model_interface, mode), .choices = modes,
	 .text = "native is refused, not replaced, where it cannot be had"},
	{"share", FIELD_BOOL, AT(model_interface, share),
	 .text = "beside other XDP programs, through libxdp's dispatcher"},
	{0},
};

const struct schema schema_interface = {
	.what = "an interface",
	.fields = interface_fields,
	.size = sizeof(struct model_interface),
	.has_origin = true,
	.origin = offsetof(struct model_interface, origin),
};

static const struct field node_limit_fields[] = {
	{"tenants", FIELD_NUMBER, AT(model_node_limits, tenants), .min = 1, .max = 1 << 20,
	 .initial = 1024, .text = "tenants"},
	{"vips", FIELD_NUMBER, AT(model_node_limits, vips), .min = 1, .max = 1 << 24,
	 .initial = 16 << 10, .text = "VIPs of all tenants together"},
	{"backends", FIELD_NUMBER, AT(model_node_limits, backends), .min = 1,
	 .max = MTLB_BACKENDS_MAX, .initial = 64 << 10, .text = "backends of all VIPs together"},
	{"ring_slots", FIELD_NUMBER, AT(model_node_limits, ring_slots), .min = 1 << 10,
	 .max = 1 << 30, .initial = 16 << 20,
	 .text = "slots of the rings of all VIPs, twice while they change"},
	{"segments", FIELD_NUMBER, AT(model_node_limits, segments), .min = 1, .max = 1 << 20,
	 .initial = 4096, .text = "segments"},
	{0},
};

static const struct schema schema_node_limits = {
	.what = "a node's limits",
	.fields = node_limit_fields,
	.size = sizeof(struct model_node_limits),
};

/* The lists below are the model's own; a node is read as part of one. */
_Static_assert(offsetof(struct model, node) == 0, "schema_node");

static void *add_interface(void *model)
{
	return model_add_interface(model);
}

static void clear_interfaces(void *model)
{
	struct model *m = model;

	free(m->interfaces);
	m->interfaces = NULL;
	m->n_interfaces = 0;
}

static const struct list interface_list = {
	.add = add_interface,
	.clear = clear_interfaces,
	.items = offsetof(struct model, interfaces),
	.n = offsetof(struct model, n_interfaces),
};

static const struct field node_fields[] = {
	{"name", FIELD_NAME, AT(model_node, name), .text = "default: the host's name"},
	{"flows", FIELD_NUMBER, AT(model_node, flows), .min = 1 << 10, .max = 1 << 30,
	 .initial = 1 << 20, .power_of_two = true,
	 .text = "entries of the flow table: tenants' limits.flows together fit in it"},
	{"source", FIELD_SOURCES, .max = 2,
	 .text = "outer source addresses, or prefixes whose host bits vary by flow (ipip, gre); "
		 "default: as the route to the backend says"},
	{"limits", FIELD_OBJECT, AT(model_node, limits), .schema = &schema_node_limits,
	 .text = "sizes of the kernel's maps; read when these are created"},
	{"interfaces", FIELD_LIST, .schema = &schema_interface, .list = &interface_list,
	 .max = 4096, .text = "network interfaces to attach to"},
	{0},
};

static void default_node(void *object)
{
	struct model_node *node = object;
	char host[256] = "";
	size_t n;

	gethostname(host, sizeof(host) - 1);
	for (n = 0; host[n] && host[n] != '.' && n < sizeof(node->name) - 1; n++)
		node->name[n] = isalnum((unsigned char)host[n]) ? tolower(host[n]) : '-';
	node->name[n] = '\0';
	if (!field_is_name(node->name))
		strcpy(node->name, "node");
}

const struct schema schema_node = {
	.what = "the node",
	.fields = node_fields,
	.size = sizeof(struct model_node),
	.defaults = default_node,
};

/* ---- files ---- */
static void *add_segment(void *model)
{
	return model_add_segment(model);
}

static void clear_segments(void *model)
{
	struct model *m = model;

	free(m->segments);
	m->segments = NULL;
	m->n_segments = 0;
}

static void *add_tenant(void *model)
{
	return model_add_tenant(model);
}

static const struct list segment_list = {
	.add = add_segment,
	.clear = clear_segments,
	.items = offsetof(struct model, segments),
	.n = offsetof(struct model, n_segments),
};

/* Files add tenants to each other's: nothing is cleared. */
static void keep_tenants(void *model)
{
	(void)model;
}

static const struct list tenant_list = {
	.add = add_tenant,
	.clear = keep_tenants,
	.items = offsetof(struct model, tenants),
	.n = offsetof(struct model, n_tenants),
};

#define TENANTS_FIELD                                                                              \
	{                                                                                          \
		"tenants", FIELD_LIST, .schema = &schema_tenant, .list = &tenant_list,             \
				       .max = 1 << 20, .text = "owners of VIPs"                    \
	}

static const struct field main_fields[] = {
	{"node", FIELD_OBJECT, .schema = &schema_node, .text = "this machine"},
	{"segments", FIELD_LIST, .schema = &schema_segment, .list = &segment_list, .max = 1 << 20,
	 .text = "where packets enter"},
	TENANTS_FIELD,
	{0},
};

static const struct field tenants_fields[] = {TENANTS_FIELD, {0}};

const struct schema schema_main = {
	.what = "the main file",
	.fields = main_fields,
	.size = sizeof(struct model),
};

const struct schema schema_tenants = {
	.what = "a tenants file",
	.fields = tenants_fields,
	.size = sizeof(struct model),
};
