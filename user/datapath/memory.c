// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The arrays as memory of this process. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

/* The kernel maps whole pages; munmap rounds up by itself. */
static size_t memory_size(const struct bpf_map *map)
{
	return (size_t)bpf_map__max_entries(map) * ((bpf_map__value_size(map) + 7) & ~7u);
}

static void **memory_of(struct datapath *dp, const struct map_row *row)
{
	return (void **)((char *)&dp->maps + row->memory);
}

int memory_map(struct datapath *dp, struct report *r)
{
	for (const struct map_row *row = map_rows; row->name; row++) {
		if (row->memory == DATAPATH_NONE)
			continue;
		const struct bpf_map *map = bpf_object__find_map_by_name(dp->skel->obj, row->name);
		void *at = mmap(NULL, memory_size(map), PROT_READ | PROT_WRITE, MAP_SHARED,
				bpf_map__fd(map), 0);

		if (at == MAP_FAILED) {
			int err = -errno;

			report_add(r, NULL, "map %s cannot be mapped into memory: %s", row->name,
				   strerror(-err));
			return err;
		}
		*memory_of(dp, row) = at;
	}
	return 0;
}

void memory_unmap(struct datapath *dp)
{
	for (const struct map_row *row = map_rows; row->name; row++) {
		if (row->memory == DATAPATH_NONE || !*memory_of(dp, row))
			continue;
		munmap(*memory_of(dp, row),
		       memory_size(bpf_object__find_map_by_name(dp->skel->obj, row->name)));
		*memory_of(dp, row) = NULL;
	}
}
