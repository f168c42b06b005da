/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How backends are chosen, changes of that, and how they end; loads. */
#include "fake_compare.h"
#include "fake_traffic.h"
#include "fake_view.h"

static const struct way { /* of choosing a backend */
	uint8_t algorithm, prefix, bits;
} ways[] = {
	{MTLB_ALGORITHM_MAGLEV, 0, 0},
	{MTLB_ALGORITHM_SOURCE, 0, 128},
	{MTLB_ALGORITHM_SOURCE, 24, 120},
	{MTLB_ALGORITHM_ROUND_ROBIN, 0, 0},
	{MTLB_ALGORITHM_LEAST_CONNECTIONS, 0, 0},
};
#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

static void choose(struct node *n, const struct way *w)
{
	vip_of(n, 0, 0)->algorithm = w->algorithm;
	vip_of(n, 0, 0)->source_prefix = w->prefix;
}

static void start_with(struct node *n, const struct way *w, uint32_t backends)
{
	struct maps_limits l = small_limits();

	node_init(n, &l);
	add_vip(add_tenant(n->model, 0), 0, backends);
	n->model->tenants[0].limits.flows = 8192;
	choose(n, w);
	CU_ASSERT_EQUAL_FATAL(node_change(n), 0);
}

static const struct mtlb_vip *the_entry(const struct node *n)
{
	return fake_find(&n->fake->maps, 1, n->model->tenants[0].vips[0].address.bytes, htons(443),
			 IPPROTO_TCP);
}

static uint32_t backend_id(const struct node *n, const char *name)
{
	return image_backend_id(n->image, "tenant-0", "vip-0", name);
}

/* Client i of the VIP: of another /24 each. */
static struct mtlb_tuple tuple_of(const struct node *n, uint32_t i)
{
	struct mtlb_tuple t = {.source = {[2] = htonl(0xffff), [3] = htonl(0x0b000001 + (i << 8))},
			       .source_port = htons(1024 + i % 60000),
			       .destination_port = htons(443),
			       .protocol = IPPROTO_TCP};

	memcpy(t.destination, n->model->tenants[0].vips[0].address.bytes, 16);
	return t;
}

static uint32_t emit(struct node *n, uint32_t client, enum packet p)
{
	struct mtlb_tuple t = tuple_of(n, client);

	return pick(n->fake, 1, &t, p, n->now);
}

/* A connection is opened, used, and ended; its backend. */
static uint32_t connect_once(struct node *n, uint32_t client)
{
	uint32_t backend = emit(n, client, PACKET_SYN);

	CU_ASSERT_EQUAL(emit(n, client, PACKET_DATA), backend);
	CU_ASSERT_EQUAL(emit(n, client, PACKET_FIN), backend);
	return backend;
}

/* ---- changes of the algorithm ---- */
static void change_of_the_way_marks_all_slots_and_ends(void)
{
	for (size_t from = 0; from < N_WAYS; from++)
		for (size_t to = 0; to < N_WAYS; to++) {
			struct node n;

			if (from == to)
				continue;
			start_with(&n, &ways[from], 3);
			choose(&n, &ways[to]);
			/* with another length of the ring, and a backend that leaves */
			if ((from + to) % 2)
				vip_remove_backend(vip_of(&n, 0, 0), vip_of(&n, 0, 0)->backends);
			CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
			CU_ASSERT_EQUAL(view_vip(&n, 0, 0).moving_slots, 512);
			CU_ASSERT(view_vip(&n, 0, 0).learning);
			CU_ASSERT_EQUAL(the_entry(&n)->algorithm, ways[to].algorithm);
			CU_ASSERT_EQUAL(the_entry(&n)->source_bits, ways[to].bits);
			CU_ASSERT_EQUAL(the_entry(&n)->previous_source_bits, ways[from].bits);
			CU_ASSERT(node_settle_all(&n));
			CU_ASSERT_EQUAL(the_entry(&n)->previous_source_bits, ways[to].bits);
			CU_ASSERT(is_like_fresh(&n));
			node_free(&n);
		}
}

/*
 * Nobody has sent a packet since the first of several changes: unknown flows are where they
 * were before all.
 */
