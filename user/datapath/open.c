// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Load the program, with new maps or with those that are pinned; close; unload. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <bpf/btf.h>
#include <xdp/libxdp.h>

#include "internal.h"
#include "util/cleanup.h"
#include "util/log.h"

enum {
	VERIFIER_LOG = 16 << 20,
	VERIFIER_TAIL = 12
};

#define MEMORY(field) offsetof(struct maps, field)
#define LIMIT(field)  offsetof(struct maps_limits, field)

const struct map_row map_rows[] = {
	{"segments", MEMORY(segments), LIMIT(segments)},
	{"address_tables", DATAPATH_NONE, DATAPATH_NONE},
	{"tenants", MEMORY(tenants), LIMIT(tenants)},
	{"vip_tables", DATAPATH_NONE, LIMIT(tenants)},
	{"vip_tables_large", DATAPATH_NONE, LIMIT(tenants)},
	{"rings", MEMORY(rings), LIMIT(ring_units)},
	{"backends", MEMORY(backends), LIMIT(backends)},
	{"backend_loads", MEMORY(backend_loads), LIMIT(backends)},
	{"turns", MEMORY(turns), LIMIT(vips)},
	{"answers", MEMORY(answers), LIMIT(tenants)},
	{"flows", MEMORY(flows), LIMIT(flow_buckets)},
	{"tx_ports", DATAPATH_NONE, DATAPATH_NONE},
	{"tenant_stats", DATAPATH_NONE, LIMIT(tenants)},
	{"vip_stats", DATAPATH_NONE, LIMIT(vips)},
	{"backend_stats", DATAPATH_NONE, LIMIT(backends)},
	{"tenant_info", MEMORY(tenant_info), LIMIT(tenants)},
	{"vip_info", MEMORY(vip_info), LIMIT(vips)},
	{"backend_info", MEMORY(backend_info), LIMIT(backends)},
	{"trace", MEMORY(trace), DATAPATH_NONE},
	{"node", MEMORY(node), DATAPATH_NONE},
	{NULL, 0, 0},
};

static const struct maps_ops ops = {
	.swap_tables = tables_swap,
	.zero_stats = stats_zero,
	.grace = tables_grace,
};

static int print_library(const char *format, va_list args)
{
	char text[1024];
	int len = vsnprintf(text, sizeof(text), format, args);

	if (len <= 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	if (*text)
		log_debug("%s", text);
	return 0;
}

static int print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_DEBUG ? 0 : print_library(format, args);
}

static int print_libxdp(enum libxdp_print_level level, const char *format, va_list args)
{
	return level == LIBXDP_DEBUG ? 0 : print_library(format, args);
}

