/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which backend a packet on a moving slot gets, and what the flow table remembers. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/fixture.h"
#include "bpf/tunnels.h"
#include "test.h"

enum { ACME = 1, BUCKET = 8 };
enum { PREVIOUS = 4, OWNER = 5, THIRD = 6 };
enum { IDLE = 300, SHORT = 30 };

#define UP MTLB_BACKEND_UP
#define DRAINING MTLB_BACKEND_DRAINING
#define LEAVING MTLB_BACKEND_LEAVING
#define DOWN MTLB_BACKEND_DOWN
#define DISABLED MTLB_BACKEND_DISABLED
#define NEW MTLB_FLOW_NEW
#define CONFIRMED MTLB_FLOW_CONFIRMED
#define CLOSING MTLB_FLOW_CLOSING
#define SYN PACKET_SYN
#define ACK PACKET_ACK
#define FIN (PACKET_FIN | PACKET_ACK)
#define RST PACKET_RST
#define UDP 0xff                     /* in place of TCP flags */
#define LEARNING true
#define FULL true

struct row {
	const char *name;
	uint8_t flags;
	bool is_learning;
	/* before: the flow's entry, if state is not 0; the rest of the bucket is empty or full of live flows */
	struct {
		uint32_t backend;
		uint8_t state;
		uint16_t age;
		bool is_full;
	} known;
	enum mtlb_backend_state previous, third; /* [UP]; the owner is UP */
	/* after: state 0: not remembered */
	uint32_t backend;
	uint8_t state;
	uint8_t added, refused;
};

