// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Counters, summed over CPUs. */
#include <errno.h>
#include <string.h>

#include "internal.h"

enum {
	WORDS_MAX = sizeof(struct mtlb_tenant_stats) / sizeof(__u64)
};

int stats_open(struct datapath *dp)
{
	dp->n_cpus = libbpf_num_possible_cpus();
	if (dp->n_cpus < 0)
		return dp->n_cpus;
	dp->per_cpu = calloc((size_t)dp->n_cpus * WORDS_MAX, sizeof(*dp->per_cpu));
	return dp->per_cpu ? 0 : -ENOMEM;
}

static int read_sum(struct datapath *dp, const struct bpf_map *map, uint32_t index, void *out,
		    size_t size)
{
	size_t words = size / sizeof(__u64);
	__u64 sum[WORDS_MAX] = {};

	if (bpf_map_lookup_elem(bpf_map__fd(map), &index, dp->per_cpu))
		return -errno;
	for (int cpu = 0; cpu < dp->n_cpus; cpu++)
		for (size_t w = 0; w < words; w++)
			sum[w] += dp->per_cpu[(size_t)cpu * words + w];
	memcpy(out, sum, size);
	return 0;
}

int datapath_tenant_stats(struct datapath *dp, uint32_t index, struct mtlb_tenant_stats *out)
{
	return read_sum(dp, dp->skel->maps.tenant_stats, index, out, sizeof(*out));
}

int datapath_vip_stats(struct datapath *dp, uint32_t index, struct mtlb_vip_stats *out)
{
	return read_sum(dp, dp->skel->maps.vip_stats, index, out, sizeof(*out));
}

int datapath_backend_stats(struct datapath *dp, uint32_t index, struct mtlb_backend_stats *out)
{
	return read_sum(dp, dp->skel->maps.backend_stats, index, out, sizeof(*out));
}

int stats_zero(struct maps *maps, enum maps_stats which, uint32_t index)
{
	struct datapath *dp = maps->owner;
	const struct bpf_map *map = which == MAPS_STATS_TENANT ? dp->skel->maps.tenant_stats
				    : which == MAPS_STATS_VIP  ? dp->skel->maps.vip_stats
							       : dp->skel->maps.backend_stats;

	memset(dp->per_cpu, 0, (size_t)dp->n_cpus * WORDS_MAX * sizeof(*dp->per_cpu));
	return bpf_map_update_elem(bpf_map__fd(map), &index, dp->per_cpu, BPF_EXIST) ? -errno : 0;
}
