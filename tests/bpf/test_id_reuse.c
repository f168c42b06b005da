/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A backend goes, and others come until one has its id: in the real maps no flow of before leads
 * there, be it in the same VIP, in another one, or in another tenant.
 */
#include <net/if.h>
#include <time.h>
#include <unistd.h>

#include "bpf/ground.h"
#include "bpf/packet.h"
#include "datapath/datapath.h"
#include "unit/fake_maps.h"

static char pins[64]; /* of this process */

enum {
	FLOWS = 64,
	FRAGMENT_LEN = 64,
};

static const struct maps_limits limits = {.tenants = 4,
					  .vips = 8,
					  .backends = 16,
					  .segments = 16,
					  .ring_units = 4096,
					  .flow_buckets = 1024};

/* What runs to the first VIP. */
struct kind {
	enum mtlb_algorithm algorithm;
	bool is_named; /* QUIC: connection ids name web-0; else TCP */
	bool restarts; /* mtlbd, once the backend is gone */
};

static struct node_state {
	const struct kind *kind;
	struct datapath *dp;
	struct model *model;
	struct image *image;
	uint32_t ifindex;
} n;

/* ---- changes ---- */
static int interface_of(void *ctx, const char *name, size_t at, struct image_interface *out)
{
	(void)ctx;
	(void)name;
	*out = (struct image_interface){
		.ifindex = n.ifindex, .mac = {{2, 0, 0, 0, 0, 1}}, .mtu = 1500};
	return at ? -ENODEV : 0;
}

static int next_hop_of(void *ctx, const struct addr *to, struct next_hop *out)
{
	fake_next_hop(ctx, to, out);
	out->ifindex = n.ifindex;
	return 0;
}

static uint64_t now_ticks(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return ((uint64_t)t.tv_sec * 1000000000 + t.tv_nsec) >> MTLB_TICK_SHIFT;
}

static void bring(struct image *to)
{
	struct report r = {0};
	struct steps *s;

	CU_ASSERT_EQUAL_FATAL(image_diff(n.image, to, &s), 0);
	CU_ASSERT_EQUAL(steps_apply(s, datapath_maps(n.dp), &r), 0);
	steps_free(s);
	report_clear(&r);
	image_free(n.image);
	n.image = to;
}

static void change(void)
{
	struct image_inputs in = {.model = n.model,
				  .previous = n.image,
				  .secret = {1, 2, 3},
				  .table_key = {datapath_maps(n.dp)->node->table_key[0],
						datapath_maps(n.dp)->node->table_key[1]},
				  .now = now_ticks(),
				  .limits = limits,
				  .next_hop = next_hop_of,
				  .interface = interface_of};
	struct report r = {0};
	struct image *to;

	CU_ASSERT_EQUAL_FATAL(image_build(&in, &to, &r), 0);
	report_clear(&r);
	bring(to);
}

/* As far in the future no flow lives, for mtlbd; for the data plane they all do. */
static void settle_all(void)
{
	struct image_refused refused[4] = {};
	uint64_t now = now_ticks();

	for (int i = 0; i < 10 && image_is_moving(n.image); i++) {
		struct image_census *c;
		struct image *to = NULL;

		now += 1000;
		c = image_census(n.image, datapath_maps(n.dp)->flows, now);
		CU_ASSERT_EQUAL_FATAL(image_settle(n.image, c, refused, now, &to), 0);
		image_census_free(c);
		if (to)
			bring(to);
	}
	CU_ASSERT_FALSE(image_is_moving(n.image));
}

static int id_of(const char *tenant, const char *vip, const char *backend)
{
	return image_backend_id(n.image, tenant, vip, backend);
}

