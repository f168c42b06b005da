/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * mtlbd may be killed between any two stores. The maps are write-protected; each store into them traps, is done alone
 * (single step), and what then stands there must be what a restarted mtlbd can go on with.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "fake_compare.h"
#include "fake_edits.h"

#ifdef __x86_64__

#define TRAP_FLAG 0x100 /* of EFLAGS */

static struct {
	struct node *node;
	char *base;
	size_t size;
	uint64_t stores;
	uint64_t copy_at; /* which store's state is kept; 0: none */
	struct fake *copy;
	uint64_t refused; /* states that could not be adopted */
	char first[256];  /* why the first was not */
} torn;

/* ---- maps in one stretch of memory ---- */
#define MAPS(X)                                                                                    \
	X(node, 1)                                                                                 \
	X(segments, l->segments)                                                                   \
	X(tenants, l->tenants)                                                                     \
	X(rings, l->ring_units)                                                                    \
	X(backends, l->backends)                                                                   \
	X(backend_loads, l->backends)                                                              \
	X(turns, l->vips)                                                                          \
	X(answers, l->tenants)                                                                     \
	X(tenant_info, l->tenants)                                                                 \
	X(vip_info, l->vips)                                                                       \
	X(backend_info, l->backends)

static void protect(int how)
{
	mprotect(torn.base, torn.size, how);
}

static size_t round_up(size_t n)
{
	return (n + 63) & ~(size_t)63;
}

