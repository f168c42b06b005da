/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Changes as a whole: random edits end where a fresh start does, failures leave nothing behind,
 * tenants stay apart.
 */
#include "fake_compare.h"
#include "fake_edits.h"
#include "fake_steps.h"

/* ---- what maps hold, as bytes: free ids and free ring space are left out ---- */
struct bytes {
	char *at;
	size_t n;
};

static void put_ring(FILE *f, const struct maps *m, uint64_t word)
{
	uint32_t slots = 1U << mtlb_vip_word_log2(word), largest = 0;
	const __u16 *s = m->rings[mtlb_vip_word_ring(word)].slots;

	if (word & MTLB_VIP_EMPTY)
		return;
	if (word & MTLB_VIP_MOVING)
		slots *= 2;
	fwrite(s, 2, slots, f);
	for (uint32_t i = 0; i < slots; i++)
		largest = (s[i] & ~MTLB_SLOT_MOVING) > (int)largest ? s[i] & ~MTLB_SLOT_MOVING
								    : largest;
	for (uint32_t i = 0; i <= largest; i++) {
		uint32_t id = fake_ring_id(m, word, i);

		fwrite(&id, sizeof(id), 1, f);
	}
}

static bool is_vip(const struct mtlb_vip *e)
{
	return e->kind == MTLB_ENTRY_VIP || e->kind == MTLB_ENTRY_RANGE;
}

static void put_table(FILE *f, const struct maps *m, uint32_t t)
{
	fwrite(m->tables[t].entries, sizeof(*m->tables[t].entries), m->tables[t].n, f);
	fwrite(&m->tenants[t], sizeof(m->tenants[t]), 1, f);
	for (uint32_t e = 0; e < m->tables[t].n; e++)
		if (is_vip(&m->tables[t].entries[e]))
			put_ring(f, m, m->tables[t].entries[e].word);
}

static void put_backends(FILE *f, const struct maps *m, int tenant)
{
	for (uint32_t k = 0; k < m->limits.backends; k++) {
		const struct mtlb_backend *b = &m->backends[k];

		if (!b->word ||
		    (tenant >= 0 && (int)m->vip_info[m->backend_info[k].vip].tenant != tenant))
			continue;
		fwrite(&b->word, 8, 1, f);
		fwrite(mtlb_backend_word_variant(b->word) ? &b->encap1 : &b->encap0,
		       sizeof(b->encap0), 1, f);
		fwrite(&m->backend_info[k], sizeof(m->backend_info[k]), 1, f);
	}
}

/* tenant -1: everything. */
static struct bytes snapshot(const struct maps *m, int tenant)
{
	struct bytes b = {0};
	FILE *f = open_memstream(&b.at, &b.n);

	for (uint32_t t = 0; t < m->limits.tenants; t++)
		if ((tenant < 0 || (int)t == tenant) && (!t || m->tenant_info[t].name[0]))
			put_table(f, m, t);
	put_backends(f, m, tenant);
	for (uint32_t v = 0; v < m->limits.vips; v++)
		if (tenant < 0 || (int)m->vip_info[v].tenant == tenant)
			fwrite(&m->vip_info[v], sizeof(m->vip_info[v]), 1, f);
	if (tenant < 0) {
		fwrite(m->tenant_info, sizeof(*m->tenant_info), m->limits.tenants, f);
		fwrite(m->node, sizeof(*m->node), 1, f);
		for (uint32_t s = 0; s < m->limits.segments; s++)
			if (m->segments[s].state == MTLB_SEGMENT_LIVE)
				fwrite(&m->segments[s], sizeof(m->segments[s]), 1, f);
	} else {
		fwrite(&m->tenant_info[tenant], sizeof(*m->tenant_info), 1, f);
		uint64_t range = m->tenants[tenant].flows;

		fwrite(&m->flows[(uint32_t)range], sizeof(*m->flows), (range >> 32) + 1, f);
	}
	fclose(f);
	return b;
}

static bool is_same(struct bytes a, struct bytes b)
{
	bool same = a.n == b.n && !memcmp(a.at, b.at, a.n);

	free(a.at);
	free(b.at);
	return same;
}

/* The rings that the words name now. */
static struct bytes rings_in_use(const struct maps *m, const struct maps_table *tables)
{
	struct bytes b = {0};
	FILE *f = open_memstream(&b.at, &b.n);

	for (uint32_t t = 1; t < m->limits.tenants; t++)
		for (uint32_t e = 0; e < tables[t].n; e++)
			if (is_vip(&tables[t].entries[e]))
				put_ring(f, m, tables[t].entries[e].word);
	fclose(f);
	return b;
}