static void unknown_flows_stay_through_several_changes(void)
{
	enum {
		CLIENTS = 400
	};
	for (size_t first = 0; first < 3; first++)
		for (size_t second = 0; second < N_WAYS; second++)
			for (size_t third = 0; third < N_WAYS; third++) {
				uint32_t was[CLIENTS], broken = 0;
				struct node n;

				start_with(&n, &ways[first], 4);
				for (uint32_t i = 0; i < CLIENTS; i++)
					was[i] = emit(&n, i, PACKET_SYN);
				choose(&n, &ways[second]);
				CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
				n.now += 3;
				choose(&n, &ways[third]);
				vip_of(&n, 0, 0)->backends[1].state = BACKEND_ADMIN_DRAINING;
				CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
				CU_ASSERT_EQUAL_FATAL(node_restart(&n), 0);
				CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
				for (uint32_t i = 0; i < CLIENTS; i++)
					broken += emit(&n, i, PACKET_DATA) != was[i];
				CU_ASSERT_EQUAL(broken, 0);
				node_free(&n);
			}
}

static void remembered_flows_hold_the_marks_of_what_was_round_robin(void)
{
	enum {
		CLIENTS = 64
	};
	struct node n;
	uint32_t was[CLIENTS];

	start_with(&n, &ways[3], 4);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		was[i] = emit(&n, i, PACKET_SYN);
		emit(&n, i, PACKET_DATA);
	}
	choose(&n, &ways[0]);
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	for (int round = 0; round < 40; round++, n.now += 20) {
		for (uint32_t i = 0; i < CLIENTS; i++)
			CU_ASSERT_EQUAL(emit(&n, i, PACKET_DATA), was[i]);
		node_settle(&n);
	}
	uint32_t moving = view_vip(&n, 0, 0).moving_slots;

	CU_ASSERT(!view_vip(&n, 0, 0).learning);
	CU_ASSERT(moving > 0 && moving <= CLIENTS); /* those that still have flows elsewhere */
	n.now += 400;
	CU_ASSERT(node_settle_all(&n));
	CU_ASSERT(is_like_fresh(&n));
	node_free(&n);
}

/* Opens and closes connections of ever new clients. */
static void keep_busy(struct node *n, uint32_t *next)
{
	for (int i = 0; i < 50; i++)
		connect_once(n, (*next)++ % 20000);
}

/* A drain, an addition and a change of algorithm end although new clients never cease to come. */
static void moves_of_a_busy_source_vip_end(void)
{
	struct node n;
	uint32_t next = 1000;

	start_with(&n, &ways[1], 3);
	vip_of(&n, 0, 0)->idle_timeout_s = 60;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	for (int change = 0; change < 3; change++) {
		uint32_t kept = emit(&n, change, PACKET_SYN);
		int rounds = 0;

		emit(&n, change, PACKET_DATA);
		if (change == 0)
			vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_DRAINING;
		else if (change == 1)
			vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_UP;
		else
			choose(&n, &ways[2]);
		CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
		for (; rounds < 100 && image_is_moving(n.image); rounds++, n.now += 10) {
			keep_busy(&n, &next);
			if (rounds < 20)
				CU_ASSERT_EQUAL(emit(&n, change, PACKET_DATA), kept);
			node_settle(&n);
		}
		CU_ASSERT(rounds < 50);
		CU_ASSERT(is_like_fresh(&n));
	}
	node_free(&n);
}

/*
 * Where in the ring the flow is cannot be told: the one that is not at home holds all but its
 * backend's slots.
 */
static void flow_away_from_home_holds_a_source_vip(void)
{
	struct node n;
	uint32_t client = 0;

	start_with(&n, &ways[1], 3);
	uint32_t drained = backend_id(&n, "web-0");

	while (emit(&n, client, PACKET_SYN) != drained)
		client++;
	vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_DRAINING;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	for (int i = 0; i < 100; i++, n.now += 20) {
		CU_ASSERT_EQUAL(emit(&n, client, PACKET_DATA), drained);
		node_settle(&n);
	}
	CU_ASSERT(view_vip(&n, 0, 0).moving_slots > 0);
	struct image_census *c = image_census(n.image, n.fake->maps.flows, n.now);

	CU_ASSERT_EQUAL(image_census_flows(c, drained), 1);
	CU_ASSERT_EQUAL(image_census_waiting(c, drained), 1);
	image_census_free(c);
	n.now += 300;
	CU_ASSERT(node_settle_all(&n));
	node_free(&n);
}

/* A flow is not taken for one at home because it was that before its slot moved on. */
static void home_is_noted_anew_when_a_slot_moves_on(void)
{
	struct node n;

	start_with(&n, &ways[0], 4);
	vip_of(&n, 0, 0)->idle_timeout_s = 60;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	choose(&n, &ways[1]);
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	node_settle(&n);
	n.now += 50;
	uint32_t between = emit(&n, 0, PACKET_SYN); /* the slot's owner of now */

	CU_ASSERT_EQUAL(emit(&n, 0, PACKET_DATA), between);
	for (size_t k = 0; k < 4; k++)
		if (backend_id(&n, vip_of(&n, 0, 0)->backends[k].name) == between)
			vip_of(&n, 0, 0)->backends[k].state = BACKEND_ADMIN_DRAINING;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	for (int i = 0; i < 25; i++, n.now += 2)
		node_settle(&n);
	CU_ASSERT_EQUAL(emit(&n, 0, PACKET_DATA), between);
	node_free(&n);
}

