/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The data plane: the real object with small maps, into which an oracle's world is written. */
#pragma once

#include "fuzz/gen.h"
#include "fuzz/oracle.h"
#include "mtlb_abi.h"

enum {
	MAPS_SEGMENTS = 32,
	MAPS_UNITS = 1 << 14,
	MAPS_TABLE_LARGE = 1024,
	MAPS_FIRST_BUFFER = 3520, /* what BPF_PROG_RUN puts into the first buffer ... */
	MAPS_HEADROOM = 216,      /* ... and leaves before it */
	MAPS_CPUS = 256,
};

struct mtlb_bpf;

struct maps {
	struct mtlb_bpf *skel;
	int prog_fd;
	uint32_t in, out;
	struct mtlb_segment *segments;
	struct mtlb_vip *tables[ORACLE_TENANTS];
	struct mtlb_tenant *tenants;
	union mtlb_ring_unit *rings;
	struct mtlb_backend *backends;
	struct mtlb_backend_load *loads;
	struct mtlb_flow_bucket *flows;
	__u64 *turns, *answers;
	uint32_t units_used;
	uint64_t vip_words[ORACLE_VIPS]; /* less the flags */
	struct mtlb_vip *vips[ORACLE_VIPS];
};

/* What one run did, but for counters. */
struct maps_outcome {
	int verdict;
	uint32_t len;
	uint8_t bytes[ORACLE_PACKET_MAX];
};

/* In a network namespace of this process, with two interfaces. Ends the process if that fails. */
void maps_open(struct maps *m);
void maps_close(struct maps *m);
/* Replaces all that was there, flows too. */
void maps_write(struct maps *m, const struct oracle_world *w);
/* One change. */
void maps_follow(struct maps *m, const struct oracle_world *w, const struct gen_event *e);
/* 0 or -errno. */
int maps_run(struct maps *m, const struct gen_packet *p, struct maps_outcome *o);

/* Counters, summed over CPUs. */
struct mtlb_tenant_stats maps_tenant_stats(const struct maps *m, uint32_t tenant);
struct mtlb_vip_stats maps_vip_stats(const struct maps *m, uint32_t vip);
struct mtlb_backend_stats maps_backend_stats(const struct maps *m, uint32_t backend);

/* What the maps say of state that packets change. */
struct oracle_flow maps_flow(const struct maps *m, uint32_t bucket, uint32_t way);
int32_t maps_load(const struct maps *m, uint32_t backend);

/* The bytes of an encapsulation, as mtlbd composes them. */
void template_write(struct mtlb_encap *out, const struct oracle_encap *e, bool inner_is_v6);
