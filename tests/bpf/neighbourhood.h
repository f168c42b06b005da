/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Next hops on the real kernel:
 *   this namespace                    mtlb-nettest
 *   nt0 10.77.0.1/24, fd77::1/64 ---- nt1 in bridge nbr: 10.77.0.2 and .3, fd77::2
 *   nt2 (no addresses)           ---- nt3
 */
#pragma once

#include <stdbool.h>

#include "net/internal.h"
#include "test.h"

#define HOOD_PEER_MAC "02:77:00:00:00:02"

/* The exit code of a shell command. */
int hood_run(const char *command);
/* Makes the network of the drawing anew. */
void hood_reset(void);
struct net *hood_open(void);
struct addr hood_address(const char *text);
bool hood_has_mac(const struct next_hop *hop, const char *mac);
/* Until the destination is reached by this MAC ("": is not reached), at most 8 s. The answer alone moves it, as in mtlbd. */
bool hood_wait(struct net *n, const char *to, const char *mac, struct next_hop *hop, bool probe);
/* Does net_explain() say this? */
bool hood_explains(struct net *n, const char *to, const char *part);
/* Reads events until none comes for 300 ms. */
void hood_settle(struct net *n);
/* test_main() in namespaces of its own. */
int hood_main(int argc, char **argv, const char *suite, const struct test *tests);
