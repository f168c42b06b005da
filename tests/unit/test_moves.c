/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Established flows stay with their backend, whatever is changed, in the middle of the change too.
 */
#include "fake_steps.h"
#include "fake_traffic.h"

enum {
	FLOWS = 3000,
	VIPS = 4,
	TENANTS = 2
};

struct client {
	bool open;
	uint32_t tenant;
	struct mtlb_tuple tuple;
	uint32_t backend;
	uint64_t last; /* tick of its last packet */
};

struct world {
	struct node node;
	struct client clients[FLOWS];
	uint64_t random;
	uint32_t next_port;
	uint64_t packets, broken, lost, opened, switched;
	uint32_t switches; /* of 40 edits so many change an algorithm */
	bool down[4096];   /* by the last two bytes of a backend's address */
	int step;
	bool inside; /* of a change */
	void (*change)(struct world *w);
	uint64_t disturbed; /* changes that failed, or in which mtlbd died */
};

static uint32_t draw(struct world *w, uint32_t below)
{
	w->random = w->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (w->random >> 33) % below;
}

static bool is_up(void *ctx, const struct model_tenant *t, const struct model_vip *v,
		  const struct model_backend *b)
{
	struct world *w = ctx;

	(void)t;
	(void)v;
	return !w->down[(b->address.bytes[14] << 8 | b->address.bytes[15]) % 4096];
}

static bool is_udp(const struct client *c)
{
	return c->tuple.protocol == IPPROTO_UDP;
}

static void send_packet(struct world *w, struct client *c, enum packet p)
{
	uint32_t backend = pick(w->node.fake, c->tenant, &c->tuple, p, w->node.now);

	w->packets++;
	c->last = w->node.now;
	if (p == PACKET_FIN)
		c->open = false;
	if (backend == c->backend)
		return;
	if (!fake_is_alive(&w->node.fake->maps, c->backend)) {
		c->open = false;
		w->lost++;
		return;
	}
	w->broken++;
	if (w->broken < 5)
		printf("     step %d: flow %d of tenant %u went from backend %u to %u\n", w->step,
		       (int)(c - w->clients), c->tenant, c->backend, backend);
	c->open = false;
}

static const struct model_vip *any_vip(struct world *w, struct client *c)
{
	const struct model *m = w->node.model;
	const struct model_tenant *t = &m->tenants[draw(w, m->n_tenants)];

	c->tenant = image_tenant_slot(w->node.image, t->name);
	return t->n_vips ? &t->vips[draw(w, t->n_vips)] : NULL;
}

/*
 * Half of them reuse the port of a flow that is gone: what is left of that must not catch them.
 * (But not in the very millisecond in which a flow range is exchanged: there a copy of the old
 * flow, closing on a draining backend, may.)
 */
static void open_flow(struct world *w, struct client *c)
{
	const struct model_vip *v = any_vip(w, c);
	uint64_t refused = w->node.fake->refused[c->tenant].flows;

	if (!v)
		return;
	if (!c->tuple.source_port || w->inside || draw(w, 2)) {
		memset(&c->tuple, 0, sizeof(c->tuple));
		c->tuple.source[3] = htonl(0x0a000000 + draw(w, 1 << 20));
		c->tuple.source_port = htons(1024 + w->next_port++ % 60000);
	}
	memcpy(c->tuple.destination, v->address.bytes, 16);
	c->tuple.destination_port = htons(v->port);
	c->tuple.protocol = v->protocol;
	c->backend = pick(w->node.fake, c->tenant, &c->tuple, is_udp(c) ? PACKET_DATA : PACKET_SYN,
			  w->node.now);
	c->last = w->node.now;
	/*
	 * datagrams that the table can't take have no backend to keep where each first packet
	 * has its turn
	 */
	c->open = c->backend != UINT32_MAX &&
		  !(is_udp(c) && v->algorithm >= MTLB_ALGORITHM_ROUND_ROBIN &&
		    w->node.fake->refused[c->tenant].flows != refused);
	if (!c->open)
		return;
	w->opened++;
	send_packet(w, c, PACKET_DATA);
}

static void traffic(struct world *w)
{

	for (int i = 0; i < 200; i++) {
		struct client *c = &w->clients[draw(w, FLOWS)];

		if (!c->open)
			open_flow(w, c);
		else
			send_packet(w, c, !is_udp(c) && !draw(w, 20) ? PACKET_FIN : PACKET_DATA);
	}
}

static void traffic_inside(void *ctx)
{
	struct world *w = ctx;

	w->inside = true;
	traffic(w);
	w->inside = false;
}

/* Flows of a backend that does not serve any more are lost by right. */
static void drop_lost(struct world *w)
{
	for (int i = 0; i < FLOWS; i++) {
		struct client *c = &w->clients[i];

		if (c->open && !fake_is_alive(&w->node.fake->maps, c->backend)) {
			c->open = false;
			w->lost++;
		}
	}
}