/* ---- packets of tenant-0, to its first VIP ---- */
static void build(struct packet *p, uint16_t flow, uint8_t flags, uint16_t payload)
{
	packet_build(p,
		     &(struct packet_spec){.to = "203.0.0.0",
					   .from_port = 1024 + flow,
					   .protocol = n.kind->is_named ? IPPROTO_UDP : IPPROTO_TCP,
					   .flags = flags,
					   .payload = payload,
					   .may_fragment = payload > 0,
					   .n_tags = 1,
					   .vlan = {10}});
}

/* Rotation 0, 2 octets of server id, 6 of nonce; all ones are no configuration. */
static const uint8_t with_id[] = {0x40, 0x00, 0xab, 0, 1, 2, 3, 4, 5, 6};
static const uint8_t without_id[] = {0x40, 0xe0, 0xab, 0, 1, 2, 3, 4, 5, 6};

static void build_quic(struct packet *p, uint16_t flow, const uint8_t data[sizeof(with_id)])
{
	packet_build(p, &(struct packet_spec){.to = "203.0.0.0",
					      .from_port = 1024 + flow,
					      .protocol = IPPROTO_UDP,
					      .payload = sizeof(with_id),
					      .data = data,
					      .n_tags = 1,
					      .vlan = {10}});
}

/* What the data plane would do. */
static struct mtlb_trace trace(const struct packet *p)
{
	static uint8_t out[PACKET_MAX];
	uint32_t len = sizeof(out), verdict;

	CU_ASSERT_EQUAL_FATAL(
		datapath_trace(n.dp, n.ifindex, p->bytes, p->len, out, &len, &verdict), 0);
	return *datapath_maps(n.dp)->trace;
}

static void run(const struct packet *p)
{
	static uint8_t out[PACKET_MAX];
	uint32_t len = sizeof(out), verdict;

	CU_ASSERT_EQUAL_FATAL(datapath_run(n.dp, n.ifindex, p->bytes, p->len, out, &len, &verdict),
			      0);
}

static void build_fragment(struct packet *p, uint16_t flow, uint32_t from)
{
	struct packet whole;

	/* within a named flow it would be a packet without an id, which takes the mark back */
	build(&whole, n.kind->is_named ? FLOWS + flow : flow, PACKET_ACK, 2 * FRAGMENT_LEN);
	packet_fragment(p, &whole, from, FRAGMENT_LEN, flow);
}

/* Entries that a connection id has made. */
static uint32_t count_noted(uint32_t backend)
{
	const struct mtlb_flow_bucket *flows = datapath_maps(n.dp)->flows;
	uint32_t noted = 0;

	for (uint32_t i = 0; i < limits.flow_buckets * MTLB_FLOW_WAYS; i++) {
		uint64_t word = flows[i / MTLB_FLOW_WAYS].ways[i % MTLB_FLOW_WAYS].word;

		noted += mtlb_flow_word_state(word) != MTLB_FLOW_FREE && word & MTLB_FLOW_BY_ID &&
			 mtlb_flow_word_backend(word) == backend;
	}
	return noted;
}

/* Begins it, and has it confirmed. */
static void open_flow(uint16_t flow)
{
	struct packet p;

	for (int i = 0; i < 2; i++) {
		if (n.kind->is_named)
			build_quic(&p, flow, with_id);
		else
			build(&p, flow, i ? PACKET_ACK : PACKET_SYN, 0);
		run(&p);
	}
}

/*
 * Of so many flows, and of so many datagrams of which the first fragment has come. Named flows
 * count where the backend is not the owner of their slot: they are noted.
 */
static uint32_t open_flows(uint32_t backend)
{
	uint32_t on_it = 0;
	struct packet p;

	for (uint16_t f = 0; f < FLOWS; f++) {
		open_flow(f);
		build(&p, f, PACKET_ACK, 0);
		on_it += !n.kind->is_named && trace(&p).backend == backend + 1;
		build_fragment(&p, f, 0);
		run(&p);
	}
	return n.kind->is_named ? count_noted(backend) : on_it;
}

