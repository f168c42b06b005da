// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* doctor: what is to be looked at, as mtlbd tells it, with what the kernel says about each. */
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/doctor_packet.h"
#include "cli/objects.h"
#include "core/config.h"
#include "net/net.h"
#include "util/cleanup.h"

/* Room for n more elements of list, zeroed. Out of memory ends the process. */
static void *grow(void *list, size_t n, size_t more, size_t size)
{
	char *grown = reallocarray(list, n + more ? n + more : 1, size);

	if (!grown) {
		fputs("mtlbctl: out of memory\n", stderr);
		exit(CLI_REFUSED);
	}
	memset(grown + n * size, 0, more * size);
	return grown;
}

static json_t *get(const struct cli *c, const char *path)
{
	struct answer a;
	json_t *json = NULL;

	if (!client_try(c, "GET", path, NULL, &a)) {
		json = json_incref(a.json);
		client_clear(&a);
	}
	return json;
}

static json_t *get_list(const struct cli *c, const char *path, struct doctor *d)
{
	json_t *list = get(c, path);

	if (!json_is_array(list))
		d->host.is_partial = true;
	return list;
}

/* ---- interfaces ---- */
static struct doctor_link *find_link(const struct doctor *d, const char *name)
{
	for (size_t i = 0; i < d->n_links; i++)
		if (!strcmp(d->links[i].name, name))
			return &d->links[i];
	return NULL;
}

static struct doctor_link *add_link(struct doctor *d, const char *name)
{
	struct doctor_link *l = find_link(d, name);

	if (l)
		return l;
	d->links = grow(d->links, d->n_links, 1, sizeof(*d->links));
	l = &d->links[d->n_links++];
	snprintf(l->name, sizeof(l->name), "%s", name);
	return l;
}

static void read_interfaces(const struct cli *c, struct doctor *d)
{
	json_t *list = get_list(c, "/v1/interfaces", d);
	const json_t *item;
	size_t at;

	json_array_foreach (list, at, item) {
		struct doctor_link *l = add_link(d, object_text(item, "name"));
		bool is_generic = !strcmp(object_text(item, "mode"), "generic");
		l->mode = is_generic ? ATTACH_GENERIC : ATTACH_NATIVE;
		l->is_expected = true;
		l->is_attached = object_is(item, "status.attached");
		/* libxdp's dispatcher has another id than the programs behind it */
		if (!object_is(item, "status.shared"))
			l->program_id = (uint32_t)object_number(item, "status.program_id");
		d->host.is_share_used |= object_is(item, "share");
		snprintf(l->detail, sizeof(l->detail), "%s", object_text(item, "status.detail"));
	}
	json_decref(list);
}

static void read_segments(const struct cli *c, struct doctor *d)
{
	json_t *list = get_list(c, "/v1/segments", d);
	const json_t *item;
	size_t at;

	json_array_foreach (list, at, item) {
		struct doctor_link *l = find_link(d, object_text(item, "interface"));
		const char *hop = object_text(item, "next_hop");
		if (!l)
			continue;
		l->has_tags |= object_number(item, "vlan") > 0;
		l->is_way_in |= !*hop || !strcmp(hop, "auto");
	}
	json_decref(list);
}

/* Pins and links outlive mtlbd: its interfaces are among those with a program. */
static void add_xdp_links(struct doctor *d)
{
	_cleanup_free_ struct doctor_port *list = NULL;
	size_t n = 0;

	doctor_read_xdp_links(&list, &n);
	for (size_t i = 0; i < n; i++)
		add_link(d, list[i].name)->mode =
			list[i].xdp == XDP_ATTACHED_SKB ? ATTACH_GENERIC : ATTACH_NATIVE;
}

/* ---- VIPs ---- */
struct vips {
	struct model_vip *list;
	size_t n;
	json_t *index; /* "tenant/vip" -> position */
};

static bool read_vip(const json_t *item, struct model_vip *out)
{
	static const char *const added[] = {"tenant", "managed_by", "status"};
	json_t *fields = json_copy((json_t *)item);
	struct report r = {0};

	for (size_t i = 0; i < sizeof(added) / sizeof(*added); i++)
		json_object_del(fields, added[i]);
	config_defaults_vip(out);
	int error = config_vip_from_json("vips", fields, out, &r);
	report_clear(&r);
	json_decref(fields);
	return !error;
}

static void add_vip(struct doctor *d, const struct model_vip *v, const char *name,
		    const struct doctor_address *addresses, size_t n_addresses)
{
	struct doctor_vip *out = &d->vips[d->n_vips++];
	struct doctor_port port;

	snprintf(out->name, sizeof(out->name), "%s", name);
	out->address = v->address;
	for (size_t i = 0; i < n_addresses; i++)
		if (!memcmp(&addresses[i].address, &v->address, sizeof(v->address)) &&
		    !doctor_read_port(NULL, addresses[i].ifindex, -1, &port))
			memcpy(out->local, port.name, sizeof(out->local));
}

