// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * How mtlbd follows the network, without its loop: what concerns nothing that is used costs nothing, and what failed is
 * tried again. nt0 10.77.0.1/24 is where the backend 10.77.0.2 is.
 */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>

#include <bpf/bpf.h>

#include "daemon/control.h"
#include "neighbourhood.h"

static bool is_refusing; /* the kernel takes no update of a map: no grace period either */

int bpf_map_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	int (*real)(int, const void *, const void *, __u64) =
		dlsym(RTLD_NEXT, "bpf_map_update_elem");

	if (!is_refusing)
		return real(fd, key, value, flags);
	errno = ENOMEM;
	return -1;
}

static char dir[] = "/tmp/mtlb-control-XXXXXX", config[64], state[64], pins[64];
static struct control_options options = {
	.config = config, .tenants = "/nonexistent", .state = state, .socket = "", .pin_dir = pins};

static struct control *open_control(void)
{
	struct report r = {0};
	struct control *c = NULL;

	hood_reset();
	CU_ASSERT_EQUAL(
		hood_run(
			"ip neigh replace 10.77.0.2 lladdr 02:77:00:00:00:0a nud permanent dev nt0"),
		0);
	int err = control_open(&options, &c, &r);

	for (size_t i = 0; err && i < r.n; i++)
		printf("     %s: %s\n", r.lines[i].where, r.lines[i].text);
	CU_ASSERT_EQUAL_FATAL(err, 0);
	report_clear(&r);
	return c;
}

static void close_control(struct control *c)
{
	struct report r = {0};

	control_close(c);
	CU_ASSERT_EQUAL(datapath_unload(pins, &r), 0);
	report_clear(&r);
}

static int write_config(const char *segment, const char *interfaces, int port)
{
	FILE *f = fopen(config, "w");

	if (!f)
		return -errno;
	fprintf(f,
		"node: {name: n1, flows: 64Ki, limits: {tenants: 8, vips: 16, backends: 64, ring_slots: 16Ki, segments: 16},\n"
		"  interfaces: [%s]}\n"
		"segments: [{name: s, interface: %s}]\n"
		"tenants:\n"
		"  - name: acme\n"
		"    vips:\n"
		"      - {name: web, address: 203.0.113.10, port: %d, backends: [{name: b1, address: 10.77.0.2}]}\n",
		interfaces, segment, port);
	return fclose(f) ? -errno : 0;
}

static int make_files(void)
{
	if (!mkdtemp(dir))
		return -errno;
	snprintf(config, sizeof(config), "%s/mtlb.yaml", dir);
	snprintf(state, sizeof(state), "%s/state", dir);
	snprintf(pins, sizeof(pins), "/sys/fs/bpf/mtlb-control-%d", (int)getpid());
	return write_config("nt0", "{name: nt0}", 443);
}

static void remove_files(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	hood_run(command);
}

/* The MAC to which the data plane sends the backend's packets: its last byte. */
static int sends_to(struct control *c)
{
	const struct mtlb_backend *b = &datapath_maps(c->datapath)->backends[0];
	bool second = b->word >> 8 & 1;
	const struct mtlb_encap *e = second ? &b->encap1 : &b->encap0;

	return e->kind ? e->l2[5] : -1;
}

/* Reads events until something relevant has changed, at most 2 s. */
static void await_change(struct control *c)
{
	int changed = 0;

	for (int i = 0; i < 20 && changed <= 0; i++) {
		struct pollfd p = {.fd = net_fd(c->net), .events = POLLIN};

		poll(&p, 1, 100);
		changed = net_process(c->net);
	}
	CU_ASSERT_EQUAL(changed, 1);
}

static bool may_send_to(struct control *c, const char *name)
{
	char path[96];
	uint32_t key = if_nametoindex(name), value;

	(void)c;
	snprintf(path, sizeof(path), "%s/tx_ports", pins);
	int fd = bpf_obj_get(path);
	bool found = fd >= 0 && key && !bpf_map_lookup_elem(fd, &key, &value);

	close(fd);
	return found;
}

