/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Changes taken apart: packets, failures and death anywhere in them. */
#pragma once

#include "core/steps.h"
#include "fake_maps.h"

/* n of the steps, one by one, and after each what runs in between. */
static inline void run_singly(struct fake *f, const struct steps *s, size_t n,
			      void (*between)(void *ctx), void *ctx)
{
	struct report r = {0};

	for (size_t i = 0; i < n; i++) {
		struct steps one = *s;

		one.list = s->list + i;
		one.n = 1;
		CU_ASSERT_EQUAL(steps_apply(&one, &f->maps, &r), 0);
		between(ctx);
	}
	report_clear(&r);
}

/* Operations that may fail before traffic sees the change. */
static inline uint32_t count_ops_unseen(const struct steps *s)
{
	uint32_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		switch (s->list[i].kind) {
		case STEP_ZERO_STATS:
		case STEP_GRACE:
		case STEP_BRIDGE:
			n++;
			break;
		case STEP_SWAP_TABLES:
			return n + 1;
		case STEP_VIP_WORD:
			return n;
		default:
			break;
		}
	return n;
}
