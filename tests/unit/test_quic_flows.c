/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows that go by a connection id: what mtlbd sees of them, and that no backend is let go while it
 * has some.
 */
#include "fake_compare.h"
#include "fake_traffic.h"
#include "fake_view.h"

enum {
	IDLE_S = 30,
	STEP = 5, /* ticks between two packets of a connection */
	ROUNDS = 60,
	MIGRATED = 1000, /* client i after a change of its address */
};

static const uint8_t algorithms[] = {MTLB_ALGORITHM_MAGLEV, MTLB_ALGORITHM_SOURCE,
				     MTLB_ALGORITHM_ROUND_ROBIN, MTLB_ALGORITHM_LEAST_CONNECTIONS};

#define FOR_ALGORITHMS(a)                                                                          \
	for (const uint8_t *a = algorithms; a < algorithms + sizeof(algorithms); a++)

static void begin(struct node *n, uint8_t algorithm, uint32_t backends)
{
	struct maps_limits l = small_limits();
	struct model_vip *v;

	node_init(n, &l);
	v = add_vip(add_tenant(n->model, 0), 0, backends);
	n->model->tenants[0].limits.flows = 4096;
	v->protocol = IPPROTO_UDP;
	v->idle_timeout_s = IDLE_S;
	v->algorithm = algorithm;
	v->quic = (struct model_quic){.rotation_bits = 3, .n_configs = 1};
	v->quic.configs = calloc(1, sizeof(*v->quic.configs));
	v->quic.configs[0] = (struct model_quic_config){0, 2, 6};
	for (uint8_t k = 0; k < backends; k++) {
		v->backends[k].n_server_ids = 1;
		v->backends[k].server_ids[0] = (struct model_server_id){2, {0xab, k}};
	}
	CU_ASSERT_EQUAL_FATAL(node_change(n), 0);
}

static struct mtlb_tuple tuple_of(const struct node *n, uint32_t client)
{
	struct mtlb_tuple t = {
		.source = {[2] = htonl(0xffff), [3] = htonl(0x0b000001 + (client << 8))},
		.source_port = htons(1024),
		.destination_port = htons(443),
		.protocol = IPPROTO_UDP};

	memcpy(t.destination, n->model->tenants[0].vips[0].address.bytes, 16);
	return t;
}

static uint32_t backend_id(const struct node *n, const char *name)
{
	return image_backend_id(n->image, "tenant-0", "vip-0", name);
}

/* A datagram without an id that names a server: the first of a connection. */
static uint32_t first(struct node *n, uint32_t client)
{
	struct mtlb_tuple t = tuple_of(n, client);

	return pick(n->fake, 1, &t, PACKET_DATA, n->now);
}

/* server: the number in the backend's name at first. */
static uint32_t go_on(struct node *n, uint32_t client, uint8_t server)
{
	struct mtlb_tuple t = tuple_of(n, client);

	return pick_by_id(n->fake, 1, &t, (const uint8_t[]){0xab, server}, n->now);
}

static uint32_t flows_of(const struct node *n, uint32_t backend)
{
	struct image_census *c = image_census(n->image, n->fake->maps.flows, n->now);
	uint32_t flows = image_census_flows(c, backend);

	image_census_free(c);
	return flows;
}

static bool is_leaving(const struct node *n, uint32_t backend)
{
	for (int k = image_next_leaving(n->image, 0, -1); k >= 0;
	     k = image_next_leaving(n->image, 0, k))
		if ((uint32_t)k == backend)
			return true;
	return false;
}

static void settle_once(struct node *n)
{
	node_settle(n);
	n->now += STEP;
}

/* The first client whose first packet goes to this backend. */
static uint32_t client_of(struct node *n, uint32_t backend)
{
	uint32_t client = 0;

	while (first(n, client) != backend)
		client++;
	return client;
}

/* ---- a backend that is removed ---- */
static void check_removed(struct node *n, uint32_t backend, uint32_t client, bool restarts)
{
	vip_remove_backend(vip_of(n, 0, 0), vip_of(n, 0, 0)->backends);
	CU_ASSERT_EQUAL_FATAL(node_change(n), 0);
	for (int round = 0; round < ROUNDS; round++) {
		CU_ASSERT_EQUAL(go_on(n, client, 0), backend);
		CU_ASSERT(is_leaving(n, backend));
		settle_once(n);
		if (restarts && round % 20 == 10) {
			CU_ASSERT_EQUAL_FATAL(node_restart(n), 0);
			CU_ASSERT_EQUAL_FATAL(node_change(n), 0);
		}
	}
	CU_ASSERT_EQUAL(flows_of(n, backend), 1);
	CU_ASSERT(node_settle_all(n));
	CU_ASSERT(!is_leaving(n, backend));
	CU_ASSERT_EQUAL(n->fake->maps.backends[backend].word, 0);
	CU_ASSERT(is_like_fresh(n));
}

