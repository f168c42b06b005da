/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One mtlbd for each state directory; pin directories are locked by the datapath. */
#pragma once

#include <stdbool.h>

#include "util/report.h"

/*
 * An mtlbd that was killed goes on holding what it held until the kernel has taken it apart: its successor pauses
 * and tries again. false: it has tried for long enough. attempt: from 0.
 */
bool lock_wait(int attempt);
/* Locks a directory until the descriptor is closed. -ENOENT without a line; -EBUSY (another mtlbd has it) or -errno with one. */
int lock_directory(const char *path, struct report *r);
