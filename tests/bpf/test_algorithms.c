/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which backend a flow gets from source, round-robin and least-connections, and what is remembered. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/fixture.h"
#include "bpf/tunnels.h"
#include "test.h"

enum {
	ACME = 1,
	VIP = 3,
	RING_LOG2 = 4,
	SLOTS = 16,
	N = 4
};

#define V6 "2001:db8:a::10"

static const uint32_t four[] = {11, 12, 13, 14};

/* One bucket for all flows, or eight. */
static void open_world(struct world *w, uint32_t flow_mask)
{
	world_open(w);
	world_add_tenant(w, ACME, 8, flow_mask);
	world_add_segment(w, w->in, 0, 0, ACME);
	for (uint32_t id = four[0] - 1; id <= four[3]; id++)
		world_add_backend(w, id, &tunnel_rows[0].tunnel, true, 0);
}

static struct mtlb_vip *add_vip(struct world *w, enum mtlb_algorithm algorithm, uint64_t flags)
{
	return world_add_vip(w, &(struct vip_row){.tenant = ACME,
						  .id = VIP,
						  .ring_log2 = RING_LOG2,
						  .algorithm = algorithm,
						  .backends = four,
						  .n_backends = N,
						  .flags = flags});
}

static void run(struct world *w, const char *where, const struct packet_spec *s, uint32_t backend,
		int added, int refused)
{
	struct packet in, out;

	packet_build(&in, s);
	tunnel_expect(w, ACME, s, &in, &tunnel_rows[0].tunnel, &out);
	world_check(w, where, &in,
		    &(struct expected){.reason = MTLB_REASON_forwarded,
				       .tenant = ACME,
				       .vip = VIP,
				       .backend = backend,
				       .out = &out,
				       .flows_added = added,
				       .flows_refused = refused});
}

static uint32_t slot_of(const struct world *w, const struct packet_spec *s)
{
	return mtlb_hash_slot(world_hash(w, ACME, s), RING_LOG2);
}

/* ---- source ------------------------------------------------------------------------------------ */
/* Two clients get the same backend whatever their ports if they are alike in so many bits. */
static const struct source_row {
	const char *name, *one, *other;
	uint8_t bits; /* of the mapped address */
	bool is_same; /* in the address that counts */
} source_rows[] = {
	{"whole IPv4 address", "198.51.100.7", "198.51.100.7", 128, true},
	{"another", "198.51.100.7", "198.51.100.6", 128, false},
	{"/31", "198.51.100.7", "198.51.100.6", 127, true},
	{"/24", "198.51.100.0", "198.51.100.255", 120, true},
	{"/24, another", "198.51.100.255", "198.51.101.255", 120, false},
	{"/22", "198.51.100.1", "198.51.103.1", 118, true},
	{"/1", "128.0.0.1", "255.1.1.1", 97, true},
	{"/1, another", "127.0.0.1", "128.0.0.1", 97, false},
	{"whole IPv6 address", "2001:db8::1", "2001:db8::1", 128, true},
	{"another IPv6 address", "2001:db8::1", "2001:db8::2", 128, false},
	{"/64", "2001:db8:0:1::", "2001:db8:0:1:ffff:ffff:ffff:ffff", 64, true},
	{"/64, another", "2001:db8:0:1::", "2001:db8:0:2::", 64, false},
	{"/33", "2001:db8:8000::", "2001:db8:ffff::", 33, true},
	{"/33, another", "2001:db8:8000::", "2001:db8:7fff::", 33, false},
	{"/1, IPv6", "8000::", "ffff::", 1, true},
};

/* The hash of docs/packets.md section 9: the cut address alone. */
static uint32_t source_slot(const struct world *w, const char *address, uint32_t bits)
{
	struct mtlb_tuple t = {.protocol = 0};
	uint8_t bytes[16];

	packet_address(address, bytes);
	for (uint32_t bit = bits; bit < 128; bit++)
		bytes[bit / 8] &= ~(0x80 >> bit % 8);
	memcpy(t.source, bytes, 16);
	return mtlb_hash_slot(mtlb_flow_hash(&t, w->tenants[ACME].key), RING_LOG2);
}

