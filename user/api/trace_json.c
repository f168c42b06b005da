// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the data plane told about a packet, with names in place of numbers. */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "core/frame.h"
#include "mtlb_flow.h"
#include "util/hex.h"

static const struct {
	const char *name, *verdict, *text;
} reasons[] = {
#define REASON(name, verdict, text) [MTLB_REASON_##name] = {#name, #verdict, text},
	MTLB_REASONS(REASON)
#undef REASON
};

static const char *const encap_kinds[] = {
	[MTLB_ENCAP_IPIP] = "ipip", [MTLB_ENCAP_VXLAN] = "vxlan", [MTLB_ENCAP_GUE] = "gue",
	[MTLB_ENCAP_FOU] = "fou",   [MTLB_ENCAP_GRE] = "gre",     [MTLB_ENCAP_GENEVE] = "geneve",
	[MTLB_ENCAP_L2] = "l2",
};

static const char *const algorithms[] = {
	[MTLB_ALGORITHM_MAGLEV] = "maglev",
	[MTLB_ALGORITHM_SOURCE] = "source",
	[MTLB_ALGORITHM_ROUND_ROBIN] = "round-robin",
	[MTLB_ALGORITHM_LEAST_CONNECTIONS] = "least-connections",
};

#define NAME_OF(names, i) ((size_t)(i) < sizeof(names) / sizeof(*(names)) ? (names)[i] : NULL)

/* A name of the info maps: "" is none. */
static json_t *name_json(const char name[MTLB_NAME_LEN])
{
	return *name ? json_stringn(name, strnlen(name, MTLB_NAME_LEN)) : json_null();
}

static json_t *address_json(const uint8_t bytes[16])
{
	struct addr address;

	memcpy(address.bytes, bytes, sizeof(address.bytes));
	return api_addr(&address);
}

static void set_hex(json_t *json, const char *key, const uint8_t *bytes, size_t len)
{
	char *text = hex_print(bytes, len);

	json_object_set_new(json, key, json_string(text));
	free(text);
}

static bool is_verdict(const struct mtlb_trace *t, const char *verdict)
{
	return !strcmp(reasons[t->reason].verdict, verdict);
}

/* ---- where it came in, and whose it is ---- */
static const struct model_segment *find_segment(const struct model *m, const struct mtlb_segment *s)
{
	for (size_t i = 0; i < m->n_segments; i++)
		if (m->segments[i].vlan == s->vlan && m->segments[i].inner_vlan == s->inner_vlan &&
		    if_nametoindex(m->segments[i].interface) == s->ifindex)
			return &m->segments[i];
	return NULL;
}

static void set_segment(const struct control *c, const struct mtlb_trace *t, json_t *json)
{
	const struct maps *maps = datapath_maps(c->datapath);
	const struct model_segment *s = NULL;

	if (t->segment && t->segment <= maps->limits.segments)
		s = find_segment(c->model, &maps->segments[t->segment - 1]);
	json_object_set_new(json, "segment", s ? json_string(s->name) : json_null());
}

static json_t *limits_json(const struct control *c, uint32_t tenant)
{
	const struct maps *maps = datapath_maps(c->datapath);
	uint64_t answers = maps->answers[tenant];
	bool is_now = answers >> 32 == (uint32_t)control_now_ticks();

	return json_pack("{s:{s:I, s:I}}", "icmp_answers", "used",
			 (json_int_t)(is_now ? (uint32_t)answers : 0), "allowed",
			 (json_int_t)maps->tenants[tenant].answers);
}

static void set_tenant(const struct control *c, const struct mtlb_trace *t, json_t *json)
{
	const struct maps *maps = datapath_maps(c->datapath);
	bool is_known = t->tenant != MTLB_TENANT_NONE && t->tenant < maps->limits.tenants;

	json_object_set_new(json, "tenant",
			    is_known ? name_json(maps->tenant_info[t->tenant].name) : json_null());
	json_object_set_new(json, "limits", is_known ? limits_json(c, t->tenant) : json_null());
}