/* No flow is silent for as long as its idle timeout. */
static void keep_alive(struct world *w)
{
	for (int i = 0; i < FLOWS; i++)
		if (w->clients[i].open && w->node.now - w->clients[i].last >= 10)
			send_packet(w, &w->clients[i], PACKET_DATA);
}

static void change_backend(struct world *w, struct model_vip *v)
{
	struct model_backend *b = v->n_backends ? &v->backends[draw(w, v->n_backends)] : NULL;
	uint32_t what = draw(w, 12);

	if (what < 3 && v->n_backends < 9) {
		add_backend(v, draw(w, 4096));
	} else if (b && what < 5 && v->n_backends > 2) {
		vip_remove_backend(v, b);
	} else if (b && what < 8) {
		b->state = b->state == BACKEND_ADMIN_UP ? BACKEND_ADMIN_DRAINING : BACKEND_ADMIN_UP;
	} else if (b && what < 10) {
		b->weight = 1 + draw(w, 200);
	} else if (b && what < 11) {
		bool *down = &w->down[(b->address.bytes[14] << 8 | b->address.bytes[15]) % 4096];

		*down = !*down;
	} else if (b) {
		b->state = draw(w, 3) ? BACKEND_ADMIN_UP : BACKEND_ADMIN_DISABLED;
	}
}

static bool has_duplicate(const struct model_vip *v)
{
	for (size_t i = 0; i < v->n_backends; i++)
		for (size_t k = 0; k < i; k++)
			if (!strcmp(v->backends[i].name, v->backends[k].name))
				return true;
	return false;
}

static void change_algorithm(struct world *w, struct model_vip *v)
{
	static const uint8_t prefixes[] = {0, 8, 20, 24, 32};

	v->algorithm = draw(w, MTLB_ALGORITHM_LEAST_CONNECTIONS + 1);
	v->source_prefix =
		v->algorithm == MTLB_ALGORITHM_SOURCE ? prefixes[draw(w, sizeof(prefixes))] : 0;
	w->switched++;
}

static void edit(struct world *w)
{
	struct model *m = w->node.model;
	struct model_tenant *t = &m->tenants[draw(w, m->n_tenants)];
	struct model_vip *v = &t->vips[draw(w, t->n_vips)];
	uint32_t what = draw(w, 40);

	if (what < w->switches)
		change_algorithm(w, v);
	else if (what >= 37)
		t->limits.flows = 8192 << draw(w, 3);
	else if (what == 36)
		v->ring_size = draw(w, 2) ? 0 : 64U << draw(w, 5);
	else
		change_backend(w, v);
	if (has_duplicate(v))
		vip_remove_backend(v, &v->backends[v->n_backends - 1]);
}

static void world_init(struct world *w, uint64_t seed, uint32_t switches)
{
	struct maps_limits l = small_limits();

	memset(w, 0, sizeof(*w));
	l.flow_buckets = 1 << 16;
	node_init(&w->node, &l);
	w->random = seed;
	w->switches = switches;
	w->node.is_healthy = is_up;
	w->node.ctx = w;
	for (int t = 0; t < TENANTS; t++) {
		struct model_tenant *tenant = add_tenant(w->node.model, t);

		tenant->limits.flows = 16384;
		for (int v = 0; v < VIPS; v++) {
			struct model_vip *vip = add_vip(tenant, t * VIPS + v, 4);

			vip->idle_timeout_s = 60;
			if (v >= 2)
				vip->protocol = IPPROTO_UDP;
			if (switches && v % 2)
				vip->algorithm = MTLB_ALGORITHM_ROUND_ROBIN;
		}
	}
	CU_ASSERT_EQUAL_FATAL(node_change(&w->node), 0);
	w->node.fake->traffic = traffic_inside;
	w->node.fake->traffic_ctx = w;
}

/* Flows of backends that the change takes out are lost by right. */
static void drop_lost_by(struct world *w, const struct image *next)
{
	for (int i = 0; i < FLOWS; i++) {
		struct image_backend_view view;

		if (w->clients[i].open && (image_view_backend(next, w->clients[i].backend, NULL, &view) ||
					   !mtlb_backend_is_alive(view.state))) {
			w->clients[i].open = false;
			w->lost++;
		}
	}
}

/*
 * Between the change of states and its end flows of the dead may go anywhere: they are given up
 * before.
 */
static struct image *prepare(struct world *w)
{
	struct image_inputs in = node_inputs(&w->node);
	struct report r = {0};
	struct image *next;

	CU_ASSERT_EQUAL_FATAL(image_build(&in, &next, &r), 0);
	drop_lost_by(w, next);
	return next;
}

static void change_at_once(struct world *w)
{
	CU_ASSERT_EQUAL_FATAL(node_apply(&w->node, prepare(w)), 0);
}

