/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What stands in the tables: VIPs, addresses, ranges, QUIC server ids; and in the records of
 * tenants and backends.
 */
#include "fake_compare.h"
#include "fake_view.h"

static const struct mtlb_vip *entry_of(const struct node *n, const struct model_vip *v)
{
	return fake_find(&n->fake->maps, 1, v->address.bytes, htons(v->port), v->protocol);
}

static uint32_t id_of(const struct node *n, const char *backend)
{
	return image_backend_id(n->image, "tenant-0", "vip-0", backend);
}

static void restart_changes_nothing(struct node *n)
{
	char *text;

	CU_ASSERT_EQUAL_FATAL(node_restart(n), 0);
	CU_ASSERT_EQUAL(steps_to(n, &text), 0);
	if (*text)
		puts(text);
	free(text);
	CU_ASSERT_EQUAL(node_change(n), 0);
}

static void what_chooses_backends_stands_in_the_entry(void)
{
	static const struct {
		uint8_t algorithm, prefix;
		bool is_ipv6;
		uint8_t bits;
		uint16_t ids;
	} rows[] = {
		{MTLB_ALGORITHM_MAGLEV, 0, false, 0, 0},
		{MTLB_ALGORITHM_SOURCE, 0, false, 128, 0},
		{MTLB_ALGORITHM_SOURCE, 24, false, 120, 0},
		{MTLB_ALGORITHM_SOURCE, 32, false, 128, 0},
		{MTLB_ALGORITHM_SOURCE, 64, true, 64, 0},
		{MTLB_ALGORITHM_SOURCE, 0, true, 128, 0},
		{MTLB_ALGORITHM_ROUND_ROBIN, 0, false, 0, 0},
		{MTLB_ALGORITHM_LEAST_CONNECTIONS, 0, false, 0, 3},
	};

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		struct node n;

		struct maps_limits l = small_limits();

		node_init(&n, &l);
		struct model_vip *v = add_vip(add_tenant(n.model, 0), 0, 3);

		v->algorithm = rows[r].algorithm;
		v->source_prefix = rows[r].prefix;
		v->backends[1].state = BACKEND_ADMIN_DISABLED;
		if (rows[r].is_ipv6)
			v->address = (struct addr){{0x20, 1, 0xd, 0xb8, [15] = 1}};
		CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
		const struct mtlb_vip *e = entry_of(&n, v);

		CU_ASSERT_PTR_NOT_NULL_FATAL(e);
		CU_ASSERT_EQUAL(e->algorithm, rows[r].algorithm);
		CU_ASSERT_EQUAL(e->source_bits, rows[r].bits);
		CU_ASSERT_EQUAL(e->previous_source_bits, rows[r].bits);
		CU_ASSERT_EQUAL(e->ids, rows[r].ids); /* of all configured ones, the disabled too */
		restart_changes_nothing(&n);
		node_free(&n);
	}
}

static void ranges_lie_beside_exact_ports(void)
{
	static const struct {
		uint16_t port, last_port;
	} vips[] = {{443, 443}, {8000, 8999}, {100, 200}, {0, 50}, {300, 7999}};
	static const struct {
		uint16_t port;
		int vip; /* -1: none */
	} rows[] = {{443, 0},  {8000, 1}, {8999, 1}, {7999, 4}, {150, 2},   {99, -1},
		    {201, -1}, {50, 3},   {0, 3},    {444, 4},  {9000, -1}, {299, -1}};
	struct node n;

	start(&n, 1, 5, 2);
	struct model_vip *v = vip_of(&n, 0, 0);

	for (int i = 0; i < 5; i++) {
		v[i].address = v[0].address;
		v[i].port = vips[i].port;
		v[i].last_port = vips[i].last_port;
		v[i].echo = i == 3;
	}
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		const struct mtlb_vip *e = fake_find(&n.fake->maps, 1, v->address.bytes,
						     htons(rows[r].port), IPPROTO_TCP);

		CU_ASSERT_EQUAL(e ? (int)e->id : -1, rows[r].vip);
	}
	CU_ASSERT_PTR_NULL(fake_find(&n.fake->maps, 1, v->address.bytes, htons(8000), IPPROTO_UDP));
	const struct mtlb_vip *address = fake_find(&n.fake->maps, 1, v->address.bytes, 0, 0);

	CU_ASSERT_EQUAL(address->flags, MTLB_VIP_ECHO | MTLB_VIP_RANGES);
	const struct mtlb_ranges *ranges = (const void *)fake_entry(
		&n.fake->maps, 1, v->address.bytes, 0, IPPROTO_TCP, MTLB_ENTRY_RANGES);

	CU_ASSERT_EQUAL(ranges->n, 4);
	for (int i = 1; i < 4; i++)
		CU_ASSERT(ranges->ranges[i - 1].last < ranges->ranges[i].first);
	CU_ASSERT_EQUAL(ntohs(n.fake->maps.vip_info[1].port), 8000);
	CU_ASSERT_EQUAL(ntohs(n.fake->maps.vip_info[1].last_port), 8999);
	restart_changes_nothing(&n);
	CU_ASSERT(is_like_fresh(&n));
	node_free(&n);
}