static void removed_backend_keeps_a_connection_until_it_ends(void)
{
	FOR_ALGORITHMS(a)
	for (int restarts = 0; restarts < 2; restarts++) {
		struct node n;

		begin(&n, *a, 3);
		uint32_t backend = backend_id(&n, "web-0");

		check_removed(&n, backend, client_of(&n, backend), restarts);
		node_free(&n);
	}
}

static void removed_backend_keeps_a_connection_that_has_moved(void)
{
	FOR_ALGORITHMS(a)
	for (int restarts = 0; restarts < 2; restarts++) {
		struct node n;
		uint32_t client = MIGRATED;

		begin(&n, *a, 3);
		uint32_t backend = backend_id(&n, "web-0");

		while (first(&n, client) == backend)
			client++;
		check_removed(&n, backend, client, restarts);
		node_free(&n);
	}
}

/* Drained and settled long ago: no slot names it, only its connection does. */
static void removed_backend_without_slots_keeps_its_connection(void)
{
	FOR_ALGORITHMS(a)
	{
		struct node n;

		begin(&n, *a, 3);
		uint32_t backend = backend_id(&n, "web-0"), client = client_of(&n, backend);

		vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_DRAINING;
		CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
		for (int round = 0; round < ROUNDS; round++) {
			CU_ASSERT_EQUAL(go_on(&n, client, 0), backend);
			settle_once(&n);
		}
		CU_ASSERT_EQUAL(view_vip(&n, 0, 0).moving_slots, 0);
		check_removed(&n, backend, client, false);
		node_free(&n);
	}
}

static void last_backend_keeps_its_connection_when_it_is_removed(void)
{
	FOR_ALGORITHMS(a)
	{
		struct node n;

		begin(&n, *a, 1);
		check_removed(&n, backend_id(&n, "web-0"), 0, false);
		node_free(&n);
	}
}

static void fill(struct node *n, struct mtlb_flow_bucket *bucket, uint32_t backend)
{
	for (int way = 0; way < MTLB_FLOW_WAYS; way++)
		bucket->ways[way] = (struct mtlb_flow){
			way, mtlb_flow_word(way, backend, MTLB_FLOW_CONFIRMED, n->now)};
}

/*
 * At first one connection of the backend that leaves is in the table; when that has ended, there is
 * another for which it has no room. Nobody sees that one; but that something is refused is seen.
 */
static void check_refused(struct node *n, uint32_t gone, uint32_t other)
{
	enum {
		SEEN = 20
	};
	struct mtlb_flow_bucket *bucket =
		&n->fake->maps.flows[mtlb_flow_range_bucket(n->fake->maps.tenants[1].flows, 0)];

	vip_remove_backend(vip_of(n, 0, 0), vip_of(n, 0, 0)->backends);
	CU_ASSERT_EQUAL_FATAL(node_change(n), 0);
	for (int round = 0; round < ROUNDS; round++) {
		fill(n, bucket, other);
		if (round < SEEN)
			bucket->ways[0].word = 0;
		CU_ASSERT_EQUAL(go_on(n, MIGRATED, 0), gone);
		CU_ASSERT_EQUAL(flows_of(n, gone), round < SEEN);
		CU_ASSERT(is_leaving(n, gone));
		settle_once(n);
		if (round == SEEN - 1)
			CU_ASSERT(!view_vip(n, 0, 0).learning);
	}
	CU_ASSERT_EQUAL(n->fake->refused[1].notes, ROUNDS - SEEN);
	memset(bucket, 0, sizeof(*bucket));
	CU_ASSERT(node_settle_all(n));
	CU_ASSERT(!is_leaving(n, gone));
}

static void refused_flow_keeps_a_leaving_backend(void)
{
	for (uint32_t backends = 1; backends < 3; backends++) {
		struct node n;

		begin(&n, MTLB_ALGORITHM_MAGLEV, backends);
		add_vip(&n.model->tenants[0], 1, 1);
		n.model->tenants[0].limits.flows = MTLB_FLOW_WAYS;
		vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_DRAINING;
		CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
		CU_ASSERT(node_settle_all(&n));
		check_refused(&n, backend_id(&n, "web-0"),
			      image_backend_id(n.image, "tenant-0", "vip-1", "web-1000"));
		node_free(&n);
	}
}

