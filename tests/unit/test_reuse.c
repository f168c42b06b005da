/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ids of backends are given away again: what the flow table remembers of the one before must not
 * lead to the next, whatever happens to changes, and however slow packets are. Ticks come again, too.
 */
#include "fake_steps.h"
#include "fake_traffic.h"

enum {
	CLIENTS = 96,
	SLOW = 12,
	DATAGRAM_ID = 7,
};

/* A packet under way: it has decided, and will write this. */
struct slow {
	struct mtlb_flow *way;
	struct mtlb_flow entry;
	bool is_new; /* the fingerprint, too */
};

struct world {
	struct node node;
	uint64_t random;
	uint32_t next; /* numbers names and addresses */
	struct slow slow[SLOW];
	uint32_t n_slow;
	uint64_t packets, named, strangers, failed, stuck, died;
};

static uint32_t draw(struct world *w, uint32_t below)
{
	w->random = w->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (w->random >> 33) % below;
}

static struct maps *maps_of(struct world *w)
{
	return &w->node.fake->maps;
}

/* ---- packets ---- */
struct sent {
	uint32_t tenant;
	struct mtlb_tuple tuple;
	bool is_fragment, is_later;
};

/* To any VIP that the tables find, whoever's it is. */
static bool choose_packet(struct world *w, struct sent *s)
{
	const struct maps *m = maps_of(w);
	const struct mtlb_vip *v;

	s->tenant = 1 + draw(w, m->limits.tenants - 1);
	if (!m->tables[s->tenant].entries)
		return false;
	v = &m->tables[s->tenant].entries[draw(w, m->tables[s->tenant].n)];
	for (int i = 0; v->kind != MTLB_ENTRY_VIP; i++) {
		if (i == 1000)
			return false;
		v = &m->tables[s->tenant].entries[draw(w, m->tables[s->tenant].n)];
	}
	s->tuple = (struct mtlb_tuple){.source = {[3] = htonl(0x0a000000 + draw(w, CLIENTS))},
				       .source_port = htons(1024),
				       .destination_port = v->port,
				       .protocol = v->protocol};
	memcpy(s->tuple.destination, v->address, 16);
	s->is_fragment = !draw(w, 4);
	s->is_later = s->is_fragment && draw(w, 2);
	return true;
}

static uint64_t fragment_hash_of(const struct maps *m, const struct sent *s)
{
	return mtlb_fragment_hash(&s->tuple, DATAGRAM_ID, s->tuple.protocol,
				  m->tenants[s->tenant].key);
}

static struct mtlb_flow_bucket *bucket_of(const struct maps *m, uint32_t tenant, uint64_t hash)
{
	return &m->flows[mtlb_flow_range_bucket(m->tenants[tenant].flows, hash)];
}

static uint64_t fragment_word(uint64_t hash, uint32_t backend, uint64_t now)
{
	return mtlb_flow_word(hash, backend, MTLB_FLOW_FRAGMENT, now);
}

static uint32_t follow_fragment(struct world *w, const struct sent *s)
{
	const struct maps *m = maps_of(w);
	uint64_t hash = fragment_hash_of(m, s);
	struct mtlb_flow_bucket *b = bucket_of(m, s->tenant, hash);

	for (int i = 0; i < MTLB_FLOW_WAYS; i++) {
		uint32_t backend = mtlb_flow_word_backend(b->ways[i].word);

		if (b->ways[i].fingerprint != hash ||
		    !mtlb_flow_is_live(b->ways[i].word, w->node.now, MTLB_FRAGMENT_TICKS, 0) ||
		    !fake_is_alive(m, backend))
			continue;
		b->ways[i].word = fragment_word(hash, backend, w->node.now);
		return backend;
	}
	return UINT32_MAX;
}

static uint32_t run_packet(struct world *w, const struct sent *s)
{
	struct maps *m = maps_of(w);
	uint64_t hash = fragment_hash_of(m, s);
	uint32_t backend;

	w->packets++;
	if (s->is_later)
		return follow_fragment(w, s);
	backend = pick(w->node.fake, s->tenant, &s->tuple, draw(w, 3), w->node.now);
	if (s->is_fragment && backend != UINT32_MAX)
		flow_remember(m, s->tenant, bucket_of(m, s->tenant, hash), hash,
			      fragment_word(hash, backend, w->node.now), w->node.now);
	return backend;
}

