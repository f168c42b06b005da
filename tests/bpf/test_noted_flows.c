/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flows that go by a connection id, and what the flow table has of them. */
#include <netinet/in.h>
#include <string.h>

#include "bpf/stage.h"
#include "test.h"

enum {
	VIP = 2,                   /* of the stage: UDP, IPv4 */
	OWNER = STAGE_BACKEND + 2, /* of all its slots */
	SERVER = 3,                /* the id names this one */
	OTHER = 4,
	IDLE = 300,
	SHORT = 30,
};

static const uint8_t with_id[] = {0x40, 0x20, 0xab, 0xcd, 1, 2, 3, 4, 5};
static const uint8_t without_id[] = {0x40, 0xe0, 0xab, 0xcd, 1, 2, 3, 4, 5};

static const struct packet_spec named = {
	.protocol = IPPROTO_UDP, .data = with_id, .payload = sizeof(with_id)};
static const struct packet_spec unnamed = {
	.protocol = IPPROTO_UDP, .data = without_id, .payload = sizeof(without_id)};

static uint64_t hash_of_flow(const struct world *w)
{
	return world_hash(w, STAGE_TENANT, &named);
}

static struct mtlb_flow *find(const struct world *w)
{
	return world_find_flow(w, STAGE_TENANT, hash_of_flow(w));
}

/* Returns the VIP. owner: an id of the ring. */
static struct mtlb_vip *open_world(struct world *w, uint32_t owner)
{
	struct mtlb_vip *v;

	stage_open(w);
	world_add_backend(w, SERVER, &tunnel_rows[0].tunnel, true, 0);
	world_add_backend(w, OTHER, &tunnel_rows[0].tunnel, true, 0);
	v = world_add_vip(w, &(struct vip_row){.tenant = STAGE_TENANT,
					       .address = STAGE_V4,
					       .protocol = IPPROTO_UDP,
					       .id = VIP,
					       .owner = owner});
	v->flags = MTLB_VIP_QUIC;
	v->quic_shift = 5;
	v->quic[1] = (struct mtlb_quic_config){2, 8};
	world_add_server(w, STAGE_TENANT, VIP, (const uint8_t *)"\xab\xcd", 2, SERVER);
	w->backends[SERVER].vip = w->backends[OTHER].vip = VIP;
	return v;
}

static void mark(struct world *w, struct mtlb_vip *v)
{
	for (uint32_t slot = 0; slot < 4; slot++) {
		*world_previous_slot(w, v, slot) = *world_slot(w, v, slot);
		*world_slot(w, v, slot) |= MTLB_SLOT_MOVING;
	}
}

static void check(struct world *w, const char *where, const struct packet_spec *s,
		  const struct expected *like)
{
	struct expected e = *like;
	struct packet in, out;

	packet_build(&in, s);
	tunnel_expect_hash(hash_of_flow(w), &in, &tunnel_rows[0].tunnel, &out);
	e.reason = MTLB_REASON_forwarded;
	e.tenant = STAGE_TENANT;
	e.vip = VIP;
	e.out = &out;
	world_check(w, where, &in, &e);
}

static void check_entry(const char *where, const struct mtlb_flow *f, uint32_t backend,
			enum mtlb_flow_state state, uint64_t marks)
{
	CU_ASSERT_PTR_NOT_NULL(f);
	if (!f)
		return;
	bool is_as_expected = mtlb_flow_word_backend(f->word) == backend &&
			      mtlb_flow_word_state(f->word) == state &&
			      (f->word & (MTLB_FLOW_HOME | MTLB_FLOW_BY_ID)) == marks &&
			      (uint16_t)(world_tick() - mtlb_flow_word_seen(f->word)) <= 1;

	if (!is_as_expected)
		printf("     %s: %016llx\n", where, (unsigned long long)f->word);
	CU_ASSERT_TRUE(is_as_expected);
}

/* How a VIP may stand to a flow whose id names SERVER. */
static const struct standing {
	const char *name;
	bool owns, is_marked, is_moving, is_empty;
	bool is_noted; /* of maglev and source VIPs; the others note all */
} standings[] = {
	{"owner, settled", .owns = true},
	{"owner, the VIP's word tells of no move", .owns = true, .is_marked = true},
	{"owner, another slot moves", .owns = true, .is_moving = true},
	{"owner, moving", .owns = true, .is_marked = true, .is_moving = true, .is_noted = true},
	{"not the owner", .is_noted = true},
	{"not the owner, moving", .is_marked = true, .is_moving = true, .is_noted = true},
	{"no usable backend", .owns = true, .is_empty = true, .is_noted = true},
};

