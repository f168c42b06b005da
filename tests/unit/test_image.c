/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What an image holds: ids and places that stay, slots that move, rings that are shared, restarts.
 */
#include <time.h>

#include "core/image_internal.h"
#include "fake_compare.h"
#include "fake_view.h"
#include "util/cleanup.h"

static void fresh_vip_moves_nothing(void)
{
	struct node n;

	start(&n, 2, 2, 3);
	CU_ASSERT(!image_is_moving(n.image));
	CU_ASSERT_EQUAL(view_vip(&n, 0, 0).ring_slots, 512);
	CU_ASSERT_EQUAL(view_vip(&n, 0, 0).moving_slots, 0);
	CU_ASSERT_EQUAL(steps_to(&n, NULL), 0);
	node_free(&n);
}

static void drain_moves_exactly_the_drained_slots(void)
{
	struct node n;

	start(&n, 1, 1, 4);
	uint32_t slots = view_backend(&n, "web-1").slots;

	vip_of(&n, 0, 0)->backends[1].state = BACKEND_ADMIN_DRAINING;
	CU_ASSERT_EQUAL(node_change(&n), 0);
	CU_ASSERT_EQUAL(view_vip(&n, 0, 0).moving_slots, slots);
	CU_ASSERT(view_vip(&n, 0, 0).learning);
	CU_ASSERT_EQUAL(view_backend(&n, "web-1").slots, 0);
	CU_ASSERT_EQUAL(view_backend(&n, "web-1").moving_slots, slots);
	CU_ASSERT_EQUAL(view_backend(&n, "web-1").state, MTLB_BACKEND_DRAINING);
	CU_ASSERT(node_settle_all(&n));
	CU_ASSERT_EQUAL(view_vip(&n, 0, 0).moving_slots, 0);
	CU_ASSERT(is_like_fresh(&n));
	node_free(&n);
}

static void learning_lasts_for_the_idle_timeout(void)
{
	struct node n;

	start(&n, 1, 1, 2);
	vip_of(&n, 0, 0)->backends[1].state = BACKEND_ADMIN_DRAINING;
	node_change(&n);
	uint64_t begin = n.now, idle = 280;

	node_settle(&n);
	for (n.now = begin + 10; n.now <= begin + idle; n.now += 10) {
		node_settle(&n);
		CU_ASSERT(view_vip(&n, 0, 0).learning);
	}
	n.now = begin + idle + 2;
	CU_ASSERT(node_settle(&n));
	CU_ASSERT(!view_vip(&n, 0, 0).learning);
	CU_ASSERT(view_vip(&n, 0, 0).moving_slots > 0);
	CU_ASSERT(node_settle(&n));
	CU_ASSERT_EQUAL(view_vip(&n, 0, 0).moving_slots, 0);
	CU_ASSERT(!node_settle(&n));
	node_free(&n);
}

/* A packet that an id leads needs no entry, nor does anybody else need it. */
static void refused_notes_do_not_hold_learning_open(void)
{
	struct node n;

	start(&n, 1, 1, 2);
	vip_of(&n, 0, 0)->backends[1].state = BACKEND_ADMIN_DRAINING;
	node_change(&n);
	for (int i = 0; i < 8; i++) {
		node_settle(&n);
		n.now += 50;
		n.fake->refused[1].notes++;
	}
	CU_ASSERT(!view_vip(&n, 0, 0).learning);
	node_free(&n);
}

static void refused_flows_hold_learning_open(void)
{
	struct node n;

	start(&n, 1, 1, 2);
	vip_of(&n, 0, 0)->backends[1].state = BACKEND_ADMIN_DRAINING;
	node_change(&n);
	node_settle(&n);
	n.now += 250;
	n.fake->refused[1].flows++;
	node_settle(&n);
	n.now += 250;
	node_settle(&n);
	CU_ASSERT(view_vip(&n, 0, 0).learning);
	n.now += 50;
	node_settle(&n);
	CU_ASSERT(!view_vip(&n, 0, 0).learning);
	node_free(&n);
}