static void an_interface_of_no_use_is_no_change(void)
{
	struct control *c = open_control();
	const struct image *before = c->image;

	hood_settle(c->net);
	control_refresh(c);
	CU_ASSERT_PTR_EQUAL(c->image, before);
	CU_ASSERT_EQUAL(hood_run("ip link add nt4 type veth peer name nt5"), 0);
	await_change(c);
	control_refresh(c);
	CU_ASSERT_PTR_EQUAL(c->image, before);
	CU_ASSERT(may_send_to(c, "nt4"));
	CU_ASSERT_EQUAL(sends_to(c), 0x0a);
	/* what a segment or a backend needs is a change */
	CU_ASSERT_EQUAL(hood_run("ip link set nt0 mtu 1400"), 0);
	await_change(c);
	control_refresh(c);
	CU_ASSERT_PTR_NOT_EQUAL(c->image, before);
	before = c->image;
	CU_ASSERT_EQUAL(hood_run("ip link del nt4; ip link del nt0"), 0);
	await_change(c);
	control_refresh(c);
	CU_ASSERT_PTR_NOT_EQUAL(c->image, before);
	CU_ASSERT_EQUAL(sends_to(c), -1);
	close_control(c);
}

/* The network changes, somebody changes the configuration, the network changes back: all before it is refreshed. */
static void a_change_in_between_is_not_taken_for_the_one_before(void)
{
	struct control *c = open_control();
	struct report r = {0};
	bool changed;
	size_t steps;

	for (int mac = 0x0b; mac >= 0x0a; mac--) {
		char command[128];

		snprintf(
			command, sizeof(command),
			"ip neigh replace 10.77.0.2 lladdr 02:77:00:00:00:%02x nud permanent dev nt0",
			mac);
		CU_ASSERT_EQUAL(hood_run(command), 0);
		await_change(c);
		if (mac == 0x0b)
			CU_ASSERT_EQUAL(control_reload(c, "test", &changed, &steps, &r), 0);
	}
	CU_ASSERT_EQUAL(sends_to(c), 0x0b);
	control_refresh(c);
	CU_ASSERT_EQUAL(sends_to(c), 0x0a);
	report_clear(&r);
	close_control(c);
}

static void a_change_that_failed_is_tried_again(void)
{
	struct control *c = open_control();

	hood_settle(c->net);
	CU_ASSERT_EQUAL(
		hood_run(
			"ip neigh replace 10.77.0.2 lladdr 02:77:00:00:00:0b nud permanent dev nt0"),
		0);
	await_change(c);
	is_refusing = true;
	control_refresh(c);
	CU_ASSERT_EQUAL(sends_to(c), 0x0a);
	control_tick(c);
	CU_ASSERT_EQUAL(sends_to(c), 0x0a);
	is_refusing = false;
	/* the second failure doubles the wait */
	control_tick(c);
	CU_ASSERT_EQUAL(sends_to(c), 0x0a);
	control_tick(c);
	CU_ASSERT_EQUAL(sends_to(c), 0x0b);
	close_control(c);
}

/* The index of the interface by whose name a link is pinned; 0: there is none. *program: what it runs. */
static uint32_t attached_to(struct control *c, const char *name, uint32_t *program)
{
	struct datapath_attachment *list = NULL;
	uint32_t ifindex = 0;
	size_t n = 0;

	CU_ASSERT_EQUAL(datapath_list(c->datapath, &list, &n), 0);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].interface, name)) {
			ifindex = list[i].ifindex;
			*program = list[i].program_id;
		}
	free(list);
	return ifindex;
}