/* Kernels before 5.11 charge maps to the locked-memory limit. Without CAP_SYS_RESOURCE this fails, and mostly no harm is done. */
static void raise_limits(void)
{
	struct rlimit memory = {RLIM_INFINITY, RLIM_INFINITY}, files;

	if (setrlimit(RLIMIT_MEMLOCK, &memory))
		log_debug("RLIMIT_MEMLOCK stays as it is: %s", strerror(errno));
	/* a batch of table swaps holds a descriptor for each table */
	if (!getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

int datapath_map_fd(const struct datapath *dp, const char *name)
{
	return bpf_map__fd(bpf_object__find_map_by_name(dp->skel->obj, name));
}

struct mtlb_bpf *program_open(const struct maps_limits *limits, const struct datapath *from)
{
	struct mtlb_bpf *skel = mtlb_bpf__open();

	if (!skel)
		return NULL;
	if (from)
		memcpy(skel->rodata, from->skel->rodata, sizeof(*skel->rodata));
	else
		skel->rodata->segment_mask = limits->segments - 1;
	/* only the types of their values are wanted, for the tables that tables.c makes */
	bpf_map__set_autocreate(skel->maps.vip_table, false);
	bpf_map__set_autocreate(skel->maps.vip_table_large, false);
	bpf_map__set_autocreate(skel->maps.address_table, false);
	bpf_map__set_max_entries(skel->maps.tx_ports, DATAPATH_TX_PORTS);
	if (from) /* one copy answers for all */
		bpf_program__set_autoload(skel->progs.mtlb_trace, false);
	for (const struct map_row *row = map_rows; row->name; row++) {
		struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, row->name);

		if (!map || (from && bpf_map__reuse_fd(map, datapath_map_fd(from, row->name)))) {
			mtlb_bpf__destroy(skel);
			return NULL;
		}
		if (!from && row->limit != DATAPATH_NONE)
			bpf_map__set_max_entries(
				map, *(const uint32_t *)((const char *)limits + row->limit));
	}
	return skel;
}

/* The last lines of the log say what the verifier refused; the last one alone only counts instructions. */
static void report_log_tail(const char *log, struct report *r)
{
	size_t at = strlen(log);
	int lines = 0;

	while (at > 0 && !(log[at - 1] == '\n' && ++lines > VERIFIER_TAIL))
		at--;
	for (const char *line = log + at; *line;) {
		size_t len = strcspn(line, "\n");

		if (len)
			report_add(r, "verifier", "%.*s", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

static void report_load_error(int err, const char *log, struct report *r)
{
	struct utsname kernel = {};

	uname(&kernel);
	if (*log) {
		report_log_tail(log, r);
		report_add(
			r, NULL,
			"the verifier of kernel %s refuses the data plane (%s): please report the lines above; "
			"a kernel from 6.1 on is needed",
			kernel.release, strerror(-err));
	} else if (err == -EPERM || err == -EACCES) {
		report_add(
			r, NULL,
			"loading the data plane is not permitted: run mtlbd as root, or with CAP_BPF, "
			"CAP_NET_ADMIN, CAP_PERFMON and CAP_SYS_ADMIN");
	} else if (err == -ENOMEM || err == -E2BIG) {
		report_add(
			r, NULL,
			"there is not enough memory for the maps: lower node.flows or node.limits");
	} else {
		report_add(
			r, NULL,
			"kernel %s cannot load the data plane: %s; a kernel from 6.1 on is needed "
			"(details: --log-level debug)",
			kernel.release, strerror(-err));
	}
}

static int load_program(struct mtlb_bpf *skel, struct report *r)
{
	_cleanup_free_ char *log = malloc(VERIFIER_LOG);

	if (!log)
		return -ENOMEM;
	*log = '\0';
	bpf_program__set_log_buf(skel->progs.mtlb, log, VERIFIER_LOG);
	int err = mtlb_bpf__load(skel);

	bpf_program__set_log_buf(skel->progs.mtlb, NULL, 0);
	if (err)
		report_load_error(err, log, r);
	return err == -EACCES && !*log ? -EPERM : err;
}

/* In the configuration's words and units: the reverse of apply_limits(). */
static void warn_of_limits(const struct maps_limits *found, const struct maps_limits *wanted)
{
	const struct {
		const char *what;
		uint32_t found, wanted;
	} rows[] = {
		{"tenants", found->tenants - 1, wanted->tenants - 1},
		{"VIPs", found->vips, wanted->vips},
		{"backends", found->backends, wanted->backends},
		{"ring slots", found->ring_units * 4, wanted->ring_units * 4},
		{"flows", found->flow_buckets * MTLB_FLOW_WAYS,
		 wanted->flow_buckets * MTLB_FLOW_WAYS},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].found != rows[i].wanted)
			log_warning(
				"the maps in use have room for %u %s, the configuration says %u: sizes change "
				"only with mtlbd --unload and a new start",
				rows[i].found, rows[i].what, rows[i].wanted);
	/*
	 * Places are a power of two, from which no configured number can be told; with two a segment
	 * all find one.
	 */
	if (found->segments < wanted->segments / MAPS_SEGMENT_PLACES * 2)
		log_warning(
			"the maps in use have too little room for the segments of the configuration: sizes "
			"change only with mtlbd --unload and a new start");
}

static bool is_power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

static int check_limits(const struct maps_limits *l, struct report *r)
{
	if (is_power_of_two(l->segments) && is_power_of_two(l->flow_buckets) && l->tenants &&
	    l->vips && l->backends && l->ring_units)
		return 0;
	report_add(r, "node/limits",
		   "every limit must be above zero, and segments and flows powers of two");
	return -EINVAL;
}

/* What an interrupted first start left. With links that cannot be: something else removed `node`. */
static int clean_partial(const char *pin_dir, struct report *r)
{
	char(*names)[16] = NULL, (*shared)[16] = NULL;
	size_t n = 0, n_shared = 0;
	int err = pins_list(pin_dir, "links", &names, &n);

	if (!err)
		err = pins_list(pin_dir, "shared", &shared, &n_shared);
	free(names);
	free(shared);
	if (err)
		return err;
	if (n || n_shared) {
		report_add(
			r, pin_dir,
			"lacks some maps although interfaces are attached: somebody removed pins; "
			"to start afresh type: mtlbd --unload");
		return -EPROTO;
	}
	log_info("%s: removing what an interrupted start left there", pin_dir);
	pins_remove(pin_dir);
	return 0;
}

/* libbpf loads the types of the object with its programs, which is too late for a map that it is to be given before. */
static int load_types(const struct mtlb_bpf *skel, struct btf **out)
{
	__u32 size;
	const void *data = btf__raw_data(bpf_object__btf(skel->obj), &size);
	struct btf *types = data ? btf__new(data, size) : NULL;
	int err = types ? btf__load_into_kernel(types) : -errno;

	if (err) {
		btf__free(types);
		return err;
	}
	*out = types;
	return 0;
}

/*
 * What the tables of addresses are like. It has types as they have: Linux before 6.2 refuses a table with types (EINVAL) where the
 * first had none.
 */
static int create_address_like(struct datapath *dp)
{
	const struct bpf_map *like = dp->skel->maps.address_table;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = bpf_map__map_flags(like),
		    .btf_key_type_id = bpf_map__btf_key_type_id(like),
		    .btf_value_type_id = bpf_map__btf_value_type_id(like));
	struct btf *types;
	int err = load_types(dp->skel, &types);

	if (err)
		return err;
	opts.btf_fd = btf__fd(types);
	dp->address_like = bpf_map_create(BPF_MAP_TYPE_ARRAY, bpf_map__name(like), sizeof(__u32),
					  sizeof(struct mtlb_vip),
					  maps_address_entries(&dp->maps.limits), &opts);
	err = dp->address_like < 0 ? -errno : 0;
	btf__free(types);
	return err;
}

/* New maps: how large the tables of addresses are, and where entries lie in tables. */
static int prepare_new(struct datapath *dp, struct report *r)
{
	__u64 key[2];
	int err = create_address_like(dp);

	if (err) {
		report_load_error(err, "", r);
		return err;
	}
	err = bpf_map__set_inner_map_fd(dp->skel->maps.address_tables, dp->address_like);
	if (!err && getrandom(key, sizeof(key), 0) != sizeof(key))
		err = -errno;
	dp->skel->rodata->table_key[0] = key[0] | 1;
	dp->skel->rodata->table_key[1] = key[1] | 1;
	return err;
}

/* Where entries lie in the tables that are there. */
static int take_table_key(struct datapath *dp, struct report *r)
{
	struct mtlb_node node;
	__u32 key = 0;

	if (bpf_map_lookup_elem(datapath_map_fd(dp, "node"), &key, &node)) {
		int err = -errno;

		report_add(r, dp->pin_dir, "map node cannot be read: %s", strerror(-err));
		return err;
	}
	memcpy((void *)dp->skel->rodata->table_key, node.table_key, sizeof(node.table_key));
	return 0;
}

/* Which maps the program will have: the pinned ones or new ones. */
static int open_maps(struct datapath *dp, const struct maps_limits *limits, struct report *r)
{
	enum pins_found found = pins_find(dp->pin_dir);
	int err = 0;

	if (found == PINS_BROKEN) {
		err = adopt_check_version(dp->pin_dir, r);
		if (err)
			return err;
		report_add(
			r, dp->pin_dir,
			"lacks some maps: somebody removed pins; to start afresh type: mtlbd --unload");
		return -EPROTO;
	}
	if (found == PINS_PARTIAL)
		err = clean_partial(dp->pin_dir, r);
	if (!err && found != PINS_ALL)
		err = check_limits(limits, r);
	if (err)
		return err;
	dp->skel = program_open(limits, NULL);
	if (!dp->skel) {
		report_add(r, NULL, "the embedded program cannot be opened: %s", strerror(errno));
		return errno ? -errno : -EINVAL;
	}
	dp->maps.limits = *limits;
	dp->adopted = found == PINS_ALL;
	if (!dp->adopted)
		return prepare_new(dp, r);
	err = adopt_maps(dp->pin_dir, dp->skel, &dp->maps.limits, r);
	if (!err) {
		dp->skel->rodata->segment_mask = dp->maps.limits.segments - 1;
		warn_of_limits(&dp->maps.limits, limits);
		err = take_table_key(dp, r);
	}
	return err;
}

/* Everything that nobody sees yet: the last step publishes. */
static int open_locked(struct datapath *dp, const struct maps_limits *limits, struct report *r)
{
	int err = open_maps(dp, limits, r);

	if (!err)
		err = load_program(dp->skel, r);
	if (!err)
		err = memory_map(dp, r);
	if (!err)
		err = tables_open(dp, r);
	if (!err)
		err = stats_open(dp);
	if (err)
		return err;
	if (dp->adopted)
		return adopt_links(dp, r);
	dp->maps.node->abi_version = MTLB_ABI_VERSION;
	memcpy(dp->maps.node->table_key, (void *)dp->skel->rodata->table_key,
	       sizeof(dp->maps.node->table_key));
	err = pins_create(dp, r);
	if (err)
		pins_remove(dp->pin_dir);
	return err;
}

int datapath_open(const char *pin_dir, const struct maps_limits *limits, struct datapath **out,
		  struct report *r)
{
	libbpf_set_print(print_libbpf);
	libxdp_set_print(print_libxdp);
	raise_limits();
	/* two subdirectories deep, and an interface name */
	if (strlen(pin_dir) > DATAPATH_PATH - 64) {
		report_add(r, pin_dir, "the path has %zu bytes, at most %d are allowed",
			   strlen(pin_dir), DATAPATH_PATH - 64);
		return -ENAMETOOLONG;
	}
	struct datapath *dp = calloc(1, sizeof(*dp));

	if (!dp)
		return -ENOMEM;
	dp->lock_fd = dp->grace_outer = dp->grace_inner = dp->address_like = -1;
	dp->maps.ops = &ops;
	dp->maps.owner = dp;
	snprintf(dp->pin_dir, sizeof(dp->pin_dir), "%s", pin_dir);
	int err = pins_lock(pin_dir, true, &dp->lock_fd, r);

	if (!err)
		err = open_locked(dp, limits, r);
	if (err) {
		/* only where it is empty: never the pins of another */
		if (dp->lock_fd >= 0)
			pins_remove_dir(pin_dir);
		if (report_is_empty(r))
			report_add(r, pin_dir, "cannot be opened: %s", strerror(-err));
		datapath_close(dp);
		return err;
	}
	*out = dp;
	return 0;
}

void datapath_close(struct datapath *dp)
{
	if (!dp)
		return;
	tables_close(dp);
	memory_unmap(dp);
	mtlb_bpf__destroy(dp->skel);
	free(dp->per_cpu);
	free(dp->notes);
	if (dp->address_like >= 0)
		close(dp->address_like);
	if (dp->lock_fd >= 0)
		close(dp->lock_fd);
	free(dp);
}

static void remove_attachments(const char *pin_dir, const char *sub,
			       void (*remove_one)(const char *, const char *))
{
	char(*names)[16] = NULL;
	size_t n = 0;

	if (!pins_list(pin_dir, sub, &names, &n))
		for (size_t i = 0; i < n; i++)
			remove_one(pin_dir, names[i]);
	free(names);
}

int datapath_unload(const char *pin_dir, struct report *r)
{
	_cleanup_close_ int lock_fd = -1;

	libbpf_set_print(print_libbpf);
	libxdp_set_print(print_libxdp);
	if (access(pin_dir, F_OK) && errno == ENOENT)
		return 0;
	int err = pins_lock(pin_dir, false, &lock_fd, r);

	if (err)
		return err;
	remove_attachments(pin_dir, "links", attach_remove_link);
	remove_attachments(pin_dir, "shared", share_remove);
	pins_remove(pin_dir);
	pins_remove_dir(pin_dir);
	if (!access(pin_dir, F_OK)) {
		report_add(
			r, pin_dir,
			"is not empty: it holds something that is not mtlb's; remove it by hand");
		return -ENOTEMPTY;
	}
	return 0;
}

bool datapath_was_adopted(const struct datapath *dp)
{
	return dp->adopted;
}

struct maps *datapath_maps(struct datapath *dp)
{
	return &dp->maps;
}

int datapath_program_fd(struct datapath *dp)
{
	return bpf_program__fd(dp->skel->progs.mtlb);
}
