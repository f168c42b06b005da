/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The listening unix socket. */
#pragma once

#include "util/report.h"

/*
 * Listens at path, mode 0660, group `mtlb` if there is one. A socket that nobody answers on any more is replaced.
 * A descriptor, -EADDRINUSE (another mtlbd answers) or -errno, with a line in r.
 */
int api_listen(const char *path, struct report *r);