/* ---- flows that are always remembered ---- */
static void leaving_backend_of_round_robin_waits_for_its_flows(void)
{
	struct node n;
	uint32_t client = 0;

	start_with(&n, &ways[3], 3);
	uint32_t leaving = backend_id(&n, "web-1");

	while (emit(&n, client, PACKET_SYN) != leaving)
		client++;
	vip_remove_backend(vip_of(&n, 0, 0), &vip_of(&n, 0, 0)->backends[1]);
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	for (int i = 0; i < 60; i++, n.now += 20) {
		CU_ASSERT_EQUAL(emit(&n, client, PACKET_DATA), leaving);
		node_settle(&n);
	}
	CU_ASSERT_EQUAL(view_vip(&n, 0, 0).moving_slots, 0); /* marks serve the unknown alone */
	CU_ASSERT_EQUAL(image_next_leaving(n.image, 0, -1), leaving);
	n.now += 300;
	CU_ASSERT(node_settle_all(&n));
	CU_ASSERT_EQUAL(n.fake->maps.backends[leaving].word, 0);
	CU_ASSERT(is_like_fresh(&n));
	node_free(&n);
}

static void flow_range_grows_and_stays_with_the_flows_in_it(void)
{
	enum {
		CLIENTS = 300
	};
	struct node n;
	uint32_t was[CLIENTS], base, buckets;

	start_with(&n, &ways[3], 4);
	for (uint32_t i = 0; i < CLIENTS; i++) {
		was[i] = emit(&n, i, PACKET_SYN);
		CU_ASSERT_EQUAL(emit(&n, i, PACKET_DATA), was[i]);
	}
	for (uint32_t flows = 16384; flows >= 256; flows /= 8) {
		n.model->tenants[0].limits.flows = flows;
		CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
		for (uint32_t i = 0; i < CLIENTS; i++)
			CU_ASSERT_EQUAL(emit(&n, i, PACKET_DATA), was[i]);
	}
	image_flow_range(n.image, 1, &base, &buckets);
	CU_ASSERT_EQUAL(buckets, 16384 / MTLB_FLOW_WAYS);
	CU_ASSERT_EQUAL(the_entry(&n)->algorithm, MTLB_ALGORITHM_ROUND_ROBIN);
	node_free(&n);
}

/*
 * Packets that were under way when a flow range was exchanged: they read the old range, and
 * what they remember is missed by the first copy.
 */
struct late {
	struct node *n;
	uint64_t old_range;
	uint32_t was[50], opened, checked, broken;
};

static void late_packets(void *ctx)
{
	struct late *l = ctx;
	struct mtlb_tenant *t = &l->n->fake->maps.tenants[1];
	const struct mtlb_vip *v = fake_find(
		&l->n->fake->maps, 1, vip_of(l->n, 0, 0)->address.bytes, htons(443), IPPROTO_UDP);
	uint64_t range = t->flows;

	if (range == l->old_range)
		return;
	for (uint32_t i = 0; i < 50; i++) {
		struct mtlb_tuple tuple = tuple_of(l->n, i);
		uint32_t to;

		tuple.protocol = IPPROTO_UDP;
		if (!l->opened)
			t->flows = l->old_range;
		to = pick(l->n->fake, 1, &tuple, PACKET_DATA, l->n->now);
		t->flows = range;
		if (!l->opened)
			l->was[i] = to;
		l->broken += to != l->was[i];
	}
	l->checked += l->opened && v->algorithm == MTLB_ALGORITHM_ROUND_ROBIN;
	l->opened = true;
}

static void packets_under_way_find_their_flows_in_the_new_range(void)
{
	struct late l = {0};
	struct node n;

	start_with(&n, &ways[3], 4);
	vip_of(&n, 0, 0)->protocol = IPPROTO_UDP;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	l.n = &n;
	l.old_range = n.fake->maps.tenants[1].flows;
	n.model->tenants[0].limits.flows = 16384;
	n.fake->traffic = late_packets;
	n.fake->traffic_ctx = &l;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	late_packets(&l);
	CU_ASSERT(l.checked >= 2);
	CU_ASSERT_EQUAL(l.broken, 0);
	n.fake->traffic = NULL;
	node_free(&n);
}

