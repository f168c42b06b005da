/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether both sides did the same. */
#pragma once

#include "fuzz/maps.h"

/* What all counters must be. */
struct compare_counters {
	struct mtlb_tenant_stats tenants[ORACLE_TENANTS];
	struct mtlb_vip_stats vips[ORACLE_VIPS];
	struct mtlb_backend_stats backends[ORACLE_BACKENDS];
};

struct difference {
	bool is_found;
	char what[64];  /* the kind of thing that differs */
	char text[256]; /* and how */
};

/* Reads what the counters are before the first packet. */
void compare_begin(const struct maps *m, struct compare_counters *c);
/* Adds what the packet of len bytes must add. */
void compare_expect(struct compare_counters *c, const struct oracle_result *r, uint32_t len);
/* Verdict, bytes, the tenant's counters and its part of the flow table, loads, turns, answers. */
bool compare_packet(const struct maps *m, const struct oracle_world *w,
		    const struct compare_counters *c, const struct oracle_result *r,
		    const struct maps_outcome *o, struct difference *d);
/* All counters and all state. */
bool compare_all(const struct maps *m, const struct oracle_world *w,
		 const struct compare_counters *c, struct difference *d);
/* What the data plane counted that it should not have, as text: for reports. */
void compare_reason(const struct maps *m, const struct compare_counters *c, char *out, size_t len);
