/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For the files that hold tables of fields: where a member lies. Private to core. */
#pragma once

#include <stddef.h>

#include "core/schema.h"

#define AT(type, member)                                                                           \
	.offset = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member)
#define SET(type, member) .is_set = offsetof(struct type, member)
