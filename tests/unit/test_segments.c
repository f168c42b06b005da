/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Segments of interfaces that are bonds, have an MTU, or both. */
#include <string.h>

#include "fake_maps.h"

/* eth0 is 2, eth1 is 3; bond0 is 10, its ports 11 and 12 while they are there, then eth1. */
struct ports {
	struct image_interface bond;
	uint32_t ports[3];
	size_t n_ports;
};

static int find_interface(void *ctx, const char *name, size_t at, struct image_interface *out)
{
	const struct ports *p = ctx;

	if (!strcmp(name, "bond0") && at <= p->n_ports) {
		*out = p->bond;
		if (at)
			out->ifindex = p->ports[at - 1];
		return 0;
	}
	if (!strcmp(name, "eth1") && !at) {
		*out = (struct image_interface){.ifindex = 3, .mtu = 1400};
		return 0;
	}
	return fake_interface(NULL, name, at, out);
}

static int change(struct node *n, struct ports *p)
{
	struct report r = {0};
	struct image *next = NULL;
	struct image_inputs in = node_inputs(n);

	in.interface = find_interface;
	in.ctx = p;
	int err = image_build(&in, &next, &r);

	report_clear(&r);
	return err ? err : node_apply(n, next);
}

static struct model_segment *add(struct node *n, const char *interface, uint16_t vlan)
{
	struct model_segment *s = add_segment(n->model, vlan, "");

	set_name(s->name, "segment-%zu", n->model->n_segments);
	strcpy(s->interface, interface);
	return s;
}

static void start(struct node *n, struct ports *p)
{
	struct maps_limits limits = small_limits();

	node_init(n, &limits);
	*p = (struct ports){.bond = {.ifindex = 10, .mac = {{2, 0, 0, 0, 0, 7}}, .mtu = 9000},
			    .ports = {11, 12, 3},
			    .n_ports = 2};
}

static void segments_of_a_bond_follow_its_ports(void)
{
	struct node n;
	struct ports p;

	start(&n, &p);
	add(&n, "bond0", 0);
	add(&n, "bond0", 100);
	CU_ASSERT_EQUAL(change(&n, &p), 0);
	const struct maps *m = &n.fake->maps;

	for (uint16_t vlan = 0; vlan <= 100; vlan += 100) {
		CU_ASSERT_PTR_NOT_NULL(fake_segment(m, 10, vlan));
		CU_ASSERT_PTR_NOT_NULL(fake_segment(m, 11, vlan));
		CU_ASSERT_PTR_NOT_NULL(fake_segment(m, 12, vlan));
		CU_ASSERT_PTR_NULL(fake_segment(m, 3, vlan));
	}
	const struct mtlb_segment *kept = fake_segment(m, 11, 100);

	p.n_ports = 3;
	CU_ASSERT_EQUAL(change(&n, &p), 0);
	CU_ASSERT_PTR_NOT_NULL(fake_segment(m, 3, 100));
	p.n_ports = 1;
	CU_ASSERT_EQUAL(change(&n, &p), 0);
	CU_ASSERT_PTR_NULL(fake_segment(m, 3, 100));
	CU_ASSERT_PTR_NULL(fake_segment(m, 12, 0));
	CU_ASSERT_PTR_EQUAL(fake_segment(m, 11, 100), kept);
	node_free(&n);
}

static void a_ports_own_segment_goes_before_its_bonds(void)
{
	struct node n;
	struct ports p;

	start(&n, &p);
	p.n_ports = 3;
	strcpy(add(&n, "bond0", 100)->tenant, "tenant-0");
	strcpy(add(&n, "eth1", 100)->tenant, "tenant-1");
	add_tenant(n.model, 0);
	add_tenant(n.model, 1);
	CU_ASSERT_EQUAL(change(&n, &p), 0);
	const struct maps *m = &n.fake->maps;
	uint32_t live = 0;

	CU_ASSERT_EQUAL(fake_segment(m, 12, 100)->tenant, 1);
	CU_ASSERT_EQUAL(fake_segment(m, 3, 100)->tenant, 2);
	for (uint32_t s = 0; s < m->limits.segments; s++)
		live += m->segments[s].state == MTLB_SEGMENT_LIVE;
	CU_ASSERT_EQUAL(live, 4);
	node_free(&n);
}

static void a_given_next_hop_brings_mac_and_mtu_of_the_interface(void)
{
	static const uint8_t l2[] = {2, 9, 9, 9, 9, 9, 2, 0, 0, 0, 0, 7, 0x81, 0, 0, 30};
	struct node n;
	struct ports p;

	start(&n, &p);
	add(&n, "eth1", 30);
	struct model_segment *s = add(&n, "bond0", 30);

	s->next_hop_set = true;
	s->next_hop = (struct mac){{2, 9, 9, 9, 9, 9}};
	CU_ASSERT_EQUAL(change(&n, &p), 0);
	const struct maps *m = &n.fake->maps;

	for (uint32_t ifindex = 10; ifindex <= 12; ifindex++) {
		const struct mtlb_segment *found = fake_segment(m, ifindex, 30);

		CU_ASSERT_PTR_NOT_NULL_FATAL(found);
		CU_ASSERT_EQUAL(found->l2_len, 18);
		CU_ASSERT(!memcmp(found->l2, l2, sizeof(l2)));
		CU_ASSERT_EQUAL(found->mtu, 9000);
	}
	CU_ASSERT_EQUAL(fake_segment(m, 3, 30)->mtu, 0);
	p.bond.mtu = 1500;
	CU_ASSERT_EQUAL(change(&n, &p), 0);
	CU_ASSERT_EQUAL(fake_segment(m, 11, 30)->mtu, 1500);
	node_free(&n);
}