/* However long nothing was refused before: a connection may be silent for an idle timeout. */
static void removed_backend_stays_for_an_idle_timeout(void)
{
	FOR_ALGORITHMS(a)
	{
		struct node n;

		begin(&n, *a, 3);
		for (int change = 0; change < 4; change++) {
			uint32_t gone = backend_id(&n, change < 2 ? "web-0" : "web-1");

			if (change % 2)
				vip_remove_backend(vip_of(&n, 0, 0), vip_of(&n, 0, 0)->backends);
			else
				vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_DRAINING;
			CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
			for (uint64_t end = n.now + IDLE_S - STEP; n.now < end;) {
				settle_once(&n);
				CU_ASSERT(!(change % 2) || is_leaving(&n, gone));
			}
			CU_ASSERT(node_settle_all(&n));
			CU_ASSERT(!is_leaving(&n, gone));
			n.now += 10 * IDLE_S;
		}
		node_free(&n);
	}
}

/* ---- what is seen ---- */
static void connections_of_a_draining_backend_are_counted(void)
{
	enum {
		CLIENTS = 50
	};
	FOR_ALGORITHMS(a)
	{
		struct node n;

		begin(&n, *a, 3);
		uint32_t backend = backend_id(&n, "web-0");

		vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_DRAINING;
		CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
		for (int round = 0; round < ROUNDS; round++) {
			for (uint32_t i = 0; i < CLIENTS; i++)
				CU_ASSERT_EQUAL(go_on(&n, MIGRATED + i, 0), backend);
			CU_ASSERT_EQUAL(flows_of(&n, backend), CLIENTS);
			settle_once(&n);
		}
		CU_ASSERT(!view_vip(&n, 0, 0).learning);
		n.now += IDLE_S;
		go_on(&n, MIGRATED, 0);
		CU_ASSERT_EQUAL(flows_of(&n, backend), 1);
		n.now += IDLE_S;
		CU_ASSERT_EQUAL(flows_of(&n, backend), 0);
		node_free(&n);
	}
}

/* Clients that have moved are everywhere, always: no mark waits until none is left. */
static void moves_end_while_connections_go_by_their_ids(void)
{
	enum {
		CLIENTS = 400
	};
	FOR_ALGORITHMS(a)
	{
		struct node n;

		begin(&n, *a, 4);
		vip_of(&n, 0, 0)->backends[3].weight = 10;
		CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
		CU_ASSERT(view_vip(&n, 0, 0).moving_slots > 0);
		for (int round = 0; round < 10; round++) {
			for (uint32_t i = 0; i < CLIENTS; i++)
				go_on(&n, MIGRATED + i, i % 4);
			settle_once(&n);
		}
		CU_ASSERT_EQUAL(view_vip(&n, 0, 0).moving_slots, 0);
		CU_ASSERT(flows_of(&n, backend_id(&n, "web-0")) > CLIENTS / 8);
		CU_ASSERT(is_like_fresh(&n));
		node_free(&n);
	}
}

/* As on any VIP: what no id names is where the table says, so the mark stays. */
static void flow_without_an_id_holds_its_mark(void)
{
	struct node n;

	begin(&n, MTLB_ALGORITHM_MAGLEV, 3);
	uint32_t backend = backend_id(&n, "web-0"), client = client_of(&n, backend);

	vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_DRAINING;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	for (int round = 0; round < ROUNDS; round++) {
		CU_ASSERT_EQUAL(first(&n, client), backend);
		settle_once(&n);
	}
	CU_ASSERT_EQUAL(view_vip(&n, 0, 0).moving_slots, 1);
	CU_ASSERT_EQUAL(go_on(&n, client, 0), backend);
	node_settle(&n);
	CU_ASSERT_EQUAL(view_vip(&n, 0, 0).moving_slots, 0);
	CU_ASSERT_EQUAL(flows_of(&n, backend), 1);
	node_free(&n);
}

static void loads_are_those_of_live_connections(void)
{
	enum {
		CLIENTS = 20
	};
	struct node n;

	begin(&n, MTLB_ALGORITHM_LEAST_CONNECTIONS, 2);
	for (int round = 0; round < ROUNDS; round++, n.now += STEP)
		for (uint32_t i = 0; i < CLIENTS; i++)
			go_on(&n, MIGRATED + i, i % 4 == 0);
	for (uint32_t k = 0; k < 2; k++) {
		const struct mtlb_backend_load *l = &n.fake->maps.backend_loads[k];
		uint32_t load = k ? CLIENTS / 4 : CLIENTS - CLIENTS / 4;

		CU_ASSERT_EQUAL(mtlb_load(l->word, l->added), load);
		CU_ASSERT_EQUAL(image_count_loads(n.image, &n.fake->maps, n.now), 0);
		CU_ASSERT_EQUAL(mtlb_load(l->word, l->added), load);
	}
	node_free(&n);
}