/* Where it went is a backend of its tenant. */
static void judge(struct world *w, const struct sent *s, uint32_t backend)
{
	const struct maps *m = maps_of(w);

	if (backend == UINT32_MAX)
		return;
	w->named++;
	if (!m->backend_info[backend].name[0] ||
	    m->vip_info[m->backend_info[backend].vip].tenant != s->tenant)
		w->strangers++;
}

static void finish_slow(struct world *w)
{
	for (uint32_t i = 0; i < w->n_slow; i++) {
		struct slow *s = &w->slow[i];

		if (s->is_new)
			s->way->fingerprint = s->entry.fingerprint;
		s->way->word = s->entry.word;
	}
	w->n_slow = 0;
}

/* What the packet writes into the bucket is taken back, and kept for later. */
static void hold_back(struct world *w, struct mtlb_flow_bucket *b,
		      const struct mtlb_flow_bucket *before)
{
	for (int i = 0; i < MTLB_FLOW_WAYS && w->n_slow < SLOW; i++) {
		struct mtlb_flow *f = &b->ways[i];

		if (!memcmp(f, &before->ways[i], sizeof(*f)))
			continue;
		w->slow[w->n_slow++] =
			(struct slow){f, *f, f->fingerprint != before->ways[i].fingerprint};
		*f = before->ways[i];
	}
}

static void begin_slow(struct world *w)
{
	struct mtlb_flow_bucket before[2], *at[2];
	struct sent s;

	if (w->n_slow == SLOW || !choose_packet(w, &s))
		return;
	const struct maps *m = maps_of(w);

	at[0] = bucket_of(m, s.tenant, mtlb_flow_hash(&s.tuple, m->tenants[s.tenant].key));
	at[1] = bucket_of(m, s.tenant, fragment_hash_of(m, &s));
	before[0] = *at[0];
	before[1] = *at[1];
	judge(w, &s, run_packet(w, &s));
	hold_back(w, at[0], &before[0]);
	if (at[1] != at[0])
		hold_back(w, at[1], &before[1]);
}

static void traffic(void *ctx)
{
	struct world *w = ctx;
	struct sent s;

	for (int i = 0; i < 40; i++)
		if (choose_packet(w, &s))
			judge(w, &s, run_packet(w, &s));
	for (int i = 0; i < 4; i++)
		begin_slow(w);
}

/* Inside of operations: those that wait for packets under way wait for all of them. */
static void traffic_inside(void *ctx)
{
	finish_slow(ctx);
	traffic(ctx);
}

/* ---- edits ---- */
static void add_numbered_vip(struct world *w, struct model_tenant *t)
{
	struct model_vip *v = add_vip(t, w->next, 0);

	v->address = address_of(203, w->next);
	v->algorithm = draw(w, 2) ? MTLB_ALGORITHM_MAGLEV : draw(w, 4);
	v->protocol = draw(w, 2) ? IPPROTO_TCP : IPPROTO_UDP;
	v->ring_size = 16;
	v->idle_timeout_s = 30;
	for (uint32_t i = 0; i < 2; i++)
		add_backend(v, w->next++);
}

static struct model_tenant *add_numbered_tenant(struct world *w)
{
	struct model_tenant *t = add_tenant(w->node.model, w->next++);

	for (int i = 0; i < 2; i++)
		add_numbered_vip(w, t);
	return t;
}

static void edit_backend(struct world *w, struct model_vip *v)
{
	struct model_backend *b = v->n_backends ? &v->backends[draw(w, v->n_backends)] : NULL;
	uint32_t what = draw(w, 8);

	if (b && what < 3)
		vip_remove_backend(v, b);
	else if (b && what < 5)
		b->state = draw(w, 3);
	else if (v->n_backends < 3)
		add_backend(v, w->next++);
}

