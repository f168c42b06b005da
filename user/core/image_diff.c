/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The steps from one image to the next, in the order in which they are safe:
 *
 * 1. counters of new ids to zero; a grace period if something is written that packets may have
 *    just left
 * 2. names, backends, rings, flow ranges: nothing refers to them yet; states
 * 3. tables, words, segments: traffic sees the change; what it no longer leads to serves no more
 * 4. a grace period; then flow entries go that are of no use, and then what nothing refers to
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/steps.h"

struct diff {
	struct steps *steps;
	const struct image *from, *to;
	int error;
	bool needs_grace; /* before what goes */
};

static struct step *add(struct diff *d, enum step_kind kind, uint32_t index)
{
	static struct step nowhere;
	struct steps *s = d->steps;

	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : 64;
		struct step *list = realloc(s->list, room * sizeof(*list));

		if (!list) {
			d->error = -ENOMEM;
			return &nowhere;
		}
		s->list = list;
		s->room = room;
	}
	s->list[s->n] = (struct step){.kind = kind, .index = index};
	return &s->list[s->n++];
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t top_vip(const struct diff *d)
{
	return larger(d->to->top_vip, d->from ? d->from->top_vip : 0);
}

static uint32_t top_tenant(const struct diff *d)
{
	return larger(d->to->top_tenant, d->from ? d->from->top_tenant : 0);
}

/* ---- before traffic sees anything ---- */
static void zero_stats(struct diff *d)
{
	for (uint32_t t = 1; t < d->to->top_tenant; t++)
		if (image_has_tenant(d->to, t) && !image_has_tenant(d->from, t))
			add(d, STEP_ZERO_STATS, t)->which = MAPS_STATS_TENANT;
	for (uint32_t v = 0; v < d->to->top_vip; v++)
		if (image_has_vip(d->to, v) && !image_has_vip(d->from, v))
			add(d, STEP_ZERO_STATS, v)->which = MAPS_STATS_VIP;
	for (uint32_t k = 0; k < d->to->top_backend; k++)
		if (image_has_backend(d->to, k) && !image_has_backend(d->from, k))
			add(d, STEP_ZERO_STATS, k)->which = MAPS_STATS_BACKEND;
}

static bool is_new_encap(const struct diff *d, uint32_t k)
{
	return image_has_backend(d->from, k) &&
	       memcmp(&d->from->backends[k].encap, &d->to->backends[k].encap,
		      sizeof(d->to->backends[k].encap));
}

/*
 * Both the idle variant of a backend and the place of a tombstone may have been in use a moment
 * ago.
 */
static void grace_before_reuse(struct diff *d)
{
	bool needed = false;

	for (uint32_t k = 0; k < d->to->top_backend && !needed; k++)
		needed = image_has_backend(d->to, k) && is_new_encap(d, k);
	for (uint32_t s = 0; d->from && s < d->to->limits.segments && !needed; s++)
		needed = d->from->segments[s].state == MTLB_SEGMENT_DEAD &&
			 d->to->segments[s].state == MTLB_SEGMENT_LIVE;
	if (needed)
		add(d, STEP_GRACE, 0);
}

static void write_names(struct diff *d)
{
	for (uint32_t t = 1; t < d->to->top_tenant; t++)
		if (image_has_tenant(d->to, t) &&
		    (!image_has_tenant(d->from, t) ||
		     strcmp(d->from->tenants[t].name, d->to->tenants[t].name)))
			add(d, STEP_TENANT_INFO, t);
	for (uint32_t v = 0; v < d->to->top_vip; v++)
		if (image_has_vip(d->to, v) &&
		    (!image_has_vip(d->from, v) || d->from->vips[v].has_other_name ||
		     memcmp(&d->from->vips[v].info, &d->to->vips[v].info,
			    sizeof(d->to->vips[v].info))))
			add(d, STEP_VIP_INFO, v);
	for (uint32_t k = 0; k < d->to->top_backend; k++)
		if (image_has_backend(d->to, k) &&
		    (!image_has_backend(d->from, k) || d->from->backends[k].has_other_name ||
		     memcmp(&d->from->backends[k].info, &d->to->backends[k].info,
			    sizeof(d->to->backends[k].info))))
			add(d, STEP_BACKEND_INFO, k);
}

