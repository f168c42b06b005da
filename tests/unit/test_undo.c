/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A change whose last operation fails, when traffic has used it: what began meanwhile stays where
 * it is.
 */
#include "fake_steps.h"
#include "fake_traffic.h"
#include "fake_view.h"

enum {
	FLOWS = 2000,
	AT_ONCE = 5,        /* flows that begin in each operation */
	HALF_ROUND = 34000, /* ticks: more than half of those that an entry's time can tell apart */
};

struct world {
	struct node node;
	uint32_t n;
	uint32_t backends[FLOWS];
	uint32_t broken;
	bool is_silent_after; /* no packets while the change is taken back */
};

static uint32_t send_packet(struct world *w, uint32_t client, enum packet p)
{
	struct mtlb_tuple t = {
		.source = {[2] = htonl(0xffff), [3] = htonl(0x0b000001 + (client << 8))},
		.source_port = htons(1024),
		.destination_port = htons(443),
		.protocol = IPPROTO_TCP};

	memcpy(t.destination, w->node.model->tenants[0].vips[0].address.bytes, 16);
	return pick(w->node.fake, 1, &t, p, w->node.now);
}

static void go_on(struct world *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		w->broken += send_packet(w, i, PACKET_DATA) != w->backends[i];
}

static void traffic(void *ctx)
{
	struct world *w = ctx;

	if (w->is_silent_after && w->node.fake->fail_at &&
	    w->node.fake->ops >= w->node.fake->fail_at)
		return;
	go_on(w);
	for (int k = 0; k < AT_ONCE && w->n < FLOWS; k++, w->n++)
		w->backends[w->n] = send_packet(w, w->n, PACKET_SYN);
	go_on(w);
}

static void begin(struct world *w, uint8_t algorithm)
{
	struct maps_limits l = small_limits();

	memset(w, 0, sizeof(*w));
	node_init(&w->node, &l);
	add_vip(add_tenant(w->node.model, 0), 0, 4)->algorithm = algorithm;
	w->node.model->tenants[0].limits.flows = 4096;
	CU_ASSERT_EQUAL_FATAL(node_change(&w->node), 0);
	w->node.fake->traffic = traffic;
	w->node.fake->traffic_ctx = w;
}

static int count_ops(struct world *w)
{
	struct image_inputs in = node_inputs(&w->node);
	struct report r = {0};
	struct image *next;
	struct steps *s;
	int n = 0;

	CU_ASSERT_EQUAL_FATAL(image_build(&in, &next, &r), 0);
	CU_ASSERT_EQUAL_FATAL(image_diff(w->node.image, next, &s), 0);
	for (size_t i = 0; i < s->n; i++)
		n += s->list[i].kind == STEP_ZERO_STATS || s->list[i].kind == STEP_GRACE ||
		     s->list[i].kind == STEP_BRIDGE || s->list[i].kind == STEP_SWAP_TABLES;
	steps_free(s);
	image_free(next);
	return n;
}

/* The tenant's flow range is exchanged, and in the end is what it was. */
static void fail_exchange(struct world *w)
{
	uint32_t base, buckets, base_after, buckets_after, before;

	traffic(w);
	before = w->n;
	image_flow_range(w->node.image, 1, &base, &buckets);
	w->node.model->tenants[0].limits.flows = 8192;
	w->node.fake->ops = 0;
	w->node.fake->fail_at = count_ops(w);
	CU_ASSERT_EQUAL(node_change(&w->node), -EIO);
	CU_ASSERT(w->node.fake->ops > w->node.fake->fail_at);
	CU_ASSERT(w->n >= before + 4 * AT_ONCE);
	w->node.fake->fail_at = 0;
	image_flow_range(w->node.image, 1, &base_after, &buckets_after);
	CU_ASSERT_EQUAL(base_after, base);
	CU_ASSERT_EQUAL(buckets_after, buckets);
	go_on(w);
	CU_ASSERT_EQUAL(w->broken, 0);
}

static const uint8_t algorithms[] = {MTLB_ALGORITHM_ROUND_ROBIN, MTLB_ALGORITHM_LEAST_CONNECTIONS};

static void flows_that_began_hours_after_the_last_change_stay(void)
{
	struct world w;

	for (size_t a = 0; a < sizeof(algorithms); a++) {
		begin(&w, algorithms[a]);
		w.is_silent_after = true;
		w.node.now += HALF_ROUND;
		fail_exchange(&w);
		node_free(&w.node);
	}
}

static void flows_that_began_in_the_change_stay(void)
{
	struct world w;

	for (size_t a = 0; a < sizeof(algorithms); a++) {
		begin(&w, algorithms[a]);
		fail_exchange(&w);
		node_free(&w.node);
	}
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}

static const struct test tests[] = {
	TEST(flows_that_began_hours_after_the_last_change_stay),
	TEST(flows_that_began_in_the_change_stay),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "undo", tests);
}