static const struct row rows[] = {
	{ "unknown SYN, learning", SYN, LEARNING, { 0 }, 0, 0, OWNER, NEW, 1, 0 },
	{ "unknown ACK, learning", ACK, LEARNING, { 0 }, 0, 0, PREVIOUS, CONFIRMED, 1, 0 },
	{ "unknown FIN, learning", FIN, LEARNING, { 0 }, 0, 0, PREVIOUS, CLOSING, 1, 0 },
	{ "unknown RST, learning", RST, LEARNING, { 0 }, 0, 0, PREVIOUS, CLOSING, 1, 0 },
	{ "unknown SYN-ACK, learning", SYN | ACK, LEARNING, { 0 }, 0, 0, PREVIOUS, CONFIRMED, 1, 0 },
	{ "unknown datagram, learning", UDP, LEARNING, { 0 }, 0, 0, PREVIOUS, NEW, 1, 0 },
	{ "unknown SYN", SYN, false, { 0 }, 0, 0, OWNER, NEW, 1, 0 },
	{ "unknown ACK", ACK, false, { 0 }, 0, 0, OWNER, CONFIRMED, 1, 0 },
	{ "unknown datagram", UDP, false, { 0 }, 0, 0, OWNER, NEW, 1, 0 },

	{ "drain: unknown ACK stays", ACK, LEARNING, { 0 }, DRAINING, 0, PREVIOUS, CONFIRMED, 1, 0 },
	{ "drain: unknown SYN goes", SYN, LEARNING, { 0 }, DRAINING, 0, OWNER, NEW, 1, 0 },
	{ "leaving: unknown ACK stays", ACK, LEARNING, { 0 }, LEAVING, 0, PREVIOUS, CONFIRMED, 1, 0 },
	{ "down: unknown ACK goes", ACK, LEARNING, { 0 }, DOWN, 0, OWNER, CONFIRMED, 1, 0 },
	{ "disabled: unknown ACK goes", ACK, LEARNING, { 0 }, DISABLED, 0, OWNER, CONFIRMED, 1, 0 },
	{ "down: unknown datagram goes", UDP, LEARNING, { 0 }, DOWN, 0, OWNER, NEW, 1, 0 },

	{ "known: ACK confirms", ACK, LEARNING, { OWNER, NEW, 1, 0 }, 0, 0, OWNER, CONFIRMED, 0, 0 },
	{ "known: second datagram confirms", UDP, LEARNING, { THIRD, NEW, 9, 0 }, 0, 0, THIRD,
	  CONFIRMED, 0, 0 },
	{ "known: ACK follows", ACK, false, { PREVIOUS, CONFIRMED, 299, 0 }, 0, 0, PREVIOUS,
	  CONFIRMED, 0, 0 },
	{ "known: ACK follows a third", ACK, LEARNING, { THIRD, CONFIRMED, 0, 0 }, 0, DRAINING, THIRD,
	  CONFIRMED, 0, 0 },
	{ "known: ACK follows one that leaves", ACK, false, { THIRD, CONFIRMED, 5, 0 }, 0, LEAVING,
	  THIRD, CONFIRMED, 0, 0 },
	{ "known: FIN closes", FIN, LEARNING, { THIRD, CONFIRMED, 0, 0 }, 0, 0, THIRD, CLOSING, 0, 0 },
	{ "known: RST closes", RST, LEARNING, { OWNER, NEW, 0, 0 }, 0, 0, OWNER, CLOSING, 0, 0 },
	{ "closing: ACK does not open", ACK, false, { PREVIOUS, CLOSING, 1, 0 }, 0, 0, PREVIOUS,
	  CLOSING, 0, 0 },
	{ "closing: SYN follows what is up", SYN, false, { PREVIOUS, CLOSING, 1, 0 }, 0, 0, PREVIOUS,
	  NEW, 0, 0 },
	{ "closing, silent: SYN goes", SYN, false, { PREVIOUS, CLOSING, 3, 0 }, 0, 0, OWNER, NEW, 0,
	  0 },
	{ "closing: SYN leaves what drains", SYN, LEARNING, { PREVIOUS, CLOSING, 1, 0 }, DRAINING, 0,
	  OWNER, NEW, 0, 0 },
	{ "new: SYN again follows", SYN, LEARNING, { THIRD, NEW, 1, 0 }, 0, 0, THIRD, NEW, 0, 0 },
	{ "new: SYN leaves what drains", SYN, LEARNING, { THIRD, NEW, 1, 0 }, 0, DRAINING, OWNER, NEW,
	  0, 0 },
	{ "new: SYN leaves what leaves", SYN, false, { THIRD, NEW, 1, 0 }, 0, LEAVING, OWNER, NEW, 0, 0 },
	{ "confirmed: forged SYN follows", SYN, LEARNING, { PREVIOUS, CONFIRMED, 1, 0 }, 0, 0,
	  PREVIOUS, CONFIRMED, 0, 0 },
	{ "confirmed: forged SYN follows what drains", SYN, LEARNING, { PREVIOUS, CONFIRMED, 1, 0 },
	  DRAINING, 0, PREVIOUS, CONFIRMED, 0, 0 },
	{ "confirmed: SYN leaves what is down", SYN, LEARNING, { PREVIOUS, CONFIRMED, 1, 0 }, DOWN, 0,
	  OWNER, NEW, 0, 0 },
	{ "known on a down backend is unknown", ACK, LEARNING, { THIRD, CONFIRMED, 1, 0 }, 0, DOWN,
	  PREVIOUS, CONFIRMED, 0, 0 },
	{ "known on a disabled backend is unknown", ACK, false, { THIRD, CONFIRMED, 1, 0 }, 0,
	  DISABLED, OWNER, CONFIRMED, 0, 0 },
	{ "known on a backend that is none", ACK, LEARNING, { 99999, CONFIRMED, 1, 0 }, 0, 0, PREVIOUS,
	  CONFIRMED, 0, 0 },

	{ "confirmed at its timeout", ACK, false, { PREVIOUS, CONFIRMED, IDLE - 1, 0 }, 0, 0, PREVIOUS,
	  CONFIRMED, 0, 0 },
	{ "confirmed timed out", ACK, false, { PREVIOUS, CONFIRMED, IDLE + 2, 0 }, 0, 0, OWNER,
	  CONFIRMED, 1, 0 },
	{ "new timed out", UDP, false, { PREVIOUS, NEW, SHORT + 2, 0 }, 0, 0, OWNER, NEW, 1, 0 },
	{ "closing timed out", ACK, false, { PREVIOUS, CLOSING, SHORT + 2, 0 }, 0, 0, OWNER, CONFIRMED,
	  1, 0 },

	{ "full: SYN stays with previous", SYN, LEARNING, { .is_full = FULL }, 0, 0, PREVIOUS, 0, 0, 1 },
	{ "full: ACK stays with previous", ACK, LEARNING, { .is_full = FULL }, 0, 0, PREVIOUS, 0, 0, 1 },
	{ "full: SYN without learning", SYN, false, { .is_full = FULL }, 0, 0, OWNER, 0, 0, 1 },
	{ "full: ACK without learning", ACK, false, { .is_full = FULL }, 0, 0, OWNER, 0, 0, 1 },
	{ "full: datagram", UDP, false, { .is_full = FULL }, 0, 0, OWNER, 0, 0, 1 },
	{ "full, learning: datagram", UDP, LEARNING, { .is_full = FULL }, 0, 0, PREVIOUS, 0, 0, 1 },
	{ "full, previous down: SYN goes", SYN, LEARNING, { .is_full = FULL }, DOWN, 0, OWNER, 0, 0, 1 },
	{ "full, previous draining: SYN stays", SYN, LEARNING, { .is_full = FULL }, DRAINING, 0,
	  PREVIOUS, 0, 0, 1 },
	{ "full: what is known follows", ACK, LEARNING, { THIRD, CONFIRMED, 1, FULL }, 0, 0, THIRD,
	  CONFIRMED, 0, 0 },
	{ "full: its place is taken again", ACK, LEARNING, { THIRD, CONFIRMED, 1, FULL }, 0, DOWN,
	  PREVIOUS, CONFIRMED, 0, 0 },
};