static void removed_backend_leaves_when_its_flows_ended(void)
{
	struct node n;

	start(&n, 1, 1, 3);
	int id = image_backend_id(n.image, "tenant-0", "vip-0", "web-2"),
	    vip = view_vip(&n, 0, 0).id;

	vip_remove_backend(vip_of(&n, 0, 0), &vip_of(&n, 0, 0)->backends[2]);
	node_change(&n);
	CU_ASSERT_EQUAL(image_next_leaving(n.image, vip, -1), id);
	CU_ASSERT_EQUAL(image_next_leaving(n.image, vip, id), -1);
	CU_ASSERT_EQUAL(view_backend(&n, "web-2").state, MTLB_BACKEND_LEAVING);
	CU_ASSERT_EQUAL(steps_to(&n, NULL), 0);
	CU_ASSERT(node_settle_all(&n));
	CU_ASSERT_EQUAL(image_backend_id(n.image, "tenant-0", "vip-0", "web-2"), -ENOENT);
	CU_ASSERT_EQUAL(n.fake->maps.backends[id].word, 0);
	CU_ASSERT(is_like_fresh(&n));
	node_free(&n);
}

static void dead_backend_settles_at_once_and_its_return_moves(void)
{
	struct node n;

	start(&n, 1, 1, 3);
	vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_DISABLED;
	node_change(&n);
	CU_ASSERT_EQUAL(view_vip(&n, 0, 0).moving_slots, 0);
	CU_ASSERT_EQUAL(view_backend(&n, "web-0").slots, 0);
	vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_UP;
	node_change(&n);
	CU_ASSERT_EQUAL(view_vip(&n, 0, 0).moving_slots, view_backend(&n, "web-0").slots);
	node_free(&n);
}

static void address_change_is_another_backend(void)
{
	struct node n;

	start(&n, 1, 1, 2);
	int old = image_backend_id(n.image, "tenant-0", "vip-0", "web-0");

	vip_of(&n, 0, 0)->backends[0].address = address_of(10, 77);
	node_change(&n);
	int new = image_backend_id(n.image, "tenant-0", "vip-0", "web-0");

	CU_ASSERT(new >= 0 && new != old);
	CU_ASSERT_EQUAL(image_next_leaving(n.image, view_vip(&n, 0, 0).id, -1), old);
	node_free(&n);
}

static void freed_ids_are_not_reused_in_the_same_change(void)
{
	struct node n;

	start(&n, 2, 1, 2);
	int slot = image_tenant_slot(n.image, "tenant-0");
	uint32_t base, buckets, other, same;

	image_flow_range(n.image, slot, &base, &buckets);
	model_remove_tenant(n.model, &n.model->tenants[0]);
	add_vip(add_tenant(n.model, 9), 9, 2);
	CU_ASSERT_EQUAL(node_change(&n), 0);
	CU_ASSERT_NOT_EQUAL(image_tenant_slot(n.image, "tenant-9"), slot);
	image_flow_range(n.image, image_tenant_slot(n.image, "tenant-9"), &other, &same);
	CU_ASSERT_NOT_EQUAL(base, other);
	add_vip(add_tenant(n.model, 10), 10, 2);
	CU_ASSERT_EQUAL(node_change(&n), 0);
	CU_ASSERT_EQUAL(image_tenant_slot(n.image, "tenant-10"), slot);
	CU_ASSERT(is_like_fresh(&n));
	node_free(&n);
}

static void all_draining_go_on_as_a_fresh_start_decides(void)
{
	struct node n;

	start(&n, 1, 1, 2);
	for (int i = 0; i < 2; i++) {
		vip_of(&n, 0, 0)->backends[i].state = BACKEND_ADMIN_DRAINING;
		node_change(&n);
	}
	CU_ASSERT(view_backend(&n, "web-0").slots && view_backend(&n, "web-1").slots);
	CU_ASSERT(node_settle_all(&n));
	CU_ASSERT(is_like_fresh(&n));
	node_free(&n);
}