static void edit(struct world *w)
{
	struct model *m = w->node.model;
	struct model_tenant *t = &m->tenants[draw(w, m->n_tenants)];
	struct model_vip *v = t->n_vips ? &t->vips[draw(w, t->n_vips)] : NULL;

	switch (draw(w, 16)) {
	case 0:
		if (m->n_tenants > 1)
			model_remove_tenant(m, t);
		break;
	case 1:
		if (m->n_tenants < 3)
			add_numbered_tenant(w);
		break;
	case 2:
		t->suspended = !t->suspended;
		break;
	case 3:
		t->limits.flows = 256U << draw(w, 2);
		break;
	case 4:
	case 5:
		if (v)
			tenant_remove_vip(t, v);
		break;
	case 6:
	case 7:
		if (t->n_vips < 3)
			add_numbered_vip(w, t);
		break;
	default:
		if (v)
			edit_backend(w, v);
	}
}

/* ---- changes ---- */
/* What entries name is in use, and the tenant's own. */
static void check_entries(struct world *w)
{
	const struct image *i = w->node.image;

	for (uint32_t t = 1; t < i->top_tenant; t++) {
		const struct mtlb_flow_bucket *b = maps_of(w)->flows + i->tenants[t].flow_base;

		if (!i->tenants[t].name[0])
			continue;
		for (uint32_t at = 0; at < i->tenants[t].flow_buckets * MTLB_FLOW_WAYS; at++) {
			uint64_t word = b[at / MTLB_FLOW_WAYS].ways[at % MTLB_FLOW_WAYS].word;
			uint32_t k = mtlb_flow_word_backend(word);

			if (mtlb_flow_word_state(word) == MTLB_FLOW_FREE)
				continue;
			CU_ASSERT(image_has_backend(i, k) &&
				  i->vips[i->backends[k].info.vip].info.tenant == t);
		}
	}
}

static struct steps *prepare(struct world *w, struct image **next)
{
	struct image_inputs in = node_inputs(&w->node);
	struct report r = {0};
	struct steps *s = NULL;

	CU_ASSERT_EQUAL_FATAL(image_build(&in, next, &r), 0);
	CU_ASSERT_EQUAL_FATAL(image_diff(w->node.image, *next, &s), 0);
	report_clear(&r);
	return s;
}

static void take_over(struct world *w, struct image *next)
{
	image_free(w->node.image);
	w->node.image = next;
}

static void change_step_by_step(struct world *w)
{
	struct image *next;
	struct steps *s = prepare(w, &next);

	run_singly(w->node.fake, s, s->n, traffic, w);
	steps_free(s);
	take_over(w, next);
}

static void die_between_steps(struct world *w)
{
	struct image *next;
	struct steps *s = prepare(w, &next);

	if (s->n) {
		run_singly(w->node.fake, s, draw(w, s->n), traffic, w);
		w->died++;
	}
	finish_slow(w);
	steps_free(s);
	image_free(next);
	CU_ASSERT_EQUAL_FATAL(node_restart(&w->node), 0);
	check_entries(w);
}

static void fail_in_the_middle(struct world *w)
{
	w->node.fake->ops = 0;
	w->node.fake->fail_at = 1 + draw(w, 6);
	w->node.fake->keeps_failing = draw(w, 2);
	w->node.fake->half_swaps = draw(w, 2);
	int err = node_change(&w->node);

	w->node.fake->fail_at = 0;
	w->failed += err != 0;
	w->stuck += err == -ENOTRECOVERABLE;
	if (err == -ENOTRECOVERABLE) {
		finish_slow(w);
		CU_ASSERT_EQUAL_FATAL(node_restart(&w->node), 0);
	}
	check_entries(w);
}

static void world_init(struct world *w, uint64_t seed)
{
	struct maps_limits l = {.tenants = 6,
				.vips = 24,
				.backends = 64,
				.segments = 8,
				.ring_units = 1 << 12,
				.flow_buckets = 1 << 10};

	memset(w, 0, sizeof(*w));
	w->random = seed;
	node_init(&w->node, &l);
	for (int t = 0; t < 2; t++)
		add_numbered_tenant(w);
	CU_ASSERT_EQUAL_FATAL(node_change(&w->node), 0);
	w->node.fake->traffic = traffic_inside;
	w->node.fake->traffic_ctx = w;
}

