/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* doctor: what silently breaks a balancer. Facts are read by some files and judged by others, which are pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/model.h"

struct cli;

/* ---- findings ---- */
enum finding_state {
	FINDING_OK,
	FINDING_UNKNOWN, /* could not be told, or was not asked for */
	FINDING_WARNING,
	FINDING_BROKEN,
};

enum {
	FINDING_TEXT = 384,
	DOCTOR_NAME = 16,
	DOCTOR_OBJECT = 200 /* tenant/vip/name */
};

struct finding {
	const char *check;
	char object[DOCTOR_OBJECT];
	enum finding_state state;
	char found[FINDING_TEXT];
	char advice[FINDING_TEXT]; /* what to type; "" where all is well */
};

void finding_set(struct finding *f, enum finding_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void finding_advise(struct finding *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
const char *finding_state_name(enum finding_state state);

/* ---- facts ---- */
struct doctor_host {
	char release[96];
	unsigned int major, minor; /* of the kernel */
	bool jit_known, jit;
	int jit_harden; /* -1: not to be seen from this network namespace */
	bool has_bpffs, has_btf;
	char lockdown[24];  /* "none", "integrity", ...; "": the kernel has no lockdown */
	bool is_share_used; /* an interface is to be shared by libxdp's dispatcher */
	char missing[64];   /* capabilities that mtlbctl lacks */
	bool has_daemon;
	bool is_partial; /* not all that mtlbd said was understood */
	char socket[128];
};

/* Is the kernel this one, or a later one. */
static inline bool host_is_from(const struct doctor_host *h, unsigned int major, unsigned int minor)
{
	return h->major > major || (h->major == major && h->minor >= minor);
}

enum doctor_feature {
	FEATURE_LRO = 0x01,
	FEATURE_GRO = 0x02,
	FEATURE_GRO_HW = 0x04,
	FEATURE_RX_VLAN = 0x08, /* takes tags out of frames */
	FEATURE_TX_VLAN = 0x10, /* puts tags beside frames */
	FEATURE_TX_CHECKSUM = 0x20,
	FEATURE_TSO = 0x40, /* sends segments larger than the MTU */
};

/* An interface as the kernel has it. */
struct doctor_port {
	char name[DOCTOR_NAME];
	char kind[DOCTOR_NAME]; /* "veth", "bond", "vlan", "bridge", ...; "": a real one */
	uint32_t ifindex, mtu, master;
	uint32_t link;    /* peer of a veth, parent of a VLAN device; 0: none */
	int32_t link_net; /* id of the link's network namespace; -1: this one */
	bool is_up;
	uint8_t xdp;         /* XDP_ATTACHED_* */
	uint32_t program_id; /* of XDP, where there is one program */
	uint32_t rx_queues;
	bool has_bond; /* kind bond: */
	uint8_t bond_mode, bond_hash_policy;
	bool features_known;
	uint32_t features; /* enum doctor_feature */
};

/* An interface of the node. */
struct doctor_link {
	char name[DOCTOR_NAME];
	enum attach_mode mode;
	bool is_expected;    /* mtlbd is to have its program there */
	bool is_attached;    /* and has */
	uint32_t program_id; /* of mtlbd's program there; 0: not to be compared */
	char detail[128];    /* why not */
	bool has_tags;       /* a segment with VLANs is on it */
	bool is_way_in;      /* a segment whose packets go by the route is on it */
	bool exists;
	struct doctor_port port;
	bool has_peer; /* of a veth: it can be seen */
	char peer_net
		[64]; /* how to get there: "ip netns exec NAME ", "nsenter --net=FILE " or "" */
	struct doctor_port peer;
	bool has_master;
	struct doctor_port master;
	unsigned int cpus;
	unsigned int n_irqs,
		n_irq_cpus; /* of its queues, and the CPUs that get them; 0: none found */
	bool rps_known, rps;
	int rp_filter; /* what is in force: 0, 1 (strict), 2 (loose); -1: unknown */
};

enum {
	DOCTOR_PATH_LINKS = 4
};

/* What makes the MTU of a path as small as it is. */
enum mtu_limit {
	MTU_LIMIT_LINK,
	MTU_LIMIT_ROUTE,
	MTU_LIMIT_CONFIGURATION,
};

/* The way to one backend address. */
struct doctor_path {
	struct addr to;
	char name[DOCTOR_OBJECT]; /* of one backend that has the address */
	size_t n_backends;        /* with this address */
	bool is_resolved;
	bool is_kept;       /* nobody answers, but packets take the way of before */
	char next_hop[192]; /* as mtlbd tells it */
	char silent[192];   /* why the kernel, now, knows no next hop; "": it does */
	bool has_route;
	struct doctor_port links[DOCTOR_PATH_LINKS]; /* of the route, then down to the port */
	size_t n_links;
	bool is_ours; /* the last of them is in node.interfaces */
	uint32_t mtu; /* the smallest of link, route and configuration; 0: unknown */
	enum mtu_limit mtu_limit;
	char mtu_link[DOCTOR_NAME]; /* LINK: which */
	unsigned int outer_len;     /* the longest outer headers that any of its VIPs gives it */
	char other_link[DOCTOR_NAME]; /* another, by which packets for it come in */
	uint32_t other_mtu;           /* of several such the widest; 0: there is none */
	bool redirects_frags;         /* the kernel redirects frames of several buffers */
};

struct doctor_vip {
	char name[DOCTOR_OBJECT];
	struct addr address;
	char local[DOCTOR_NAME]; /* the interface of this machine that has the address; "": none */
};

enum probe_outcome {
	PROBE_NOT_SENT,
	PROBE_SILENT,
	PROBE_ANSWERED,    /* SYN/ACK or echo reply */
	PROBE_CLOSED,      /* RST */
	PROBE_UNREACHABLE, /* an ICMP error from the backend's address */
};

/* What a backend says to a packet for the VIP. */
struct doctor_probe {
	char name[DOCTOR_OBJECT];
	struct addr vip, backend;
	uint16_t port;
	uint8_t protocol;
	struct model_encap encap;
	enum probe_outcome outcome;
	char why[128]; /* NOT_SENT */
	double ms;
};

/* ---- doctor_judge_*.c: facts -> finding. false: the check does not concern the object ---- */
bool judge_daemon(const struct doctor_host *h, struct finding *f);
bool judge_kernel(const struct doctor_host *h, struct finding *f);
bool judge_jit(const struct doctor_host *h, struct finding *f);
bool judge_bpffs(const struct doctor_host *h, struct finding *f);
bool judge_btf(const struct doctor_host *h, struct finding *f);
bool judge_lockdown(const struct doctor_host *h, struct finding *f);
bool judge_capabilities(const struct doctor_host *h, struct finding *f);

bool judge_interface(const struct doctor_link *l, struct finding *f);
bool judge_mode(const struct doctor_link *l, struct finding *f);
bool judge_lro(const struct doctor_link *l, struct finding *f);
bool judge_gro(const struct doctor_link *l, struct finding *f);
bool judge_vlan_offload(const struct doctor_link *l, struct finding *f);
bool judge_peer(const struct doctor_link *l, struct finding *f);
bool judge_checksum(const struct doctor_link *l, struct finding *f);
bool judge_bond(const struct doctor_link *l, struct finding *f);
bool judge_queues(const struct doctor_link *l, struct finding *f);
bool judge_irqs(const struct doctor_link *l, struct finding *f);
bool judge_rp_filter(const struct doctor_link *l, struct finding *f);

bool judge_local_vip(const struct doctor_vip *v, struct finding *f);
bool judge_next_hop(const struct doctor_path *p, struct finding *f);
bool judge_route(const struct doctor_path *p, struct finding *f);
bool judge_mtu(const struct doctor_path *p, struct finding *f);
bool judge_jumbo(const struct doctor_path *p, struct finding *f);
bool judge_probe(const struct doctor_probe *p, struct finding *f);

/* ---- doctor_netlink.c: 0 or -errno ---- */
/* By name, or, where that is NULL, by index; net: -1, or the id of another network namespace. */
int doctor_read_port(const char *name, uint32_t ifindex, int32_t net, struct doctor_port *out);
/* What the kernel would do with a packet to this address; *mtu: of the route, 0: none set. */
int doctor_read_route(const struct addr *to, uint32_t *ifindex, uint32_t *mtu);
/* Addresses of this machine, loopback included. */
struct doctor_address {
	struct addr address;
	uint32_t ifindex;
	bool is_global; /* and not tentative */
};
int doctor_read_addresses(struct doctor_address **out, size_t *n);
/* Names of interfaces that carry an XDP program; freed by the caller in one piece. */
int doctor_read_xdp_links(struct doctor_port **out, size_t *n);
/* The id that this namespace has for the one behind fd; -1: none. */
int32_t doctor_net_id(int fd);

/* ---- doctor_ethtool.c ---- */
/* A socket in the network namespace of this id (-1: this one), and in prefix how to get there. -errno. */
int doctor_ethtool_open(int32_t net, char *prefix, size_t size);
/* Fills features and rx_queues of a port. */
void doctor_ethtool_read(int fd, struct doctor_port *port);

/* ---- doctor_host.c, doctor_link.c ---- */
void doctor_read_host(struct doctor_host *h);
/* name, mode and the like are set; fills the rest. */
void doctor_read_link(struct doctor_link *l);

/* ---- doctor_setup.c: what mtlbd says ---- */
/* Outer source addresses as configured, IPv4 and IPv6. */
struct doctor_sources {
	bool is_set[2];
	struct addr address[2];
};

struct doctor {
	struct doctor_host host;
	struct doctor_link *links;
	size_t n_links;
	struct doctor_vip *vips;
	size_t n_vips;
	struct doctor_path *paths;
	size_t n_paths;
	struct doctor_probe *probes;
	size_t n_probes;
	struct doctor_sources sources;
};

/* Asks mtlbd, then the kernel. CLI_OK; CLI_NO_DAEMON where only the machine could be looked at. */
int doctor_read(const struct cli *c, struct doctor *d);
void doctor_clear(struct doctor *d);

/* ---- doctor_probe.c ---- */
/* One packet for each, 1 s for all of them; fills outcome. */
void doctor_probe(struct doctor_probe *probes, size_t n, const struct doctor_sources *sources);