static void last_backends_leave_when_no_flow_is_left(void)
{
	struct node n;

	start(&n, 1, 1, 2);
	while (vip_of(&n, 0, 0)->n_backends)
		vip_remove_backend(vip_of(&n, 0, 0), &vip_of(&n, 0, 0)->backends[0]);
	node_change(&n);
	CU_ASSERT_EQUAL(view_vip(&n, 0, 0).moving_slots, 256);
	CU_ASSERT(node_settle_all(&n));
	CU_ASSERT_EQUAL(view_vip(&n, 0, 0).ring_slots, 0);
	CU_ASSERT(is_like_fresh(&n));
	node_free(&n);
}

static void shrinking_ring_stays_long_until_nothing_moves(void)
{
	struct node n;

	start(&n, 1, 1, 3);
	vip_remove_backend(vip_of(&n, 0, 0), &vip_of(&n, 0, 0)->backends[2]);
	node_change(&n);
	CU_ASSERT_EQUAL(view_vip(&n, 0, 0).ring_slots, 512);
	CU_ASSERT(node_settle_all(&n));
	CU_ASSERT_EQUAL(view_vip(&n, 0, 0).ring_slots, 256);
	CU_ASSERT(is_like_fresh(&n));
	node_free(&n);
}

static void suspended_tenant_is_out_and_comes_back(void)
{
	struct node n;

	start(&n, 2, 2, 3);
	uint32_t id = view_vip(&n, 0, 0).id;
	struct addr address = vip_of(&n, 0, 0)->address;

	n.model->tenants[0].suspended = true;
	node_change(&n);
	CU_ASSERT_PTR_NULL(fake_find(&n.fake->maps, 0, address.bytes, 0, 0));
	CU_ASSERT_PTR_NULL(fake_find(&n.fake->maps, 1, address.bytes, htons(443), IPPROTO_TCP));
	CU_ASSERT_EQUAL(node_restart(&n), 0);
	CU_ASSERT_EQUAL(steps_to(&n, NULL), 0);
	n.model->tenants[0].suspended = false;
	node_change(&n);
	CU_ASSERT_EQUAL(view_vip(&n, 0, 0).id, id);
	CU_ASSERT(is_like_fresh(&n));
	node_free(&n);
}

static void weight_change_touches_one_vip(void)
{
	struct node n;
	char *text;

	start(&n, 2, 2, 3);
	vip_of(&n, 0, 1)->backends[0].weight = 50;
	size_t count = steps_to(&n, &text);

	CU_ASSERT_EQUAL(count, 5);
	CU_ASSERT_PTR_NOT_NULL(strstr(text,
				      "backend name tenant-0/vip-1/web-1000 state 1\nbackend state "
				      "tenant-0/vip-1/web-1000 state 1\nring tenant-0/vip-1 "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "vip word tenant-0/vip-1 0x"));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "grace period\n"));
	if (count != 5)
		puts(text);
	free(text);
	node_free(&n);
}

static void segments_keep_their_places(void)
{
	struct node n;
	const struct maps *m;

	start(&n, 2, 1, 2);
	for (int i = 0; i < 8; i++)
		add_segment(n.model, 100 + i, i % 2 ? "tenant-0" : "tenant-1");
	CU_ASSERT_EQUAL(node_change(&n), 0);
	m = &n.fake->maps;
	CU_ASSERT_EQUAL(fake_segment(m, 2, 101)->tenant, 1);
	CU_ASSERT_EQUAL(fake_segment(m, 2, 100)->tenant, 2);
	const struct mtlb_segment *kept = fake_segment(m, 2, 103);

	model_remove_segment(n.model, &n.model->segments[1]);
	strcpy(n.model->segments[0].tenant, "tenant-0");
	CU_ASSERT_EQUAL(node_change(&n), 0);
	CU_ASSERT_PTR_NULL(fake_segment(m, 2, 101));
	CU_ASSERT_EQUAL(fake_segment(m, 2, 100)->tenant, 1);
	CU_ASSERT_PTR_EQUAL(fake_segment(m, 2, 103), kept);
	for (int i = 0; i < 200; i++) {
		n.model->segments[i % 7].next_hop_set = i % 3;
		n.model->segments[i % 7].next_hop = (struct mac){{2, i}};
		CU_ASSERT_EQUAL(node_change(&n), 0);
	}
	CU_ASSERT(is_like_fresh(&n));
	node_free(&n);
}