/* So many that a second place for each is not to be had. */
static void a_new_mac_takes_no_second_places(void)
{
	struct node n;
	struct ports p;
	int err = 0;

	start(&n, &p);
	p.n_ports = 0;
	for (uint16_t vlan = 1; !err; vlan++) {
		struct model_segment *s = add(&n, "bond0", vlan);

		s->next_hop_set = true;
		s->next_hop = (struct mac){{2, 9, 9, 9, 9, 9}};
		err = change(&n, &p);
	}
	CU_ASSERT_EQUAL(err, -ENOSPC);
	model_remove_segment(n.model, &n.model->segments[n.model->n_segments - 1]);
	CU_ASSERT(n.model->n_segments > 20);
	const struct maps *m = &n.fake->maps;
	const struct mtlb_segment *kept = fake_segment(m, 10, 1);

	for (uint8_t mac = 1; mac <= 3; mac++) {
		p.bond.mac.bytes[5] = mac;
		p.bond.mtu = 1500 + mac;
		CU_ASSERT_EQUAL(change(&n, &p), 0);
		CU_ASSERT_PTR_EQUAL(fake_segment(m, 10, 1), kept);
		for (uint16_t vlan = 1; vlan <= n.model->n_segments; vlan++) {
			const struct mtlb_segment *s = fake_segment(m, 10, vlan);

			CU_ASSERT_PTR_NOT_NULL_FATAL(s);
			CU_ASSERT_EQUAL(s->l2[11], mac);
			CU_ASSERT_EQUAL(s->mtu, 1500 + mac);
		}
	}
	/* another next hop is another entry: who is asked to send there must not send half there */
	n.model->segments[0].next_hop.bytes[5] = 8;
	model_remove_segment(n.model, &n.model->segments[10]);
	model_remove_segment(n.model, &n.model->segments[10]);
	change(&n, &p);
	CU_ASSERT_EQUAL(kept->l2[5], 9);
	node_free(&n);
}

/* Packets meanwhile find the one or the other; a failure puts back what was. */
static void a_failed_change_puts_the_mac_back(void)
{
	struct node n;
	struct ports p;

	start(&n, &p);
	struct model_segment *s = add(&n, "bond0", 7);

	s->next_hop_set = true;
	add_vip(add_tenant(n.model, 0), 0, 2);
	CU_ASSERT_EQUAL(change(&n, &p), 0);
	p.bond.mac.bytes[5] = 99;
	model_remove_tenant(n.model, &n.model->tenants[0]);
	n.fake->ops = 0;
	n.fake->fail_at = 2; /* tables, then the grace period after the segments */
	CU_ASSERT_EQUAL(change(&n, &p), -EIO);
	CU_ASSERT_EQUAL(fake_segment(&n.fake->maps, 10, 7)->l2[11], 7);
	n.fake->fail_at = 0;
	CU_ASSERT_EQUAL(change(&n, &p), 0);
	CU_ASSERT_EQUAL(fake_segment(&n.fake->maps, 10, 7)->l2[11], 99);
	node_free(&n);
}

static void ports_that_do_not_fit_are_refused(void)
{
	struct node n;
	struct ports p;
	int err = 0;

	start(&n, &p);
	for (uint16_t vlan = 1; vlan <= 40 && !err; vlan++) {
		add(&n, "bond0", vlan);
		err = change(&n, &p);
	}
	CU_ASSERT_EQUAL(err,
			-ENOSPC); /* at the latest with 40 segments of 3 entries in 64 places */
	node_free(&n);
}

static uint32_t count_live(const struct maps *m)
{
	uint32_t live = 0;

	for (uint32_t s = 0; s < m->limits.segments; s++)
		live += m->segments[s].state == MTLB_SEGMENT_LIVE;
	return live;
}

static void as_many_as_the_limit_says_fit_and_may_all_change(void)
{
	struct maps_limits limits = small_limits();
	struct node n;
	struct ports p = {.bond = {.ifindex = 10, .mtu = 1500}};

	limits.segments = maps_segment_entries(1024);
	for (int double_tagged = 0; double_tagged < 2; double_tagged++) {
		node_init(&n, &limits);
		for (uint16_t vlan = 1; vlan <= 1024; vlan++) {
			struct model_segment *s =
				add(&n, "bond0", double_tagged ? 1 + vlan % 32 : vlan);

			s->inner_vlan = double_tagged ? vlan : 0;
		}
		CU_ASSERT_EQUAL(change(&n, &p), 0);
		CU_ASSERT_EQUAL(count_live(&n.fake->maps), 1024);
		/* another interface of the name: no entry is of use */
		for (p.bond.ifindex = 11; p.bond.ifindex < 40; p.bond.ifindex++)
			CU_ASSERT_EQUAL(change(&n, &p), 0);
		CU_ASSERT_EQUAL(count_live(&n.fake->maps), 1024);
		node_free(&n);
	}
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct test tests[] = {
	TEST(segments_of_a_bond_follow_its_ports),
	TEST(a_ports_own_segment_goes_before_its_bonds),
	TEST(a_given_next_hop_brings_mac_and_mtu_of_the_interface),
	TEST(a_new_mac_takes_no_second_places),
	TEST(a_failed_change_puts_the_mac_back),
	TEST(as_many_as_the_limit_says_fit_and_may_all_change),
	TEST(ports_that_do_not_fit_are_refused),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "segments", tests);
}