static void any_port_is_a_range_of_all(void)
{
	struct node n;

	start(&n, 1, 1, 2);
	vip_of(&n, 0, 0)->port = 0;
	vip_of(&n, 0, 0)->last_port = 65535;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	for (uint32_t port = 0; port < 65536; port += 13)
		CU_ASSERT_PTR_NOT_NULL(fake_find(&n.fake->maps, 1, vip_of(&n, 0, 0)->address.bytes,
						 htons(port), IPPROTO_TCP));
	restart_changes_nothing(&n);
	node_free(&n);
}

static void more_ranges_than_an_entry_holds_are_refused(void)
{
	struct node n;
	struct report r = {0};
	struct image *next = NULL;

	start(&n, 1, 9, 1);
	for (int i = 0; i < 9; i++) {
		struct model_vip *v = vip_of(&n, 0, i);

		v->address = vip_of(&n, 0, 0)->address;
		v->port = 1000 + 10 * i;
		v->last_port = v->port + 5;
	}
	struct image_inputs in = node_inputs(&n);

	CU_ASSERT_EQUAL(image_build(&in, &next, &r), -ENOSPC);
	CU_ASSERT_PTR_NULL(next);
	CU_ASSERT_EQUAL(r.n, 1);
	report_clear(&r);
	node_free(&n);
}

static void name_without_its_table_does_not_hide_the_range(void)
{
	struct node n;

	start(&n, 1, 1, 2);
	vip_of(&n, 0, 0)->last_port = 500;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	/* mtlbd ended when the name of the next change was written, and its table not */
	n.fake->maps.vip_info[0].port = htons(600);
	n.fake->maps.vip_info[0].last_port = htons(600);
	CU_ASSERT_EQUAL_FATAL(node_restart(&n), 0);
	CU_ASSERT_EQUAL(node_change(&n), 0);
	CU_ASSERT_EQUAL(ntohs(n.fake->maps.vip_info[0].last_port), 500);
	CU_ASSERT(is_like_fresh(&n));
	node_free(&n);
}

/* ---- QUIC ---- */
static void configure_quic(struct model_vip *v)
{
	v->protocol = IPPROTO_UDP;
	v->quic = (struct model_quic){.rotation_bits = 2, .n_configs = 2};
	v->quic.configs = calloc(2, sizeof(*v->quic.configs));
	v->quic.configs[0] = (struct model_quic_config){0, 3, 8};
	v->quic.configs[1] = (struct model_quic_config){2, 15, 4};
	for (size_t k = 0; k < v->n_backends; k++) {
		v->backends[k].n_server_ids = 2;
		v->backends[k].server_ids[0] = (struct model_server_id){3, {1, 2, k}};
		v->backends[k].server_ids[1] = (struct model_server_id){15, {k, [14] = 9}};
	}
}

static void server_ids_lead_to_backends_that_serve(void)
{
	static const uint8_t short_id[3] = {1, 2, 1}, long_id[15] = {1, [14] = 9};
	struct node n;

	start(&n, 1, 1, 3);
	struct model_vip *v = vip_of(&n, 0, 0);
	const struct maps *m = &n.fake->maps;

	configure_quic(v);
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	const struct mtlb_vip *e = entry_of(&n, v);

	CU_ASSERT_EQUAL(e->flags, MTLB_VIP_QUIC);
	CU_ASSERT_EQUAL(e->quic_shift, 6);
	CU_ASSERT_EQUAL(e->quic[0].server_id_len, 3);
	CU_ASSERT_EQUAL(e->quic[0].id_len, 12);
	CU_ASSERT_EQUAL(e->quic[1].server_id_len, 0);
	CU_ASSERT_EQUAL(e->quic[2].id_len, 20);
	uint32_t id = id_of(&n, "web-1");

	CU_ASSERT_EQUAL(fake_server(m, 1, e->id, short_id, 3), id);
	CU_ASSERT_EQUAL(fake_server(m, 1, e->id, long_id, 15), id);
	CU_ASSERT_EQUAL(fake_server(m, 1, e->id + 1, short_id, 3), UINT32_MAX);
	restart_changes_nothing(&n);
	v->backends[1].state = BACKEND_ADMIN_DRAINING;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT_EQUAL(fake_server(m, 1, e->id, short_id, 3), id);
	vip_remove_backend(v, &v->backends[1]);
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT_EQUAL(fake_server(m, 1, e->id, short_id, 3), id); /* while it leaves */
	restart_changes_nothing(&n);
	CU_ASSERT(node_settle_all(&n));
	CU_ASSERT_EQUAL(fake_server(m, 1, 0, short_id, 3), UINT32_MAX);
	CU_ASSERT_EQUAL(m->backends[id].word, 0);
	CU_ASSERT(is_like_fresh(&n));
	node_free(&n);
}

