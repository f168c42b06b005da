/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/ground.h"
#include "mtlb.skel.h"

void ground_die(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(EXIT_FAILURE);
}

void ground_enter(void)
{
	static bool is_entered;

	if (is_entered)
		return;
	if (unshare(CLONE_NEWNET))
		ground_die("unshare", errno);
	/* without IPv6 the interfaces send nothing of their own, which would be counted */
	if (system("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 && "
		   "ip link add in0 arp off type veth peer name in1 && ip link set in0 up && "
		   "ip link set in1 up && ip link add out0 type veth peer name out1 && "
		   "ip link set out0 up && ip link set out1 up"))
		ground_die("ip link", EINVAL);
	is_entered = true;
}

void ground_attach(uint32_t ifindex, int prog_fd)
{
	int err = bpf_xdp_attach((int)ifindex, prog_fd, XDP_FLAGS_DRV_MODE, NULL);

	if (err)
		ground_die("attach", err);
}

void ground_allow_tx(const struct mtlb_bpf *s, uint32_t ifindex)
{
	int err = bpf_map_update_elem(bpf_map__fd(s->maps.tx_ports), &ifindex, &ifindex, 0);

	if (err)
		ground_die("tx_ports", err);
}

static size_t map_size(const struct bpf_map *map)
{
	return (size_t)(bpf_map__value_size(map) + 7) / 8 * 8 * bpf_map__max_entries(map);
}

void *ground_map(const struct bpf_map *map)
{
	void *memory =
		mmap(NULL, map_size(map), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	if (memory == MAP_FAILED)
		ground_die(bpf_map__name(map), errno);
	return memory;
}

void ground_unmap(const struct bpf_map *map, void *memory)
{
	munmap(memory, map_size(map));
}

struct mtlb_vip *ground_add_table(const struct mtlb_bpf *s, const struct bpf_map *outer,
				  const struct bpf_map *like, uint32_t at, uint32_t n)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = bpf_map__map_flags(like),
		    .btf_fd = bpf_object__btf_fd(s->obj),
		    .btf_key_type_id = bpf_map__btf_key_type_id(like),
		    .btf_value_type_id = bpf_map__btf_value_type_id(like));
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "vip_table", 4, sizeof(struct mtlb_vip), n,
				&opts);

	if (fd < 0)
		ground_die("vip_table", fd);
	int err = bpf_map_update_elem(bpf_map__fd(outer), &at, &fd, 0);

	if (err)
		ground_die(bpf_map__name(outer), err);
	struct mtlb_vip *table =
		mmap(NULL, n * sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (table == MAP_FAILED)
		ground_die("mmap", errno);
	close(fd);
	return table;
}