static void read_vips(const struct cli *c, struct doctor *d, struct vips *vips)
{
	json_t *list = get_list(c, "/v1/vips", d);
	_cleanup_free_ struct doctor_address *addresses = NULL;
	const json_t *item;
	size_t at, n_addresses = 0;

	doctor_read_addresses(&addresses, &n_addresses);
	vips->index = json_object();
	vips->list = grow(NULL, 0, json_array_size(list), sizeof(*vips->list));
	d->vips = grow(NULL, 0, json_array_size(list), sizeof(*d->vips));
	json_array_foreach (list, at, item) {
		char name[DOCTOR_OBJECT];
		snprintf(name, sizeof(name), "%s/%s", object_text(item, "tenant"),
			 object_text(item, "name"));
		if (!read_vip(item, &vips->list[vips->n])) {
			d->host.is_partial = true;
			continue;
		}
		json_object_set_new(vips->index, name, json_integer((json_int_t)vips->n));
		add_vip(d, &vips->list[vips->n++], name, addresses, n_addresses);
	}
	json_decref(list);
}

static const struct model_vip *find_vip(const struct vips *vips, const char *name)
{
	const json_t *at = json_object_get(vips->index, name);

	return at ? &vips->list[json_integer_value(at)] : NULL;
}

static void vips_clear(struct vips *vips)
{
	for (size_t i = 0; i < vips->n; i++)
		vip_clear(&vips->list[i]);
	free(vips->list);
	json_decref(vips->index);
}

/* ---- backends ---- */
/* Bytes that the data plane puts before the client's packet. */
static unsigned int outer_len(const struct model_vip *v, const struct addr *to)
{
	struct next_hop hop = {
		.l2_len = ETH_HLEN, .source = *to, .is_on_link = true, .mtu = UINT16_MAX};
	struct mtlb_encap encap;

	probe_template(&v->encap, addr_is_ipv4(&v->address), to, &hop, &encap);
	return encap.outer_len;
}

static void lower(struct doctor_path *p, uint32_t mtu, enum mtu_limit limit, const char *link)
{
	if (!mtu || (p->mtu && p->mtu <= mtu))
		return;
	p->mtu = mtu;
	p->mtu_limit = limit;
	snprintf(p->mtu_link, sizeof(p->mtu_link), "%s", link);
}

static bool add_backend(struct doctor *d, const struct vips *vips, const json_t *item)
{
	struct doctor_path *p = &d->paths[d->n_paths];
	struct doctor_probe *probe = &d->probes[d->n_probes];
	char vip[2 * MTLB_NAME_LEN];

	snprintf(vip, sizeof(vip), "%s/%s", object_text(item, "tenant"), object_text(item, "vip"));
	const struct model_vip *v = find_vip(vips, vip);
	bool is_used = json_is_boolean(object_at(item, "status.resolved")) &&
		       strcmp(object_text(item, "state"), "disabled");
	if (!v || !is_used || addr_parse(object_text(item, "address"), &p->to))
		return false;
	snprintf(p->name, sizeof(p->name), "%s/%s", vip, object_text(item, "name"));
	p->n_backends = 1;
	p->is_resolved = object_is(item, "status.resolved");
	p->is_kept = !p->is_resolved && object_is(item, "status.forwards");
	snprintf(p->next_hop, sizeof(p->next_hop), "%s", object_text(item, "status.next_hop"));
	p->outer_len = outer_len(v, &p->to);
	lower(p, v->encap.mtu, MTU_LIMIT_CONFIGURATION, "");
	*probe = (struct doctor_probe){.vip = v->address,
				       .backend = p->to,
				       .port = v->port,
				       .protocol = v->protocol,
				       .encap = v->encap};
	memcpy(probe->name, p->name, sizeof(probe->name));
	return true;
}

static int compare_paths(const void *a, const void *b)
{
	const struct doctor_path *x = a, *y = b;

	return memcmp(&x->to, &y->to, sizeof(x->to));
}

/* Backends of one address become one path, with the longest headers and the smallest MTU of them. */
static void merge_paths(struct doctor *d)
{
	size_t n = 0;

	qsort(d->paths, d->n_paths, sizeof(*d->paths), compare_paths);
	for (size_t i = 0; i < d->n_paths; i++) {
		struct doctor_path *p = &d->paths[i], *last = n ? &d->paths[n - 1] : NULL;
		if (!last || memcmp(&last->to, &p->to, sizeof(p->to))) {
			if (n != i)
				d->paths[n] = *p;
			n++;
			continue;
		}
		last->n_backends++;
		last->outer_len = p->outer_len > last->outer_len ? p->outer_len : last->outer_len;
		lower(last, p->mtu, p->mtu_limit, "");
	}
	d->n_paths = n;
}

