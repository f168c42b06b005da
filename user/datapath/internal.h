/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of datapath/ share. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath.h"
#include "mtlb.skel.h"

enum {
	DATAPATH_PATH = 512,
	DATAPATH_TX_PORTS = 4096, /* interfaces of a node into which packets may be redirected */
};

#define DATAPATH_NONE ((size_t)-1)

/* A pinned map: where its memory and its number of elements are kept. */
struct map_row {
	const char *name; /* of the map and of its pin */
	size_t memory;    /* offset of the pointer in struct maps, or DATAPATH_NONE: not mmapped */
	size_t limit;     /* offset in struct maps_limits, or DATAPATH_NONE */
};

/* Ends with a NULL name. `node` stands last: it is pinned last, so its pin says that the set is complete. */
extern const struct map_row map_rows[];

struct attach_note { /* why an interface that was to be shared is not */
	char interface[16];
	char text[128];
};

struct datapath {
	char pin_dir[DATAPATH_PATH];
	int lock_fd; /* the pin directory, flocked */
	struct mtlb_bpf *skel;
	bool adopted;
	struct maps maps;
	int grace_outer, grace_inner;
	int address_like; /* a table of addresses as large as all of them: tells the kernel the size */
	int n_cpus;
	__u64 *per_cpu; /* room for the largest counter of all CPUs */
	struct attach_note *notes;
	size_t n_notes;
};

/* ---- open.c ---- */
/* The embedded program, opened and sized by limits; it uses the maps of `from` if that is not NULL. Not loaded. */
struct mtlb_bpf *program_open(const struct maps_limits *limits, const struct datapath *from);
int datapath_map_fd(const struct datapath *dp, const char *name);

/* ---- pins.c ---- */
enum pins_found {
	PINS_NONE,
	PINS_PARTIAL, /* `node` is missing: a first start that was interrupted */
	PINS_BROKEN,  /* `node` is there, another is not: somebody removed it */
	PINS_ALL,
};

/* Makes the directory and locks it: *lock_fd. -ENOENT: no bpffs, -EBUSY: another mtlbd. */
int pins_lock(const char *pin_dir, bool create, int *lock_fd, struct report *r);
enum pins_found pins_find(const char *pin_dir);
/* PATH of a pin in a subdirectory ("links", "shared", or "" for none); interface names may hold dots, which bpffs refuses. */
void pins_path(char *path, const char *pin_dir, const char *sub, const char *name);
/* The reverse of what pins_path() does to a name: 16 bytes. */
void pins_interface_name(char *name, const char *pin);
/* Names in a subdirectory, sorted, malloced in one piece; n = 0 where there is no such directory. */
int pins_list(const char *pin_dir, const char *sub, char (**names)[16], size_t *n);
int pins_make_dir(const char *pin_dir, const char *sub);
int pins_create(const struct datapath *dp, struct report *r);
/* Replaces a pin, never leaving the name empty. */
int pins_replace(const char *path, int fd);
/* Removes all pins but the directory. */
void pins_remove(const char *pin_dir);
/* Removes the directory, and its subdirectories, where they are empty. */
void pins_remove_dir(const char *pin_dir);

/* ---- adopt.c ---- */
/*
 * First of all: another version may have other maps and sizes, and the version says it best.
 * -EPROTO with a line, or 0.
 */
int adopt_check_version(const char *pin_dir, struct report *r);
/* Makes the opened skeleton use the pinned maps; reads the limits from them. -EPROTO: they are not this version's. */
int adopt_maps(const char *pin_dir, struct mtlb_bpf *skel, struct maps_limits *limits,
	       struct report *r);
/* Puts the loaded program onto all links in one pass, or onto none. */
int adopt_links(struct datapath *dp, struct report *r);

/* ---- memory.c, tables.c ---- */
int memory_map(struct datapath *dp, struct report *r);
void memory_unmap(struct datapath *dp);
int tables_open(struct datapath *dp, struct report *r);
void tables_close(struct datapath *dp);
int tables_swap(struct maps *maps, const struct maps_swap *swaps, size_t n, struct report *r);
int tables_grace(struct maps *maps);

/* ---- stats.c ---- */
int stats_open(struct datapath *dp);
int stats_zero(struct maps *maps, enum maps_stats which, uint32_t index);

/* ---- attach.c ---- */
/* Detaches whatever a pinned link or a shared attachment of this name holds, and removes its pin. */
void attach_remove_link(const char *pin_dir, const char *interface);
/* id and name of the program in a text, for messages. */
void attach_describe_program(__u32 id, char *text, size_t size);

/* ---- share.c ---- */
/* -EOPNOTSUPP with a reason in why: attach alone instead. -EBUSY: a program that is not libxdp's. */
int share_attach(struct datapath *dp, const char *interface, uint32_t ifindex,
		 enum attach_mode mode, char *why, size_t size);
/* Takes the program off and removes the mark. The interface may be gone. */
void share_remove(const char *pin_dir, const char *interface);
/* Puts the new program beside the old one, then takes the old one away. */
int share_replace(struct datapath *dp, const char *interface);
/* Does the interface carry our program through the dispatcher: its mode and id, or -ENOENT. */
int share_query(const char *pin_dir, const char *interface, uint32_t ifindex,
		enum attach_mode *mode, uint32_t *program_id);
