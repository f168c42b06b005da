/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What becomes of a backend's template when its next hop is known, not known yet, or gone. */
#include <string.h>

#include "core/image_internal.h"
#include "fake_maps.h"

/* What net/ says of all backends. */
struct way {
	int err;
	uint32_t ifindex;
	uint8_t l2_len, mac, vlan;
	bool is_behind_gateway;
};

static int find_next_hop(void *ctx, const struct addr *to, struct next_hop *out)
{
	const struct way *w = ctx;

	if (w->err && w->err != -EAGAIN && w->err != -EHOSTUNREACH)
		return w->err;
	fake_next_hop(NULL, to, out);
	out->ifindex = w->ifindex;
	out->l2_len = w->l2_len;
	out->l2[13] = w->vlan;
	out->l2[11] = w->mac; /* of the interface */
	out->is_on_link = !w->is_behind_gateway;
	if (w->err)
		memset(out->l2, 0, 6);
	return w->err;
}

static int change(struct node *n, const struct way *w)
{
	struct report r = {0};
	struct image *next = NULL;
	struct image_inputs in = node_inputs(n);

	in.next_hop = find_next_hop;
	in.ctx = (void *)w;
	int err = image_build(&in, &next, &r);

	report_clear(&r);
	return err ? err : node_apply(n, next);
}

static const struct way usual = {.ifindex = 2, .l2_len = 18, .mac = 1, .vlan = 30};

static void start(struct node *n, enum mtlb_encap_kind kind)
{
	struct maps_limits limits = small_limits();

	node_init(n, &limits);
	add_vip(add_tenant(n->model, 0), 0, 2)->encap.kind = kind;
	CU_ASSERT_EQUAL_FATAL(change(n, &usual), 0);
}

static const struct mtlb_encap *encap_of(const struct node *n, uint32_t id)
{
	const struct mtlb_backend *b = &n->fake->maps.backends[id];

	return mtlb_backend_word_variant(b->word) ? &b->encap1 : &b->encap0;
}