/* Packets between all steps; at times mtlbd dies between two of them. */
static void change_and_die(struct world *w)
{
	struct image *next = prepare(w);
	struct steps *s = NULL;

	CU_ASSERT_EQUAL_FATAL(image_diff(w->node.image, next, &s), 0);
	bool dies = s->n && !draw(w, 3);

	run_singly(w->node.fake, s, dies ? draw(w, s->n) : s->n, traffic_inside, w);
	steps_free(s);
	if (!dies) {
		image_free(w->node.image);
		w->node.image = next;
		return;
	}
	image_free(next);
	w->disturbed++;
	CU_ASSERT_EQUAL_FATAL(node_restart(&w->node), 0);
	change_at_once(w);
}

/* Often a flow range is exchanged, which has most to be taken back. */
static void change_and_fail(struct world *w)
{
	if (!draw(w, 3))
		w->node.model->tenants[draw(w, TENANTS)].limits.flows = 8192 << draw(w, 3);
	struct image *next = prepare(w);
	struct steps *s = NULL;

	CU_ASSERT_EQUAL_FATAL(image_diff(w->node.image, next, &s), 0);
	uint32_t ops = count_ops_unseen(s);

	steps_free(s);
	w->node.fake->ops = 0;
	w->node.fake->fail_at = draw(w, 2) || !ops ? ops : 1 + draw(w, ops);
	if (node_apply(&w->node, next)) {
		w->disturbed++;
		traffic(w);
	}
	w->node.fake->fail_at = 0;
	change_at_once(w);
}

static void run_world(struct world *w, int steps, bool restarts)
{
	for (w->step = 0; w->step < steps && w->broken < 5; w->step++) {
		traffic(w);
		if (draw(w, 3))
			edit(w);
		else
			w->node.now += draw(w, 8) ? draw(w, 10) : draw(w, 40);
		keep_alive(w);
		w->change(w);
		drop_lost(w);
		traffic(w);
		node_settle(&w->node);
		if (restarts && !draw(w, 15)) {
			CU_ASSERT_EQUAL_FATAL(node_restart(&w->node), 0);
			CU_ASSERT_EQUAL_FATAL(node_change(&w->node), 0);
		}
	}
	CU_ASSERT_EQUAL(w->broken, 0);
}

static void run_changes(uint64_t first, int seeds, int steps, bool restarts, uint32_t switches,
			void (*change)(struct world *w))
{
	uint64_t packets = 0, opened = 0, lost = 0, switched = 0, disturbed = 0;

	for (int s = 0; s < seeds; s++) {
		struct world *w = malloc(sizeof(*w));

		world_init(w, first + s, switches);
		w->change = change;
		run_world(w, steps, restarts);
		packets += w->packets;
		opened += w->opened;
		lost += w->lost;
		switched += w->switched;
		disturbed += w->disturbed;
		w->node.fake->traffic = NULL;
		node_free(&w->node);
		free(w);
	}
	printf("     %llu packets, %llu flows opened, %llu lost with their backends, %llu "
	       "switches, %llu changes disturbed\n",
	       (unsigned long long)packets, (unsigned long long)opened, (unsigned long long)lost,
	       (unsigned long long)switched, (unsigned long long)disturbed);
}

static void run_seeds(uint64_t first, int seeds, int steps, bool restarts, uint32_t switches)
{
	run_changes(first, seeds, steps, restarts, switches, change_at_once);
}

static void no_flow_of_a_serving_backend_changes_backend(void)
{
	run_seeds(1, 12, 400, false, 0);
}

static void restarts_in_the_middle_of_moves_break_no_flow(void)
{
	run_seeds(100, 8, 400, true, 0);
}

static void switches_of_algorithms_break_no_flow(void)
{
	run_seeds(200, 12, 400, false, 10);
}

static void restarts_in_the_middle_of_switches_break_no_flow(void)
{
	run_seeds(300, 8, 400, true, 6);
}

static void death_between_any_two_steps_breaks_no_flow(void)
{
	run_changes(400, 6, 300, false, 0, change_and_die);
	run_changes(420, 6, 300, false, 10, change_and_die);
}

static void failure_before_traffic_sees_the_change_breaks_no_flow(void)
{
	run_changes(440, 8, 300, false, 0, change_and_fail);
	run_changes(460, 8, 300, false, 10, change_and_fail);
}

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct test tests[] = {
	TEST(no_flow_of_a_serving_backend_changes_backend),
	TEST(restarts_in_the_middle_of_moves_break_no_flow),
	TEST(switches_of_algorithms_break_no_flow),
	TEST(restarts_in_the_middle_of_switches_break_no_flow),
	TEST(death_between_any_two_steps_breaks_no_flow),
	TEST(failure_before_traffic_sees_the_change_breaks_no_flow),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "moves", tests);
}
