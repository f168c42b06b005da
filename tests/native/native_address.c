/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "native_world.h"

#define MAPPED 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
#define DOC6   0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0

const uint8_t world_address[2][16] = {{MAPPED, 203, 0, 113, 10}, {DOC6, 0x10}};
const uint8_t world_other[2][16] = {{MAPPED, 203, 0, 113, 77}, {DOC6, 0x77}};
const uint8_t world_client[2][16] = {{MAPPED, 198, 51, 100, 7}, {DOC6, 0x99}};
const uint8_t world_quiet[2][16] = {{MAPPED, 203, 0, 113, 11}, {DOC6, 0x11}};
const uint8_t world_crowded[16] = {MAPPED, 203, 0, 113, 12};
