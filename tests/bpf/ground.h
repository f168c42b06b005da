/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What all tests that load the data plane stand on: a namespace, the memory of maps, tables. */
#pragma once

#include <stdint.h>

#include "mtlb_abi.h"

struct bpf_map;
struct mtlb_bpf;

/* Ends the process. */
_Noreturn void ground_die(const char *what, int err);

/*
 * Moves this process into a network namespace of its own, which goes with it, with the interfaces
 * in0 and out0 (veth) that send nothing by themselves. A second call does nothing.
 */
void ground_enter(void);

/* Attaches the program. BPF_PROG_RUN wants an interface that has a receive queue for XDP. */
void ground_attach(uint32_t ifindex, int prog_fd);
/* Lets packets be redirected into the interface. */
void ground_allow_tx(const struct mtlb_bpf *s, uint32_t ifindex);

/* The whole of a map with BPF_F_MMAPABLE. */
void *ground_map(const struct bpf_map *map);
void ground_unmap(const struct bpf_map *map, void *memory);

/* An empty table of n entries in an outer map: like: what the skeleton says of such. */
struct mtlb_vip *ground_add_table(const struct mtlb_bpf *s, const struct bpf_map *outer,
				  const struct bpf_map *like, uint32_t at, uint32_t n);