static struct packet_spec spec_of(const struct row *r)
{
	if (r->flags == UDP)
		return (struct packet_spec){ .protocol = IPPROTO_UDP };
	return (struct packet_spec){ .flags = r->flags };
}

static struct mtlb_flow *bucket_way(struct world *w, int way)
{
	return &w->flows[BUCKET].ways[way];
}

/* The flow's entry, if there is one, is not the first of its bucket. */
static void fill_bucket(struct world *w, const struct row *r, uint64_t hash)
{
	memset(w->flows, 0, WORLD_BUCKETS * sizeof(*w->flows));
	for (int i = 0; r->known.is_full && i < MTLB_FLOW_WAYS; i++)
		*bucket_way(w, i) = (struct mtlb_flow){
			~hash - i, mtlb_flow_word(~hash - i, OWNER, CONFIRMED, world_tick() - 1)
		};
	if (r->known.state)
		*bucket_way(w, 2) = (struct mtlb_flow){
			hash, mtlb_flow_word(hash, r->known.backend, r->known.state,
					     world_tick() - r->known.age)
		};
}

/*
 * One entry of the flow at most, and with just this in it. A tick may pass between the run and the
 * look.
 */
static bool is_remembered(struct world *w, const struct row *r, uint64_t hash)
{
	uint32_t n = 0;
	uint64_t word = 0;

	for (int i = 0; i < MTLB_FLOW_WAYS; i++)
		if (bucket_way(w, i)->fingerprint == hash) {
			word = bucket_way(w, i)->word;
			n++;
		}
	if (!r->state)
		return !n;
	return n == 1 && (word == mtlb_flow_word(hash, r->backend, r->state, world_tick()) ||
			  word == mtlb_flow_word(hash, r->backend, r->state, world_tick() - 1));
}

static void open_world(struct world *w)
{
	world_open(w);
	world_add_tenant(w, ACME, BUCKET, 0);
	world_add_segment(w, w->in, 0, 0, ACME);
	for (uint32_t id = PREVIOUS; id <= THIRD; id++)
		world_add_backend(w, id, &tunnel_rows[0].tunnel, true, 0);
}

static void set_vips(struct world *w, bool is_learning)
{
	for (int udp = 0; udp < 2; udp++)
		world_add_vip(w, &(struct vip_row){ ACME,
						    .protocol = udp ? IPPROTO_UDP : IPPROTO_TCP,
						    .id = udp,
						    .owner = OWNER,
						    .previous = PREVIOUS,
						    .flags = MTLB_VIP_MOVING |
							     (is_learning ? MTLB_VIP_LEARNING : 0) });
}