static void turns_follow_weights(void)
{
	struct node n;
	uint32_t taken[3] = {0};

	start_with(&n, &ways[3], 3);
	vip_of(&n, 0, 0)->backends[0].weight = 50;
	vip_of(&n, 0, 0)->backends[1].weight = 30;
	vip_of(&n, 0, 0)->backends[2].weight = 20;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	uint32_t first = n.fake->maps.turns[0];

	for (uint32_t i = 0; i < 500; i++) {
		uint32_t k = emit(&n, i, PACKET_SYN);

		CU_ASSERT_FATAL(k < 3);
		taken[k]++;
	}
	CU_ASSERT_EQUAL(n.fake->maps.turns[0], first + 500);
	CU_ASSERT(taken[0] > 245 && taken[0] < 255);
	CU_ASSERT(taken[1] > 145 && taken[1] < 155);
	CU_ASSERT(taken[2] > 95 && taken[2] < 105);
	node_free(&n);
}

static void connections_go_where_they_are_least(void)
{
	struct node n;
	uint32_t taken[3] = {0};

	start_with(&n, &ways[4], 3);
	vip_of(&n, 0, 0)->backends[0].weight = 200;
	vip_of(&n, 0, 0)->backends[1].weight = 1; /* too small for a slot, but in the list */
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT_EQUAL(the_entry(&n)->ids, 3);
	for (uint32_t i = 0; i < 301; i++) {
		uint32_t k = emit(&n, i, PACKET_SYN);

		CU_ASSERT_FATAL(k < 3);
		taken[k]++;
		if (i % 10)
			continue;
		CU_ASSERT_EQUAL(node_restart(&n), 0);
		CU_ASSERT_EQUAL(image_count_loads(n.image, &n.fake->maps, n.now), 0);
		CU_ASSERT_EQUAL(node_change(&n), 0);
	}
	CU_ASSERT_EQUAL(taken[0], 200);
	CU_ASSERT_EQUAL(taken[1], 1);
	CU_ASSERT_EQUAL(taken[2], 100);
	node_free(&n);
}

/* ---- loads ---- */
static void put_flow(struct node *n, uint32_t at, uint32_t backend, uint32_t state, uint16_t age)
{
	struct mtlb_tuple t = tuple_of(n, at);
	struct mtlb_tenant *tenant = &n->fake->maps.tenants[1];
	uint64_t hash = mtlb_flow_hash(&t, tenant->key);
	struct mtlb_flow_bucket *b =
		&n->fake->maps.flows[mtlb_flow_range_bucket(tenant->flows, hash)];

	for (int way = 0; way < MTLB_FLOW_WAYS; way++)
		if (!b->ways[way].word) {
			b->ways[way] = (struct mtlb_flow){
				hash, mtlb_flow_word(hash, backend, state, n->now - age)};
			return;
		}
	CU_FAIL_FATAL("bucket full");
}

static uint32_t load_of(const struct node *n, uint32_t backend)
{
	const struct mtlb_backend_load *l = &n->fake->maps.backend_loads[backend];

	return mtlb_load(l->word, l->added);
}

static void loads_are_the_live_flows_new_and_confirmed(void)
{
	struct node n;

	start_with(&n, &ways[4], 2);
	put_flow(&n, 1, 0, MTLB_FLOW_NEW, 0);
	put_flow(&n, 2, 0, MTLB_FLOW_NEW, 40); /* timed out: short timeout */
	put_flow(&n, 3, 0, MTLB_FLOW_CONFIRMED, 40);
	put_flow(&n, 4, 0, MTLB_FLOW_CONFIRMED, 290); /* timed out */
	put_flow(&n, 5, 0, MTLB_FLOW_CLOSING, 1);
	put_flow(&n, 6, 0, MTLB_FLOW_FRAGMENT, 1);
	put_flow(&n, 7, 1, MTLB_FLOW_CONFIRMED, 3);
	n.fake->maps.backend_loads[0].added = 500; /* whatever was added before the count */
	n.fake->maps.backend_loads[1].added = -3;
	CU_ASSERT_EQUAL(image_count_loads(n.image, &n.fake->maps, n.now), 0);
	CU_ASSERT_EQUAL(load_of(&n, 0), 2);
	CU_ASSERT_EQUAL(load_of(&n, 1), 1);
	n.fake->maps.backend_loads[0].added += 2;
	n.fake->maps.backend_loads[1].added -= 2; /* one ended that was not counted */
	CU_ASSERT_EQUAL(load_of(&n, 0), 4);
	CU_ASSERT_EQUAL(load_of(&n, 1), 0);
	struct image_census *c = image_census(n.image, n.fake->maps.flows, n.now);

	CU_ASSERT_EQUAL(image_census_flows(c, 0), 3); /* what it serves: the closing one, too */
	CU_ASSERT_EQUAL(image_census_flows(c, 1), 1);
	image_census_free(c);
	node_free(&n);
}