static void check_standing(const struct standing *s, enum mtlb_algorithm algorithm)
{
	static struct mtlb_flow_bucket before[WORLD_BUCKETS];
	bool is_source = algorithm == MTLB_ALGORITHM_SOURCE;
	bool is_noted = s->is_noted || algorithm >= MTLB_ALGORITHM_ROUND_ROBIN;
	bool is_home = is_source && s->owns && !s->is_empty;
	struct mtlb_vip *v;
	struct world w;

	v = open_world(&w, s->owns ? SERVER : OWNER);
	v->algorithm = algorithm;
	v->source_bits = v->previous_source_bits = is_source ? 128 : 0;
	if (s->is_marked)
		mark(&w, v);
	v->word |= s->is_moving ? MTLB_VIP_MOVING | MTLB_VIP_LEARNING : 0;
	v->word |= s->is_empty ? MTLB_VIP_EMPTY : 0;
	memcpy(before, w.flows, sizeof(before));
	check(&w, s->name, &named, &(struct expected){.backend = SERVER, .flows_added = is_noted});
	if (is_noted)
		check_entry(s->name, find(&w), SERVER, MTLB_FLOW_NEW,
			    MTLB_FLOW_BY_ID | (is_home ? MTLB_FLOW_HOME : 0));
	else
		CU_ASSERT_EQUAL(memcmp(before, w.flows, sizeof(before)), 0);
	CU_ASSERT_EQUAL(w.loads[SERVER].added, is_noted);
	CU_ASSERT_EQUAL(w.turns[VIP], 0);
	world_close(&w);
}

static void flow_is_noted_where_nothing_else_tells(void)
{
	for (int algorithm = 0; algorithm <= MTLB_ALGORITHM_LEAST_CONNECTIONS; algorithm++)
		for (size_t i = 0; i < sizeof(standings) / sizeof(*standings); i++)
			check_standing(&standings[i], algorithm);
}

/* An entry of the flow, and what it is after a packet whose id names SERVER. */
static const struct life {
	const char *name;
	uint32_t backend; /* of the entry */
	enum mtlb_flow_state state;
	uint16_t age;
	enum mtlb_flow_state after;
	uint32_t added;       /* to the flows */
	int32_t load, others; /* of SERVER, of the entry's backend where that is another */
} lives[] = {
	{"first", SERVER, MTLB_FLOW_FREE, 0, MTLB_FLOW_NEW, 1, 1, 0},
	{"second", SERVER, MTLB_FLOW_NEW, SHORT - 1, MTLB_FLOW_CONFIRMED, 0, 0, 0},
	{"third", SERVER, MTLB_FLOW_CONFIRMED, IDLE - 1, MTLB_FLOW_CONFIRMED, 0, 0, 0},
	{"second, too late", SERVER, MTLB_FLOW_NEW, SHORT + 2, MTLB_FLOW_NEW, 1, 1, 0},
	{"third, too late", SERVER, MTLB_FLOW_CONFIRMED, IDLE + 2, MTLB_FLOW_NEW, 1, 1, 0},
	{"another's", OTHER, MTLB_FLOW_NEW, 3, MTLB_FLOW_NEW, 0, 1, -1},
	{"another's, confirmed", OTHER, MTLB_FLOW_CONFIRMED, IDLE - 1, MTLB_FLOW_NEW, 0, 1, -1},
	{"another's, timed out", OTHER, MTLB_FLOW_CONFIRMED, IDLE + 2, MTLB_FLOW_NEW, 1, 1, 0},
};