/* ---- what becomes of the entries ---- */
static void set_flows(struct node *n, uint32_t flows)
{
	n->model->tenants[0].limits.flows = flows;
	CU_ASSERT_EQUAL_FATAL(node_change(n), 0);
}

static uint32_t buckets_of(const struct node *n)
{
	uint32_t base, buckets;

	image_flow_range(n->image, 1, &base, &buckets);
	return buckets;
}

static void entries_outlive_a_change_of_the_range(void)
{
	enum {
		CLIENTS = 50
	};
	struct node n;

	begin(&n, MTLB_ALGORITHM_MAGLEV, 3);
	uint32_t backend = backend_id(&n, "web-0");

	vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_DRAINING;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT(node_settle_all(&n));
	for (uint32_t i = 0; i < CLIENTS; i++)
		go_on(&n, MIGRATED + i, 0);
	set_flows(&n, 8192);
	CU_ASSERT_EQUAL(flows_of(&n, backend), CLIENTS);
	set_flows(&n, 8);
	CU_ASSERT_EQUAL(buckets_of(&n), 8192 / MTLB_FLOW_WAYS);
	CU_ASSERT_EQUAL(flows_of(&n, backend), CLIENTS);
	/* nothing is to be seen any more: the id says enough */
	vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_UP;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT(node_settle_all(&n));
	set_flows(&n, 8);
	CU_ASSERT_EQUAL(buckets_of(&n), 8 / MTLB_FLOW_WAYS);
	CU_ASSERT_EQUAL(go_on(&n, MIGRATED, 0), backend);
	node_free(&n);
}

static bool has_entries(const struct node *n)
{
	for (uint32_t b = 0; b < n->fake->maps.limits.flow_buckets; b++)
		for (int way = 0; way < MTLB_FLOW_WAYS; way++)
			if (n->fake->maps.flows[b].ways[way].word)
				return true;
	return false;
}

static void entries_of_a_backend_that_is_cut_off_go(void)
{
	struct node n;

	begin(&n, MTLB_ALGORITHM_MAGLEV, 3);
	uint32_t backend = backend_id(&n, "web-0"), client = MIGRATED;

	while (first(&n, client) == backend)
		client++;
	go_on(&n, client, 0);
	CU_ASSERT_EQUAL(flows_of(&n, backend), 1);
	vip_of(&n, 0, 0)->backends[0].state = BACKEND_ADMIN_DISABLED;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT(!has_entries(&n));
	CU_ASSERT_NOT_EQUAL(go_on(&n, client, 0), backend);
	node_free(&n);
}

static void end_quic(struct node *n)
{
	struct model_vip *v = vip_of(n, 0, 0);

	free(v->quic.configs);
	v->quic = (struct model_quic){0};
	for (size_t k = 0; k < v->n_backends; k++)
		v->backends[k].n_server_ids = 0;
	CU_ASSERT_EQUAL_FATAL(node_change(n), 0);
}

/* Without quic an entry is what it is on any VIP: of no use where nothing moves. */
static void entries_mean_nothing_once_ids_do_not(void)
{
	for (uint8_t a = MTLB_ALGORITHM_MAGLEV; a <= MTLB_ALGORITHM_SOURCE; a++) {
		struct node n;

		begin(&n, a, 3);
		uint32_t backend = backend_id(&n, "web-0");

		for (uint32_t i = 0; i < 20; i++)
			go_on(&n, MIGRATED + i, 0);
		CU_ASSERT(flows_of(&n, backend) > 0);
		end_quic(&n);
		CU_ASSERT_EQUAL(flows_of(&n, backend), 0);
		CU_ASSERT(!has_entries(&n));
		node_free(&n);
	}
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

static const struct test tests[] = {
	TEST(removed_backend_keeps_a_connection_until_it_ends),
	TEST(removed_backend_keeps_a_connection_that_has_moved),
	TEST(removed_backend_without_slots_keeps_its_connection),
	TEST(last_backend_keeps_its_connection_when_it_is_removed),
	TEST(refused_flow_keeps_a_leaving_backend),
	TEST(removed_backend_stays_for_an_idle_timeout),
	TEST(connections_of_a_draining_backend_are_counted),
	TEST(moves_end_while_connections_go_by_their_ids),
	TEST(flow_without_an_id_holds_its_mark),
	TEST(loads_are_those_of_live_connections),
	TEST(entries_outlive_a_change_of_the_range),
	TEST(entries_of_a_backend_that_is_cut_off_go),
	TEST(entries_mean_nothing_once_ids_do_not),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "quic_flows", tests);
}