static void write_backends(struct diff *d)
{
	for (uint32_t k = 0; k < d->to->top_backend; k++) {
		if (!image_has_backend(d->to, k))
			continue;
		if (!image_has_backend(d->from, k) || is_new_encap(d, k))
			add(d, STEP_BACKEND, k);
		else if (d->from->backends[k].state != d->to->backends[k].state ||
			 d->from->backends[k].info.weight != d->to->backends[k].info.weight)
			add(d, STEP_BACKEND_WORD, k);
	}
}

static const struct ring *ring_in(const struct image *i, uint32_t v)
{
	return image_has_vip(i, v) ? i->vips[v].ring : NULL;
}

static void write_rings(struct diff *d)
{
	for (uint32_t v = 0; v < top_vip(d); v++) {
		const struct ring *was = ring_in(d->from, v), *is = ring_in(d->to, v);

		if (is && is != was)
			add(d, STEP_RING, v)->ring = is;
		d->needs_grace |= was && is != was;
		if (image_has_vip(d->to, v) && d->to->vips[v].bridge)
			add(d, STEP_RING, v)->ring = d->to->vips[v].bridge;
	}
}

/* Where it was not before: a part of it is none. */
static bool has_new_range(const struct diff *d, uint32_t t)
{
	return image_has_tenant(d->to, t) && d->to->tenants[t].flow_buckets &&
	       (!image_has_tenant(d->from, t) ||
		d->from->tenants[t].flow_base != d->to->tenants[t].flow_base ||
		d->from->tenants[t].flow_buckets < d->to->tenants[t].flow_buckets);
}

/* Who gets it next must not meet packets under way. */
static bool leaves_range(const struct diff *d, uint32_t t)
{
	return image_has_tenant(d->from, t) && image_has_tenant(d->to, t) &&
	       d->from->tenants[t].record.flows != d->to->tenants[t].record.flows;
}

/* Fragments are remembered whether anything moves or not. */
static bool copies_flows(const struct diff *d, uint32_t t)
{
	return has_new_range(d, t) && image_has_tenant(d->from, t) &&
	       d->from->tenants[t].flow_buckets;
}

static bool is_bridged(const struct diff *d, uint32_t t)
{
	if (!image_has_tenant(d->from, t) || !image_has_tenant(d->to, t))
		return false;
	for (uint32_t v = d->to->tenants[t].vips; v != IMAGE_NONE; v = d->to->vips[v].next)
		if (d->to->vips[v].bridge)
			return true;
	return false;
}

static void bridge_tables(struct diff *d)
{
	struct steps *s = d->steps;

	s->bridges = calloc(d->to->top_tenant, sizeof(*s->bridges));
	if (!s->bridges) {
		d->error = -ENOMEM;
		return;
	}
	for (uint32_t t = 1; t < d->to->top_tenant; t++)
		if (is_bridged(d, t))
			s->bridges[s->n_bridges++] = t;
	if (!s->n_bridges)
		return;
	add(d, STEP_BRIDGE, s->n_bridges);
	add(d, STEP_GRACE, 0);
}

static void exchange_ranges(struct diff *d)
{
	for (uint32_t t = 1; t < d->to->top_tenant; t++)
		if (has_new_range(d, t))
			add(d, STEP_CLEAR_FLOWS, t);
	bridge_tables(d);
	for (uint32_t t = 1; t < d->to->top_tenant; t++)
		if (copies_flows(d, t))
			add(d, STEP_COPY_FLOWS, t);
}

bool steps_begins_with(const struct image *from, const struct image *to, uint32_t vip,
		       enum mtlb_algorithm algorithm)
{
	const struct image_vip *is = &to->vips[vip];

	return is->position && is->algorithm == algorithm &&
	       (!image_has_vip(from, vip) || !from->vips[vip].position ||
		from->vips[vip].algorithm != algorithm);
}

