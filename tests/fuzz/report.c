/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "fuzz/diff.h"

static const char *ip_text(const uint8_t *ip)
{
	static char text[4][64];
	static uint32_t turn;
	char *out = text[turn++ % 4];

	if (ip[0])
		inet_ntop(AF_INET6, ip, out, 64);
	else
		inet_ntop(AF_INET, ip + 12, out, 64);
	return out;
}

static void print_bytes(const char *name, const uint8_t *bytes, uint32_t len)
{
	printf("  %s, %u bytes: ", name, len);
	for (uint32_t i = 0; i < len && i < 4000; i++)
		printf("%02x", bytes[i]);
	printf(len > 4000 ? "...\n" : "\n");
}

static void print_segments(const struct oracle_world *w)
{
	for (uint32_t i = 0; i < w->n_segments; i++)
		printf("  segment ifindex %u vlan %u.%u tenant %u l2_len %u mtu %u\n",
		       w->segments[i].ifindex, w->segments[i].vlan, w->segments[i].inner_vlan,
		       w->segments[i].tenant, w->segments[i].l2_len, w->segments[i].mtu);
}

static void print_tenant(const struct oracle_world *w, uint32_t t)
{
	const struct oracle_tenant *tenant = &w->tenants[t];

	printf("  tenant %u buckets %u+%u idle %u answers %u drops_other_ports %d key", t,
	       tenant->first_bucket, tenant->buckets, tenant->idle_ticks, tenant->answers,
	       tenant->drops_other_ports);
	for (uint32_t i = 0; i < 12; i++)
		printf(" %08x", tenant->key[i]);
	printf("\n");
	for (uint32_t i = 0; i < w->n_addresses; i++)
		if (w->addresses[i].tenant == t)
			printf("  address %s shared %d echo %d\n", ip_text(w->addresses[i].ip),
			       w->addresses[i].is_shared, w->addresses[i].answers_echo);
}

static void print_vip(const struct oracle_world *w, uint32_t id)
{
	static const char *const algorithms[] = {"maglev", "source", "round-robin", "least"};
	const struct oracle_vip *v = &w->vips[id];

	printf("  vip %u %s %u-%u%s protocol %u %s idle %u short %u source %u/%u moving %d "
	       "learning %d empty %d slots 2^%u ids %u turn %llu quic %d/%u:",
	       id, ip_text(v->ip), v->first, v->last, v->is_range ? " range" : "", v->protocol,
	       algorithms[v->algorithm], v->idle_ticks, v->short_ticks, v->source_bits,
	       v->previous_source_bits, v->is_moving, v->is_learning, v->is_empty, v->slots_log2,
	       v->n_ids, (unsigned long long)v->turn, v->has_quic, v->rotation_bits);
	for (uint32_t i = 0; v->has_quic && i < 8; i++)
		printf(" %u/%u", v->quic[i].server_id_len, v->quic[i].id_len);
	printf("\n    slots (owner<previous if moving):");
	for (uint32_t i = 0; i < 1U << v->slots_log2 && i < 32; i++) {
		const struct oracle_slot *s = &v->slots[i];

		printf(s->is_moving ? " %u<%u" : " %u", v->ids[s->owner], v->ids[s->previous]);
	}
	printf("\n");
}

static void print_backend(const struct oracle_world *w, uint32_t id)
{
	static const char *const states[] = {"up", "draining", "leaving", "down", "disabled"};
	static const char *const kinds[] = {"none", "ipip",  "gue0",   "gue1", "fou",
					    "gre",  "vxlan", "geneve", "l2"};
	const struct oracle_backend *b = &w->backends[id];
	const struct oracle_encap *e = &b->encap;

	printf("    backend %u %s weight %u load %d %s over %s from %s/-%u l2_len %u ifindex %u "
	       "port %u id %#x key %d option %d dscp %d mtu %u\n",
	       id, states[b->state], b->weight, b->load, kinds[e->kind], ip_text(e->destination),
	       ip_text(e->source), e->host_bits, e->l2_len, e->ifindex, e->port, e->id, e->has_key,
	       e->has_tenant_id, e->dscp, e->mtu);
}

/* The buckets that the packet should change, of all of the tenant's. */
static void print_flows(const struct oracle_world *w, const struct oracle_world *other, uint32_t t)
{
	static const char *const states[] = {"free", "new", "confirmed", "closing", "fragment"};
	const struct oracle_tenant *tenant = &w->tenants[t];

	for (uint32_t i = 0; i < tenant->buckets * ORACLE_WAYS; i++) {
		uint32_t bucket = tenant->first_bucket + i / ORACLE_WAYS;
		const struct oracle_flow *e = &w->flows[bucket][i % ORACLE_WAYS];

		if (e->state &&
		    memcmp(w->flows[bucket], other->flows[bucket], sizeof(w->flows[bucket])))
			printf("  flow %u.%u %s %016llx backend %u seen %u\n", bucket,
			       i % ORACLE_WAYS, states[e->state], (unsigned long long)e->hash,
			       e->backend, e->seen);
	}
}

void report(const struct oracle_world *before, const struct oracle_world *w,
	    const struct gen_packet *p, const struct oracle_result *r, const struct maps_outcome *o)
{
	printf("  expected: %s of tenant %u, verdict %u, vip %u backend %u%s, added %u refused "
	       "%u\n",
	       oracle_reason_name(r->reason), r->tenant, r->verdict, r->vip, r->backend,
	       r->is_counted ? "" : " (not counted)", r->flows_added, r->flows_refused);
	printf("  ifindex %u, metadata %u\n", p->ifindex, p->meta);
	print_bytes("packet", p->bytes, p->len);
	if (r->verdict != ORACLE_DROP) {
		print_bytes("expected", r->bytes, r->len);
		print_bytes("is", o->bytes, o->len);
	}
	print_segments(w);
	if (!r->tenant)
		return;
	print_tenant(w, r->tenant);
	if (w->vips[r->vip].tenant == r->tenant) {
		print_vip(w, r->vip);
		for (uint32_t i = 0; i < w->n_backends; i++)
			if (w->backends[i].vip == r->vip)
				print_backend(w, i);
	}
	printf("  flows before:\n");
	print_flows(before, w, r->tenant);
	printf("  flows expected:\n");
	print_flows(w, before, r->tenant);
}
