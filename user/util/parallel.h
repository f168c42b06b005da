/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Many system calls that wait, side by side: for the kernel's grace periods, which they then share. */
#pragma once

#include <stddef.h>

/*
 * Calls work(context, first, end) for consecutive parts of 0..n, up to 128 of them at a time and each in a thread of its
 * own, and returns when all have ended. Where no thread can be had the caller does the part itself. The parts run at the
 * same time: what they share in *context must bear that.
 */
void parallel_run(size_t n, void (*work)(void *context, size_t first, size_t end), void *context);