/* mtlbd goes on with the last MAC address it knew; the kernel says whether somebody still answers there. */
static void read_neighbour(struct net *net, struct doctor_path *p)
{
	struct next_hop hop;

	if (net && net_next_hop(net, &p->to, &hop))
		net_explain(net, &p->to, p->silent, sizeof(p->silent));
}

static void read_path(struct doctor *d, struct doctor_path *p)
{
	uint32_t ifindex, mtu;

	p->has_route = !doctor_read_route(&p->to, &ifindex, &mtu);
	if (!p->has_route)
		return;
	lower(p, mtu, MTU_LIMIT_ROUTE, "");
	while (ifindex && p->n_links < DOCTOR_PATH_LINKS) {
		struct doctor_port *port = &p->links[p->n_links];
		if (doctor_read_port(NULL, ifindex, -1, port))
			break;
		p->n_links++;
		lower(p, port->mtu, MTU_LIMIT_LINK, port->name);
		ifindex = strcmp(port->kind, "vlan") || port->link_net >= 0 ? 0 : port->link;
	}
	if (!p->n_links)
		return;
	const struct doctor_link *l = find_link(d, p->links[p->n_links - 1].name);
	p->is_ours = l && l->is_expected;
}

/* The widest interface by which packets for the backend come in, but do not leave. In generic mode frames are in one piece. */
static void find_other_link(const struct doctor *d, struct doctor_path *p)
{
	for (size_t i = 0; p->n_links && i < d->n_links; i++) {
		const struct doctor_link *l = &d->links[i];
		if (!l->is_way_in || l->mode != ATTACH_NATIVE || l->port.mtu <= p->other_mtu ||
		    !strcmp(l->name, p->links[p->n_links - 1].name))
			continue;
		p->other_mtu = l->port.mtu;
		memcpy(p->other_link, l->name, sizeof(p->other_link));
	}
	p->redirects_frags = host_is_from(&d->host, 6, 3);
}

static void read_backends(const struct cli *c, struct doctor *d, const struct vips *vips)
{
	json_t *list = get_list(c, "/v1/backends", d);
	struct net *net = NULL;
	struct report r = {0};
	const json_t *item;
	size_t at;

	d->paths = grow(NULL, 0, json_array_size(list), sizeof(*d->paths));
	d->probes = grow(NULL, 0, json_array_size(list), sizeof(*d->probes));
	json_array_foreach (list, at, item) {
		bool is_added = add_backend(d, vips, item);
		d->n_paths += is_added;
		d->n_probes += is_added;
	}
	json_decref(list);
	merge_paths(d);
	if (net_open(&net, &r))
		report_clear(&r);
	for (size_t i = 0; i < d->n_paths; i++) {
		read_path(d, &d->paths[i]);
		read_neighbour(net, &d->paths[i]);
	}
	net_close(net);
}

/* "192.0.2.1", or a prefix, in which the host bits vary by flow: one of its addresses. */
static void read_sources(const json_t *node, struct doctor_sources *out)
{
	const json_t *item;
	size_t at;

	json_array_foreach (object_at(node, "source"), at, item) {
		struct addr address;
		char text[ADDR_TEXT];
		snprintf(text, sizeof(text), "%s", json_string_value(item));
		size_t len = strcspn(text, "/");
		bool is_prefix = text[len];
		text[len] = '\0';
		if (addr_parse(text, &address))
			continue;
		address.bytes[15] |= is_prefix;
		out->is_set[!addr_is_ipv4(&address)] = true;
		out->address[!addr_is_ipv4(&address)] = address;
	}
}

static void read_daemon(const struct cli *c, struct doctor *d)
{
	struct vips vips = {0};

	read_interfaces(c, d);
	read_segments(c, d);
	read_vips(c, d, &vips);
	read_backends(c, d, &vips);
	vips_clear(&vips);
}

int doctor_read(const struct cli *c, struct doctor *d)
{
	json_t *node = get(c, "/v1/node");

	d->host.has_daemon = node != NULL;
	read_sources(node, &d->sources);
	json_decref(node);
	snprintf(d->host.socket, sizeof(d->host.socket), "%s", client_socket(c));
	doctor_read_host(&d->host);
	if (d->host.has_daemon)
		read_daemon(c, d);
	else
		add_xdp_links(d);
	for (size_t i = 0; i < c->n_words; i++)
		add_link(d, c->words[i]);
	for (size_t i = 0; i < d->n_links; i++)
		doctor_read_link(&d->links[i]);
	for (size_t i = 0; i < d->n_paths; i++)
		find_other_link(d, &d->paths[i]);
	return d->host.has_daemon ? CLI_OK : CLI_NO_DAEMON;
}

void doctor_clear(struct doctor *d)
{
	free(d->links);
	free(d->vips);
	free(d->paths);
	free(d->probes);
	memset(d, 0, sizeof(*d));
}