static bool is_led(const struct packet *p, uint32_t backend)
{
	struct mtlb_trace t = trace(p);

	return t.how & (MTLB_TRACE_KNOWN | MTLB_TRACE_QUIC) && t.backend == backend + 1;
}

/* Flows and fragments that a table leads to the backend, and entries that name it. */
static uint32_t count_led(uint32_t backend)
{
	uint32_t led = count_noted(backend);

	for (uint16_t f = 0; f < FLOWS; f++) {
		struct packet p;
		struct mtlb_trace t;

		build(&p, f, PACKET_ACK, 0);
		led += is_led(&p, backend);
		build_quic(&p, f, with_id);
		led += n.kind->is_named && is_led(&p, backend);
		build_quic(&p, f, without_id);
		led += n.kind->is_named && is_led(&p, backend);
		build_fragment(&p, f, FRAGMENT_LEN);
		t = trace(&p);
		led += t.reason == MTLB_REASON_forwarded && t.backend == backend + 1;
	}
	return led;
}

/* ---- how web-0 goes, the first backend of the first VIP ---- */
static struct model_vip gone_vip; /* without a name: there is none */

static struct model_vip *find_vip(const char *tenant, const char *vip)
{
	return tenant_find_vip(model_find_tenant(n.model, tenant), vip);
}

static void disable_then_remove(void)
{
	struct model_vip *v = find_vip("tenant-0", "vip-0");

	v->backends[0].state = BACKEND_ADMIN_DISABLED;
	change();
	vip_remove_backend(v, &v->backends[0]);
	change();
}

static void remove_and_wait(void)
{
	struct model_vip *v = find_vip("tenant-0", "vip-0");

	vip_remove_backend(v, &v->backends[0]);
	change();
	settle_all();
}

static void remove_with_its_vip(void)
{
	struct model_vip *v = find_vip("tenant-0", "vip-0");

	vip_copy(&gone_vip, v);
	while (gone_vip.n_backends)
		vip_remove_backend(&gone_vip, gone_vip.backends);
	tenant_remove_vip(&n.model->tenants[0], v);
	change();
}

static void bring_vip_back(void)
{
	if (!gone_vip.name[0])
		return;
	*tenant_add_vip(&n.model->tenants[0]) = gone_vip;
	memset(&gone_vip, 0, sizeof(gone_vip));
}

/* mtlbd is killed, and another one finds the maps. */
static void restart(void)
{
	struct report r = {0};

	image_free(n.image);
	datapath_close(n.dp);
	CU_ASSERT_EQUAL_FATAL(datapath_open(pins, &limits, &n.dp, &r), 0);
	CU_ASSERT_EQUAL_FATAL(image_adopt(datapath_maps(n.dp), now_ticks(), &n.image, &r), 0);
	image_clean_flows(n.image, datapath_maps(n.dp));
	report_clear(&r);
}

/* Each backend has a server id of its own. */
static void name_backends(struct model_vip *v)
{
	v->protocol = IPPROTO_UDP;
	v->quic.rotation_bits = 3;
	*quic_add_config(&v->quic) =
		(struct model_quic_config){.server_id_length = 2, .nonce_length = 6};
	for (size_t k = 0; k < v->n_backends; k++) {
		v->backends[k].n_server_ids = 1;
		v->backends[k].server_ids[0] = (struct model_server_id){2, {0xab, k}};
	}
}

static void setup(const struct kind *kind)
{
	struct report r = {0};

	datapath_unload(pins, &r);
	report_clear(&r);
	CU_ASSERT_EQUAL_FATAL(datapath_open(pins, &limits, &n.dp, &r), 0);
	CU_ASSERT_EQUAL_FATAL(datapath_attach(n.dp, "in0", ATTACH_NATIVE, false, &r), 0);
	n.kind = kind;
	n.image = NULL;
	n.model = model_new();
	for (uint32_t t = 0; t < 2; t++) {
		struct model_tenant *tenant = add_tenant(n.model, t);

		tenant->limits.flows = 1024;
		add_segment(n.model, 10 + 10 * t, tenant->name);
		add_vip(tenant, 2 * t, 3)->algorithm = kind->algorithm;
		add_vip(tenant, 2 * t + 1, 1);
	}
	if (kind->is_named)
		name_backends(find_vip("tenant-0", "vip-0"));
	change();
}

