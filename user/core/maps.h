/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The BPF maps as memory: what datapath/ mmaps and what tests allocate. Everything but a
 * table swap, a counter reset and a grace period is a plain store.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "mtlb_abi.h"
#include "util/report.h"

struct maps_limits {                 /* elements */
	uint32_t tenants, vips, backends;
	uint32_t segments;           /* power of two */
	uint32_t ring_units;         /* of 8 bytes: 4 slots */
	uint32_t flow_buckets;       /* of 4 entries; power of two */
};

struct maps_table {
	struct mtlb_vip *entries;    /* NULL: this slot has no table */
	uint32_t n;                  /* a power of two; of a tenant MTLB_TABLE_SMALL or more */
	uint32_t id;                 /* the kernel's, of the map that it is; for datapath/ */
};

/* Entries of the address table (slot MTLB_TENANT_NONE): always the same: four times what can be in it, or more. */
static inline uint32_t maps_address_entries(const struct maps_limits *l)
{
	uint32_t n = 2;

	while (n < 4 * l->vips)
		n *= 2;
	return n;
}

struct maps_swap {
	uint32_t tenant;             /* slot; MTLB_TENANT_NONE: the table of addresses */
	const struct mtlb_vip *entries; /* NULL with n 0: take the table away */
	uint32_t n;
};

enum maps_stats {
	MAPS_STATS_TENANT,
	MAPS_STATS_VIP,
	MAPS_STATS_BACKEND,
};

struct maps;

struct maps_ops {
	/* Publishes all n tables or none, atomic per tenant, and updates maps->tables. Old tables are released after a grace period. */
	int (*swap_tables)(struct maps *maps, const struct maps_swap *swaps, size_t n,
			   struct report *r);
	int (*zero_stats)(struct maps *maps, enum maps_stats which, uint32_t index);
	/* Returns when no run of the data plane that began before the call is still going. */
	int (*grace)(struct maps *maps);
};

struct maps {
	struct maps_limits limits;
	struct mtlb_node *node;
	struct mtlb_segment *segments;
	struct mtlb_tenant *tenants;
	struct maps_table *tables;   /* [limits.tenants] */
	union mtlb_ring_unit *rings;
	struct mtlb_backend *backends;
	struct mtlb_backend_load *backend_loads;
	__u64 *turns;                /* by VIP id */
	__u64 *answers;              /* by tenant slot */
	struct mtlb_flow_bucket *flows;
	struct mtlb_tenant_info *tenant_info;
	struct mtlb_vip_info *vip_info;
	struct mtlb_backend_info *backend_info;
	struct mtlb_trace *trace;    /* one */
	const struct maps_ops *ops;
	void *owner;                 /* whose ops these are */
};
