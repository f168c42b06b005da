/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who gives way in a full bucket, and that each tenant stays in its own range. */
#include <stdio.h>
#include <string.h>

#include "bpf/fixture.h"
#include "bpf/tunnels.h"
#include "test.h"

enum { ACME = 1, GLOBEX = 2, VLAN_GLOBEX = 100 };
enum { PREVIOUS = 4, OWNER = 5 };
enum { IDLE = 300, SHORT = 30 };
enum { FREE, N = MTLB_FLOW_NEW, C = MTLB_FLOW_CONFIRMED, F = MTLB_FLOW_CLOSING };

/* A bucket of four (state, age in ticks), and which of them an unknown flow replaces; -1: none. */
static const struct row {
	const char *name;
	struct {
		uint8_t state;
		uint16_t age;
	} ways[MTLB_FLOW_WAYS];
	int victim;
} rows[] = {
	{ "empty", { { FREE, 0 }, { FREE, 0 }, { FREE, 0 }, { FREE, 0 } }, 0 },
	{ "one free", { { C, 1 }, { N, 20 }, { F, 20 }, { FREE, 0 } }, 3 },
	{ "timed out confirmed", { { N, 20 }, { F, 20 }, { C, IDLE + 2 }, { N, 25 } }, 2 },
	{ "timed out new", { { N, 20 }, { N, SHORT + 2 }, { C, 1 }, { N, 25 } }, 1 },
	{ "timed out closing", { { N, 20 }, { F, IDLE + 2 }, { C, 1 }, { N, 25 } }, 1 },
	/* it may be another VIP's, whose short timeout is longer */
	{ "closing beyond this VIP's timeout", { { N, 20 }, { F, SHORT + 2 }, { C, 1 }, { N, 25 } }, 3 },
	{ "free before timed out", { { N, IDLE + 9 }, { C, IDLE + 9 }, { FREE, 0 }, { N, 25 } }, 2 },
	{ "oldest new", { { N, 5 }, { N, 9 }, { N, 7 }, { C, 200 } }, 1 },
	{ "new before closing", { { F, 25 }, { F, 20 }, { N, 1 }, { C, 200 } }, 2 },
	{ "oldest closing", { { F, 5 }, { C, 20 }, { F, 12 }, { C, 200 } }, 2 },
	{ "the only closing", { { C, 5 }, { C, 20 }, { C, 12 }, { F, 0 } }, 3 },
	{ "all confirmed", { { C, 5 }, { C, IDLE - 1 }, { C, 12 }, { C, 0 } }, -1 },
};

static void open_world(struct world *w)
{
	world_open(w);
	world_add_tenant(w, ACME, 8, 0);
	world_add_tenant(w, GLOBEX, 16, 7);
	world_add_segment(w, w->in, 0, 0, ACME);
	world_add_segment(w, w->in, VLAN_GLOBEX, 0, GLOBEX);
	for (uint32_t tenant = ACME; tenant <= GLOBEX; tenant++)
		world_add_vip(w, &(struct vip_row){ tenant, .id = tenant, .owner = OWNER,
						    .previous = PREVIOUS,
						    .flags = MTLB_VIP_MOVING | MTLB_VIP_LEARNING });
	world_add_backend(w, OWNER, &tunnel_rows[0].tunnel, true, 0);
	world_add_backend(w, PREVIOUS, &tunnel_rows[0].tunnel, true, 0);
}

static void run(struct world *w, uint32_t tenant, const struct packet_spec *s, bool is_taken)
{
	struct packet in, out;

	packet_build(&in, s);
	tunnel_expect(w, tenant, s, &in, &tunnel_rows[0].tunnel, &out);
	world_check(w, "unknown SYN", &in,
		    &(struct expected){ .reason = MTLB_REASON_forwarded,
					.tenant = tenant,
					.vip = tenant,
					.backend = is_taken ? OWNER : PREVIOUS,
					.out = &out,
					.flows_added = is_taken,
					.flows_refused = !is_taken });
}