static void what_does_not_fit_is_refused_as_a_whole(void)
{
	struct node n;
	struct report r = {0};
	struct image *next = NULL;

	start(&n, 1, 1, 2);
	for (int t = 1; t < 20; t++)
		add_vip(add_tenant(n.model, t), t, 30);
	n.model->tenants[3].limits.flows = 1 << 20;
	struct image_inputs in = node_inputs(&n);

	CU_ASSERT_EQUAL(image_build(&in, &next, &r), -ENOSPC);
	CU_ASSERT_PTR_NULL(next);
	CU_ASSERT_EQUAL(r.n, 3); /* tenants, backends, flows */
	report_clear(&r);
	node_free(&n);
}

/* Restarts at every stage of a drain, of a removal and of a ring that shrinks. */
static void restart_finds_what_was_there(void)
{
	struct node n;

	start(&n, 3, 2, 3);
	add_segment(n.model, 7, "tenant-1");
	node_change(&n);
	for (int stage = 0; stage < 12; stage++) {
		CU_ASSERT_EQUAL_FATAL(node_restart(&n), 0);
		char *text;

		CU_ASSERT_EQUAL(steps_to(&n, &text), 0);
		if (*text)
			puts(text);
		free(text);
		if (stage == 0)
			vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_DRAINING;
		if (stage == 2)
			vip_remove_backend(vip_of(&n, 1, 0), &vip_of(&n, 1, 0)->backends[1]);
		if (stage == 4)
			model_remove_tenant(n.model, &n.model->tenants[2]);
		node_change(&n);
		n.now += 100;
		node_settle(&n);
	}
	CU_ASSERT(node_settle_all(&n));
	CU_ASSERT(is_like_fresh(&n));
	node_free(&n);
}

/*
 * Bytes that nobody wrote: refused or taken, but never a crash, and what is taken can be built
 * upon.
 */
static void corrupt_maps_are_refused_without_a_crash(void)
{
	uint64_t random = 7;
	int refused = 0;

	for (int round = 0; round < 1500; round++) {
		struct node n;

		start(&n, 2, 2, 3);
		vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_DRAINING;
		node_change(&n);
		struct maps *m = &n.fake->maps;
		const struct {
			void *at;
			size_t size;
		} places[] = {
			{m->tenant_info, 4 * sizeof(*m->tenant_info)},
			{m->vip_info, 5 * sizeof(*m->vip_info)},
			{m->backend_info, 13 * sizeof(*m->backend_info)},
			{m->backends, 13 * sizeof(*m->backends)},
			{m->tables[1].entries, m->tables[1].n * sizeof(*m->tables[1].entries)},
			{&m->tenants[1], 64},
			{m->node, sizeof(*m->node)},
			{m->tables[0].entries, m->tables[0].n * sizeof(*m->tables[0].entries)},
			{m->rings, 1600 * sizeof(*m->rings)},
			{m->segments, 64 * sizeof(*m->segments)},
		};
		for (int k = 0; k < 1 + round % 8; k++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			size_t p = (random >> 33) % (sizeof(places) / sizeof(places[0]));

			((uint8_t *)places[p].at)[(random >> 20) % places[p].size] ^=
				1 << (random >> 60) % 8;
		}
		struct report r = {0};
		struct image *adopted = NULL;
		int err = image_adopt(m, n.now, &adopted, &r);

		CU_ASSERT(err ? err == -EINVAL && r.n > 0 : r.n == 0);
		refused += err != 0;
		if (!err) {
			image_free(n.image);
			n.image = adopted;
			node_change(&n);
			node_settle(&n);
		}
		report_clear(&r);
		node_free(&n);
	}
	printf("     %d of 1500 refused\n", refused);
}

