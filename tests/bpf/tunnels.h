/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The encapsulations that tests go through. */
#pragma once

#include "bpf/fixture.h"

struct tunnel_row {
	const char *name;
	struct packet_tunnel tunnel;
};

/*
 * ipip4, ipip6, vxlan4, vxlan6, then tagged ones: ipip4 on a VLAN, vxlan6 in QinQ. Ends with a
 * NULL name.
 */
extern const struct tunnel_row tunnel_rows[];

/* out: what must leave for in (built from s) of this tenant behind t, entropy filled in. */
void tunnel_expect(const struct world *w, uint32_t tenant, const struct packet_spec *s,
		   const struct packet *in, const struct packet_tunnel *t, struct packet *out);

/* The same where the hash is not that of in's own flow: fragments, ICMP errors. */
void tunnel_expect_hash(uint64_t hash, const struct packet *in, const struct packet_tunnel *t,
			struct packet *out);
