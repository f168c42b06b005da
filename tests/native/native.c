/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The data plane under libFuzzer: does the steps of the input (native_input.h), checks each packet (native_check.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mtlb_abi.h"
#include "mtlb_flow.h"
#include "native_bpf.h"
#include "native_check.h"
#include "native_input.h"
#include "native_packet.h"
#include "native_world.h"

static struct native_packet packet;
static uint64_t tick;
static bool has_changed = true; /* the configuration, since it was reset */
static bool is_traced;
static bool has_sound_templates; /* no step has bent the outer headers of a backend */

/*
 * The data plane asks for the length of all buffers only where the first one is not as long as the IP packet: of a frame
 * padded in its other buffers alone it neither counts nor cuts off the padding.
 */
static bool is_padded_elsewhere(void)
{
	uint32_t l3 = native_packet_l3(&packet);

	return packet.more && l3 + native_packet_ip_len(&packet, l3) == packet.len;
}

static void run(void)
{
	struct native_result r;
	uint64_t now_ns = tick << MTLB_TICK_SHIFT;

	if (is_padded_elsewhere())
		return;
	if (is_traced)
		native_check_trace(&packet, now_ns);
	native_check_begin();
	native_packet_run(&packet, now_ns, false, &r);
	native_check_end(&packet, &r, has_sound_templates);
}

static void set_env(uint8_t env, uint16_t more)
{
	static const uint32_t headroom[] = {NATIVE_HEADROOM_MAX, 0, 24, 60};

	packet.ifindex = 1 + (env & ENV_IFINDEX);
	packet.headroom = headroom[(env & ENV_HEADROOM) >> 2];
	packet.more = env & ENV_BUFFERS ? more : 0;
	is_traced = env & ENV_TRACE;
}

static void set_word(uint8_t vip, uint64_t flags)
{
	for (uint32_t table = 1; table < NATIVE_TABLES; table++)
		for (uint32_t at = 0; at < native_tables[table].full; at++) {
			struct mtlb_vip *v = native_table_at(table, at);

			if (v && (v->kind == MTLB_ENTRY_VIP || v->kind == MTLB_ENTRY_RANGE) &&
			    v->id == vip)
				v->word = (v->word & ~(7ULL << 37)) | (flags & 7) << 37;
		}
}

static void set_encap(struct mtlb_backend *b, uint32_t id, uint8_t field, uint8_t value)
{
	struct mtlb_encap *e = mtlb_backend_word_variant(b->word) ? &b->encap1 : &b->encap0;
	struct mtlb_backend_load *load = native_map_at(NATIVE_backend_loads, id);

	switch (field % FIELDS) {
	case FIELD_KIND:
		e->kind = value;
		break;
	case FIELD_FLAGS:
		e->flags = value;
		break;
	case FIELD_L2_LEN:
		e->l2_len = value;
		break;
	case FIELD_OUTER_LEN:
		e->outer_len = value;
		break;
	case FIELD_IFINDEX:
		e->ifindex = value;
		break;
	case FIELD_MTU:
		e->mtu = (uint16_t)(value * 16);
		break;
	case FIELD_VARIANT:
		b->word ^= 1ULL << 8;
		break;
	case FIELD_WEIGHT:
		b->word = (b->word & ~(0xffffULL << 16)) | (uint64_t)value << 16;
		break;
	case FIELD_LOAD:
		load->word = mtlb_load_word(value, 0);
		break;
	}
}

static void shrink(uint8_t which, uint16_t n)
{
	uint32_t i = which % (NATIVE_N + NATIVE_TABLES);
	struct native_map *m = i < NATIVE_N ? &native_maps[i] : &native_tables[i - NATIVE_N];

	/* the size of a table is a power of two: the data plane makes a mask of it */
	if (i >= NATIVE_N && n)
		n = (uint16_t)(1U << (31 - __builtin_clz(n)));
	m->max_entries = n < m->full ? n : m->full;
}

static void fill(uint8_t at, uint16_t states)
{
	struct mtlb_flow_bucket *bucket =
		native_map_at(NATIVE_flows, at % native_maps[NATIVE_flows].full);

	for (uint32_t way = 0; way < MTLB_FLOW_WAYS; way++, states >>= 4) {
		uint64_t hash = 0x9e3779b97f4a7c15ULL * (at * 4 + way + 1);
		uint16_t age = (uint16_t)(states & 8 ? 5 + way : 0);

		bucket->ways[way] = (struct mtlb_flow){
			hash, mtlb_flow_word(hash, at % 256U, states & 7, (uint16_t)(tick - age))};
	}
}

static bool is_configuration(enum native_op op)
{
	return op == STEP_STATE || op == STEP_WORD || op == STEP_ENCAP || op == STEP_SHRINK;
}

static void do_step(enum native_op op, const struct native_step *s)
{
	struct mtlb_backend *b;

	has_changed |= is_configuration(op);
	switch (op) {
	case STEP_AGAIN:
		if (s->len < packet.len)
			packet.bytes[s->len] = s->arg;
		run();
		break;
	case STEP_CUT:
		if (s->len < packet.len)
			packet.len = s->len;
		run();
		break;
	case STEP_ENV:
		set_env(s->arg, s->len);
		break;
	case STEP_CLOCK:
		tick += s->len;
		break;
	case STEP_STATE:
		b = native_map_at(NATIVE_backends, s->len % 256U);
		b->word = (b->word & ~0xffULL) | s->arg % 6U;
		break;
	case STEP_WORD:
		set_word(s->arg, s->len);
		break;
	case STEP_ENCAP:
		has_sound_templates = false;
		set_encap(native_map_at(NATIVE_backends, s->arg), s->arg, (uint8_t)(s->len >> 8),
			  (uint8_t)s->len);
		break;
	case STEP_SHRINK:
		shrink(s->arg, s->len);
		break;
	case STEP_FILL:
		fill(s->arg, s->len);
		break;
	default:
		break;
	}
}

/* Returns how many bytes of the packet were there. */
static size_t take_packet(const struct native_step *s, const uint8_t *data, size_t size)
{
	size_t len = s->len < size ? s->len : size;

	packet.len = len < NATIVE_PACKET_MAX ? (uint32_t)len : NATIVE_PACKET_MAX;
	memcpy(packet.bytes, data, packet.len);
	set_env(s->arg, packet.more ? (uint16_t)packet.more : 1000);
	run();
	return len;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	native_bpf_declare();
	native_packet_open();
	world_make();
	if (native_bpf_takes_null())
		return 0;
	fprintf(stderr, "a global function does not say that it was given NULL\n");
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	native_map_reset(has_changed);
	has_changed = false;
	has_sound_templates = true;
	tick = WORLD_TICK;
	packet.len = packet.more = 0;
	set_env(0, 0);
	while (size >= sizeof(struct native_step)) {
		struct native_step s;

		memcpy(&s, data, sizeof(s));
		data += sizeof(s);
		size -= sizeof(s);
		if (s.op % STEP_OPS == STEP_PACKET) {
			size_t len = take_packet(&s, data, size);

			data += len;
			size -= len;
		} else {
			do_step(s.op % STEP_OPS, &s);
		}
	}
	return 0;
}
