/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A second build of the data plane beside the first, on the same maps: what a change of the packet
 * path is judged by.
 */
#pragma once

struct other;

/*
 * Loads object_file (a build of bpf/mtlb.bpf.c) with its maps taken from pin_dir and its constants
 * (rodata) from the program first_fd, by name: constants that only one of the two has keep their
 * value in the object. -EINVAL: a map of another layout, or the object is none; other errors are
 * the kernel's. All are told on standard error.
 */
int other_open(const char *object_file, const char *pin_dir, int first_fd, struct other **out);
void other_close(struct other *o);
int other_program_fd(const struct other *o);