static void check_life(const struct life *l, enum mtlb_backend_state state_of_other)
{
	struct world w;

	open_world(&w, OWNER);
	world_set_state(&w, OTHER, state_of_other);
	if (l->state != MTLB_FLOW_FREE)
		world_set_flow(&world_bucket(&w, STAGE_TENANT, hash_of_flow(&w))->ways[2],
			       hash_of_flow(&w), l->backend, l->state, l->age);
	check(&w, l->name, &named, &(struct expected){.backend = SERVER, .flows_added = l->added});
	check_entry(l->name, find(&w), SERVER, l->after, MTLB_FLOW_BY_ID);
	CU_ASSERT_EQUAL((int32_t)w.loads[SERVER].added, l->load);
	CU_ASSERT_EQUAL((int32_t)w.loads[OTHER].added, l->others);
	world_close(&w);
}

static void noted_flow_goes_on(void)
{
	for (size_t i = 0; i < sizeof(lives) / sizeof(*lives); i++)
		if (lives[i].backend == SERVER)
			check_life(&lives[i], MTLB_BACKEND_UP);
}

static void noted_flow_follows_its_id(void)
{
	for (size_t i = 0; i < sizeof(lives) / sizeof(*lives); i++)
		if (lives[i].backend == OTHER) {
			check_life(&lives[i], MTLB_BACKEND_UP);
			check_life(&lives[i], MTLB_BACKEND_LEAVING);
			check_life(&lives[i], MTLB_BACKEND_DOWN);
		}
}

/* Only what the table decides speaks against an id: on a settled slot nobody looks. */
static void packet_without_an_id_takes_the_mark_back(void)
{
	struct mtlb_vip *v;
	struct world w;

	v = open_world(&w, OWNER);
	check(&w, "named", &named, &(struct expected){.backend = SERVER, .flows_added = 1});
	check(&w, "settled", &unnamed, &(struct expected){.backend = OWNER});
	check_entry("settled", find(&w), SERVER, MTLB_FLOW_NEW, MTLB_FLOW_BY_ID);
	mark(&w, v);
	v->word |= MTLB_VIP_MOVING;
	check(&w, "moving", &unnamed, &(struct expected){.backend = SERVER});
	check_entry("moving", find(&w), SERVER, MTLB_FLOW_CONFIRMED, 0);
	check(&w, "named again", &named, &(struct expected){.backend = SERVER});
	check_entry("named again", find(&w), SERVER, MTLB_FLOW_CONFIRMED, MTLB_FLOW_BY_ID);
	CU_ASSERT_EQUAL(w.loads[SERVER].added, 1);
	world_close(&w);
}

static void noted_flow_without_room_is_refused_and_forwarded(void)
{
	struct mtlb_flow_bucket *bucket, before;
	struct world w;

	open_world(&w, OWNER);
	bucket = world_bucket(&w, STAGE_TENANT, hash_of_flow(&w));
	for (int i = 0; i < MTLB_FLOW_WAYS; i++)
		world_set_flow(&bucket->ways[i], ~hash_of_flow(&w) - i, OTHER, MTLB_FLOW_CONFIRMED,
			       IDLE - 1);
	before = *bucket;
	check(&w, "full", &named, &(struct expected){.backend = SERVER, .notes_refused = 1});
	CU_ASSERT_EQUAL(memcmp(&before, bucket, sizeof(before)), 0);
	CU_ASSERT_EQUAL(w.loads[SERVER].added, 0);
	world_set_flow(&bucket->ways[1], ~hash_of_flow(&w) - 1, OTHER, MTLB_FLOW_NEW, 1);
	check(&w, "one gives way", &named, &(struct expected){.backend = SERVER, .flows_added = 1});
	CU_ASSERT_PTR_EQUAL(find(&w), &bucket->ways[1]);
	world_close(&w);
}

/* ---- ICMP errors ---- */
static void build_error(struct packet *error)
{
	struct packet about;

	packet_build(&about, &(struct packet_spec){.protocol = IPPROTO_UDP,
						   .from = STAGE_V4,
						   .to = "198.51.100.7",
						   .from_port = 443,
						   .to_port = 40000,
						   .payload = 9});
	packet_build_error(error, &(struct packet_spec){.protocol = IPPROTO_ICMP, .icmp_type = 3},
			   &about, 37);
}