static double ms_since(const struct timespec *a)
{
	struct timespec b;

	clock_gettime(CLOCK_MONOTONIC, &b);
	return (b.tv_sec - a->tv_sec) * 1e3 + (b.tv_nsec - a->tv_nsec) / 1e6;
}

static uint32_t buckets_of(struct node *n, uint32_t tenant)
{
	uint32_t base, buckets;

	image_flow_range(n->image, image_tenant_slot(n->image, n->model->tenants[tenant].name),
			 &base, &buckets);
	return buckets;
}

static void flow_range_shrinks_on_a_full_node(void)
{
	struct maps_limits l = small_limits();
	struct node n;

	l.flow_buckets = 256;
	node_init(&n, &l);
	for (uint32_t t = 0; t < 2; t++) {
		add_vip(add_tenant(n.model, t), t, 2);
		n.model->tenants[t].limits.flows = 512;
	}
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	n.model->tenants[0].limits.flows = 256;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT_EQUAL(buckets_of(&n, 0), 64);
	CU_ASSERT_EQUAL(buckets_of(&n, 1), 128);
	memset(n.fake->maps.flows, 0x5a, l.flow_buckets * sizeof(*n.fake->maps.flows));
	add_vip(add_tenant(n.model, 2), 2, 2);
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT_EQUAL(buckets_of(&n, 2), 64);
	CU_ASSERT_EQUAL(n.fake->maps.tenants[1].flows, mtlb_flow_range(0, 63));
	CU_ASSERT_EQUAL(n.fake->maps.tenants[3].flows, mtlb_flow_range(64, 63));
	CU_ASSERT_EQUAL(n.fake->maps.flows[63].ways[3].word, 0x5a5a5a5a5a5a5a5a);
	CU_ASSERT_EQUAL(n.fake->maps.flows[64].ways[0].word, 0); /* cleared for its new owner */
	CU_ASSERT_EQUAL(n.fake->maps.flows[128].ways[0].word, 0x5a5a5a5a5a5a5a5a);
	node_free(&n);
}

static void replace_backends(struct model_vip *v, uint32_t from, uint32_t n)
{
	while (v->n_backends)
		vip_remove_backend(v, &v->backends[v->n_backends - 1]);
	for (uint32_t k = 0; k < n; k++)
		add_backend(v, from + k);
}

/* Does each slot, decoded as the data plane does, name its owner. */
static bool has_true_slots(const struct ring *r)
{
	_cleanup_free_ uint32_t *owned = calloc(r->n_ids, sizeof(*owned));
	bool same = true;

	for (uint32_t s = 0; s < 1U << r->log2; s++)
		owned[r->slots[s] & ~MTLB_SLOT_MOVING]++;
	for (uint32_t k = 0; k < r->n_ids; k++)
		same &= owned[k] == r->owned[k];
	return same;
}