static void loads_of_others_are_left_alone(void)
{
	struct node n;

	start_with(&n, &ways[3], 2);
	n.fake->maps.backend_loads[0] = (struct mtlb_backend_load){.word = 7, .added = 8};
	put_flow(&n, 1, 0, MTLB_FLOW_CONFIRMED, 0);
	CU_ASSERT_EQUAL(image_count_loads(n.image, &n.fake->maps, n.now), 0);
	CU_ASSERT_EQUAL(n.fake->maps.backend_loads[0].word, 7);
	node_free(&n);
}

static void least_connections_begin_with_the_flows_that_are_there(void)
{
	struct node n;

	start_with(&n, &ways[3], 2);
	put_flow(&n, 1, 1, MTLB_FLOW_CONFIRMED, 0);
	put_flow(&n, 2, 1, MTLB_FLOW_NEW, 0);
	n.fake->maps.backend_loads[1].added = 40;
	choose(&n, &ways[4]);
	n.model->tenants[0].limits.flows = 16384; /* also in a new range */
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT_EQUAL(load_of(&n, 1), 2);
	CU_ASSERT_EQUAL(load_of(&n, 0), 0);
	choose(&n, &ways[3]);
	n.fake->maps.turns[0] = 12;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT_EQUAL(n.fake->maps.turns[0], 0);
	node_free(&n);
}

/* ---- fragments ---- */
static uint32_t count_fragments(const struct node *n)
{
	uint64_t range = n->fake->maps.tenants[1].flows;
	uint32_t found = 0;

	for (uint32_t b = 0; b <= range >> 32; b++)
		for (int way = 0; way < MTLB_FLOW_WAYS; way++)
			found += mtlb_flow_word_state(
					 n->fake->maps.flows[(uint32_t)range + b].ways[way].word) ==
				 MTLB_FLOW_FRAGMENT;
	return found;
}

static void fragments_hold_no_move_and_outlive_changes(void)
{
	struct node n;

	start_with(&n, &ways[0], 3);
	for (uint32_t i = 0; i < 20; i++)
		put_flow(&n, i, i % 2, MTLB_FLOW_FRAGMENT, 0);
	n.model->tenants[0].limits.flows = 16384; /* nothing moves, but these are copied */
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT_EQUAL(count_fragments(&n), 20);
	vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_DRAINING;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT_EQUAL(count_fragments(&n), 20);
	for (n.now = 1000; n.now < 1400; n.now += 20)
		node_settle(&n);
	CU_ASSERT(!image_is_moving(n.image));
	CU_ASSERT_EQUAL(count_fragments(&n), 20);
	choose(&n, &ways[3]);
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_DISABLED;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT_EQUAL(count_fragments(&n), 10); /* of a backend that serves nothing: purged */
	node_free(&n);
}

static void fragments_do_not_outlive_their_backends(void)
{
	struct node n;

	start_with(&n, &ways[0], 3);
	for (uint32_t i = 0; i < 20; i++)
		put_flow(&n, i, i % 2, MTLB_FLOW_FRAGMENT, 0);
	vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_DISABLED;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT(!image_is_moving(n.image)); /* no flow is in the table, but these are */
	CU_ASSERT_EQUAL(count_fragments(&n), 10);
	node_free(&n);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct test tests[] = {
	TEST(change_of_the_way_marks_all_slots_and_ends),
	TEST(unknown_flows_stay_through_several_changes),
	TEST(remembered_flows_hold_the_marks_of_what_was_round_robin),
	TEST(moves_of_a_busy_source_vip_end),
	TEST(flow_away_from_home_holds_a_source_vip),
	TEST(home_is_noted_anew_when_a_slot_moves_on),
	TEST(packets_under_way_find_their_flows_in_the_new_range),
	TEST(leaving_backend_of_round_robin_waits_for_its_flows),
	TEST(flow_range_grows_and_stays_with_the_flows_in_it),
	TEST(turns_follow_weights),
	TEST(connections_go_where_they_are_least),
	TEST(loads_are_the_live_flows_new_and_confirmed),
	TEST(loads_of_others_are_left_alone),
	TEST(least_connections_begin_with_the_flows_that_are_there),
	TEST(fragments_hold_no_move_and_outlive_changes),
	TEST(fragments_do_not_outlive_their_backends),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "algorithms", tests);
}