static void source_goes_by_the_prefix_of_the_client(void)
{
	struct world w;

	open_world(&w, 7);
	for (size_t i = 0; i < sizeof(source_rows) / sizeof(*source_rows); i++) {
		const struct source_row *r = &source_rows[i];
		bool is_ipv6 = strchr(r->one, ':');
		uint32_t slot = source_slot(&w, r->one, r->bits);

		CU_ASSERT_TRUE(!r->is_same || slot == source_slot(&w, r->other, r->bits));
		for (uint32_t k = 0; k < N; k++)
			world_add_backend(&w, four[k], &tunnel_rows[0].tunnel, !is_ipv6, 0);
		world_add_vip(&w, &(struct vip_row){.tenant = ACME,
						    .address = is_ipv6 ? V6 : NULL,
						    .id = VIP,
						    .ring_log2 = RING_LOG2,
						    .algorithm = MTLB_ALGORITHM_SOURCE,
						    .backends = four,
						    .n_backends = N})
			->source_bits = r->bits;
		for (int k = 0; k < 4; k++) {
			struct packet_spec s = {.from = k & 1 ? r->other : r->one,
						.to = is_ipv6 ? V6 : NULL,
						.from_port = 1000 + k};

			run(&w, r->name, &s, four[source_slot(&w, s.from, r->bits) % N], 0, 0);
		}
	}
	world_close(&w);
}

static bool is_home(const struct world *w, const struct packet_spec *s)
{
	const struct mtlb_flow *f = world_find_flow(w, ACME, world_hash(w, ACME, s));

	return f && f->word & MTLB_FLOW_HOME;
}

static void source_keeps_no_state_but_while_slots_move(void)
{
	struct packet_spec s = {.flags = PACKET_SYN};
	struct mtlb_vip *v;
	struct world w;

	open_world(&w, 7);
	v = add_vip(&w, MTLB_ALGORITHM_SOURCE, MTLB_VIP_MOVING | MTLB_VIP_LEARNING);
	v->source_bits = v->previous_source_bits = 120;
	uint32_t slot = source_slot(&w, "198.51.100.7", 120);
	uint32_t owner = four[slot % N];

	*world_previous_slot(&w, v, slot) = (slot + 1) % N;
	run(&w, "SYN", &s, owner, 1, 0);
	CU_ASSERT_TRUE(is_home(&w, &s));
	s = (struct packet_spec){.from_port = 1};
	run(&w, "older flow", &s, four[(slot + 1) % N], 1, 0);
	CU_ASSERT_FALSE(is_home(&w, &s));
	*world_slot(&w, v, slot) = (slot + 1) % N | MTLB_SLOT_MOVING;
	run(&w, "its backend owns the slot", &s, four[(slot + 1) % N], 0, 0);
	CU_ASSERT_TRUE(is_home(&w, &s));
	*world_slot(&w, v, slot) = slot % N | MTLB_SLOT_MOVING;
	run(&w, "no more", &s, four[(slot + 1) % N], 0, 0);
	CU_ASSERT_FALSE(is_home(&w, &s));
	*world_slot(&w, v, slot) &= ~MTLB_SLOT_MOVING;
	run(&w, "settled", &s, owner, 0, 0);
	world_close(&w);
}