static void check_row(struct world *w, const struct row *r)
{
	struct packet_spec s = spec_of(r);
	uint64_t hash = world_hash(w, ACME, &s);
	struct packet in, out;

	w->units_used = 8;
	set_vips(w, r->is_learning);
	world_set_state(w, OWNER, UP);
	world_set_state(w, PREVIOUS, r->previous ? r->previous : UP);
	world_set_state(w, THIRD, r->third ? r->third : UP);
	fill_bucket(w, r, hash);
	packet_build(&in, &s);
	tunnel_expect(w, ACME, &s, &in, &tunnel_rows[0].tunnel, &out);
	world_check(w, r->name, &in,
		    &(struct expected){ .reason = MTLB_REASON_forwarded,
					.tenant = ACME,
					.vip = r->flags == UDP,
					.backend = r->backend,
					.out = &out,
					.flows_added = r->added,
					.flows_refused = r->refused });
	bool is_as_expected = is_remembered(w, r, hash);

	if (!is_as_expected)
		printf("     %s: flow table differs\n", r->name);
	CU_ASSERT_TRUE(is_as_expected);
}

static void truth_table_of_moving_slots(void)
{
	struct world w;

	open_world(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		check_row(&w, &rows[i]);
	world_close(&w);
}

/* What is known does not matter: neither read nor written. */
static void check_settled(struct world *w, uint16_t slot_mark, uint64_t flags, uint64_t hash)
{
	struct mtlb_flow_bucket before;
	struct packet_spec s = { 0 };
	struct packet in, out;
	struct mtlb_vip *v = world_add_vip(w, &(struct vip_row){ ACME, .owner = OWNER, .flags = flags });
	uint32_t ring = mtlb_vip_word_ring(v->word);

	for (int i = 0; i < 4; i++)
		w->rings[ring].slots[i] = slot_mark;
	fill_bucket(w, &(struct row){ .known = { THIRD, CONFIRMED, 7, FULL } }, hash);
	before = w->flows[BUCKET];
	packet_build(&in, &s);
	tunnel_expect(w, ACME, &s, &in, &tunnel_rows[0].tunnel, &out);
	world_check(w, "settled", &in,
		    &(struct expected){ .reason = MTLB_REASON_forwarded,
					.tenant = ACME,
					.backend = OWNER,
					.out = &out });
	CU_ASSERT_EQUAL(memcmp(&before, &w->flows[BUCKET], sizeof(before)), 0);
}

static void settled_slots_touch_no_flow_state(void)
{
	struct world w;

	open_world(&w);
	uint64_t hash = world_hash(&w, ACME, &(struct packet_spec){ 0 });

	check_settled(&w, 0, 0, hash);
	check_settled(&w, 0, MTLB_VIP_MOVING | MTLB_VIP_LEARNING, hash);
	/* a mark without the word: the previous owners are not there */
	check_settled(&w, MTLB_SLOT_MOVING, 0, hash);
	world_close(&w);
}

/* Another CPU wrote only half of it. */
static void torn_entry_is_unknown(void)
{
	const struct row row = { "torn", ACK, LEARNING, { 0 }, 0, 0, PREVIOUS, CONFIRMED, 1, 0 };
	struct packet in, out;
	struct packet_spec s = spec_of(&row);
	struct world w;

	open_world(&w);
	set_vips(&w, true);
	uint64_t hash = world_hash(&w, ACME, &s);

	fill_bucket(&w, &(struct row){ .known = { THIRD, CONFIRMED, 1, FULL } }, hash);
	bucket_way(&w, 2)->word ^= 1 << 20;
	packet_build(&in, &s);
	tunnel_expect(&w, ACME, &s, &in, &tunnel_rows[0].tunnel, &out);
	world_check(&w, row.name, &in,
		    &(struct expected){ .reason = MTLB_REASON_forwarded,
					.tenant = ACME,
					.backend = PREVIOUS,
					.out = &out,
					.flows_added = 1 });
	CU_ASSERT_TRUE(is_remembered(&w, &row, hash));
	world_close(&w);
}

static const struct test tests[] = {
	{ "truth_table_of_moving_slots", truth_table_of_moving_slots },
	{ "settled_slots_touch_no_flow_state", settled_slots_touch_no_flow_state },
	{ "torn_entry_is_unknown", torn_entry_is_unknown },
	{ NULL, NULL },
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "moving", tests);
}
