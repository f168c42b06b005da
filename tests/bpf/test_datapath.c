// SPDX-License-Identifier: GPL-2.0-only
/*
 * The datapath on the real kernel, in a network namespace of its own: dp0 ---- dp1 (veth).
 * Pins go to /sys/fs/bpf/dptest.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

#include "datapath/datapath.h"
#include "test.h"
#include "util/log.h"

#define PINS "/sys/fs/bpf/dptest"

static const struct maps_limits small = {
	.tenants = 2048, .vips = 64, .backends = 64,
	.segments = 64, .ring_units = 4096, .flow_buckets = 1024,
};

static int run(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool has_line(const struct report *r, const char *text)
{
	for (size_t i = 0; i < r->n; i++)
		if (strstr(r->lines[i].text, text))
			return true;
	printf("     no line has \"%s\" among:\n", text);
	for (size_t i = 0; i < r->n; i++)
		printf("       %s: %s\n", r->lines[i].where ? r->lines[i].where : "",
		       r->lines[i].text);
	return false;
}

static void reset(void)
{
	struct report r = {};

	datapath_unload(PINS, &r);
	report_clear(&r);
	run("rm -rf " PINS "; ip link del dp0 2>/dev/null; ip link del br0 2>/dev/null");
	CU_ASSERT_FATAL(!run(
		"ip link add dp0 type veth peer name dp1 && ip link set dp0 up && ip link set dp1 up"));
}

static struct datapath *open_pins(void)
{
	struct report r = {};
	struct datapath *dp = NULL;
	int err = datapath_open(PINS, &small, &dp, &r);

	if (err)
		has_line(&r, "(an unexpected failure)");
	report_clear(&r);
	CU_ASSERT_EQUAL_FATAL(err, 0);
	return dp;
}

static int attach(struct datapath *dp, const char *interface, enum attach_mode mode,
		  const char *line)
{
	struct report r = {};
	int err = datapath_attach(dp, interface, mode, false, &r);

	if (line)
		CU_ASSERT(has_line(&r, line));
	report_clear(&r);
	return err;
}

static struct datapath_attachment view(struct datapath *dp, const char *interface)
{
	struct datapath_attachment *list = NULL, found = {};
	size_t n = 0;

	CU_ASSERT_EQUAL_FATAL(datapath_list(dp, &list, &n), 0);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].interface, interface))
			found = list[i];
	free(list);
	return found;
}

static uint32_t attached_id(const char *interface)
{
	__u32 id = 0;

	bpf_xdp_query_id(if_nametoindex(interface), 0, &id);
	return id;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void first_open_pins_all_maps(void)
{
	static const char *const pins[] = {
		"node",        "segments", "vip_tables",   "rings",     "backends",
		"tenants",     "address_tables", "vip_tables_large",
		"flows",       "tx_ports", "tenant_stats", "vip_stats", "backend_stats",
		"tenant_info", "vip_info", "backend_info", "program",
	};
	char path[128];

	reset();
	struct datapath *dp = open_pins();

	CU_ASSERT_FALSE(datapath_was_adopted(dp));
	CU_ASSERT_EQUAL(datapath_maps(dp)->node->abi_version, MTLB_ABI_VERSION);
	for (size_t i = 0; i < sizeof(pins) / sizeof(*pins); i++) {
		snprintf(path, sizeof(path), PINS "/%s", pins[i]);
		CU_ASSERT_EQUAL(access(path, F_OK), 0);
	}
	datapath_close(dp);
}

static void second_open_adopts_what_the_first_wrote(void)
{
	struct maps_limits other = small;
	struct mtlb_vip table[MTLB_TABLE_SMALL] = {{}, {.id = 77}};
	struct maps_swap swap = {.tenant = 9, .entries = table, .n = MTLB_TABLE_SMALL};
	struct report r = {};

	reset();
	struct datapath *dp = open_pins();
	struct maps *m = datapath_maps(dp);

	m->node->generation = 42;
	m->flows[1023].ways[3].fingerprint = 7;
	CU_ASSERT_EQUAL(m->ops->swap_tables(m, &swap, 1, &r), 0);
	datapath_close(dp);
	other.vips = 128;
	CU_ASSERT_EQUAL_FATAL(datapath_open(PINS, &other, &dp, &r), 0);
	m = datapath_maps(dp);
	CU_ASSERT_TRUE(datapath_was_adopted(dp));
	CU_ASSERT_EQUAL(m->limits.vips, 64);
	CU_ASSERT_EQUAL(m->limits.flow_buckets, 1024);
	CU_ASSERT_EQUAL(m->node->generation, 42);
	CU_ASSERT_EQUAL(m->flows[1023].ways[3].fingerprint, 7);
	CU_ASSERT_EQUAL(m->tables[9].n, MTLB_TABLE_SMALL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m->tables[9].entries);
	CU_ASSERT_EQUAL(m->tables[9].entries[1].id, 77);
	CU_ASSERT_PTR_NULL(m->tables[8].entries);
	datapath_close(dp);
}

static void adoption_replaces_the_program_of_links(void)
{
	reset();
	struct datapath *dp = open_pins();

	CU_ASSERT_EQUAL(attach(dp, "dp0", ATTACH_NATIVE, NULL), 0);
	uint32_t first = attached_id("dp0");

	datapath_close(dp);
	CU_ASSERT_EQUAL(attached_id("dp0"), first); /* it outlives its mtlbd */
	dp = open_pins();
	uint32_t second = attached_id("dp0");

	CU_ASSERT_NOT_EQUAL(second, 0);
	CU_ASSERT_NOT_EQUAL(second, first);
	CU_ASSERT_EQUAL(view(dp, "dp0").program_id, second);
	CU_ASSERT_EQUAL(view(dp, "dp0").mode, ATTACH_NATIVE);
	datapath_close(dp);
}

