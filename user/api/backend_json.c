// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A backend as the API shows it: what is asked for, and what it does now. */
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"

/* "02:00:00:00:00:01 on eth0", with what is wrong about it, or why there is none. */
static json_t *next_hop_json(struct control *c, const struct model_encap *encap,
			     const struct addr *to, bool *resolved)
{
	char text[256], name[IF_NAMESIZE], mac_text[MAC_TEXT], to_text[ADDR_TEXT];
	struct next_hop hop;
	struct mac mac;

	*resolved = !net_next_hop(c->net, to, &hop);
	if (!*resolved)
		return json_string(net_explain(c->net, to, text, sizeof(text)));
	const char *refused = encap_refuses(encap, &hop);
	*resolved = !refused;
	if (refused)
		return json_sprintf("%s %s", addr_print(to, to_text), refused);
	memcpy(mac.bytes, hop.l2, sizeof(mac.bytes));
	if (!if_indextoname(hop.ifindex, name))
		snprintf(name, sizeof(name), "#%u", hop.ifindex);
	const char *doubt = control_explain_path(c, &hop, text, sizeof(text));
	return json_sprintf("%s on %s%s%s", mac_print(&mac, mac_text), name, doubt ? ": " : "",
			    doubt ? doubt : "");
}

static json_t *status_json(struct control *c, const struct model_vip *v, uint32_t vip_id,
			   uint32_t id, const struct addr *to, const struct image_shares *shares)
{
	const struct image_census *census = control_census(c);
	struct image_backend_view view = {0};
	struct image_vip_view vip = {0};
	bool resolved;

	image_view_backend(c->image, id, shares, &view);
	image_view_vip(c->image, vip_id, &vip);
	json_t *hop = next_hop_json(c, &v->encap, to, &resolved);
	return json_pack("{s:I, s:s, s:I, s:f, s:I, s:I, s:b, s:b, s:o}", "id", (json_int_t)id,
			 "state", api_backend_state(view.state), "slots", (json_int_t)view.slots,
			 "share", vip.ring_slots ? (double)view.slots / vip.ring_slots : 0.0,
			 "flows", (json_int_t)(census ? image_census_flows(census, id) : 0),
			 "waiting", (json_int_t)(census ? image_census_waiting(census, id) : 0),
			 "resolved", resolved, "forwards",
			 image_backend_is_resolved(c->image, id), "next_hop", hop);
}

static void set_overrides(json_t *json, const struct model_backend *b)
{
	json_t *overrides = json_object();

	if (b->weight_overridden)
		json_object_set_new(overrides, "weight", json_integer(b->weight));
	if (b->state_overridden)
		json_object_set_new(overrides, "state", json_string(api_admin_state(b->state)));
	if (json_object_size(overrides)) {
		json_object_set(json, "overrides", overrides);
		json_object_set_new(json, "configured",
				    json_pack("{s:I, s:s}", "weight",
					      (json_int_t)b->configured_weight, "state",
					      api_admin_state(b->configured_state)));
	}
	json_decref(overrides);
}

static json_t *head(const struct model_tenant *t, const struct model_vip *v, const char *name)
{
	return json_pack("{s:s, s:s, s:s}", "tenant", t->name, "vip", v->name, "name", name);
}

static json_t *backend_json(struct control *c, const struct model_tenant *t,
			    const struct model_vip *v, const struct model_backend *b,
			    const struct image_shares *shares)
{
	json_t *json = head(t, v, b->name), *fields = config_backend_to_json(b);
	int vip = image_vip_id(c->image, t->name, v->name);
	int id = image_backend_id(c->image, t->name, v->name, b->name);

	json_object_update(json, fields);
	json_decref(fields);
	json_object_set_new(json, "weight", json_integer(b->weight));
	json_object_set_new(json, "state", json_string(api_admin_state(b->state)));
	json_object_set_new(json, "managed_by", json_string(api_managed_by(t->managed_by)));
	set_overrides(json, b);
	if (vip >= 0 && id >= 0)
		json_object_set_new(json, "status",
				    status_json(c, v, (uint32_t)vip, (uint32_t)id, &b->address,
						shares));
	else
		json_object_set_new(json, "status",
				    json_pack("{s:s}", "state", t->suspended ? "suspended" : "absent"));
	return json;
}

json_t *api_backend_json(struct control *c, const struct model_tenant *t, const struct model_vip *v,
			 const struct model_backend *b)
{
	return backend_json(c, t, v, b, NULL);
}

static json_t *leaving_json(struct control *c, const struct model_tenant *t,
			    const struct model_vip *v, uint32_t vip, uint32_t id,
			    const struct image_shares *shares)
{
	const struct mtlb_backend_info *info = &datapath_maps(c->datapath)->backend_info[id];
	char name[MTLB_NAME_LEN];
	struct addr address;

	snprintf(name, sizeof(name), "%.*s", MTLB_NAME_LEN - 1, info->name);
	memcpy(address.bytes, info->address, sizeof(address.bytes));
	json_t *json = head(t, v, name);
	json_object_set_new(json, "address", api_addr(&address));
	json_object_set_new(json, "weight", json_integer(info->weight));
	json_object_set_new(json, "state", json_string("leaving"));
	json_object_set_new(json, "managed_by", json_string(api_managed_by(t->managed_by)));
	json_object_set_new(json, "status", status_json(c, v, vip, id, &address, shares));
	return json;
}

void api_backends_append(struct control *c, const struct model_tenant *t, const struct model_vip *v,
			 json_t *list)
{
	int vip = image_vip_id(c->image, t->name, v->name);
	struct image_shares *shares = vip >= 0 ? image_shares_new(c->image, (uint32_t)vip) : NULL;

	for (size_t i = 0; i < v->n_backends; i++)
		json_array_append_new(list, backend_json(c, t, v, &v->backends[i], shares));
	for (int id = vip < 0 ? -1 : image_next_leaving(c->image, (uint32_t)vip, -1); id >= 0;
	     id = image_next_leaving(c->image, (uint32_t)vip, id))
		json_array_append_new(
			list, leaving_json(c, t, v, (uint32_t)vip, (uint32_t)id, shares));
	image_shares_free(shares);
}