static void server_id_of_a_leaving_backend_goes_to_who_is_configured(void)
{
	static const uint8_t server[3] = {1, 2, 0};
	struct node n;

	start(&n, 1, 1, 3);
	configure_quic(vip_of(&n, 0, 0));
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	uint32_t old = id_of(&n, "web-0");

	vip_of(&n, 0, 0)->backends[0].address = address_of(10, 77);
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT_NOT_EQUAL(id_of(&n, "web-0"), old);
	CU_ASSERT_EQUAL(fake_server(&n.fake->maps, 1, 0, server, 3), id_of(&n, "web-0"));
	CU_ASSERT(mtlb_backend_is_alive(n.fake->maps.backends[old].word & 0xff));
	restart_changes_nothing(&n);
	node_free(&n);
}

/* ---- records ---- */
static void limits_and_flags_reach_the_tenants_record(void)
{
	static const struct {
		uint32_t per_second;
		uint16_t answers;
	} rows[] = {{0, 0}, {1, 1}, {1000, 1074}, {60000, 64425}, {65535, 65535}};
	struct node n;

	start(&n, 1, 1, 2);
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		n.model->tenants[0].limits.icmp_per_second = rows[r].per_second;
		n.model->tenants[0].drop_other_ports = r % 2;
		CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
		CU_ASSERT_EQUAL(n.fake->maps.tenants[1].answers, rows[r].answers);
		CU_ASSERT_EQUAL(n.fake->maps.tenants[1].flags,
				r % 2 ? MTLB_TENANT_DROP_OTHER_PORTS : 0);
		restart_changes_nothing(&n);
	}
	node_free(&n);
}

static void weight_and_vip_stand_in_the_backends_record(void)
{
	struct node n;

	start(&n, 1, 2, 2);
	struct mtlb_backend *b =
		&n.fake->maps.backends[image_backend_id(n.image, "tenant-0", "vip-1", "web-1001")];

	CU_ASSERT_EQUAL(b->vip, 1);
	CU_ASSERT_EQUAL(mtlb_backend_word_weight(b->word), 100);
	vip_of(&n, 0, 1)->backends[1].weight = 7;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT_EQUAL(mtlb_backend_word_weight(b->word), 7);
	node_free(&n);
}

static void reused_ids_start_from_zero(void)
{
	struct node n;

	start(&n, 1, 1, 2);
	struct maps *m = &n.fake->maps;

	m->turns[1] = 77;
	m->answers[2] = 5;
	m->backend_loads[2] = (struct mtlb_backend_load){.word = 9, .added = 3};
	add_vip(add_tenant(n.model, 1), 1, 1)->algorithm = MTLB_ALGORITHM_ROUND_ROBIN;
	CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
	CU_ASSERT_EQUAL(m->turns[1], 0);
	CU_ASSERT_EQUAL(m->answers[2], 0);
	CU_ASSERT_EQUAL(m->backend_loads[2].word, 0);
	CU_ASSERT_EQUAL(m->backend_loads[2].added, 0);
	node_free(&n);
}

/* As in test_image, with entries of all kinds. */
static void corrupt_entries_are_refused_without_a_crash(void)
{
	uint64_t random = 11;
	int refused = 0;

	for (int round = 0; round < 1500; round++) {
		struct node n;

		start(&n, 1, 3, 3);
		configure_quic(vip_of(&n, 0, 0));
		vip_of(&n, 0, 1)->last_port = 500;
		vip_of(&n, 0, 1)->algorithm = MTLB_ALGORITHM_LEAST_CONNECTIONS;
		vip_of(&n, 0, 2)->algorithm = MTLB_ALGORITHM_SOURCE;
		CU_ASSERT_EQUAL_FATAL(node_change(&n), 0);
		struct maps_table *t = &n.fake->maps.tables[1];

		for (int k = 0; k < 1 + round % 3; k++) {
			uint32_t at;

			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			for (at = (random >> 33) % t->n; t->entries[at].kind == MTLB_ENTRY_EMPTY;)
				at = (at + 1) % t->n;
			((uint8_t *)&t->entries[at])[(random >> 20) % 64] ^= 1
									     << (random >> 60) % 8;
		}
		struct report r = {0};
		struct image *adopted = NULL;
		int err = image_adopt(&n.fake->maps, n.now, &adopted, &r);

		CU_ASSERT(err ? err == -EINVAL && r.n > 0 : r.n == 0);
		refused += err != 0;
		if (!err) {
			image_free(n.image);
			n.image = adopted;
			node_change(&n);
			node_settle(&n);
		}
		report_clear(&r);
		node_free(&n);
	}
	CU_ASSERT(refused > 500);
	printf("     %d of 1500 refused\n", refused);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct test tests[] = {
	TEST(what_chooses_backends_stands_in_the_entry),
	TEST(ranges_lie_beside_exact_ports),
	TEST(any_port_is_a_range_of_all),
	TEST(more_ranges_than_an_entry_holds_are_refused),
	TEST(name_without_its_table_does_not_hide_the_range),
	TEST(server_ids_lead_to_backends_that_serve),
	TEST(server_id_of_a_leaving_backend_goes_to_who_is_configured),
	TEST(limits_and_flags_reach_the_tenants_record),
	TEST(weight_and_vip_stand_in_the_backends_record),
	TEST(reused_ids_start_from_zero),
	TEST(corrupt_entries_are_refused_without_a_crash),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "tables", tests);
}