/* What the table has of the flow, and where an error about it goes: OWNER is the slot's. */
static const struct about {
	const char *name;
	enum mtlb_flow_state state;
	uint16_t age;
	bool is_marked, is_empty, is_plain; /* a VIP without quic */
	enum mtlb_backend_state server;
	uint32_t backend; /* 0: no_backend */
} abouts[] = {
	{"unknown", MTLB_FLOW_FREE, 0, .server = MTLB_BACKEND_UP, .backend = OWNER},
	{"new", MTLB_FLOW_NEW, SHORT - 1, .server = MTLB_BACKEND_UP, .backend = SERVER},
	{"confirmed", MTLB_FLOW_CONFIRMED, IDLE - 1, .server = MTLB_BACKEND_UP, .backend = SERVER},
	{"timed out", MTLB_FLOW_CONFIRMED, IDLE + 2, .server = MTLB_BACKEND_UP, .backend = OWNER},
	{"draining", MTLB_FLOW_CONFIRMED, 3, .server = MTLB_BACKEND_DRAINING, .backend = SERVER},
	{"leaving", MTLB_FLOW_CONFIRMED, 3, .server = MTLB_BACKEND_LEAVING, .backend = SERVER},
	{"down", MTLB_FLOW_CONFIRMED, 3, .server = MTLB_BACKEND_DOWN, .backend = OWNER},
	{"moving", MTLB_FLOW_CONFIRMED, 3, true, .server = MTLB_BACKEND_UP, .backend = SERVER},
	{"no usable backend, known", MTLB_FLOW_CONFIRMED, 3, .is_empty = true,
	 .server = MTLB_BACKEND_DRAINING, .backend = SERVER},
	{"no usable backend, unknown", MTLB_FLOW_FREE, 0, .is_empty = true,
	 .server = MTLB_BACKEND_DRAINING},
	{"VIP without quic", MTLB_FLOW_CONFIRMED, 3, .is_plain = true, .server = MTLB_BACKEND_UP,
	 .backend = OWNER},
};

static void check_error(struct world *w, const struct about *a)
{
	struct packet error, out;

	build_error(&error);
	if (!a->backend) {
		world_check(w, a->name, &error,
			    &(struct expected){.reason = MTLB_REASON_no_backend,
					       .tenant = STAGE_TENANT,
					       .vip = VIP});
		return;
	}
	tunnel_expect_hash(hash_of_flow(w), &error, &tunnel_rows[0].tunnel, &out);
	world_check(w, a->name, &error,
		    &(struct expected){.reason = MTLB_REASON_icmp_forwarded,
				       .tenant = STAGE_TENANT,
				       .vip = VIP,
				       .backend = a->backend,
				       .out = &out});
}

static void errors_follow_a_noted_flow(void)
{
	struct mtlb_flow_bucket *bucket, before;
	struct mtlb_vip *v;
	struct world w;

	for (size_t i = 0; i < sizeof(abouts) / sizeof(*abouts); i++) {
		const struct about *a = &abouts[i];

		v = open_world(&w, OWNER);
		if (a->is_marked)
			mark(&w, v);
		v->word |= a->is_marked ? MTLB_VIP_MOVING : 0;
		v->word |= a->is_empty ? MTLB_VIP_EMPTY : 0;
		v->flags = a->is_plain ? 0 : MTLB_VIP_QUIC;
		world_set_state(&w, SERVER, a->server);
		bucket = world_bucket(&w, STAGE_TENANT, hash_of_flow(&w));
		if (a->state != MTLB_FLOW_FREE) {
			world_set_flow(&bucket->ways[0], hash_of_flow(&w), SERVER, a->state,
				       a->age);
			bucket->ways[0].word |= MTLB_FLOW_BY_ID;
		}
		before = *bucket;
		check_error(&w, a);
		CU_ASSERT_EQUAL(memcmp(&before, bucket, sizeof(before)), 0);
		world_close(&w);
	}
}

static const struct test tests[] = {
	{"flow_is_noted_where_nothing_else_tells", flow_is_noted_where_nothing_else_tells},
	{"noted_flow_goes_on", noted_flow_goes_on},
	{"noted_flow_follows_its_id", noted_flow_follows_its_id},
	{"packet_without_an_id_takes_the_mark_back", packet_without_an_id_takes_the_mark_back},
	{"noted_flow_without_room_is_refused_and_forwarded",
	 noted_flow_without_room_is_refused_and_forwarded},
	{"errors_follow_a_noted_flow", errors_follow_a_noted_flow},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "noted_flows", tests);
}