/* The previous owners' slots are those that flows had under the algorithm before. */
static void previous_slot_is_that_of_the_algorithm_before(void)
{
	struct mtlb_vip *v;
	struct world w;

	open_world(&w, 7);
	for (uint16_t port = 1000; port < 1012; port++) {
		struct packet_spec s = {.from_port = port};
		uint32_t by_hash = slot_of(&w, &s),
			 by_source = source_slot(&w, "198.51.100.7", 120);

		memset(w.flows, 0, WORLD_BUCKETS * sizeof(*w.flows));
		w.units_used = 8;
		v = add_vip(&w, MTLB_ALGORITHM_SOURCE, MTLB_VIP_MOVING | MTLB_VIP_LEARNING);
		v->source_bits = 128;
		for (uint32_t slot = 0; slot < SLOTS; slot++)
			*world_previous_slot(&w, v, slot) = slot % N;
		v->previous_source_bits = 0;
		run(&w, "maglev before", &s, four[by_hash % N], 1, 0);
		memset(w.flows, 0, WORLD_BUCKETS * sizeof(*w.flows));
		v->previous_source_bits = 120;
		run(&w, "source with another prefix before", &s, four[by_source % N], 1, 0);
		memset(w.flows, 0, WORLD_BUCKETS * sizeof(*w.flows));
		v->algorithm = MTLB_ALGORITHM_MAGLEV;
		run(&w, "source before, maglev now", &s, four[by_source % N], 1, 0);
	}
	world_close(&w);
}

/* ---- round-robin ------------------------------------------------------------------------------- */
static void round_robin_takes_turns_in_the_order_of_the_ring(void)
{
	struct mtlb_vip *v;
	struct world w;

	open_world(&w, 7);
	v = add_vip(&w, MTLB_ALGORITHM_ROUND_ROBIN, 0);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		*world_slot(&w, v, slot) = slot * 7 / 5 % N;
	w.turns[VIP] = UINT64_MAX - 20; /* wraps on the way, and the ring several times */
	for (uint32_t i = 0; i < 40; i++) {
		uint64_t turn = UINT64_MAX - 20 + i;
		struct packet_spec syn = {.from_port = 2000 + i, .flags = PACKET_SYN};
		struct packet_spec ack = {.from_port = 2000 + i};
		uint32_t backend = four[(turn % SLOTS) * 7 / 5 % N];

		memset(w.flows, 0, WORLD_BUCKETS * sizeof(*w.flows));
		run(&w, "SYN", &syn, backend, 1, 0);
		CU_ASSERT_EQUAL(w.turns[VIP], turn + 1);
		run(&w, "SYN again", &syn, backend, 0, 0);
		run(&w, "ACK", &ack, backend, 0, 0);
		CU_ASSERT_EQUAL(w.turns[VIP], turn + 1);
	}
	world_close(&w);
}

static void packet_that_is_no_first_one_takes_no_turn(void)
{
	static const uint8_t flags[] = {PACKET_ACK, PACKET_SYN | PACKET_ACK, PACKET_RST,
					PACKET_FIN | PACKET_ACK};
	struct world w;

	open_world(&w, 7);
	add_vip(&w, MTLB_ALGORITHM_ROUND_ROBIN, 0);
	for (int i = 0; i < 4; i++) {
		struct packet_spec s = {.from_port = 3000 + i, .flags = flags[i]};

		run(&w, "unknown", &s, four[slot_of(&w, &s) % N], 1, 0);
	}
	CU_ASSERT_EQUAL(w.turns[VIP], 0);
	world_close(&w);
}

