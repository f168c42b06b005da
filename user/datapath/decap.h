/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The decapsulation program on a backend's interfaces. Pinned, so that it needs no process; mtlbd has no part in it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"
#include "core/model.h"
#include "mtlb_decap.h"
#include "util/report.h"

#define DECAP_PIN_DIR "/sys/fs/bpf/mtlb-decap"

enum {
	DECAP_ADDRESSES = 64
}; /* at most, for an interface */

struct decap_view {
	char interface[16];
	uint32_t ifindex; /* 0: the interface is gone, or in another network namespace */
	uint32_t program_id;
	enum attach_mode mode;
	struct mtlb_decap_stats stats; /* of all CPUs */
	size_t n_addresses;            /* 0: all addresses */
	struct addr addresses[DECAP_ADDRESSES];
};

/*
 * Loads the program and pins link and maps under pin_dir/INTERFACE/. Only packets for one of the
 * addresses are decapsulated; none: all that come. The mode is never replaced by the other one.
 * -EEXIST: is on it already; -EBUSY: another program is; -ENODEV, -EOPNOTSUPP, -EPERM, -ENOENT
 * (no bpffs), -E2BIG (addresses), -errno; each with a line in r.
 */
int decap_attach(const char *pin_dir, const char *interface, enum attach_mode mode,
		 const struct addr *addresses, size_t n, struct report *r);
/* -ENOENT: was not attached; with a line in r. The interface may be gone. */
int decap_detach(const char *pin_dir, const char *interface, struct report *r);
/* All of them by name, *out malloced; none where there is no pin_dir. -errno with a line in r. */
int decap_list(const char *pin_dir, struct decap_view **out, size_t *n, struct report *r);
