/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The data plane under measurement, its maps filled the way mtlbd fills them: model -> image ->
 * steps.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What the configuration of the bench has, 64 backends behind each VIP. Protocol TCP, port 443. */
#define WORLD_VIP4 "203.0.113.10"    /* untagged, also UDP; and another tenant's on VLAN 100 */
#define WORLD_VIP6 "2001:db8:1::10"
#define WORLD_VXLAN "203.0.113.11"
#define WORLD_MOVING_SOME "203.0.113.20" /* 3 of 64 backends (5 %) draining */
#define WORLD_MOVING_ALL "203.0.113.21" /* all backends draining, 64 new ones */
#define WORLD_MANY_VIPS "10.64.0.0"  /* and the next 127, all of one tenant */
#define WORLD_MANY_TENANTS "10.65.0.0" /* and the next 999, each of its own tenant */
#define WORLD_NOT_VIP "198.51.100.1"

enum { WORLD_VLAN = 100 };

struct world;

/*
 * Loads the data plane and fills its maps. interface: packets come in there, and go out again.
 * Mistakes are told on standard error; -errno. world_close() takes all away.
 */
int world_open(const char *interface, struct world **out);
void world_close(struct world *w);
int world_program_fd(const struct world *w);

/*
 * Another build of the data plane, which then works on the same maps. Its program's fd, or -errno,
 * told as above.
 */
int world_load_other(struct world *w, const char *object_file);

/* Packets so far with reason forwarded, or not_vip, of all tenants and CPUs. -errno. */
int world_count(const struct world *w, bool forwarded, uint64_t *packets);