/* All of a full VIP's backends are replaced twice, and the last ones go, too: the rest is leaving. */
static void last_stand_of_more_than_slots_can_name(void)
{
	static const enum mtlb_algorithm algorithms[] = {MTLB_ALGORITHM_MAGLEV,
							 MTLB_ALGORITHM_LEAST_CONNECTIONS};
	const struct maps_limits l = {.tenants = 2,
				      .vips = 1,
				      .backends = 1 << 17,
				      .segments = 2,
				      .ring_units = 1 << 19,
				      .flow_buckets = 64};

	for (int i = 0; i < 2; i++) {
		struct node n;
		struct model_vip *v;

		node_init(&n, &l);
		v = add_vip(add_tenant(n.model, 0), 0, 0);
		v->algorithm = algorithms[i];
		v->ring_size = 1 << 15;
		for (uint32_t k = 0; k < 2; k++) {
			replace_backends(v, k * MTLB_VIP_BACKENDS_MAX, MTLB_VIP_BACKENDS_MAX);
			CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
		}
		for (size_t k = 0; i && k < v->n_backends; k++)
			v->backends[k].state = BACKEND_ADMIN_DISABLED;
		if (!i)
			replace_backends(v, 0, 0);
		CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
		CU_ASSERT_FATAL(n.image->vips[0].is_last_stand);
		CU_ASSERT(has_true_slots(n.image->vips[0].ring));
		node_free(&n);
	}
}

static void thousand_tenants_are_built_quickly(void)
{
	struct maps_limits l = {.tenants = 1024,
				.vips = 16384,
				.backends = 65536,
				.segments = 4096,
				.ring_units = 4 << 20,
				.flow_buckets = 1 << 18};
	struct timespec begin;
	struct node n;

	node_init(&n, &l);
	for (uint32_t t = 0; t < 1000; t++) {
		struct model_tenant *tenant = add_tenant(n.model, t);

		for (uint32_t v = 0; v < 10; v++)
			add_vip(tenant, t * 10 + v, 4);
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	CU_ASSERT_EQUAL(node_change(&n), 0);
	double first = ms_since(&begin);

	vip_of(&n, 500, 5)->backends[2].state = BACKEND_ADMIN_DRAINING;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	CU_ASSERT_EQUAL(node_change(&n), 0);
	double change = ms_since(&begin);

	clock_gettime(CLOCK_MONOTONIC, &begin);
	node_settle(&n);
	double settle = ms_since(&begin);

	clock_gettime(CLOCK_MONOTONIC, &begin);
	CU_ASSERT_EQUAL(node_restart(&n), 0);
	double adopt = ms_since(&begin);

	clock_gettime(CLOCK_MONOTONIC, &begin);
	CU_ASSERT_EQUAL(steps_to(&n, NULL), 0);
	double again = ms_since(&begin);

	CU_ASSERT(first < 2000 * 10 && change < 50 * 10);
	printf("     1000 tenants x 10 VIPs x 4 backends: first %.0f ms, drain of one %.1f, census and "
	       "settle %.1f, adopt %.0f, build on that %.0f\n",
	       first, change, settle, adopt, again);
	node_free(&n);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct test tests[] = {
	TEST(fresh_vip_moves_nothing),
	TEST(drain_moves_exactly_the_drained_slots),
	TEST(learning_lasts_for_the_idle_timeout),
	TEST(refused_flows_hold_learning_open),
	TEST(refused_notes_do_not_hold_learning_open),
	TEST(removed_backend_leaves_when_its_flows_ended),
	TEST(dead_backend_settles_at_once_and_its_return_moves),
	TEST(address_change_is_another_backend),
	TEST(freed_ids_are_not_reused_in_the_same_change),
	TEST(all_draining_go_on_as_a_fresh_start_decides),
	TEST(last_backends_leave_when_no_flow_is_left),
	TEST(shrinking_ring_stays_long_until_nothing_moves),
	TEST(suspended_tenant_is_out_and_comes_back),
	TEST(weight_change_touches_one_vip),
	TEST(segments_keep_their_places),
	TEST(what_does_not_fit_is_refused_as_a_whole),
	TEST(restart_finds_what_was_there),
	TEST(corrupt_maps_are_refused_without_a_crash),
	TEST(flow_range_shrinks_on_a_full_node),
	TEST(last_stand_of_more_than_slots_can_name),
	TEST(thousand_tenants_are_built_quickly),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "image", tests);
}
