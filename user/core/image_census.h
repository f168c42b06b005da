/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a census found. Private to image_census.c and image_settle.c. */
#pragma once

#include "core/image_internal.h"

struct census_vip {
	struct ring *ring;           /* of which it was counted; NULL: nothing moves */
	bool learning;               /* at that time */
	uint32_t flows;              /* live ones on moving slots */
	uint8_t *held;               /* by slot: a live flow not on the owner */
};

struct image_census {
	uint32_t n_vips, n_backends;
	struct census_vip *vips;
	uint32_t *flows, *waiting;   /* by backend id */
};
