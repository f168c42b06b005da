/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The program of mtlbctl trace: what it tells of a packet. That it does with every packet what mtlb does, and changes
 * no map, is asserted by world_check() in all packet tests.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "bpf/stage.h"
#include "test.h"

enum {
	PREVIOUS = 6,
	THIRD = 7,
	OWNER = STAGE_BACKEND, /* of all slots of the TCP VIP of IPv4, which is VIP 0 */
};

#define SLOT     MTLB_TRACE_SLOT
#define MOVING   (MTLB_TRACE_SLOT | MTLB_TRACE_MOVING | MTLB_TRACE_TABLE)
#define LEARNING MTLB_TRACE_LEARNING
#define KNOWN    MTLB_TRACE_KNOWN
#define TABLE    MTLB_TRACE_TABLE
#define UNCOMMON MTLB_TRACE_UNCOMMON

static const struct row {
	const char *name;
	struct packet_spec spec;
	enum mtlb_algorithm algorithm;
	uint64_t flags; /* of the VIP's word; with MTLB_VIP_MOVING all slots are marked */
	enum mtlb_flow_state known; /* the flow has an entry, on THIRD */
	enum mtlb_reason reason;
	uint32_t backend;
	uint32_t how;
} rows[] = {
	{"settled", {0}, 0, 0, 0, MTLB_REASON_forwarded, OWNER, SLOT},
	{"settled, known", {0}, 0, 0, MTLB_FLOW_CONFIRMED, MTLB_REASON_forwarded, OWNER, SLOT},
	{"options", {.ip_options = 4}, 0, 0, 0, MTLB_REASON_forwarded, OWNER, SLOT | UNCOMMON},
	{"moving, SYN",
	 {.flags = PACKET_SYN},
	 0,
	 MTLB_VIP_MOVING,
	 0,
	 MTLB_REASON_forwarded,
	 OWNER,
	 MOVING},
	{"moving, learning, SYN",
	 {.flags = PACKET_SYN},
	 0,
	 MTLB_VIP_MOVING | MTLB_VIP_LEARNING,
	 0,
	 MTLB_REASON_forwarded,
	 OWNER,
	 MOVING | LEARNING},
	{"moving, learning, ACK",
	 {0},
	 0,
	 MTLB_VIP_MOVING | MTLB_VIP_LEARNING,
	 0,
	 MTLB_REASON_forwarded,
	 PREVIOUS,
	 MOVING | LEARNING},
	{"moving, known",
	 {0},
	 0,
	 MTLB_VIP_MOVING | MTLB_VIP_LEARNING,
	 MTLB_FLOW_NEW,
	 MTLB_REASON_forwarded,
	 THIRD,
	 MOVING | LEARNING | KNOWN},
	{"round-robin, known",
	 {0},
	 MTLB_ALGORITHM_ROUND_ROBIN,
	 0,
	 MTLB_FLOW_CONFIRMED,
	 MTLB_REASON_forwarded,
	 THIRD,
	 SLOT | TABLE | KNOWN},
	{"round-robin, unknown",
	 {.flags = PACKET_SYN},
	 MTLB_ALGORITHM_ROUND_ROBIN,
	 0,
	 0,
	 MTLB_REASON_forwarded,
	 OWNER,
	 SLOT | TABLE},
	{"no backend", {0}, 0, MTLB_VIP_EMPTY, 0, MTLB_REASON_no_backend, 0, 0},
};

static void check_record(struct world *w, const struct row *r, const struct packet *in)
{
	static struct outcome o;
	uint64_t hash = world_hash(w, STAGE_TENANT, &r->spec);
	uint32_t slot = mtlb_hash_slot(hash, 2);
	struct mtlb_trace want = {
		.reason = r->reason, .tenant = STAGE_TENANT, .vip = 1, .how = r->how};

	if (r->how & SLOT) {
		want.hash = hash;
		want.slot = slot;
		want.owner = OWNER;
		want.backend = r->backend + 1;
	}
	CU_ASSERT_EQUAL_FATAL(world_run_trace(w, in, &o), 0);
	want.segment = w->trace->segment;
	/* of a slot that does not move it says nothing */
	want.previous = r->how & MTLB_TRACE_MOVING ? PREVIOUS : w->trace->previous;
	bool is_told = !memcmp(w->trace, &want, sizeof(want));

	if (!is_told)
		printf("     %s: %s, backend %d, slot %u of %u and %u, how %02x, expected %d, %02x\n",
		       r->name, world_reason_name(w->trace->reason), w->trace->backend - 1,
		       w->trace->slot, w->trace->owner, w->trace->previous, w->trace->how,
		       want.backend - 1, want.how);
	CU_ASSERT_TRUE(is_told);
}

static void trace_tells_why_a_backend_was_chosen(void)
{
	struct packet in;
	struct world w;

	stage_open(&w);
	world_add_backend(&w, PREVIOUS, &tunnel_rows[0].tunnel, true, 0);
	world_add_backend(&w, THIRD, &tunnel_rows[0].tunnel, true, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *r = &rows[i];
		uint64_t hash = world_hash(&w, STAGE_TENANT, &r->spec);

		w.units_used = 64;
		memset(w.flows, 0, WORLD_BUCKETS * sizeof(*w.flows));
		world_add_vip(&w, &(struct vip_row){.tenant = STAGE_TENANT,
						    .owner = OWNER,
						    .previous = PREVIOUS,
						    .algorithm = r->algorithm,
						    .flags = r->flags});
		if (r->known)
			world_set_flow(&world_bucket(&w, STAGE_TENANT, hash)->ways[1], hash, THIRD,
				       r->known, 1);
		packet_build(&in, &r->spec);
		check_record(&w, r, &in);
	}
	world_close(&w);
}

