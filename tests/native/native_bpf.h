/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The data plane, built for this machine. */
#pragma once

#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "native_map.h"

/* Makes the maps; once. */
void native_bpf_declare(void);

/* What mtlbd would set before load. */
uint32_t native_bpf_segment_mask(void);
uint32_t native_bpf_table_hash(const uint8_t *address, __be16 port, uint8_t protocol);

bool native_bpf_is_tx_ports(const void *map);

/* The packet between ctx->data and ctx->data_end, which are below 4 GiB; returns what the program returns. */
int native_bpf_run(struct xdp_md *ctx, bool is_trace);

/* Do the global functions take NULL for what they are to find. */
bool native_bpf_takes_null(void);
