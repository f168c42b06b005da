/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who gets the slots of members that are not usable. Private to the ring. */
#pragma once

#include "core/ring.h"

#define RING_NOBODY 0xffff

struct ring_share {
	uint32_t member;
	uint64_t quota, remainder;
	uint64_t tie;                /* decides between equal remainders */
};

/*
 * Hands out `left` units: each its quota (less where they do not suffice), the rest by largest
 * remainder. The order of shares changes.
 */
void ring_share_out(struct ring_share *shares, uint32_t n, uint64_t left);

uint64_t ring_mix(uint64_t x);

/*
 * Each slot has a fixed list of members to try, a function of the members and not of who is usable;
 * its owner is the first usable one. So any failure moves exactly the slots that the failed one has
 * at that time, in whatever order members fail and return. slots: the ring over all members,
 * changed in place. 0 or -ENOMEM.
 */
int ring_hand_over(const struct ring_member *members, uint32_t n, uint32_t log2, uint16_t *slots);