static struct maps_table *copy_tables(const struct maps *m)
{
	struct maps_table *copy = calloc(m->limits.tenants, sizeof(*copy));

	for (uint32_t t = 0; t < m->limits.tenants; t++) {
		size_t size = m->tables[t].n * sizeof(*m->tables[t].entries);

		copy[t].n = m->tables[t].n;
		copy[t].entries = malloc(size + 1);
		memcpy(copy[t].entries, m->tables[t].entries ?: copy[t].entries, size);
	}
	return copy;
}

static void free_tables(struct maps_table *tables, uint32_t n)
{
	for (uint32_t t = 0; t < n; t++)
		free(tables[t].entries);
	free(tables);
}

static void random_edits_end_where_a_fresh_start_does(void)
{
	int changes = 0, fresh = 0;

	for (uint64_t seed = 1; seed <= 80; seed++) {
		struct edits e;

		edits_init(&e, seed);
		for (int step = 0; step < 120; step++) {
			const struct maps *m = &e.node.fake->maps;
			struct maps_table *old = copy_tables(m);
			struct bytes before = rings_in_use(m, old);

			for (uint32_t k = 0; k <= draw(&e, 3); k++)
				edit(&e);
			CU_ASSERT_EQUAL_FATAL(node_change(&e.node), 0);
			/* packets that began before still read these */
			CU_ASSERT(is_same(before, rings_in_use(m, old)));
			free_tables(old, m->limits.tenants);
			changes++;
			e.node.now += draw(&e, 50);
			if (draw(&e, 2))
				node_settle(&e.node);
			if (!draw(&e, 10))
				CU_ASSERT_EQUAL_FATAL(node_restart(&e.node), 0);
			if (draw(&e, 15))
				continue;
			/* twice: what waits for the end of moves, then nothing */
			CU_ASSERT_EQUAL(node_change(&e.node), 0);
			CU_ASSERT(node_settle_all(&e.node));
			CU_ASSERT_EQUAL(node_change(&e.node), 0);
			bool same = is_like_fresh(&e.node);

			CU_ASSERT(same);
			if (!same)
				printf("     seed %d step %d\n", (int)seed, step);
			fresh++;
		}
		node_free(&e.node);
	}
	printf("     %d changes, %d compared with a fresh start\n", changes, fresh);
}

static void restart_at_any_time_finds_the_same(void)
{
	for (uint64_t seed = 100; seed < 130; seed++) {
		struct edits e;

		edits_init(&e, seed);
		for (int step = 0; step < 60; step++) {
			edit(&e);
			CU_ASSERT_EQUAL_FATAL(node_change(&e.node), 0);
			e.node.now += draw(&e, 60);
			node_settle(&e.node);
			/* a shrinking flow range, or nothing, is what is left to do */
			CU_ASSERT_EQUAL_FATAL(node_change(&e.node), 0);
			CU_ASSERT_EQUAL_FATAL(node_restart(&e.node), 0);
			struct image_inputs in = node_inputs(&e.node);
			struct report r = {0};
			struct image *next;
			struct steps *s;

			CU_ASSERT_EQUAL_FATAL(image_build(&in, &next, &r), 0);
			CU_ASSERT_EQUAL_FATAL(image_diff(e.node.image, next, &s), 0);
			CU_ASSERT(steps_is_empty(s));
			if (!steps_is_empty(s)) {
				char *text = steps_describe(s);

				printf("     seed %d step %d:\n%s", (int)seed, step, text);
				free(text);
			}
			steps_free(s);
			image_free(next);
		}
		node_free(&e.node);
	}
}

static void failed_change_leaves_the_maps_as_they_were(void)
{
	int failures = 0;

	for (uint64_t seed = 200; seed < 230; seed++) {
		struct edits e;

		edits_init(&e, seed);
		for (int step = 0; step < 40; step++) {
			struct fake *f = e.node.fake;

			for (int k = 0; k < 3; k++)
				edit(&e);
			for (int at = 1;; at++) {
				struct bytes before = snapshot(&f->maps, -1);

				f->ops = 0;
				f->fail_at = at;
				int err = node_change(&e.node);

				f->fail_at = 0;
				if (!err) {
					free(before.at);
					break;
				}
				failures++;
				CU_ASSERT_EQUAL(err, -EIO);
				CU_ASSERT(is_same(before, snapshot(&f->maps, -1)));
			}
			e.node.now += draw(&e, 60);
			node_settle(&e.node);
		}
		CU_ASSERT_EQUAL(node_change(&e.node), 0);
		CU_ASSERT(node_settle_all(&e.node));
		CU_ASSERT_EQUAL(node_change(&e.node), 0);
		CU_ASSERT(is_like_fresh(&e.node));
		node_free(&e.node);
	}
	printf("     %d failures injected\n", failures);
}

