/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rings of a power of two, weighted; pure and the same on every host: Maglev (Eisenbud et al.,
 * NSDI 2016), and turns.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ring_member {
	uint64_t seed;               /* from the backend's identity: ring_seed() */
	uint32_t weight;             /* 1 to 65535 */
	bool usable;                 /* false: its slots are handed to the usable ones */
};

/* Of a backend's name and address bytes: the same on every host, whatever the order of the config. */
uint64_t ring_seed(const char *name, const uint8_t address[16]);

/* log2 of the slots for n configured backends: the power of two from 100 slots a backend up, 8 to 20. */
uint32_t ring_log2(uint32_t n);

/*
 * Fills slots[1 << log2] with indices into members (n from 1 to 32767). The ring is built over all members, then slots
 * of members that are not usable are given to the usable ones by the same turn-taking, so that a failure moves
 * exactly the failed share. The result does not depend on the order of members but through their indices.
 * 0, -ENOENT where no member is usable (slots untouched), or -ENOMEM.
 */
int ring_build(const struct ring_member *members, uint32_t n, uint32_t log2, uint16_t *slots);

/*
 * The turns of round-robin (docs/packets.md, section 9): at each slot every usable member gains
 * its weight, the one with most (of equals the first) takes it and pays the sum of all.
 * Otherwise as ring_build().
 */
int ring_build_turns(const struct ring_member *members, uint32_t n, uint32_t log2, uint16_t *slots);