static bool starts_algorithm(const struct diff *d, uint32_t t)
{
	for (uint32_t v = d->to->tenants[t].vips; v != IMAGE_NONE; v = d->to->vips[v].next)
		if (steps_begins_with(d->from, d->to, v, MTLB_ALGORITHM_ROUND_ROBIN) ||
		    steps_begins_with(d->from, d->to, v, MTLB_ALGORITHM_LEAST_CONNECTIONS))
			return true;
	return false;
}

static void start_algorithms(struct diff *d)
{
	for (uint32_t t = 1; t < d->to->top_tenant; t++)
		if (image_has_tenant(d->to, t) && starts_algorithm(d, t))
			add(d, STEP_START, t);
}

/* ---- what traffic sees ---- */
/* Before tables and words: who finds a VIP finds its tenant's key, and who reads a final word the new flow range. */
static void write_tenants(struct diff *d)
{
	for (uint32_t t = 1; t < d->to->top_tenant; t++)
		if (image_has_tenant(d->to, t) &&
		    (!image_has_tenant(d->from, t) ||
		     memcmp(&d->from->tenants[t].record, &d->to->tenants[t].record,
			    sizeof(d->to->tenants[t].record))))
			add(d, STEP_TENANT, t);
}

static const struct table *table_in(const struct image *i, uint32_t t)
{
	return image_has_tenant(i, t) ? i->tenants[t].table : NULL;
}

static void swap_tables(struct diff *d)
{
	struct steps *s = d->steps;

	s->swaps = calloc(top_tenant(d) + 1, sizeof(*s->swaps));
	if (!s->swaps) {
		d->error = -ENOMEM;
		return;
	}
	for (uint32_t t = 0; t < top_tenant(d); t++)
		if (table_in(d->from, t) != table_in(d->to, t) || is_bridged(d, t))
			s->swaps[s->n_swaps++] = t;
	if (s->n_swaps)
		add(d, STEP_SWAP_TABLES, s->n_swaps);
}

static void store_words(struct diff *d)
{
	for (uint32_t v = 0; v < d->to->top_vip; v++) {
		if (!image_has_vip(d->to, v) || !image_has_vip(d->from, v) ||
		    !d->to->vips[v].position)
			continue;
		uint32_t t = d->to->vips[v].info.tenant;

		if (table_in(d->from, t) == table_in(d->to, t) && !is_bridged(d, t) &&
		    image_vip_word(&d->from->vips[v]) != image_vip_word(&d->to->vips[v]))
			add(d, STEP_VIP_WORD, v)->word = image_vip_word(&d->to->vips[v]);
	}
}

/*
 * New ones before the tombstones: a segment whose content changes is found at one of its two
 * places.
 */
static void write_segments(struct diff *d)
{
	static const struct mtlb_segment none;

	for (int dead = 0; dead < 2; dead++)
		for (uint32_t s = 0; s < d->to->limits.segments; s++) {
			const struct mtlb_segment *was = d->from ? &d->from->segments[s] : &none;
			const struct mtlb_segment *is = &d->to->segments[s];

			if (memcmp(was, is, sizeof(*is)) &&
			    dead == (is->state != MTLB_SEGMENT_LIVE))
				add(d, dead ? STEP_SEGMENT_DEAD : STEP_SEGMENT_PUT, s);
		}
}

/* ---- what goes ---- */
static bool is_gone(const struct diff *d, uint32_t k)
{
	return image_has_backend(d->from, k) && !image_has_backend(d->to, k);
}

/*
 * Before the grace period: packets that begin after this follow no flow entry to a backend that
 * goes, and write none, so that behind the grace period all that name it can be found.
 */
static void end_backends(struct diff *d)
{
	for (uint32_t k = 0; d->from && k < d->from->top_backend; k++) {
		if (!is_gone(d, k))
			continue;
		d->needs_grace = true;
		if (image_is_alive(d->from, k))
			add(d, STEP_BACKEND_END, k);
	}
}