static void teardown(void)
{
	struct report r = {0};

	image_free(n.image);
	model_free(n.model);
	datapath_close(n.dp);
	CU_ASSERT_EQUAL(datapath_unload(pins, &r), 0);
	report_clear(&r);
}

/* Backends come to a VIP until one has the id. */
static bool reuse_id(const char *tenant, const char *vip, uint32_t id)
{
	if (!find_vip(tenant, vip))
		bring_vip_back();
	for (uint32_t i = 0; i < 8; i++) {
		const char *name = add_backend(find_vip(tenant, vip), 5000 + i)->name;

		change();
		if (id_of(tenant, vip, name) == (int)id)
			return true;
	}
	return false;
}

static const struct next { /* who gets the id */
	const char *tenant, *vip;
} nexts[] = {
	{"tenant-0", "vip-0"},
	{"tenant-0", "vip-1"},
	{"tenant-1", "vip-2"},
};

static const struct kind kinds[] = {
	{.algorithm = MTLB_ALGORITHM_MAGLEV},
	{.algorithm = MTLB_ALGORITHM_ROUND_ROBIN},
	{.algorithm = MTLB_ALGORITHM_ROUND_ROBIN, .restarts = true},
	{.algorithm = MTLB_ALGORITHM_MAGLEV, .is_named = true},
	{.algorithm = MTLB_ALGORITHM_MAGLEV, .is_named = true, .restarts = true},
	{.algorithm = MTLB_ALGORITHM_ROUND_ROBIN, .is_named = true},
	{.algorithm = MTLB_ALGORITHM_ROUND_ROBIN, .is_named = true, .restarts = true},
};

static void try_reuse(const struct next *next, void (*remove)(void), const struct kind *kind)
{
	uint32_t id, before;

	setup(kind);
	id = id_of("tenant-0", "vip-0", "web-0");
	before = open_flows(id);
	CU_ASSERT(before >= FLOWS / 8);
	CU_ASSERT(count_led(id) >= before); /* of a settled ring: fragments alone */
	remove();
	if (kind->restarts)
		restart();
	CU_ASSERT(reuse_id(next->tenant, next->vip, id));
	bring_vip_back();
	change();
	CU_ASSERT_EQUAL(count_led(id), 0);
	teardown();
}

static void try_everywhere(void (*remove)(void))
{
	for (size_t i = 0; i < sizeof(nexts) / sizeof(*nexts); i++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
			try_reuse(&nexts[i], remove, &kinds[k]);
}

static void id_of_a_disabled_backend_is_not_met(void)
{
	try_everywhere(disable_then_remove);
}

static void id_of_a_backend_that_left_is_not_met(void)
{
	try_everywhere(remove_and_wait);
}

static void id_of_a_backend_that_went_with_its_vip_is_not_met(void)
{
	try_everywhere(remove_with_its_vip);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct test tests[] = {
	TEST(id_of_a_disabled_backend_is_not_met),
	TEST(id_of_a_backend_that_left_is_not_met),
	TEST(id_of_a_backend_that_went_with_its_vip_is_not_met),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	if (system("mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf")) {
		fprintf(stderr, "test_id_reuse: needs a BPF file system\n");
		return EXIT_FAILURE;
	}
	ground_enter();
	n.ifindex = if_nametoindex("in0");
	snprintf(pins, sizeof(pins), "/sys/fs/bpf/mtlb-ids-%d", getpid());
	return test_main(argc, argv, "id_reuse", tests);
}