static void check_victim(struct world *w, const struct row *r)
{
	struct packet_spec s = { .flags = PACKET_SYN };
	uint64_t hash = world_hash(w, ACME, &s);
	struct mtlb_flow_bucket *bucket = world_bucket(w, ACME, hash), before;
	uint16_t tick = world_tick();

	for (int i = 0; i < MTLB_FLOW_WAYS; i++) {
		uint64_t other = ~hash - i;

		bucket->ways[i] = (struct mtlb_flow){ 0 };
		if (r->ways[i].state != FREE)
			bucket->ways[i] = (struct mtlb_flow){
				other, mtlb_flow_word(other, OWNER, r->ways[i].state,
						      tick - r->ways[i].age)
			};
	}
	before = *bucket;
	run(w, ACME, &s, r->victim >= 0);
	for (int i = 0; i < MTLB_FLOW_WAYS; i++) {
		bool is_kept = !memcmp(&before.ways[i], &bucket->ways[i], sizeof(before.ways[i]));

		if (is_kept == (i == r->victim))
			printf("     %s: way %d is%s replaced\n", r->name, i, is_kept ? " not" : "");
		CU_ASSERT_EQUAL(is_kept, i != r->victim);
	}
	if (r->victim >= 0)
		CU_ASSERT_EQUAL(bucket->ways[r->victim].fingerprint, hash);
}

static void victims_are_taken_in_order(void)
{
	struct world w;

	open_world(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_victim(&w, &rows[i]);
	world_close(&w);
}

/* Buckets outside of the range stay empty, however many flows come. */
static void tenants_stay_in_their_range(void)
{
	static const struct mtlb_flow_bucket empty;
	struct packet_spec s = { .flags = PACKET_SYN, .n_tags = 1, .vlan = { VLAN_GLOBEX } };
	uint32_t used = 0;
	struct world w;

	open_world(&w);
	for (uint16_t port = 1000; port < 1020; port++) {
		s.from_port = port;
		struct mtlb_flow_bucket *bucket = world_bucket(&w, GLOBEX, world_hash(&w, GLOBEX, &s));

		memset(bucket, 0, sizeof(*bucket));
		run(&w, GLOBEX, &s, true);
	}
	for (uint32_t i = 0; i < WORLD_BUCKETS; i++) {
		bool is_empty = !memcmp(&w.flows[i], &empty, sizeof(empty));

		if (i < 16 || i > 23)
			CU_ASSERT_TRUE(is_empty);
		used += !is_empty;
	}
	CU_ASSERT_TRUE(used > 4);
	world_close(&w);
}

/* A whole connection: SYN, ACK, FIN leave one entry in the states of its life. */
static void connection_is_followed_through_its_states(void)
{
	static const struct {
		uint8_t flags, state;
	} steps[] = {
		{ PACKET_SYN, N },
		{ PACKET_SYN, N },
		{ PACKET_ACK, C },
		{ PACKET_ACK, C },
		{ PACKET_FIN | PACKET_ACK, F },
		{ PACKET_ACK, F },
		{ PACKET_SYN, N },
		{ PACKET_RST, F },
	};
	struct packet_spec s = { 0 };
	struct packet in, out;
	struct world w;

	open_world(&w);
	struct mtlb_flow *f = &world_bucket(&w, ACME, 0)->ways[0];

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		s.flags = steps[i].flags;
		packet_build(&in, &s);
		tunnel_expect(&w, ACME, &s, &in, &tunnel_rows[0].tunnel, &out);
		world_check(&w, "step", &in,
			    &(struct expected){ .reason = MTLB_REASON_forwarded,
						.tenant = ACME,
						.vip = ACME,
						.backend = OWNER,
						.out = &out,
						.flows_added = !i });
		CU_ASSERT_EQUAL(mtlb_flow_word_state(f->word), steps[i].state);
		CU_ASSERT_EQUAL(mtlb_flow_word_backend(f->word), OWNER);
	}
	world_close(&w);
}

static const struct test tests[] = {
	{ "victims_are_taken_in_order", victims_are_taken_in_order },
	{ "tenants_stay_in_their_range", tenants_stay_in_their_range },
	{ "connection_is_followed_through_its_states", connection_is_followed_through_its_states },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "flow_table", tests);
}