static uint32_t link_of(const char *name)
{
	struct bpf_link_info info = {};
	__u32 size = sizeof(info);
	char path[96];

	snprintf(path, sizeof(path), "%s/links/%s", pins, name);
	int fd = bpf_obj_get(path);

	CU_ASSERT_EQUAL(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	close(fd);
	return info.id;
}

/* A link holds the interface, not its name: whoever asks for the new name finds it attached, without a gap. */
static void renamed_interfaces_keep_their_links(void)
{
	struct control *c = open_control();
	struct report r = {0};
	uint32_t program = 0, nt0 = if_nametoindex("nt0"), nt2 = if_nametoindex("nt2");
	uint32_t link = link_of("nt0");

	CU_ASSERT_EQUAL(hood_run("ip link set nt0 down; ip link set nt0 name nt9"), 0);
	CU_ASSERT_EQUAL(datapath_attach(c->datapath, "nt9", ATTACH_NATIVE, false, &r), 0);
	CU_ASSERT_EQUAL(attached_to(c, "nt9", &program), nt0);
	CU_ASSERT(program);
	CU_ASSERT_EQUAL(attached_to(c, "nt0", &program), 0);
	CU_ASSERT_EQUAL(link_of("nt9"), link);
	/* two that exchange their names */
	CU_ASSERT_EQUAL(datapath_attach(c->datapath, "nt2", ATTACH_NATIVE, false, &r), 0);
	uint32_t other = link_of("nt2");

	CU_ASSERT_EQUAL(
		hood_run("ip link set nt2 down; ip link set nt2 name x; ip link set nt9 name nt2;"
			 "ip link set x name nt9"),
		0);
	CU_ASSERT_EQUAL(datapath_attach(c->datapath, "nt9", ATTACH_NATIVE, false, &r), 0);
	CU_ASSERT_EQUAL(datapath_attach(c->datapath, "nt2", ATTACH_NATIVE, false, &r), 0);
	CU_ASSERT_EQUAL(attached_to(c, "nt9", &program), nt2);
	CU_ASSERT_EQUAL(attached_to(c, "nt2", &program), nt0);
	CU_ASSERT_EQUAL(link_of("nt9"), other);
	CU_ASSERT_EQUAL(link_of("nt2"), link);
	report_clear(&r);
	hood_run("ip link del nt9");
	close_control(c);
}

/* The interface of the model in force has another name now, and the change that tells the new one is refused. */
static void check_refused_rename(const char *interfaces, bool refusing, const char *why)
{
	struct control *c = open_control();
	struct report r = {0};
	uint32_t program = 0, nt0 = if_nametoindex("nt0"), link = link_of("nt0");
	bool changed;
	size_t steps;

	CU_ASSERT_EQUAL(hood_run("ip link set nt0 down; ip link set nt0 name nt9"), 0);
	CU_ASSERT_EQUAL(write_config("nt9", interfaces, 444), 0);
	is_refusing = refusing;
	CU_ASSERT_NOT_EQUAL(control_reload(c, "test", &changed, &steps, &r), 0);
	is_refusing = false;
	CU_ASSERT(r.n && strstr(r.lines[0].text, why));
	CU_ASSERT_EQUAL(attached_to(c, "nt9", &program), nt0);
	CU_ASSERT_EQUAL(link_of("nt9"), link);
	CU_ASSERT_EQUAL(attached_to(c, "nt2", &program), 0);
	/* it has its old name again: the model in force finds it attached */
	CU_ASSERT_EQUAL(hood_run("ip link set nt9 name nt0; ip link set nt0 up"), 0);
	hood_settle(c->net);
	control_refresh(c);
	CU_ASSERT_EQUAL(attached_to(c, "nt0", &program), nt0);
	CU_ASSERT_EQUAL(link_of("nt0"), link);
	report_clear(&r);
	CU_ASSERT_EQUAL(write_config("nt0", "{name: nt0}", 443), 0);
	close_control(c);
}

static void a_refused_change_keeps_a_renamed_interface(void)
{
	/* the kernel takes no maps */
	check_refused_rename("{name: nt9}, {name: nt2}", true, "cannot be published");
	/* a later interface cannot be attached */
	check_refused_rename("{name: nt9}, {name: lo}", false, "loopback");
}

/* Where the image is known to be wrong, a diff against it would write what is wrong. */
static void nothing_is_written_from_a_lost_image(void)
{
	struct control *c = open_control();
	struct report r = {0};
	const struct image *before = c->image;
	uint64_t generation = datapath_maps(c->datapath)->node->generation;
	bool changed;
	size_t steps;

	hood_settle(c->net);
	c->is_lost = c->is_behind = true;
	CU_ASSERT_EQUAL(write_config("nt0", "{name: nt0}", 444), 0);
	CU_ASSERT_EQUAL(control_reload(c, "test", &changed, &steps, &r), -ENOTRECOVERABLE);
	CU_ASSERT(r.n && strstr(r.lines[0].text, "restart mtlbd"));
	control_refresh(c);
	control_tick(c);
	CU_ASSERT_PTR_EQUAL(c->image, before);
	CU_ASSERT_EQUAL(datapath_maps(c->datapath)->node->generation, generation);
	CU_ASSERT_EQUAL(write_config("nt0", "{name: nt0}", 443), 0);
	report_clear(&r);
	close_control(c);
}

static const struct test tests[] = {
#define TEST(name)                                                                                 \
	{                                                                                          \
#name, name                                                                        \
	}
	TEST(an_interface_of_no_use_is_no_change),
	TEST(a_change_in_between_is_not_taken_for_the_one_before),
	TEST(a_change_that_failed_is_tried_again),
	TEST(renamed_interfaces_keep_their_links),
	TEST(a_refused_change_keeps_a_renamed_interface),
	TEST(nothing_is_written_from_a_lost_image),
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	if (make_files()) {
		perror(dir);
		return EXIT_FAILURE;
	}
	int code = hood_main(argc, argv, "control", tests);

	remove_files();
	return code;
}