/* All but flows and tables: nobody adopts flows, and a table is exchanged as a whole. */
static void gather_maps(struct node *n)
{
	struct maps *m = &n->fake->maps;
	const struct maps_limits *l = &m->limits;
	char *at;

	torn.size = 0;
#define ADD_SIZE(map, entries) torn.size += round_up(sizeof(*m->map) * (entries));
	MAPS(ADD_SIZE)
	torn.base = at =
		mmap(NULL, torn.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_PTR_NOT_EQUAL_FATAL(torn.base, MAP_FAILED);
#define MOVE(map, entries)                                                                         \
	memcpy(at, m->map, sizeof(*m->map) * (entries));                                           \
	free(m->map);                                                                              \
	m->map = (void *)at;                                                                       \
	at += round_up(sizeof(*m->map) * (entries));
	MAPS(MOVE)
	torn.node = n;
}

static void scatter_maps(struct node *n)
{
	struct maps *m = &n->fake->maps;
	const struct maps_limits *l = &m->limits;

	(void)l;
#define FORGET(map, entries) m->map = NULL;
	MAPS(FORGET)
	munmap(torn.base, torn.size);
}

static struct fake *copy_maps(const struct maps *m)
{
	const struct maps_limits *l = &m->limits;
	struct fake *f = fake_new(l);

#define COPY(map, entries) memcpy(f->maps.map, m->map, sizeof(*m->map) * (entries));
	MAPS(COPY)
	memcpy(f->maps.flows, m->flows, l->flow_buckets * sizeof(*m->flows));
	for (uint32_t t = 0; t < l->tenants; t++) {
		if (!m->tables[t].entries)
			continue;
		size_t size = m->tables[t].n * sizeof(*m->tables[t].entries);

		f->maps.tables[t] =
			(struct maps_table){.entries = malloc(size), .n = m->tables[t].n};
		memcpy(f->maps.tables[t].entries, m->tables[t].entries, size);
	}
	return f;
}

/* ---- between two stores ---- */
static void restart(void)
{
	struct report r = {0};
	struct image *i = NULL;

	if (image_adopt(&torn.node->fake->maps, torn.node->now, &i, &r) && !torn.refused++)
		snprintf(torn.first, sizeof(torn.first), "store %llu: %s",
			 (unsigned long long)torn.stores, r.n ? r.lines[0].text : "no reason");
	image_free(i);
	report_clear(&r);
}

/*
 * The store is one of apply's, so nothing that is used here is in the middle of something.
 */
static void on_store(int signal, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	char *at = info->si_addr;

	(void)signal;
	if (at < torn.base || at >= torn.base + torn.size) {
		struct sigaction usual = {.sa_handler = SIG_DFL};

		sigaction(SIGSEGV, &usual, NULL);
		return;
	}
	protect(PROT_READ | PROT_WRITE);
	c->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void on_stored(int signal, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	(void)signal;
	(void)info;
	c->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
	protect(PROT_READ);
	torn.stores++;
	restart();
	if (torn.stores == torn.copy_at)
		torn.copy = copy_maps(&torn.node->fake->maps);
}

static void watch(bool on)
{
	static struct sigaction before[2];
	struct sigaction segv = {.sa_sigaction = on_store, .sa_flags = SA_SIGINFO | SA_NODEFER},
			 trap = {.sa_sigaction = on_stored, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigaction(SIGSEGV, on ? &segv : &before[0], on ? &before[0] : NULL);
	sigaction(SIGTRAP, on ? &trap : &before[1], on ? &before[1] : NULL);
	protect(on ? PROT_READ : PROT_READ | PROT_WRITE);
}

/* mtlbd comes again to what stood there at copy_at, and brings it to the same end. */
static void go_on_from_copy(const struct edits *e)
{
	struct node n = e->node;

	n.fake = torn.copy;
	n.image = NULL;
	n.model = model_copy(e->node.model);
	CU_ASSERT_EQUAL(node_restart(&n), 0);
	CU_ASSERT_EQUAL(node_change(&n), 0);
	CU_ASSERT(node_settle_all(&n));
	CU_ASSERT_EQUAL(node_change(&n), 0);
	CU_ASSERT(is_like_fresh(&n));
	node_free(&n);
	torn.copy = NULL;
}

/* One after the other, as the kernel may do it; that of addresses last, as datapath/ does it. */
static int swap_one_by_one(struct maps *m, const struct maps_swap *swaps, size_t n,
			   struct report *r)
{
	int err = 0;

	for (int last = 0; last < 2; last++)
		for (size_t i = 0; i < n && !err; i++) {
			if (last != (swaps[i].tenant == MTLB_TENANT_NONE))
				continue;
			err = fake_swap_tables(m, &swaps[i], 1, r);
			restart();
		}
	return err;
}

/* copy_at: the store after which mtlbd is killed once more and comes again. */
static void apply_store_by_store(struct edits *e, struct image *next, uint64_t copy_at)
{
	static struct maps_ops ops;
	struct maps *m = &e->node.fake->maps;
	struct report r = {0};
	struct steps *s;

	ops = fake_ops;
	ops.swap_tables = swap_one_by_one;
	CU_ASSERT_EQUAL_FATAL(image_diff(e->node.image, next, &s), 0);
	torn.stores = 0;
	torn.copy_at = copy_at;
	m->ops = &ops;
	watch(true);
	int err = steps_apply(s, m, &r);

	watch(false);
	m->ops = &fake_ops;
	CU_ASSERT_EQUAL(err, 0);
	if (torn.refused) {
		char *text = steps_describe(s);

		printf("     %s, in:\n%s", torn.first, text);
		free(text);
	}
	CU_ASSERT_EQUAL_FATAL(torn.refused, 0);
	steps_free(s);
	image_free(e->node.image);
	e->node.image = next;
	if (torn.copy)
		go_on_from_copy(e);
}

static void change_store_by_store(struct edits *e, uint64_t copy_at)
{
	struct image_inputs in = node_inputs(&e->node);
	struct report r = {0};
	struct image *next;

	CU_ASSERT_EQUAL_FATAL(image_build(&in, &next, &r), 0);
	apply_store_by_store(e, next, copy_at);
}

/* Moves end, and who is leaving goes. */
static void settle_store_by_store(struct edits *e, uint64_t copy_at)
{
	struct node *n = &e->node;
	struct image_census *c = image_census(n->image, n->fake->maps.flows, n->now);
	struct image *next = NULL;

	CU_ASSERT_EQUAL(image_settle(n->image, c, n->fake->refused, n->now, &next), 0);
	image_census_free(c);
	if (next)
		apply_store_by_store(e, next, copy_at);
}

static void what_any_store_leaves_can_be_adopted(void)
{
	uint64_t stores = 0;

	for (uint64_t seed = 500; seed < 512; seed++) {
		struct edits e;

		edits_init(&e, seed);
		gather_maps(&e.node);
		for (int step = 0; step < 15; step++) {
			for (int k = 0; k < 3; k++)
				edit(&e);
			change_store_by_store(&e, 1 + draw(&e, 400));
			stores += torn.stores;
			for (int k = 0; k < 3; k++) {
				e.node.now += draw(&e, 300);
				torn.stores = 0;
				settle_store_by_store(&e, 1 + draw(&e, 100));
				stores += torn.stores;
			}
		}
		scatter_maps(&e.node);
		node_free(&e.node);
	}
	CU_ASSERT(stores > 1000);
	printf("     %llu stores\n", (unsigned long long)stores);
}

/* The first change of all, into empty maps; then everything goes. */
static void beginning_and_end_can_be_adopted(void)
{
	struct edits e;

	edits_init(&e, 1);
	for (int tenants = 2; tenants >= 0; tenants--) {
		struct fake *empty = fake_new(&e.node.fake->maps.limits);
		bool from_nothing = tenants == 2;

		if (from_nothing) {
			fake_free(e.node.fake);
			image_free(e.node.image);
			e.node.fake = empty;
			e.node.image = NULL;
		} else {
			fake_free(empty);
			while (e.node.model->n_tenants > (size_t)tenants)
				model_remove_tenant(e.node.model, &e.node.model->tenants[0]);
		}
		if (from_nothing)
			gather_maps(&e.node);
		change_store_by_store(&e, 1 + draw(&e, 400));
	}
	scatter_maps(&e.node);
	node_free(&e.node);
}

/* It stands in two places: in the name's record, and in the word that the data plane reads. */
static void a_weight_is_everywhere_the_same_in_the_end(void)
{
	for (uint64_t copy_at = 1; copy_at <= 8; copy_at++) {
		struct edits e;

		edits_init(&e, 1);
		gather_maps(&e.node);
		e.node.model->tenants[0].vips[0].backends[0].weight = 7;
		e.node.model->tenants[1].vips[1].backends[2].weight = 8;
		change_store_by_store(&e, copy_at);
		scatter_maps(&e.node);
		node_free(&e.node);
	}
}

#else

static void a_weight_is_everywhere_the_same_in_the_end(void)
{
	test_skip("single steps are known here of x86-64 only");
}

static void what_any_store_leaves_can_be_adopted(void)
{
	test_skip("single steps are known here of x86-64 only");
}

static void beginning_and_end_can_be_adopted(void)
{
	test_skip("single steps are known here of x86-64 only");
}

#endif

#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
static const struct test tests[] = {
	TEST(beginning_and_end_can_be_adopted),
	TEST(a_weight_is_everywhere_the_same_in_the_end),
	TEST(what_any_store_leaves_can_be_adopted),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "torn", tests);
}
