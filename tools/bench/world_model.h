/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The configuration that the bench runs with, and how large its maps have to be. */
#pragma once

#include <stdbool.h>

#include "core/maps.h"
#include "core/model.h"

extern const struct maps_limits world_limits;

/*
 * is_moved: after the drains that put slots of the two moving VIPs in motion. NULL: out of memory.
 */
struct model *world_model(const char *interface, bool is_moved);