/* ---- least-connections --------------------------------------------------------------------------- */
static const struct least_row {
	const char *name;
	uint32_t counted[N], mark[N], added[N];
	uint16_t weights[N];
	enum mtlb_backend_state states[N]; /* [UP] */
	int backend;                       /* which; -1: owner of the slot */
} least_rows[] = {
	{"none has any", {0}, {0}, {0}, {1, 1, 1, 1}, {0}, 0},
	{"first of equals", {5, 3, 3, 3}, {0}, {0}, {1, 1, 1, 1}, {0}, 1},
	{"least is last", {5, 4, 3, 2}, {0}, {0}, {1, 1, 1, 1}, {0}, 3},
	{"by weight", {10, 20, 30, 39}, {0}, {0}, {100, 200, 300, 400}, {0}, 3},
	{"by weight, equal", {10, 20, 30, 40}, {0}, {0}, {100, 200, 300, 400}, {0}, 0},
	{"heavy has less for its weight", {1, 99, 99, 99}, {0}, {0}, {1, 100, 1, 1}, {0}, 1},
	{"added since the count", {5, 5, 5, 5}, {0}, {3, 2, 1, 2}, {1, 1, 1, 1}, {0}, 2},
	{"added before the count", {5, 5, 5, 4}, {7, 7, 7, 7}, {7, 7, 7, 7}, {1, 1, 1, 1}, {0}, 3},
	{"ended since the count", {5, 5, 5, 5}, {9, 9, 9, 9}, {9, 6, 8, 9}, {1, 1, 1, 1}, {0}, 1},
	{"below nothing is nothing",
	 {0, 0, 0, 0},
	 {9, 9, 9, 9},
	 {9, 3, 9, 9},
	 {1, 1, 1, 1},
	 {0},
	 0},
	{"added has wrapped",
	 {5, 5, 5, 5},
	 {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
	 {2, 1, 0, 1},
	 {1, 1, 1, 1},
	 {0},
	 2},
	{"large loads",
	 {2000000000, 1999999999, 2000000000, 2000000000},
	 {0},
	 {0},
	 {65535, 65535, 65535, 65535},
	 {0},
	 1},
	{"draining, down, disabled get none",
	 {0, 0, 0, 9},
	 {0},
	 {0},
	 {1, 1, 1, 1},
	 {MTLB_BACKEND_DRAINING, MTLB_BACKEND_DOWN, MTLB_BACKEND_DISABLED, MTLB_BACKEND_UP},
	 3},
	{"none is up",
	 {0},
	 {0},
	 {0},
	 {1, 1, 1, 1},
	 {MTLB_BACKEND_DRAINING, MTLB_BACKEND_LEAVING, MTLB_BACKEND_DRAINING, MTLB_BACKEND_LEAVING},
	 -1},
};

static void set_loads(struct world *w, const struct least_row *r)
{
	for (uint32_t i = 0; i < N; i++) {
		w->loads[four[i]].word = (uint64_t)r->mark[i] << 32 | r->counted[i];
		w->loads[four[i]].added = r->added[i];
		w->backends[four[i]].word = mtlb_backend_word(
			r->states[i] ? r->states[i] : MTLB_BACKEND_UP, 0, r->weights[i]);
	}
}

static void least_connections_takes_the_least_for_its_weight(void)
{
	struct packet_spec s = {.flags = PACKET_SYN};
	struct world w;

	open_world(&w, 7);
	for (size_t i = 0; i < sizeof(least_rows) / sizeof(*least_rows); i++) {
		const struct least_row *r = &least_rows[i];

		memset(w.flows, 0, WORLD_BUCKETS * sizeof(*w.flows));
		w.units_used = 8;
		add_vip(&w, MTLB_ALGORITHM_LEAST_CONNECTIONS, 0);
		set_loads(&w, r);
		uint32_t at = r->backend < 0 ? slot_of(&w, &s) % N : (uint32_t)r->backend;

		run(&w, r->name, &s, four[at], 1, 0);
		CU_ASSERT_EQUAL(w.loads[four[at]].added, r->added[at] + 1);
	}
	world_close(&w);
}

/* Above 256 backends only those that own one of 16 slots are looked at. */
static void many_backends_are_sampled(void)
{
	static const uint32_t log2 = 9;
	uint32_t ids[300];
	struct mtlb_vip *v;
	struct world w;

	open_world(&w, 7);
	for (uint32_t i = 0; i < 300; i++) {
		ids[i] = 10 + i;
		world_add_backend(&w, ids[i], &tunnel_rows[0].tunnel, true, 0);
	}
	v = world_add_vip(&w, &(struct vip_row){.tenant = ACME,
						.id = VIP,
						.ring_log2 = log2,
						.algorithm = MTLB_ALGORITHM_LEAST_CONNECTIONS,
						.backends = ids,
						.n_backends = 300});
	for (uint32_t i = 0; i < 300; i++)
		w.loads[ids[i]].word = 100;
	for (uint32_t port = 1000; port < 1016; port++) {
		struct packet_spec s = {.flags = PACKET_SYN, .from_port = port};
		uint32_t slot = mtlb_hash_slot(world_hash(&w, ACME, &s), log2);
		uint32_t best = ids[((slot + (port % 16) * 32) & 511) % 300];
		uint32_t unseen = ids[((slot + 1) & 511) % 300];

		memset(w.flows, 0, WORLD_BUCKETS * sizeof(*w.flows));
		w.loads[unseen].word = 1;
		w.loads[best].word = 50;
		run(&w, "sampled", &s, best, 1, 0);
		w.loads[best] = w.loads[unseen] = (struct mtlb_backend_load){.word = 100};
		memset(w.flows, 0, WORLD_BUCKETS * sizeof(*w.flows));
		run(&w, "first of equals", &s, ids[slot % 300], 1, 0);
		w.loads[ids[slot % 300]].added = 0;
	}
	v->ids = 256;
	w.loads[ids[255]].word = w.loads[ids[256]].word = 1;
	struct packet_spec s = {.flags = PACKET_SYN, .from_port = 999};

	run(&w, "exact with 256", &s, ids[255], 1, 0);
	world_close(&w);
}

/* ---- loads ------------------------------------------------------------------------------------- */
/* What each packet of one flow adds to its backend's load. */
static const struct {
	const char *name;
	uint8_t flags, chunk; /* of TCP, of SCTP */
	int change;
	int added;
} life[] = {
	{"SYN", PACKET_SYN, PACKET_INIT, 1, 1},
	{"SYN again", PACKET_SYN, PACKET_INIT, 0, 0},
	{"ACK", PACKET_ACK, PACKET_DATA, 0, 0},
	{"FIN", PACKET_FIN | PACKET_ACK, PACKET_SHUTDOWN_COMPLETE, -1, 0},
	{"FIN again", PACKET_FIN | PACKET_ACK, PACKET_SHUTDOWN_COMPLETE, 0, 0},
	{"ACK after FIN", PACKET_ACK, PACKET_DATA, 0, 0},
	{"SYN after FIN", PACKET_SYN, PACKET_INIT, 1, 0},
	{"RST", PACKET_RST, PACKET_ABORT, -1, 0},
	{"RST again", PACKET_RST, PACKET_ABORT, 0, 0},
};

static void check_life(enum mtlb_algorithm algorithm, uint8_t protocol)
{
	uint32_t load = 0;
	struct world w;

	open_world(&w, 7);
	world_add_vip(&w, &(struct vip_row){.tenant = ACME,
					    .protocol = protocol,
					    .id = VIP,
					    .algorithm = algorithm,
					    .backends = four,
					    .n_backends = N});
	for (size_t i = 0; i < sizeof(life) / sizeof(*life); i++) {
		struct packet_spec s = {
			.protocol = protocol, .flags = life[i].flags, .chunk = life[i].chunk};

		run(&w, life[i].name, &s, four[0], life[i].added, 0);
		load += life[i].change;
		CU_ASSERT_EQUAL(w.loads[four[0]].added, load);
	}
	world_close(&w);
}

static void load_follows_the_life_of_a_flow(void)
{
	check_life(MTLB_ALGORITHM_ROUND_ROBIN, IPPROTO_TCP);
	check_life(MTLB_ALGORITHM_ROUND_ROBIN, IPPROTO_SCTP);
	check_life(MTLB_ALGORITHM_LEAST_CONNECTIONS, IPPROTO_TCP);
	check_life(MTLB_ALGORITHM_LEAST_CONNECTIONS, IPPROTO_SCTP);
}

/* A flow that begins with what ends one is no load. */
static void unknown_end_is_no_load(void)
{
	static const uint8_t flags[] = {PACKET_RST, PACKET_FIN | PACKET_ACK};
	struct world w;

	open_world(&w, 7);
	add_vip(&w, MTLB_ALGORITHM_LEAST_CONNECTIONS, 0);
	for (int i = 0; i < 2; i++) {
		struct packet_spec s = {.flags = flags[i], .from_port = 77 + i};
		uint32_t owner = four[slot_of(&w, &s) % N];

		run(&w, "end", &s, owner, 1, 0);
		CU_ASSERT_EQUAL(w.loads[owner].added, 0);
	}
	world_close(&w);
}

/* The only bucket holds four flows of backend 10 in this state; a new flow takes the place of one, if it may. */
static const struct {
	const char *name;
	enum mtlb_flow_state state;
	uint16_t age;
	int change; /* of backend 10's load */
	bool is_taken;
} eviction_rows[] = {
	{"new", MTLB_FLOW_NEW, 5, -1, true},
	{"closing", MTLB_FLOW_CLOSING, 5, 0, true},
	{"fragment", MTLB_FLOW_FRAGMENT, 5, 0, true},
	{"timed out", MTLB_FLOW_CONFIRMED, 302, 0, true},
	{"confirmed", MTLB_FLOW_CONFIRMED, 298, 0, false},
};

static void load_goes_with_what_gives_way(void)
{
	struct packet_spec s = {.flags = PACKET_SYN};
	struct world w;

	open_world(&w, 0);
	add_vip(&w, MTLB_ALGORITHM_ROUND_ROBIN, 0);
	uint64_t hash = world_hash(&w, ACME, &s);
	uint32_t owner = slot_of(&w, &s) % N;

	for (size_t i = 0; i < sizeof(eviction_rows) / sizeof(*eviction_rows); i++) {
		bool is_taken = eviction_rows[i].is_taken;

		w.turns[VIP] = owner + 1;
		memset(w.loads, 0, WORLD_BACKENDS * sizeof(*w.loads));
		for (int way = 0; way < MTLB_FLOW_WAYS; way++)
			world_set_flow(&w.flows[8].ways[way], ~hash - way, 10,
				       eviction_rows[i].state, eviction_rows[i].age);
		/* in a full bucket the turn is lost: the next packet will be unknown, and go to the owner */
		run(&w, eviction_rows[i].name, &s, four[is_taken ? (owner + 1) % N : owner],
		    is_taken, !is_taken);
		CU_ASSERT_EQUAL(w.loads[10].added, (uint32_t)eviction_rows[i].change);
		CU_ASSERT_EQUAL(w.loads[four[(owner + 1) % N]].added, is_taken);
	}
	world_close(&w);
}

/* What is left of the flow itself is live by the VIP's timeouts, which are shorter than the tenant's. */
static void load_of_a_flow_that_timed_out_is_taken_only_once(void)
{
	static const struct {
		enum mtlb_flow_state state;
		uint16_t age;
	} left[] = {{MTLB_FLOW_NEW, 40}, {MTLB_FLOW_CONFIRMED, 302}, {MTLB_FLOW_CLOSING, 40}};
	struct packet_spec s = {.flags = PACKET_SYN};
	struct world w;

	open_world(&w, 0);
	add_vip(&w, MTLB_ALGORITHM_ROUND_ROBIN, 0);
	uint64_t hash = world_hash(&w, ACME, &s);

	for (int i = 0; i < 3; i++) {
		w.turns[VIP] = 0;
		memset(w.loads, 0, WORLD_BACKENDS * sizeof(*w.loads));
		world_set_flow(&w.flows[8].ways[2], hash, 10, left[i].state, left[i].age);
		run(&w, "timed out", &s, four[0], 1, 0);
		CU_ASSERT_EQUAL(w.loads[10].added, 0);
		CU_ASSERT_EQUAL(w.loads[four[0]].added, 1);
	}
	world_close(&w);
}

/* Its backend went down: the flow is decided anew, and the load moves. */
static void load_moves_with_a_flow_decided_anew(void)
{
	struct packet_spec syn = {.flags = PACKET_SYN};
	struct world w;

	open_world(&w, 7);
	add_vip(&w, MTLB_ALGORITHM_ROUND_ROBIN, 0);
	run(&w, "SYN", &syn, four[0], 1, 0);
	world_set_state(&w, four[0], MTLB_BACKEND_DOWN);
	run(&w, "SYN again", &syn, four[1], 0, 0);
	CU_ASSERT_EQUAL(w.loads[four[0]].added, 0);
	CU_ASSERT_EQUAL(w.loads[four[1]].added, 1);
	world_close(&w);
}

/* ---- moving, learning, full ------------------------------------------------------------------------ */
static const struct {
	const char *name;
	uint8_t flags;
	uint64_t vip;
	bool is_full;
	enum {
		TURN,
		OWNER,
		PREVIOUS
	} choice;
} moving_rows[] = {
	{"SYN", PACKET_SYN, MTLB_VIP_MOVING, false, TURN},
	{"SYN, learning", PACKET_SYN, MTLB_VIP_MOVING | MTLB_VIP_LEARNING, false, TURN},
	{"ACK", PACKET_ACK, MTLB_VIP_MOVING, false, OWNER},
	{"ACK, learning", PACKET_ACK, MTLB_VIP_MOVING | MTLB_VIP_LEARNING, false, PREVIOUS},
	{"SYN, full", PACKET_SYN, MTLB_VIP_MOVING, true, OWNER},
	{"SYN, full, learning", PACKET_SYN, MTLB_VIP_MOVING | MTLB_VIP_LEARNING, true, PREVIOUS},
	{"ACK, full", PACKET_ACK, MTLB_VIP_MOVING, true, OWNER},
	{"ACK, full, learning", PACKET_ACK, MTLB_VIP_MOVING | MTLB_VIP_LEARNING, true, PREVIOUS},
	{"SYN, full, settled", PACKET_SYN, 0, true, OWNER},
	{"ACK, settled", PACKET_ACK, 0, false, OWNER},
};

static void unknown_flows_go_where_their_next_packet_will(void)
{
	struct mtlb_vip *v;
	struct world w;

	open_world(&w, 0);
	for (size_t i = 0; i < sizeof(moving_rows) / sizeof(*moving_rows); i++) {
		struct packet_spec s = {.flags = moving_rows[i].flags};
		uint32_t slot = slot_of(&w, &s);
		const uint32_t backends[] = {four[(slot + 1) % N], four[slot % N],
					     four[(slot + 2) % N]};

		memset(w.flows, 0, WORLD_BUCKETS * sizeof(*w.flows));
		w.units_used = 8;
		v = add_vip(&w, MTLB_ALGORITHM_ROUND_ROBIN, moving_rows[i].vip);
		*world_previous_slot(&w, v, slot) = (slot + 2) % N;
		w.turns[VIP] = (slot + 1) % N;
		for (int way = 0; moving_rows[i].is_full && way < MTLB_FLOW_WAYS; way++)
			world_set_flow(&w.flows[8].ways[way], way + 1, 10, MTLB_FLOW_CONFIRMED, 0);
		run(&w, moving_rows[i].name, &s, backends[moving_rows[i].choice],
		    !moving_rows[i].is_full, moving_rows[i].is_full);
	}
	world_close(&w);
}

static const struct test tests[] = {
	{"source_goes_by_the_prefix_of_the_client", source_goes_by_the_prefix_of_the_client},
	{"source_keeps_no_state_but_while_slots_move", source_keeps_no_state_but_while_slots_move},
	{"previous_slot_is_that_of_the_algorithm_before",
	 previous_slot_is_that_of_the_algorithm_before},
	{"round_robin_takes_turns_in_the_order_of_the_ring",
	 round_robin_takes_turns_in_the_order_of_the_ring},
	{"packet_that_is_no_first_one_takes_no_turn", packet_that_is_no_first_one_takes_no_turn},
	{"least_connections_takes_the_least_for_its_weight",
	 least_connections_takes_the_least_for_its_weight},
	{"many_backends_are_sampled", many_backends_are_sampled},
	{"load_follows_the_life_of_a_flow", load_follows_the_life_of_a_flow},
	{"unknown_end_is_no_load", unknown_end_is_no_load},
	{"load_goes_with_what_gives_way", load_goes_with_what_gives_way},
	{"load_of_a_flow_that_timed_out_is_taken_only_once",
	 load_of_a_flow_that_timed_out_is_taken_only_once},
	{"load_moves_with_a_flow_decided_anew", load_moves_with_a_flow_decided_anew},
	{"unknown_flows_go_where_their_next_packet_will",
	 unknown_flows_go_where_their_next_packet_will},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "algorithms", tests);
}