static void no_answer_keeps_who_answered_on_the_same_way(void)
{
	static const struct {
		const char *what;
		struct way way;
		enum mtlb_encap_kind before, after;
		bool is_kept;
	} rows[] = {
		{"the same",
		 {-EAGAIN, 2, 18, 1, 30, false},
		 MTLB_ENCAP_IPIP,
		 MTLB_ENCAP_IPIP,
		 true},
		{"l2", {-EAGAIN, 2, 18, 1, 30, false}, MTLB_ENCAP_L2, MTLB_ENCAP_L2, true},
		{"another kind",
		 {-EAGAIN, 2, 18, 1, 30, false},
		 MTLB_ENCAP_IPIP,
		 MTLB_ENCAP_GRE,
		 true},
		{"another own MAC",
		 {-EAGAIN, 2, 18, 7, 30, false},
		 MTLB_ENCAP_GRE,
		 MTLB_ENCAP_GRE,
		 true},
		{"through a gateway",
		 {-EAGAIN, 2, 18, 1, 30, true},
		 MTLB_ENCAP_GRE,
		 MTLB_ENCAP_GRE,
		 true},
		/* a gateway may have answered */
		{"to l2", {-EAGAIN, 2, 18, 1, 30, false}, MTLB_ENCAP_IPIP, MTLB_ENCAP_L2, false},
		{"another interface",
		 {-EAGAIN, 3, 18, 1, 30, false},
		 MTLB_ENCAP_GRE,
		 MTLB_ENCAP_GRE,
		 false},
		{"another VLAN",
		 {-EAGAIN, 2, 18, 1, 31, false},
		 MTLB_ENCAP_GRE,
		 MTLB_ENCAP_GRE,
		 false},
		{"no VLAN", {-EAGAIN, 2, 14, 1, 0, false}, MTLB_ENCAP_GRE, MTLB_ENCAP_GRE, false},
		{"given up",
		 {-EHOSTUNREACH, 2, 18, 1, 30, false},
		 MTLB_ENCAP_L2,
		 MTLB_ENCAP_L2,
		 true},
		{"given up, another own MAC",
		 {-EHOSTUNREACH, 2, 18, 7, 30, false},
		 MTLB_ENCAP_GRE,
		 MTLB_ENCAP_GRE,
		 true},
		{"given up on another interface",
		 {-EHOSTUNREACH, 3, 18, 1, 30, false},
		 MTLB_ENCAP_GRE,
		 MTLB_ENCAP_GRE,
		 false},
		{"given up on another VLAN",
		 {-EHOSTUNREACH, 2, 18, 1, 31, false},
		 MTLB_ENCAP_GRE,
		 MTLB_ENCAP_GRE,
		 false},
		{"no way", {-ENOENT, 2, 18, 1, 30, false}, MTLB_ENCAP_GRE, MTLB_ENCAP_GRE, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct node n;
		uint8_t answered[6];

		start(&n, rows[i].before);
		memcpy(answered, encap_of(&n, 0)->l2, 6);
		CU_ASSERT_EQUAL_FATAL(node_restart(&n), 0);
		n.model->tenants[0].vips[0].encap.kind = rows[i].after;
		CU_ASSERT_EQUAL(change(&n, &rows[i].way), 0);
		const struct mtlb_encap *e = encap_of(&n, 0);
		bool ok = rows[i].is_kept
				  ? e->kind == rows[i].after && !memcmp(e->l2, answered, 6) &&
					    e->l2[11] == rows[i].way.mac
				  : e->kind == MTLB_ENCAP_NONE;

		CU_ASSERT(ok);
		if (!ok)
			printf("     %s: kind %d\n", rows[i].what, e->kind);
		node_free(&n);
	}
}

static void a_way_that_cannot_be_told_yet_is_that_of_before(void)
{
	static const struct way untold = {.err = -EBUSY}, silent = {-EAGAIN, 2, 18, 1, 30, false},
				none = {.err = -ENOENT};
	struct mtlb_encap before;
	struct node n;

	start(&n, MTLB_ENCAP_GRE);
	before = *encap_of(&n, 0);
	CU_ASSERT_EQUAL_FATAL(node_restart(&n), 0);
	CU_ASSERT_EQUAL(change(&n, &untold), 0);
	CU_ASSERT(!memcmp(encap_of(&n, 0), &before, sizeof(before)));
	/* nothing was lost by it */
	CU_ASSERT_EQUAL(change(&n, &silent), 0);
	CU_ASSERT(!memcmp(encap_of(&n, 0), &before, sizeof(before)));
	CU_ASSERT_EQUAL(change(&n, &none), 0);
	CU_ASSERT_EQUAL(encap_of(&n, 0)->kind, MTLB_ENCAP_NONE);
	CU_ASSERT_EQUAL(change(&n, &untold), 0);
	CU_ASSERT_EQUAL(encap_of(&n, 0)->kind, MTLB_ENCAP_NONE);
	node_free(&n);
}

static void nobody_was_there_before(int err)
{
	struct way unknown = usual;
	struct node n;

	unknown.err = err;
	start(&n, MTLB_ENCAP_IPIP);
	n.model->tenants[0].vips[0].backends[0].address = address_of(11, 1);
	CU_ASSERT_EQUAL(change(&n, &unknown), 0);
	int id = image_backend_id(n.image, "tenant-0", "vip-0", "web-0");

	CU_ASSERT_EQUAL(id, 2);
	CU_ASSERT_EQUAL(encap_of(&n, id)->kind, MTLB_ENCAP_NONE);
	CU_ASSERT_EQUAL(change(&n, &usual), 0);
	CU_ASSERT_EQUAL(encap_of(&n, id)->kind, MTLB_ENCAP_IPIP);
	node_free(&n);
}

static void nobody_has_answered_at_a_new_address(void)
{
	nobody_was_there_before(-EAGAIN);
	nobody_was_there_before(-EHOSTUNREACH);
}

static void nobody_was_there_before_a_way_that_cannot_be_told(void)
{
	nobody_was_there_before(-EBUSY);
}

static void leaving_backends_are_kept_over_a_restart(void)
{
	struct way unknown = usual;
	struct node n;

	unknown.err = -EAGAIN;
	start(&n, MTLB_ENCAP_IPIP);
	struct model_vip *v = &n.model->tenants[0].vips[0];

	vip_remove_backend(v, &v->backends[0]);
	CU_ASSERT_EQUAL(change(&n, &usual), 0);
	for (int restarts = 0; restarts < 2; restarts++) {
		CU_ASSERT_EQUAL_FATAL(node_restart(&n), 0);
		CU_ASSERT_EQUAL(change(&n, &unknown), 0);
		CU_ASSERT_EQUAL(mtlb_backend_word_state(n.fake->maps.backends[0].word),
				MTLB_BACKEND_LEAVING);
		CU_ASSERT_EQUAL(encap_of(&n, 0)->kind, MTLB_ENCAP_IPIP);
	}
	node_free(&n);
}

struct seen {
	struct addr list[8];
	size_t n;
};

static void see(void *ctx, const struct addr *to)
{
	struct seen *s = ctx;

	s->list[s->n++ % 8] = *to;
}

static void addresses_are_those_of_backends_that_are_there(void)
{
	struct seen seen = {.n = 0};
	struct node n;

	start(&n, MTLB_ENCAP_IPIP);
	struct model_vip *v = &n.model->tenants[0].vips[0];
	struct addr leaving = v->backends[0].address, stays = v->backends[1].address;

	vip_remove_backend(v, &v->backends[0]);
	CU_ASSERT_EQUAL(change(&n, &usual), 0);
	image_walk_addresses(n.image, see, &seen);
	CU_ASSERT_EQUAL(seen.n, 2);
	CU_ASSERT(!memcmp(&seen.list[0], &leaving, sizeof(leaving)));
	CU_ASSERT(!memcmp(&seen.list[1], &stays, sizeof(stays)));
	CU_ASSERT(node_settle_all(&n));
	seen.n = 0;
	image_walk_addresses(n.image, see, &seen);
	CU_ASSERT_EQUAL(seen.n, 1);
	CU_ASSERT(!memcmp(&seen.list[0], &stays, sizeof(stays)));
	node_free(&n);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct test tests[] = {
	TEST(no_answer_keeps_who_answered_on_the_same_way),
	TEST(a_way_that_cannot_be_told_yet_is_that_of_before),
	TEST(nobody_was_there_before_a_way_that_cannot_be_told),
	TEST(nobody_has_answered_at_a_new_address),
	TEST(leaving_backends_are_kept_over_a_restart),
	TEST(addresses_are_those_of_backends_that_are_there),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "next_hops", tests);
}