static bool lost_backend(const struct diff *d, uint32_t tenant)
{
	for (uint32_t v = d->from->tenants[tenant].vips; v != IMAGE_NONE; v = d->from->vips[v].next)
		for (uint32_t k = d->from->vips[v].backends; k != IMAGE_NONE;
		     k = d->from->backends[k].next)
			if (image_is_alive(d->from, k) && !image_is_alive(d->to, k))
				return true;
	return false;
}

static bool changed_ring(const struct diff *d, uint32_t tenant)
{
	for (uint32_t v = d->from->tenants[tenant].vips; v != IMAGE_NONE; v = d->from->vips[v].next)
		if (ring_in(d->from, v) != ring_in(d->to, v))
			return true;
	return false;
}

/* Connections that went by their ids are in the table whether anything moves or not. */
static bool lost_quic(const struct diff *d, uint32_t tenant)
{
	for (uint32_t v = d->from->tenants[tenant].vips; v != IMAGE_NONE; v = d->from->vips[v].next)
		if (image_has_quic(&d->from->vips[v]) &&
		    !(image_has_vip(d->to, v) && image_has_quic(&d->to->vips[v])))
			return true;
	return false;
}

/*
 * Entries are of use only on moving slots, of VIPs that remember all their flows, or of
 * connections that go by their ids, and for backends that serve; a stale one could catch a later
 * flow, and a fragment of a backend that is gone could reach whoever gets its id.
 */
static bool leaves_stale_flows(const struct diff *d, uint32_t t)
{
	return image_has_tenant(d->to, t) && image_has_tenant(d->from, t) &&
	       (lost_backend(d, t) || lost_quic(d, t) ||
		(image_has_flow_state(d->from, t) && changed_ring(d, t)));
}

static void grace_before_removal(struct diff *d)
{
	bool needed = d->needs_grace;

	for (uint32_t t = 1; t < d->to->top_tenant; t++)
		needed |= leaves_range(d, t) || leaves_stale_flows(d, t);
	for (uint32_t t = 1; d->from && t < d->from->top_tenant; t++)
		needed |= image_has_tenant(d->from, t) && !image_has_tenant(d->to, t);
	for (uint32_t v = 0; d->from && v < d->from->top_vip; v++)
		needed |= image_has_vip(d->from, v) && !image_has_vip(d->to, v);
	if (needed)
		add(d, STEP_GRACE, 0);
}

static void tidy_flows(struct diff *d)
{
	for (uint32_t t = 1; t < d->to->top_tenant; t++)
		if (copies_flows(d, t))
			add(d, STEP_COPY_FLOWS, t);
	for (uint32_t t = 1; t < d->to->top_tenant; t++)
		if (leaves_stale_flows(d, t))
			add(d, STEP_PURGE_FLOWS, t);
}

static void remove_rest(struct diff *d)
{
	for (uint32_t k = 0; d->from && k < d->from->top_backend; k++) {
		if (is_gone(d, k))
			add(d, STEP_BACKEND_WORD, k);
		if (is_gone(d, k) || d->from->backends[k].has_left_name)
			add(d, STEP_BACKEND_INFO, k);
	}
	for (uint32_t v = 0; v < top_vip(d); v++)
		if (image_has_vip(d->from, v) && !image_has_vip(d->to, v))
			add(d, STEP_VIP_INFO, v);
	for (uint32_t t = 1; t < top_tenant(d); t++) {
		if (!image_has_tenant(d->from, t) || image_has_tenant(d->to, t))
			continue;
		add(d, STEP_TENANT, t);
		add(d, STEP_TENANT_INFO, t);
	}
}

int image_diff(const struct image *from, const struct image *to, struct steps **out)
{
	struct diff d = {.from = from, .to = to};

	d.steps = calloc(1, sizeof(*d.steps));
	if (!d.steps)
		return -ENOMEM;
	d.steps->from = from;
	d.steps->to = to;
	zero_stats(&d);
	grace_before_reuse(&d);
	write_names(&d);
	write_backends(&d);
	write_rings(&d);
	exchange_ranges(&d);
	start_algorithms(&d);
	write_tenants(&d);
	swap_tables(&d);
	store_words(&d);
	write_segments(&d);
	end_backends(&d);
	grace_before_removal(&d);
	tidy_flows(&d);
	remove_rest(&d);
	if (d.error)
		steps_free(d.steps);
	else
		*out = d.steps;
	return d.error;
}