/* So often as one asks, the next packet is the first one still. */
static void asking_takes_no_turn(void)
{
	static const uint32_t backends[] = {STAGE_BACKEND, PREVIOUS, THIRD};
	static struct outcome o;
	struct packet in;
	struct world w;

	stage_open(&w);
	world_add_backend(&w, PREVIOUS, &tunnel_rows[0].tunnel, true, 0);
	world_add_backend(&w, THIRD, &tunnel_rows[0].tunnel, true, 0);
	world_add_vip(&w, &(struct vip_row){.tenant = STAGE_TENANT,
					    .algorithm = MTLB_ALGORITHM_ROUND_ROBIN,
					    .backends = backends,
					    .n_backends = 3});
	packet_build(&in, &(struct packet_spec){.flags = PACKET_SYN});
	for (int i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(world_run_trace(&w, &in, &o), 0);
		CU_ASSERT_EQUAL(w.trace->backend, STAGE_BACKEND + 1);
	}
	world_close(&w);
}

/* What a packet never came to, the record does not claim; nothing is left of the packet before. */
static void trace_ends_where_the_packet_does(void)
{
	static const struct {
		const char *name;
		struct packet_spec spec;
		struct mtlb_trace want;
	} ends[] = {
		{"no segment", {.n_tags = 1, .vlan = {9}}, {.reason = MTLB_REASON_no_segment}},
		{"three tags", {.n_tags = 3}, {.reason = MTLB_REASON_not_ip}},
		{"other address",
		 {.to = "203.0.113.11"},
		 {.reason = MTLB_REASON_not_vip, .tenant = STAGE_TENANT, .segment = 1}},
		{"other port",
		 {.to_port = 80},
		 {.reason = MTLB_REASON_not_vip_port, .tenant = STAGE_TENANT, .segment = 1}},
		{"ESP",
		 {.protocol = IPPROTO_ESP},
		 {.reason = MTLB_REASON_other_protocol,
		  .tenant = STAGE_TENANT,
		  .segment = 1,
		  .how = UNCOMMON}},
	};
	static struct outcome o;
	struct packet in;
	struct world w;

	stage_open(&w);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		struct mtlb_trace want = ends[i].want;

		packet_build(&in, &(struct packet_spec){0});
		CU_ASSERT_EQUAL(world_run_trace(&w, &in, &o), 0);
		CU_ASSERT_EQUAL(w.segments[w.trace->segment - 1].ifindex, w.in);
		want.segment = want.segment ? w.trace->segment : 0;
		packet_build(&in, &ends[i].spec);
		CU_ASSERT_EQUAL(world_run_trace(&w, &in, &o), 0);
		bool is_told = !memcmp(w.trace, &want, sizeof(want));

		if (!is_told)
			printf("     %s: %s, VIP %d, backend %d, segment %u, how %02x\n",
			       ends[i].name, world_reason_name(w.trace->reason), w.trace->vip - 1,
			       w.trace->backend - 1, w.trace->segment, w.trace->how);
		CU_ASSERT_TRUE(is_told);
	}
	world_close(&w);
}

static void trace_tells_of_ids_fragments_and_errors(void)
{
	static struct outcome o;
	static const uint8_t data[9] = {0x40, 0x20, 0xab, 0xcd};
	struct packet_spec udp = {.protocol = IPPROTO_UDP, .data = data, .payload = 9};
	struct packet in, piece, about;
	struct world w;

	stage_open(&w);
	struct mtlb_vip *v = stage_vip(&w, &udp);

	v->flags = MTLB_VIP_QUIC;
	v->quic_shift = 5;
	v->quic[1] = (struct mtlb_quic_config){2, 8};
	world_add_backend(&w, THIRD, &tunnel_rows[0].tunnel, true, 0);
	world_add_server(&w, STAGE_TENANT, 2, data + 2, 2, THIRD);
	packet_build(&in, &udp);
	CU_ASSERT_EQUAL(world_run_trace(&w, &in, &o), 0);
	CU_ASSERT_EQUAL(w.trace->how, MTLB_TRACE_QUIC);
	CU_ASSERT_EQUAL(w.trace->backend, THIRD + 1);

	packet_build(&in, &(struct packet_spec){.payload = 600});
	packet_fragment(&piece, &in, 400, 220, 5);
	CU_ASSERT_EQUAL(world_run_trace(&w, &piece, &o), 0);
	CU_ASSERT_EQUAL(w.trace->reason, MTLB_REASON_fragment_unknown);
	CU_ASSERT_EQUAL(w.trace->how, UNCOMMON | MTLB_TRACE_FRAGMENT);

	packet_build(&about, &(struct packet_spec){.from = STAGE_V4,
						   .to = "198.51.100.7",
						   .from_port = 443,
						   .to_port = 40000});
	packet_build_error(&in, &(struct packet_spec){.protocol = IPPROTO_ICMP, .icmp_type = 11},
			   &about, 28);
	CU_ASSERT_EQUAL(world_run_trace(&w, &in, &o), 0);
	CU_ASSERT_EQUAL(w.trace->reason, MTLB_REASON_icmp_forwarded);
	CU_ASSERT_EQUAL(w.trace->how, UNCOMMON | SLOT);
	CU_ASSERT_EQUAL(w.trace->hash, world_hash(&w, STAGE_TENANT, &(struct packet_spec){0}));
	world_close(&w);
}

static const struct test tests[] = {
	{"trace_tells_why_a_backend_was_chosen", trace_tells_why_a_backend_was_chosen},
	{"asking_takes_no_turn", asking_takes_no_turn},
	{"trace_ends_where_the_packet_does", trace_ends_where_the_packet_does},
	{"trace_tells_of_ids_fragments_and_errors", trace_tells_of_ids_fragments_and_errors},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "trace_program", tests);
}