/* ---- the VIP ---- */
static json_t *algorithm_json(const struct control *c, const struct mtlb_vip_info *info)
{
	const struct maps *maps = datapath_maps(c->datapath);
	const struct model_tenant *t = NULL;

	if (info->tenant < maps->limits.tenants)
		t = model_find_tenant(c->model, maps->tenant_info[info->tenant].name);
	const struct model_vip *v = t ? tenant_find_vip(t, info->name) : NULL;
	const char *name = v ? NAME_OF(algorithms, v->algorithm) : NULL;
	return name ? json_string(name) : json_null();
}

static json_t *protocol_json(uint8_t protocol)
{
	const char *name = frame_protocol_name(protocol);

	return name ? json_string(name) : json_integer(protocol);
}

static void set_vip(const struct control *c, const struct mtlb_trace *t, json_t *json)
{
	const struct maps *maps = datapath_maps(c->datapath);
	const struct mtlb_vip_info *info;

	if (!t->vip || t->vip > maps->limits.vips) {
		json_object_set_new(json, "vip", json_null());
		return;
	}
	info = &maps->vip_info[t->vip - 1];
	json_object_set_new(json, "vip", name_json(info->name));
	json_object_set_new(json, "vip_address", address_json(info->address));
	json_object_set_new(json, "vip_port", json_integer(ntohs(info->port)));
	if (ntohs(info->last_port) > ntohs(info->port))
		json_object_set_new(json, "vip_last_port", json_integer(ntohs(info->last_port)));
	json_object_set_new(json, "vip_protocol", protocol_json(info->protocol));
	json_object_set_new(json, "algorithm", algorithm_json(c, info));
}

/* ---- slot and backend ---- */
static json_t *backend_name(const struct maps *maps, uint32_t id)
{
	return id < maps->limits.backends ? name_json(maps->backend_info[id].name) : json_null();
}

static void set_slot(const struct control *c, const struct mtlb_trace *t, json_t *json)
{
	const struct maps *maps = datapath_maps(c->datapath);
	bool has_slot = t->how & MTLB_TRACE_SLOT, is_moving = t->how & MTLB_TRACE_MOVING;
	struct image_vip_view view = {0};

	json_object_set_new(json, "slot", has_slot ? json_integer(t->slot) : json_null());
	if (!has_slot)
		return;
	if (t->vip)
		image_view_vip(c->image, t->vip - 1, &view);
	json_object_set_new(json, "ring_slots", json_integer(view.ring_slots));
	json_object_set_new(json, "slot_state",
			    json_string(!is_moving                     ? "settled"
					: t->how & MTLB_TRACE_LEARNING ? "learning"
								       : "moving"));
	json_object_set_new(json, "owner", backend_name(maps, t->owner));
	if (is_moving)
		json_object_set_new(json, "previous", backend_name(maps, t->previous));
}

static const char *how(const struct mtlb_trace *t)
{
	if (t->how & MTLB_TRACE_QUIC)
		return "quic_id";
	if (t->how & MTLB_TRACE_FRAGMENT) /* set where the first one is not known, too */
		return t->reason == MTLB_REASON_fragment_unknown ? NULL : "fragment";
	if (t->how & MTLB_TRACE_KNOWN)
		return "flow_table_known";
	if (t->how & MTLB_TRACE_TABLE)
		return "flow_table_unknown";
	return t->how & MTLB_TRACE_SLOT ? "hash" : NULL;
}

static void set_how(const struct mtlb_trace *t, json_t *json)
{
	const char *text = how(t);

	json_object_set_new(json, "how", text ? json_string(text) : json_null());
	json_object_set_new(json, "longer_way", json_boolean(t->how & MTLB_TRACE_UNCOMMON));
	json_object_set_new(json, "hash",
			    t->hash ? json_sprintf("%016llx", (unsigned long long)t->hash)
				    : json_null());
}

