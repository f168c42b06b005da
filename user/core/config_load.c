// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Files -> model. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/check.h"
#include "core/config.h"
#include "core/position.h"
#include "core/schema.h"
#include "util/cleanup.h"

enum file_kind {
	FILE_MAIN,
	FILE_TENANTS,
};

/* What a model's mistakes are followed by. */
enum outcome {
	OUTCOME_OK = 0,
	OUTCOME_MISTAKES, /* the rest is known: checks across objects make sense */
	OUTCOME_UNREADABLE,
};

/* A tenant file is one tenant unless it has a key of the main file. */
static const struct schema *schema_of(enum file_kind kind, const struct value *v)
{
	if (kind == FILE_MAIN)
		return &schema_main;
	return value_get(v, "tenants") || value_get(v, "node") || value_get(v, "segments")
		       ? &schema_tenants
		       : &schema_tenant;
}

static enum outcome read_value(enum file_kind kind, const struct schema_source *from,
			       const struct value *v, struct model *m)
{
	const struct schema *s = schema_of(kind, v);
	void *object = m;

	/* An empty file says nothing wrong. */
	if (v->kind == VALUE_NULL)
		return OUTCOME_OK;
	if (v->kind != VALUE_MAP)
		s = kind == FILE_MAIN ? &schema_main : &schema_tenants;
	else if (s == &schema_tenant)
		schema_defaults(s, object = model_add_tenant(m));
	return schema_read(s, from, v, object) ? OUTCOME_MISTAKES : OUTCOME_OK;
}

static enum outcome read_text(enum file_kind kind, const char *name, const char *text, size_t len,
			      struct model *m, struct report *r)
{
	const struct schema_source from = {.file = model_add_string(m, name), .r = r};
	enum outcome outcome;
	struct value v;
	int err;

	err = value_from_yaml(name, text, len, &v, r);
	outcome = read_value(kind, &from, &v, m);
	value_clear(&v);
	if (err == -EBADMSG)
		return OUTCOME_UNREADABLE;
	return err ? OUTCOME_MISTAKES : outcome;
}

int config_parse_yaml(const char *name, const char *text, size_t len, struct model *m,
		      struct report *r)
{
	size_t first = r->n;
	enum outcome outcome;

	if (!*m->node.name)
		config_defaults_node(&m->node);
	outcome = read_text(FILE_MAIN, name, text, len, m, r);
	position_sort(m, r, first);
	return outcome ? -EINVAL : 0;
}

static int read_all(int fd, char **text, size_t *len)
{
	_cleanup_free_ char *buffer = NULL;
	size_t n = 0, size = 0;
	ssize_t got;

	do {
		if (size - n < 4096) {
			char *larger = realloc(buffer, size = size * 2 + 65536);

			if (!larger)
				return -ENOMEM;
			buffer = larger;
		}
		got = read(fd, buffer + n, size - n);
		if (got < 0 && errno != EINTR)
			return -errno;
		n += got > 0 ? got : 0;
		if (n > VALUE_TEXT_MAX)
			return -EFBIG;
	} while (got);
	*text = buffer;
	buffer = NULL;
	*len = n;
	return 0;
}

static int read_file(const char *path, char **text, size_t *len)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : read_all(fd, text, len);
}

static enum outcome load_file(enum file_kind kind, const char *path, struct model *m,
			      struct report *r)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int err;

	model_add_string(m, path);
	err = read_file(path, &text, &len);
	if (!err)
		return read_text(kind, path, text, len, m, r);
	if (kind == FILE_MAIN && err == -ENOENT)
		report_add(r, path,
			   "there is no such file; write one (an example is mtlb.yaml in "
			   "mtlb's documentation), or name another");
	else
		report_add(r, path, "cannot be read: %s", strerror(-err));
	return OUTCOME_UNREADABLE;
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), len = strlen(end);

	return n > len && !strcmp(name + n - len, end);
}

/* Backups of editors and the like are left out; .yml is taken up only to be refused. */
static int is_yaml(const struct dirent *d)
{
	return d->d_name[0] != '.' && (ends_in(d->d_name, ".yaml") || ends_in(d->d_name, ".yml"));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static enum outcome load_dir(const char *dir, struct model *m, struct report *r)
{
	enum outcome worst = OUTCOME_OK;
	struct dirent **names;
	int n = scandir(dir, &names, is_yaml, by_name);

	if (n < 0) {
		if (errno == ENOENT)
			return OUTCOME_OK;
		report_add(r, dir, "cannot be read: %s", strerror(errno));
		return OUTCOME_UNREADABLE;
	}
	for (int i = 0; i < n; i++) {
		char *path = NULL;
		enum outcome outcome;

		if (asprintf(&path, "%s/%s", dir, names[i]->d_name) < 0)
			abort();
		if (ends_in(path, ".yml")) {
			report_add(r, path, "would not be read, allowed: names that end in .yaml");
			outcome = OUTCOME_MISTAKES;
		} else {
			outcome = load_file(FILE_TENANTS, path, m, r);
		}
		worst = outcome > worst ? outcome : worst;
		free(path);
		free(names[i]);
	}
	free(names);
	return worst;
}

int config_load(const char *file, const char *dir, struct model **out, struct report *r)
{
	struct model *m = model_new();
	enum outcome outcome, tenants = OUTCOME_OK;
	size_t first = r->n;

	schema_defaults(&schema_main, m);
	outcome = load_file(FILE_MAIN, file, m, r);
	if (dir)
		tenants = load_dir(dir, m, r);
	outcome = tenants > outcome ? tenants : outcome;
	if (!outcome) {
		*out = m;
		return 0;
	}
	/* All mistakes at once, also those across objects, as far as the objects are known. */
	if (outcome == OUTCOME_MISTAKES)
		check_objects(m, true, r);
	position_sort(m, r, first);
	model_free(m);
	return -EINVAL;
}