static void check_sound(void *ctx)
{
	const struct fake *f = ctx;

	CU_ASSERT(are_maps_sound(&f->maps));
}

/* mtlbd dies between any two steps: what is there can be adopted, and the change then made. */
static void death_in_the_middle_of_a_change_is_survived(void)
{
	for (uint64_t seed = 300; seed < 340; seed++) {
		struct edits e;

		edits_init(&e, seed);
		for (int step = 0; step < 40; step++) {
			struct fake *f = e.node.fake;
			struct report r = {0};
			struct image *next;
			struct steps *s;

			for (int k = 0; k < 3; k++)
				edit(&e);
			struct image_inputs in = node_inputs(&e.node);

			CU_ASSERT_EQUAL_FATAL(image_build(&in, &next, &r), 0);
			CU_ASSERT_EQUAL_FATAL(image_diff(e.node.image, next, &s), 0);
			run_singly(f, s, draw(&e, s->n + 1), check_sound, f);
			report_clear(&r);
			steps_free(s);
			image_free(next);
			CU_ASSERT_EQUAL_FATAL(node_restart(&e.node), 0);
			CU_ASSERT_EQUAL(node_change(&e.node), 0);
			e.node.now += draw(&e, 60);
			node_settle(&e.node);
		}
		CU_ASSERT(node_settle_all(&e.node));
		CU_ASSERT_EQUAL(node_change(&e.node), 0);
		CU_ASSERT(is_like_fresh(&e.node));
		node_free(&e.node);
	}
}

static void change_of_one_tenant_touches_no_other(void)
{
	for (uint64_t seed = 400; seed < 420; seed++) {
		struct edits e;

		edits_init(&e, seed);
		struct fake *f = e.node.fake;

		memset(f->maps.flows, 0x5a, f->maps.limits.flow_buckets * sizeof(*f->maps.flows));
		for (int step = 0; step < 60; step++) {
			struct bytes a = snapshot(&f->maps, 2), b = snapshot(&f->maps, 3);

			if (draw(&e, 8))
				edit_vip(&e, &e.node.model->tenants[0]);
			else
				e.node.model->tenants[0].limits.flows = 256U << draw(&e, 4);
			for (size_t v = 0; v < e.node.model->tenants[0].n_vips; v++)
				e.node.model->tenants[0].vips[v].address.bytes[12] = 199;
			CU_ASSERT_EQUAL_FATAL(node_change(&e.node), 0);
			CU_ASSERT(is_same(a, snapshot(&f->maps, 2)));
			CU_ASSERT(is_same(b, snapshot(&f->maps, 3)));
		}
		node_free(&e.node);
	}
}

static void next_hop_change_flips_the_variant_after_a_grace_period(void)
{
	struct edits e;
	char *text;

	edits_init(&e, 1);
	struct image_inputs in = node_inputs(&e.node);
	struct report r = {0};
	struct image *next;
	struct steps *s;

	in.next_hop = NULL;
	CU_ASSERT_EQUAL_FATAL(image_build(&in, &next, &r), 0);
	CU_ASSERT_EQUAL_FATAL(image_diff(e.node.image, next, &s), 0);
	text = steps_describe(s);
	CU_ASSERT(!strncmp(text, "grace period\nbackend tenant-0/", 28));
	CU_ASSERT_EQUAL(steps_count(s), 19); /* and 18 backends */
	free(text);
	CU_ASSERT_EQUAL(steps_apply(s, &e.node.fake->maps, &r), 0);
	CU_ASSERT_EQUAL(mtlb_backend_word_variant(e.node.fake->maps.backends[0].word), 1);
	CU_ASSERT_EQUAL(e.node.fake->maps.backends[0].encap1.kind, MTLB_ENCAP_NONE);
	CU_ASSERT_EQUAL(e.node.fake->maps.backends[0].encap0.kind, MTLB_ENCAP_IPIP);
	steps_free(s);
	image_free(next);
	node_free(&e.node);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct test tests[] = {
	TEST(next_hop_change_flips_the_variant_after_a_grace_period),
	TEST(random_edits_end_where_a_fresh_start_does),
	TEST(restart_at_any_time_finds_the_same),
	TEST(failed_change_leaves_the_maps_as_they_were),
	TEST(death_in_the_middle_of_a_change_is_survived),
	TEST(change_of_one_tenant_touches_no_other),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "apply", tests);
}
