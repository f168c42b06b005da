/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel side: the only code that touches libbpf, libxdp and bpffs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/maps.h"
#include "core/model.h"

struct datapath;

/*
 * Loads the program and creates and pins the maps under pin_dir, or adopts those that are pinned there (then
 * limits are what they were created with; a difference is logged). Replaces the program of adopted links by the
 * embedded one. Errors: -EPERM (not root / missing capabilities), -ENOENT (no bpffs), -EPROTO (pins of another version),
 * -ENOMEM, or the kernel's, each with a line in r that says what to do.
 */
int datapath_open(const char *pin_dir, const struct maps_limits *limits, struct datapath **out,
		  struct report *r);
/* Pins and attachments stay. */
void datapath_close(struct datapath *dp);
/* Takes everything away: attachments, maps, pins. */
int datapath_unload(const char *pin_dir, struct report *r);
bool datapath_was_adopted(const struct datapath *dp);
struct maps *datapath_maps(struct datapath *dp);

/* ---- attachment ---- */
struct datapath_attachment {
	char interface[16];
	uint32_t ifindex;            /* 0: the interface is gone */
	enum attach_mode mode;
	bool shared;                 /* through libxdp's dispatcher */
	uint32_t program_id;
	char detail[128];            /* why not shared, and the like; may be "" */
};

/* Attaching twice with the same mode is no error. -EBUSY: a foreign program (its id and name are in the line). -EOPNOTSUPP: no native mode. -ENODEV. */
int datapath_attach(struct datapath *dp, const char *interface, enum attach_mode mode, bool share,
		    struct report *r);
int datapath_detach(struct datapath *dp, const char *interface, struct report *r);
/* *out is malloced. */
int datapath_list(struct datapath *dp, struct datapath_attachment **out, size_t *n);
/* Interface indices into which the data plane may redirect: all interfaces of the node. */
int datapath_allow_tx(struct datapath *dp, const uint32_t *ifindex, size_t n);

/* ---- counters, summed over CPUs; index: slot or id ---- */
int datapath_tenant_stats(struct datapath *dp, uint32_t index, struct mtlb_tenant_stats *out);
int datapath_vip_stats(struct datapath *dp, uint32_t index, struct mtlb_vip_stats *out);
int datapath_backend_stats(struct datapath *dp, uint32_t index, struct mtlb_backend_stats *out);

/* BPF_PROG_RUN of the loaded program: for tests and benchmarks. verdict: XDP_*. out_len in: room; out: bytes. */
int datapath_run(struct datapath *dp, uint32_t ifindex, const void *packet, uint32_t len,
		 void *out, uint32_t *out_len, uint32_t *verdict);
int datapath_program_fd(struct datapath *dp);

enum {
	DATAPATH_TRACE_MIN = 14,     /* of a packet: what the kernel takes for a test run */
	DATAPATH_TRACE_MAX = 65535 + 22,
	DATAPATH_TRACE_ROOM = MTLB_L2_MAX + MTLB_OUTER_MAX, /* what an encapsulation may add */
};

/*
 * What the data plane would do with a packet that came in by the interface, by the live maps:
 * changes no flow, no limit and no counter. datapath_maps()->trace says why. verdict, out, out_len:
 * as datapath_run(); out has room for the packet and DATAPATH_TRACE_ROOM bytes. -ERANGE: the packet
 * is too short or too long; -ENODEV: there is no such interface; -EINVAL: one without a receive
 * queue that knows XDP.
 */
int datapath_trace(struct datapath *dp, uint32_t ifindex, const void *packet, uint32_t len,
		   void *out, uint32_t *out_len, uint32_t *verdict);