static void run_seeds(uint64_t first, void (*change)(struct world *w))
{
	uint64_t packets = 0, named = 0, strangers = 0, failed = 0, stuck = 0, died = 0;

	for (uint64_t seed = first; seed < first + 20; seed++) {
		struct world *w = malloc(sizeof(*w));

		world_init(w, seed);
		for (int step = 0; step < 150; step++) {
			for (uint32_t k = 0; k <= draw(w, 3); k++)
				edit(w);
			change(w);
			CU_ASSERT_EQUAL_FATAL(node_change(&w->node), 0);
			check_entries(w);
			w->node.now += draw(w, 3) ? draw(w, 3) : draw(w, 40);
			node_settle(&w->node);
			check_entries(w);
		}
		packets += w->packets;
		named += w->named;
		strangers += w->strangers;
		failed += w->failed;
		stuck += w->stuck;
		died += w->died;
		w->node.fake->traffic = NULL;
		node_free(&w->node);
		free(w);
	}
	CU_ASSERT_EQUAL(strangers, 0);
	printf("     %llu packets, %llu forwarded, %llu to strangers; %llu changes failed, %llu for "
	       "good, mtlbd died in %llu\n",
	       (unsigned long long)packets, (unsigned long long)named,
	       (unsigned long long)strangers, (unsigned long long)failed, (unsigned long long)stuck,
	       (unsigned long long)died);
}

static void slow_packets_remember_no_backend_that_is_gone(void)
{
	run_seeds(1, change_step_by_step);
}

static void failed_changes_leave_no_flow_of_what_they_added(void)
{
	run_seeds(100, fail_in_the_middle);
}

static void death_between_any_two_steps_leaves_no_stale_flow(void)
{
	run_seeds(200, die_between_steps);
}

/* ---- ticks are reused as well ---- */
static uint32_t count_flows(const struct node *n)
{
	struct image_census *c = image_census(n->image, n->fake->maps.flows, n->now);
	uint32_t flows = image_census_flows(c, 0) + image_census_flows(c, 1);

	image_census_free(c);
	return flows;
}

/* One flow is silent, the other is not, until ticks come to where they were. */
static void flow_that_timed_out_stays_so_when_ticks_wrap(void)
{
	struct maps_limits l = small_limits();
	struct node n;

	node_init(&n, &l);
	struct model_vip *v = add_vip(add_tenant(n.model, 0), 0, 2);
	struct mtlb_tuple silent = {.source = {[3] = 1},
				    .source_port = htons(1024),
				    .destination_port = htons(443),
				    .protocol = IPPROTO_TCP};
	struct mtlb_tuple busy = silent;
	uint64_t began = n.now;

	busy.source_port = htons(1025);
	v->algorithm = MTLB_ALGORITHM_ROUND_ROBIN;
	memcpy(silent.destination, v->address.bytes, 16);
	memcpy(busy.destination, v->address.bytes, 16);
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	pick(n.fake, 1, &silent, PACKET_SYN, n.now);
	pick(n.fake, 1, &silent, PACKET_DATA, n.now);
	uint32_t backend = pick(n.fake, 1, &busy, PACKET_SYN, n.now);

	for (; n.now < began + (1 << 16); n.now++) {
		if (n.now % 100 == 0)
			CU_ASSERT_EQUAL(pick(n.fake, 1, &busy, PACKET_DATA, n.now), backend);
		if (n.now == began + 200)
			CU_ASSERT_EQUAL(count_flows(&n), 2);
		image_sweep_flows(n.image, &n.fake->maps, n.now);
	}
	CU_ASSERT_EQUAL(count_flows(&n), 1);
	node_free(&n);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct test tests[] = {
	TEST(slow_packets_remember_no_backend_that_is_gone),
	TEST(failed_changes_leave_no_flow_of_what_they_added),
	TEST(death_between_any_two_steps_leaves_no_stale_flow),
	TEST(flow_that_timed_out_stays_so_when_ticks_wrap),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "reuse", tests);
}
