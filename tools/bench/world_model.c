/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "core/config.h"
#include "core/model.h"
#include "world.h"
#include "world_model.h"

enum {
	BACKENDS = 64,    /* per VIP */
	DRAINED_SOME = 3, /* of 64: 5 % */
	MANY_VIPS = 128,
	MANY_TENANTS = 1000,
	RING_SIZE = 8192, /* what 64 backends get by default; kept when 64 more are added */
	IDLE_S = 30000,   /* no flow ends while the bench runs */
	FLOWS_FEW = 256,
	FLOWS_1M = 1 << 20,
	FLOWS_2M = 1 << 21,
	PORT = 443,
};

const struct maps_limits world_limits = {
	.tenants = 1024,
	.vips = 2048,
	.backends = 1 << 17,
	.segments = 64,
	.ring_units = 1 << 22,
	.flow_buckets = 1 << 20,
};

/* Backend addresses: no two alike, as with real configurations. */
struct builder {
	struct model *model;
	uint32_t n_backends;
};

static void set_name(char *name, const char *kind, unsigned int number)
{
	snprintf(name, MTLB_NAME_LEN, "%s-%u", kind, number);
}

static void add_backends(struct builder *b, struct model_vip *v, unsigned int n)
{
	bool is_ipv4 = addr_is_ipv4(&v->address);

	for (unsigned int i = 0; i < n; i++) {
		struct model_backend *backend = vip_add_backend(v);
		uint32_t number = htonl(0x0a800000 | ++b->n_backends);

		config_defaults_backend(backend);
		set_name(backend->name, "backend", (unsigned int)v->n_backends);
		addr_parse(is_ipv4 ? "0.0.0.0" : "2001:db8:b::", &backend->address);
		memcpy(backend->address.bytes + 12, &number, sizeof(number));
	}
}

static struct model_vip *add_vip(struct builder *b, struct model_tenant *t, const char *address,
				 uint8_t protocol)
{
	struct model_vip *v = tenant_add_vip(t);

	v->protocol = protocol;
	config_defaults_vip(v);
	set_name(v->name, "vip", (unsigned int)t->n_vips);
	addr_parse(address, &v->address);
	v->protocol = protocol;
	v->port = v->last_port = PORT;
	v->ring_size = RING_SIZE;
	v->idle_timeout_s = IDLE_S;
	add_backends(b, v, BACKENDS);
	return v;
}

/* An address of a range that begins with zeros in the last 16 bits. */
static void set_nth_address(struct model_vip *v, uint16_t n)
{
	n = htons(n);
	memcpy(v->address.bytes + 14, &n, sizeof(n));
}

static struct model_tenant *add_tenant(struct builder *b, const char *kind, uint32_t flows)
{
	struct model_tenant *t = model_add_tenant(b->model);

	config_defaults_tenant(t);
	set_name(t->name, kind, (unsigned int)b->model->n_tenants);
	t->limits.vips = MANY_VIPS;
	t->limits.backends = MANY_VIPS * BACKENDS;
	t->limits.flows = flows;
	return t;
}

static void add_segment(struct builder *b, const char *interface, uint16_t vlan, const char *tenant)
{
	struct model_segment *s = model_add_segment(b->model);

	config_defaults_segment(s);
	set_name(s->name, "segment", vlan);
	snprintf(s->interface, sizeof(s->interface), "%s", interface);
	snprintf(s->tenant, sizeof(s->tenant), "%s", tenant);
	s->vlan = vlan;
}

static void add_settled(struct builder *b)
{
	struct model_tenant *t = add_tenant(b, "plain", FLOWS_FEW);
	struct model_vip *v;

	add_vip(b, t, WORLD_VIP4, IPPROTO_TCP);
	add_vip(b, t, WORLD_VIP4, IPPROTO_UDP);
	add_vip(b, t, WORLD_VIP6, IPPROTO_TCP);
	v = add_vip(b, t, WORLD_VXLAN, IPPROTO_TCP);
	v->encap.kind = MTLB_ENCAP_VXLAN;
	v->encap.vni = 4100;
	t = add_tenant(b, "many-vips", FLOWS_FEW);
	for (uint16_t i = 0; i < MANY_VIPS; i++)
		set_nth_address(add_vip(b, t, WORLD_MANY_VIPS, IPPROTO_TCP), i);
	for (uint16_t i = 0; i < MANY_TENANTS; i++) {
		t = add_tenant(b, "tenant", FLOWS_FEW);
		set_nth_address(add_vip(b, t, WORLD_MANY_TENANTS, IPPROTO_TCP), i);
	}
}

static void drain(struct model_vip *v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		v->backends[i].state = v->backends[i].configured_state = BACKEND_ADMIN_DRAINING;
}

static void add_moving(struct builder *b, bool is_moved)
{
	struct model_vip *some =
		add_vip(b, add_tenant(b, "moving-some", FLOWS_1M), WORLD_MOVING_SOME, IPPROTO_TCP);
	struct model_vip *all =
		add_vip(b, add_tenant(b, "moving-all", FLOWS_2M), WORLD_MOVING_ALL, IPPROTO_TCP);

	if (!is_moved)
		return;
	drain(some, DRAINED_SOME);
	drain(all, BACKENDS);
	add_backends(b, all, BACKENDS);
}

struct model *world_model(const char *interface, bool is_moved)
{
	struct builder b = {.model = model_new()};
	struct model_tenant *t;

	if (!b.model)
		return NULL;
	config_defaults_node(&b.model->node);
	add_segment(&b, interface, 0, "");
	t = add_tenant(&b, "segment-owner", FLOWS_FEW);
	add_segment(&b, interface, WORLD_VLAN, t->name);
	add_vip(&b, t, WORLD_VIP4, IPPROTO_TCP);
	add_settled(&b);
	add_moving(&b, is_moved);
	return b.model;
}