static void maps_of_another_version_are_refused(void)
{
	struct report r = {};
	struct datapath *dp;

	reset();
	dp = open_pins();
	CU_ASSERT_EQUAL(attach(dp, "dp0", ATTACH_NATIVE, NULL), 0);
	uint32_t id = attached_id("dp0");

	datapath_maps(dp)->node->abi_version = 99;
	datapath_close(dp);
	CU_ASSERT_EQUAL(datapath_open(PINS, &small, &dp, &r), -EPROTO);
	CU_ASSERT(has_line(&r, "version 99"));
	CU_ASSERT(has_line(&r, "mtlbd --unload"));
	CU_ASSERT_EQUAL(attached_id("dp0"), id); /* the old one keeps running */
	report_clear(&r);
	unlink(PINS "/turns"); /* another version may have other maps */
	CU_ASSERT_EQUAL(datapath_open(PINS, &small, &dp, &r), -EPROTO);
	CU_ASSERT(has_line(&r, "version 99"));
	report_clear(&r);
}

static void incomplete_pins_of_a_first_start_are_replaced(void)
{
	reset();
	datapath_close(open_pins());
	CU_ASSERT_EQUAL(unlink(PINS "/node"), 0);
	CU_ASSERT_EQUAL(unlink(PINS "/rings"), 0);
	struct datapath *dp = open_pins();

	CU_ASSERT_FALSE(datapath_was_adopted(dp));
	datapath_close(dp);
}

static void removed_pins_are_refused(void)
{
	struct report r = {};
	struct datapath *dp;

	reset();
	datapath_close(open_pins());
	unlink(PINS "/rings");
	CU_ASSERT_EQUAL(datapath_open(PINS, &small, &dp, &r), -EPROTO);
	CU_ASSERT(has_line(&r, "--unload"));
	report_clear(&r);
}

static void a_second_mtlbd_is_refused_with_the_pid_of_the_first(void)
{
	struct report r = {};
	struct datapath *other;
	char want[32];

	reset();
	struct datapath *dp = open_pins();

	CU_ASSERT_EQUAL(datapath_open(PINS, &small, &other, &r), -EBUSY);
	snprintf(want, sizeof(want), "pid %d", getpid());
	CU_ASSERT(has_line(&r, want));
	CU_ASSERT_EQUAL(datapath_unload(PINS, &r), -EBUSY);
	report_clear(&r);
	datapath_close(dp);
}

