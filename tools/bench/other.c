/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "other.h"
#include "util/cleanup.h"

struct other {
	struct bpf_object *object;
};

/* A data section: its values, and the BTF that names them. */
struct constants {
	const struct btf *btf;
	const struct btf_type *section;
	uint8_t *values;
	size_t len;
};

static bool find_section(struct constants *c)
{
	int id = btf__find_by_name_kind(c->btf, ".rodata", BTF_KIND_DATASEC);

	c->section = id < 0 ? NULL : btf__type_by_id(c->btf, (uint32_t)id);
	return c->section;
}

static const char *variable_name(const struct constants *c, const struct btf_var_secinfo *v)
{
	return btf__name_by_offset(c->btf, btf__type_by_id(c->btf, v->type)->name_off);
}

static void copy_constant(struct constants *to, const struct constants *from, const char *name,
			  const struct btf_var_secinfo *source)
{
	const struct btf_var_secinfo *v = btf_var_secinfos(to->section);

	for (int i = 0; i < btf_vlen(to->section); i++, v++) {
		if (strcmp(variable_name(to, v), name) || v->size != source->size ||
		    v->offset + v->size > to->len || source->offset + source->size > from->len)
			continue;
		memcpy(to->values + v->offset, from->values + source->offset, v->size);
	}
}

static void copy_constants(struct constants *to, const struct constants *from)
{
	const struct btf_var_secinfo *v = btf_var_secinfos(from->section);

	for (int i = 0; i < btf_vlen(from->section); i++, v++)
		copy_constant(to, from, variable_name(from, v), v);
}

static bool is_rodata(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && !strcmp(dot, ".rodata");
}

/* The read-only section's map among those that the program uses: its fd or -errno, and its size. */
static int open_rodata(const struct bpf_prog_info *program, const uint32_t *ids, uint32_t *len)
{
	for (uint32_t i = 0; i < program->nr_map_ids; i++) {
		struct bpf_map_info info = {0};
		uint32_t info_len = sizeof(info);
		int fd = bpf_map_get_fd_by_id(ids[i]);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &info_len) && is_rodata(info.name)) {
			*len = info.value_size;
			return fd;
		}
		close(fd);
	}
	return -ENOENT;
}

/*
 * What the first program was loaded with: it is mtlbd's code that decides that, and must not be
 * repeated here.
 */
static int read_constants(int program_fd, struct constants *c)
{
	uint32_t ids[64], len, zero = 0;
	struct bpf_prog_info info = {.nr_map_ids = 64, .map_ids = (uintptr_t)ids};
	uint32_t info_len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(program_fd, &info, &info_len);

	if (err)
		return err;
	_cleanup_close_ int fd = open_rodata(&info, ids, &len);

	if (fd < 0)
		return fd;
	c->btf = btf__load_from_kernel_by_id(info.btf_id);
	c->values = calloc(1, len);
	c->len = len;
	if (!c->btf || !c->values || !find_section(c))
		return -ENOENT;
	return bpf_map_lookup_elem(fd, &zero, c->values);
}

static int set_constants(struct bpf_object *object, int first_fd)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	struct constants from = {0}, to = {.btf = bpf_object__btf(object)};

	if (!map || !to.btf || !find_section(&to))
		return 0;
	const void *initial = bpf_map__initial_value(map, &to.len);
	int err = read_constants(first_fd, &from);

	to.values = malloc(to.len);
	if (!to.values)
		err = -ENOMEM;
	if (!err) {
		memcpy(to.values, initial, to.len);
		copy_constants(&to, &from);
		err = bpf_map__set_initial_value(map, to.values, to.len);
	}
	btf__free((struct btf *)from.btf);
	free(from.values);
	free(to.values);
	return err;
}

static int share_map(struct bpf_map *map, const char *pin_dir)
{
	struct bpf_map_info info = {0};
	uint32_t info_len = sizeof(info);
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", pin_dir, bpf_map__name(map));
	_cleanup_close_ int fd = bpf_obj_get(path);

	if (fd < 0)
		return 0; /* not a map of the ABI: the object's own */
	if (bpf_obj_get_info_by_fd(fd, &info, &info_len))
		return -errno;
	if (info.value_size != bpf_map__value_size(map) || info.type != bpf_map__type(map)) {
		fprintf(stderr,
			"bench: map %s has values of %u bytes there, %u here: both builds must "
			"have the same include/mtlb_abi.h\n",
			bpf_map__name(map), bpf_map__value_size(map), info.value_size);
		return -EINVAL;
	}
	return bpf_map__reuse_fd(map, fd);
}

static int load(struct bpf_object *object, const char *pin_dir, int first_fd)
{
	struct bpf_map *map;
	int err;

	bpf_object__for_each_map(map, object)
	{
		err = share_map(map, pin_dir);
		if (err)
			return err;
	}
	err = set_constants(object, first_fd);
	if (err)
		return err;
	err = bpf_object__load(object);
	if (err)
		return err;
	return bpf_object__find_program_by_name(object, "mtlb") ? 0 : -ENOENT;
}

int other_open(const char *object_file, const char *pin_dir, int first_fd, struct other **out)
{
	struct bpf_object *object = bpf_object__open_file(object_file, NULL);
	int err = object ? load(object, pin_dir, first_fd) : -errno;
	struct other *o = err ? NULL : malloc(sizeof(*o));

	if (!o) {
		err = err ? err : -ENOMEM;
		char text[128];

		libbpf_strerror(err, text, sizeof(text));
		fprintf(stderr, "bench: %s: %s\n", object_file, text);
		bpf_object__close(object);
		return err;
	}
	o->object = object;
	*out = o;
	return 0;
}

void other_close(struct other *o)
{
	if (!o)
		return;
	bpf_object__close(o->object);
	free(o);
}

int other_program_fd(const struct other *o)
{
	return bpf_program__fd(bpf_object__find_program_by_name(o->object, "mtlb"));
}