bool steps_is_empty(const struct steps *s)
{
	return !s->n;
}

size_t steps_count(const struct steps *s)
{
	return s->n;
}

void steps_free(struct steps *s)
{
	if (!s)
		return;
	free(s->list);
	free(s->swaps);
	free(s->bridges);
	free(s);
}

/* ---- as text ---- */
static const char *const kind_texts[] = {
#define STEP_TEXT(name, text) text,
	STEP_KINDS(STEP_TEXT)
#undef STEP_TEXT
};

static const char *tenant_name(const struct steps *s, uint32_t t)
{
	if (t == MTLB_TENANT_NONE)
		return "(shared)";
	return image_has_tenant(s->to, t) ? s->to->tenants[t].name : s->from->tenants[t].name;
}

static const struct image *vip_holder(const struct steps *s, uint32_t v)
{
	return image_has_vip(s->to, v) ? s->to : s->from;
}

static void describe_vip(FILE *f, const struct steps *s, uint32_t v)
{
	const struct image_vip *vip = &vip_holder(s, v)->vips[v];

	fprintf(f, " %s/%s", tenant_name(s, vip->info.tenant), vip->info.name);
}

static void describe_backend(FILE *f, const struct steps *s, uint32_t k)
{
	const struct image *i = image_has_backend(s->to, k) ? s->to : s->from;

	if (!image_has_backend(i, k)) {
		fprintf(f, " %u, left over", k);
		return;
	}
	describe_vip(f, s, i->backends[k].info.vip);
	fprintf(f, "/%s state %d", i->backends[k].info.name,
		i == s->to ? i->backends[k].state : MTLB_BACKEND_FREE);
}

static void describe(FILE *f, const struct steps *s, const struct step *step)
{
	uint32_t x = step->index;

	fputs(kind_texts[step->kind], f);
	switch (step->kind) {
	case STEP_BACKEND:
	case STEP_BACKEND_WORD:
	case STEP_BACKEND_END:
	case STEP_BACKEND_INFO:
		describe_backend(f, s, x);
		break;
	case STEP_VIP_INFO:
	case STEP_VIP_WORD:
		describe_vip(f, s, x);
		if (step->kind == STEP_VIP_WORD)
			fprintf(f, " 0x%llx", (unsigned long long)step->word);
		break;
	case STEP_RING:
		describe_vip(f, s, x);
		fprintf(f, " %u+%u", step->ring->first, step->ring->units);
		break;
	case STEP_SWAP_TABLES:
		for (size_t i = 0; i < s->n_swaps; i++)
			fprintf(f, " %s", tenant_name(s, s->swaps[i]));
		break;
	case STEP_BRIDGE:
		for (size_t i = 0; i < s->n_bridges; i++)
			fprintf(f, " %s", tenant_name(s, s->bridges[i]));
		break;
	case STEP_ZERO_STATS:
		fprintf(f, " %s %u",
			step->which == MAPS_STATS_TENANT ? "tenant"
			: step->which == MAPS_STATS_VIP  ? "vip"
							 : "backend",
			x);
		break;
	case STEP_SEGMENT_PUT:
	case STEP_SEGMENT_DEAD:
		fprintf(f, " %u: interface %u vlan %u.%u", x, s->to->segments[x].ifindex,
			s->to->segments[x].vlan, s->to->segments[x].inner_vlan);
		break;
	case STEP_GRACE:
		break;
	default:
		fprintf(f, " %s", tenant_name(s, x));
	}
	fputc('\n', f);
}

char *steps_describe(const struct steps *s)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (size_t i = 0; i < s->n; i++)
		describe(f, s, &s->list[i]);
	fclose(f);
	return text;
}
