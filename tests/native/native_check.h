/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What holds for each packet, whatever it is and whatever the maps say. */
#pragma once

#include "native_packet.h"

/*
 * Call before the packet, and after it; the latter aborts where something does not hold.
 * has_sound_templates: false where outer headers were bent, which then may contradict their lengths.
 */
void native_check_begin(void);
void native_check_end(const struct native_packet *p, const struct native_result *r,
		      bool has_sound_templates);

/* Reason and verdict of mtlb_trace must be those of the packet itself, which comes next. */
void native_check_trace(const struct native_packet *p, uint64_t now_ns);