static void unload_takes_everything_away(void)
{
	struct report r = {};

	reset();
	struct datapath *dp = open_pins();

	CU_ASSERT_EQUAL(attach(dp, "dp0", ATTACH_NATIVE, NULL), 0);
	datapath_close(dp);
	CU_ASSERT_EQUAL(datapath_unload(PINS, &r), 0);
	CU_ASSERT_EQUAL(attached_id("dp0"), 0);
	CU_ASSERT_NOT_EQUAL(access(PINS, F_OK), 0);
	CU_ASSERT_EQUAL(datapath_unload(PINS, &r), 0);
}

static void mode_can_be_changed_and_a_refused_change_restores(void)
{
	reset();
	struct datapath *dp = open_pins();

	CU_ASSERT_EQUAL(attach(dp, "dp0", ATTACH_NATIVE, NULL), 0);
	CU_ASSERT_EQUAL(attach(dp, "dp0", ATTACH_NATIVE, NULL), 0);
	CU_ASSERT_EQUAL(attach(dp, "dp0", ATTACH_GENERIC, NULL), 0);
	CU_ASSERT_EQUAL(view(dp, "dp0").mode, ATTACH_GENERIC);
	CU_ASSERT_EQUAL(run("ip link add br0 type bridge"), 0);
	CU_ASSERT_EQUAL(attach(dp, "br0", ATTACH_NATIVE, "--mode generic"), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(attach(dp, "br0", ATTACH_GENERIC, NULL), 0);
	CU_ASSERT_EQUAL(attach(dp, "br0", ATTACH_NATIVE, "no native XDP"), -EOPNOTSUPP);
	CU_ASSERT_EQUAL(view(dp, "br0").mode, ATTACH_GENERIC);
	CU_ASSERT_NOT_EQUAL(attached_id("br0"), 0);
	datapath_close(dp);
}

static void a_foreign_program_is_named(void)
{
	struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "stranger", "GPL", pass, 2, NULL);
	char id[32];

	reset();
	struct datapath *dp = open_pins();

	CU_ASSERT_EQUAL(bpf_xdp_attach(if_nametoindex("dp0"), fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	snprintf(id, sizeof(id), "program %u (stranger)", attached_id("dp0"));
	CU_ASSERT_EQUAL(attach(dp, "dp0", ATTACH_NATIVE, id), -EBUSY);
	CU_ASSERT_EQUAL(attach(dp, "dp0", ATTACH_GENERIC, id), -EBUSY);
	CU_ASSERT_EQUAL(attach(dp, "nowhere", ATTACH_NATIVE, "no such interface"), -ENODEV);
	CU_ASSERT_EQUAL(bpf_xdp_detach(if_nametoindex("dp0"), XDP_FLAGS_DRV_MODE, NULL), 0);
	CU_ASSERT_EQUAL(attach(dp, "dp0", ATTACH_NATIVE, NULL), 0);
	datapath_close(dp);
	close(fd);
}

static void a_returned_interface_is_attached_again(void)
{
	struct report r = {};

	reset();
	struct datapath *dp = open_pins();

	CU_ASSERT_EQUAL(attach(dp, "dp0", ATTACH_NATIVE, NULL), 0);
	CU_ASSERT_EQUAL(run("ip link del dp0"), 0);
	CU_ASSERT_STRING_EQUAL(view(dp, "dp0").interface, "dp0");
	CU_ASSERT_EQUAL(view(dp, "dp0").ifindex, 0);
	datapath_close(dp);
	dp = open_pins(); /* a dead link does not hinder adoption */
	CU_ASSERT_EQUAL(run("ip link add dp0 type veth peer name dp1"), 0);
	CU_ASSERT_EQUAL(attach(dp, "dp0", ATTACH_NATIVE, NULL), 0);
	CU_ASSERT_EQUAL(view(dp, "dp0").ifindex, if_nametoindex("dp0"));
	CU_ASSERT_EQUAL(datapath_detach(dp, "dp0", &r), 0);
	CU_ASSERT_EQUAL(attached_id("dp0"), 0);
	CU_ASSERT_EQUAL(datapath_detach(dp, "dp0", &r), -ENOENT);
	CU_ASSERT(has_line(&r, "not attached"));
	report_clear(&r);
	datapath_close(dp);
}

static void an_interface_name_may_hold_a_dot(void)
{
	reset();
	CU_ASSERT_EQUAL(run("ip link set dp0 down && ip link set dp0 name dp0.100"), 0);
	struct datapath *dp = open_pins();

	CU_ASSERT_EQUAL(attach(dp, "dp0.100", ATTACH_GENERIC, NULL), 0);
	CU_ASSERT_EQUAL(view(dp, "dp0.100").ifindex, if_nametoindex("dp0.100"));
	datapath_close(dp);
	run("ip link del dp0.100");
}

/* Either is right: behind the dispatcher, or alone with a reason. */
static void sharing_tells_why_not(void)
{
	struct report r = {};

	reset();
	struct datapath *dp = open_pins();

	CU_ASSERT_EQUAL(datapath_attach(dp, "dp0", ATTACH_NATIVE, true, &r), 0);
	struct datapath_attachment a = view(dp, "dp0");

	CU_ASSERT_EQUAL(a.ifindex, if_nametoindex("dp0"));
	CU_ASSERT(a.shared || strstr(a.detail, "not shared:"));
	/* what the kernel refuses is its affair; that libxdp finds the program is ours */
	CU_ASSERT_PTR_NULL(strstr(a.detail, "cannot use the program"));
	CU_ASSERT_EQUAL(datapath_attach(dp, "dp0", ATTACH_NATIVE, true, &r), 0);
	CU_ASSERT_EQUAL(view(dp, "dp0").shared, a.shared);
	CU_ASSERT_STRING_EQUAL(view(dp, "dp0").detail, a.detail);
	CU_ASSERT_NOT_EQUAL(attached_id("dp0"), 0);
	CU_ASSERT_EQUAL(datapath_detach(dp, "dp0", &r), 0);
	CU_ASSERT_EQUAL(attached_id("dp0"), 0);
	report_clear(&r);
	datapath_close(dp);
}

static void tables_of_many_tenants_are_swapped_at_once(void)
{
	enum {
		N = 2000
	};
	static struct mtlb_vip table[2 * MTLB_TABLE_SMALL];
	static struct mtlb_vip addresses[256]; /* four times the VIPs of small */
	static struct maps_swap swaps[N + 1];
	struct report r = {};

	reset();
	struct datapath *dp = open_pins();
	struct maps *m = datapath_maps(dp);

	for (uint32_t i = 0; i < N; i++)
		swaps[i + 1] = (struct maps_swap){.tenant = i + 1, .entries = table, .n = i % 8 ? MTLB_TABLE_SMALL : 2 * MTLB_TABLE_SMALL};
	swaps[0] = (struct maps_swap){.tenant = 0, .entries = addresses, .n = 256};
	double start = now_ms();

	CU_ASSERT_EQUAL(m->ops->swap_tables(m, swaps, N + 1, &r), 0);
	double first = now_ms() - start;

	table[7].id = 5;
	start = now_ms();
	CU_ASSERT_EQUAL(m->ops->swap_tables(m, swaps, N + 1, &r), 0);
	double again = now_ms() - start;

	CU_ASSERT_EQUAL(m->tables[N].entries[7].id, 5);
	start = now_ms();
	CU_ASSERT_EQUAL(m->tables[0].n, 256);
	CU_ASSERT_EQUAL(m->ops->swap_tables(m, swaps + 1, 1, &r), 0);
	printf("     %d tables: first %.1f ms, again %.1f ms; one table %.1f ms\n", N, first, again,
	       now_ms() - start);
	swaps[3] = (struct maps_swap){.tenant = 3};
	CU_ASSERT_EQUAL(m->ops->swap_tables(m, swaps + 2, 3, &r), 0);
	CU_ASSERT_PTR_NULL(m->tables[3].entries);
	CU_ASSERT_PTR_NOT_NULL(m->tables[4].entries);
	datapath_close(dp);
	dp = open_pins();
	CU_ASSERT_PTR_NULL(datapath_maps(dp)->tables[3].entries);
	CU_ASSERT_EQUAL(datapath_maps(dp)->tables[4].n, MTLB_TABLE_SMALL);
	datapath_close(dp);
}

static void a_refused_swap_changes_nothing(void)
{
	struct mtlb_vip old[MTLB_TABLE_SMALL] = {{.id = 1}}, fresh[MTLB_TABLE_SMALL] = {{.id = 2}};
	struct maps_swap swaps[] = {{1, old, MTLB_TABLE_SMALL},
				    {2, fresh, MTLB_TABLE_SMALL},
				    {4000, fresh, MTLB_TABLE_SMALL}};
	struct report r = {};

	reset();
	struct datapath *dp = open_pins();
	struct maps *m = datapath_maps(dp);

	CU_ASSERT_EQUAL(m->ops->swap_tables(m, swaps, 1, &r), 0);
	swaps[0].entries = fresh;
	CU_ASSERT_EQUAL(m->ops->swap_tables(m, swaps, 3, &r), -EINVAL);
	CU_ASSERT(has_line(&r, "nothing was changed"));
	CU_ASSERT_EQUAL(m->tables[1].entries[0].id, 1);
	CU_ASSERT_PTR_NULL(m->tables[2].entries);
	report_clear(&r);
	datapath_close(dp);
}

/* A tenant that outgrows the small tables, and shrinks again: adopted as it is each time. */
static void a_table_changes_its_size(void)
{
	static struct mtlb_vip entries[4 * MTLB_TABLE_SMALL];
	const uint32_t sizes[] = {1, 4, 2, 1, 2};
	struct report r = {};

	reset();
	for (int i = 0; i < 5; i++) {
		struct maps_swap swap = {5, entries, sizes[i] * MTLB_TABLE_SMALL};
		struct datapath *dp = open_pins();
		struct maps *m = datapath_maps(dp);

		entries[1].id = i;
		CU_ASSERT_EQUAL(m->ops->swap_tables(m, &swap, 1, &r), 0);
		datapath_close(dp);
		dp = open_pins();
		CU_ASSERT_EQUAL(datapath_maps(dp)->tables[5].n, swap.n);
		CU_ASSERT_EQUAL(datapath_maps(dp)->tables[5].entries[1].id, i);
		datapath_close(dp);
	}
}

static void grace_waits(void)
{
	reset();
	struct datapath *dp = open_pins();
	struct maps *m = datapath_maps(dp);
	double start = now_ms();

	for (int i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(m->ops->grace(m), 0);
	double each = (now_ms() - start) / 10;

	printf("     a grace period takes %.2f ms\n", each);
	CU_ASSERT(each > 0.05); /* a call that waits for nothing takes 1 us */
	datapath_close(dp);
}

static void packets_are_counted_and_counters_zeroed(void)
{
	unsigned char arp[64] = {[12] = 0x08, [13] = 0x06}, out[256];
	struct mtlb_tenant_stats s = {};
	struct mtlb_vip_stats v;
	struct mtlb_backend_stats b;
	uint32_t verdict, len;

	reset();
	struct datapath *dp = open_pins();
	struct maps *m = datapath_maps(dp);

	for (int i = 0; i < 3; i++) {
		len = sizeof(out);
		CU_ASSERT_EQUAL(datapath_run(dp, if_nametoindex("dp0"), arp, sizeof(arp), out, &len,
					     &verdict),
				0);
		CU_ASSERT_EQUAL(verdict, XDP_PASS);
		CU_ASSERT_EQUAL(len, sizeof(arp));
	}
	CU_ASSERT_EQUAL(datapath_tenant_stats(dp, 0, &s), 0);
	CU_ASSERT_EQUAL(s.not_ip, 3);
	CU_ASSERT_EQUAL(s.bytes, 3 * sizeof(arp));
	CU_ASSERT_EQUAL(m->ops->zero_stats(m, MAPS_STATS_TENANT, 0), 0);
	CU_ASSERT_EQUAL(datapath_tenant_stats(dp, 0, &s), 0);
	CU_ASSERT_EQUAL(s.not_ip, 0);
	CU_ASSERT_EQUAL(datapath_vip_stats(dp, 63, &v), 0);
	CU_ASSERT_EQUAL(datapath_backend_stats(dp, 63, &b), 0);
	CU_ASSERT_EQUAL(datapath_backend_stats(dp, 64, &b), -ENOENT);
	CU_ASSERT_EQUAL(m->ops->zero_stats(m, MAPS_STATS_VIP, 64), -E2BIG);
	datapath_close(dp);
}

static void tx_ports_are_made_equal_to_the_list(void)
{
	reset();
	struct datapath *dp = open_pins();
	uint32_t both[] = {if_nametoindex("dp0"), if_nametoindex("dp1"), 99999}, value;
	int fd = bpf_obj_get(PINS "/tx_ports");

	CU_ASSERT_EQUAL(datapath_allow_tx(dp, both, 3), 0);
	CU_ASSERT_EQUAL(bpf_map_lookup_elem(fd, &both[1], &value), 0);
	CU_ASSERT_EQUAL(datapath_allow_tx(dp, both, 1), 0);
	CU_ASSERT_EQUAL(bpf_map_lookup_elem(fd, &both[0], &value), 0);
	CU_ASSERT_NOT_EQUAL(bpf_map_lookup_elem(fd, &both[1], &value), 0);
	close(fd);
	datapath_close(dp);
}

static void wrong_places_and_limits_are_explained(void)
{
	struct maps_limits odd = small;
	struct report r = {};
	struct datapath *dp;

	reset();
	CU_ASSERT_EQUAL(datapath_open("/tmp/dptest", &small, &dp, &r), -ENOENT);
	CU_ASSERT(has_line(&r, "mount -t bpf"));
	CU_ASSERT_EQUAL(datapath_open("/sys/fs/bpf/no/such", &small, &dp, &r), -ENOENT);
	CU_ASSERT(has_line(&r, "parent directory"));
	odd.segments = 63;
	CU_ASSERT_EQUAL(datapath_open(PINS, &odd, &dp, &r), -EINVAL);
	CU_ASSERT(has_line(&r, "powers of two"));
	CU_ASSERT_NOT_EQUAL(access(PINS, F_OK), 0); /* nothing is left */
	report_clear(&r);
}

/* In a child, because it gives its rights away. */
static void without_rights_it_says_what_is_needed(void)
{
	struct report r = {};
	struct datapath *dp;
	int status = 0;

	reset();
	pid_t child = fork();

	if (!child) {
		bool ok = !setresuid(65534, 65534, 65534) &&
			  datapath_open(PINS, &small, &dp, &r) == -EPERM && has_line(&r, "as root");

		_exit(ok ? 0 : 1);
	}
	waitpid(child, &status, 0);
	CU_ASSERT_EQUAL(status, 0);
}

static const struct test tests[] = {
#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
	TEST(first_open_pins_all_maps),
	TEST(second_open_adopts_what_the_first_wrote),
	TEST(adoption_replaces_the_program_of_links),
	TEST(maps_of_another_version_are_refused),
	TEST(incomplete_pins_of_a_first_start_are_replaced),
	TEST(removed_pins_are_refused),
	TEST(a_second_mtlbd_is_refused_with_the_pid_of_the_first),
	TEST(unload_takes_everything_away),
	TEST(mode_can_be_changed_and_a_refused_change_restores),
	TEST(a_foreign_program_is_named),
	TEST(a_returned_interface_is_attached_again),
	TEST(an_interface_name_may_hold_a_dot),
	TEST(sharing_tells_why_not),
	TEST(tables_of_many_tenants_are_swapped_at_once),
	TEST(a_table_changes_its_size),
	TEST(a_refused_swap_changes_nothing),
	TEST(grace_waits),
	TEST(packets_are_counted_and_counters_zeroed),
	TEST(tx_ports_are_made_equal_to_the_list),
	TEST(wrong_places_and_limits_are_explained),
	TEST(without_rights_it_says_what_is_needed),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	struct report r = {};

	if (unshare(CLONE_NEWNET)) {
		perror("a network namespace (root is needed)");
		return EXIT_FAILURE;
	}
	log_set_level(LOG_LEVEL_ERROR);
	int code = test_main(argc, argv, "datapath", tests);

	datapath_unload(PINS, &r);
	report_clear(&r);
	return code;
}