/* NULL: there is none. */
static const struct mtlb_backend *backend_of(const struct maps *maps, const struct mtlb_trace *t)
{
	return t->backend && t->backend <= maps->limits.backends ? &maps->backends[t->backend - 1]
								 : NULL;
}

static void set_backend(const struct maps *maps, const struct mtlb_trace *t, json_t *json)
{
	const struct mtlb_backend *b = backend_of(maps, t);

	json_object_set_new(json, "backend",
			    b ? name_json(maps->backend_info[t->backend - 1].name) : json_null());
	if (!b)
		return;
	json_object_set_new(json, "backend_address",
			    address_json(maps->backend_info[t->backend - 1].address));
	json_object_set_new(json, "backend_state",
			    json_string(api_backend_state(mtlb_backend_word_state(b->word))));
}

/* ---- what leaves ---- */
static const struct mtlb_encap *encap_of(const struct mtlb_backend *b)
{
	return mtlb_backend_word_variant(b->word) ? &b->encap1 : &b->encap0;
}

/* The outer headers as they stand in the packet. */
static json_t *encap_json(const struct mtlb_encap *e, const struct api_traced *p)
{
	const char *kind = NAME_OF(encap_kinds, e->kind);
	json_t *json = json_pack("{s:s?}", "kind", kind);
	struct frame f;

	frame_read(p->out, p->out_len, &f);
	if (e->kind == MTLB_ENCAP_L2 || !f.is_ip)
		return json;
	json_object_set_new(json, "source", api_addr(&f.source));
	json_object_set_new(json, "destination", api_addr(&f.destination));
	if (e->flags & MTLB_ENCAP_UDP) {
		json_object_set_new(json, "source_port", json_integer(f.source_port));
		json_object_set_new(json, "destination_port", json_integer(f.destination_port));
	}
	return json;
}

static void set_out(const struct maps *maps, const struct mtlb_trace *t, const struct api_traced *p,
		    json_t *json)
{
	const struct mtlb_backend *b = is_verdict(t, "FORWARD") ? backend_of(maps, t) : NULL;
	bool leaves = is_verdict(t, "FORWARD") || is_verdict(t, "REPLY");
	char name[IF_NAMESIZE] = "";

	if (p->is_redirected && b)
		if_indextoname(encap_of(b)->ifindex, name);
	else if (leaves)
		snprintf(name, sizeof(name), "%s", p->interface);
	json_object_set_new(json, "encapsulation", b ? encap_json(encap_of(b), p) : json_null());
	json_object_set_new(json, "interface_out", *name ? json_string(name) : json_null());
	set_hex(json, "packet_in_hex", p->in, p->in_len);
	if (is_verdict(t, "DROP"))
		json_object_set_new(json, "packet_out_hex", json_null());
	else
		set_hex(json, "packet_out_hex", p->out, p->out_len);
}

static const char *verdict_name(const struct mtlb_trace *t)
{
	return is_verdict(t, "FORWARD") ? "forward"
	       : is_verdict(t, "REPLY") ? "reply"
	       : is_verdict(t, "PASS")  ? "pass"
					: "drop";
}

json_t *api_trace_json(const struct control *c, const struct api_traced *p)
{
	const struct maps *maps = datapath_maps(c->datapath);
	const struct mtlb_trace t = *maps->trace;

	if (!t.reason || t.reason >= MTLB_REASON_END)
		return NULL;
	json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "verdict", verdict_name(&t), "reason",
				 reasons[t.reason].name, "reason_text", reasons[t.reason].text,
				 "interface", p->interface);
	set_segment(c, &t, json);
	set_tenant(c, &t, json);
	set_vip(c, &t, json);
	set_slot(c, &t, json);
	set_how(&t, json);
	set_backend(maps, &t, json);
	set_out(maps, &t, p, json);
	return json;
}
