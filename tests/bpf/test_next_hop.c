/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* By which interface a packet leaves, and with which Ethernet header. */
#include <bpf/bpf.h>
#include <string.h>

#include "bpf/fixture.h"
#include "bpf/tunnels.h"
#include "mtlb.skel.h"
#include "test.h"

enum {
	ACME = 1,
	BACKEND = 5
};

static struct mtlb_segment *open_world(struct world *w)
{
	world_open(w);
	world_add_tenant(w, ACME, 0, 0);
	world_add_vip(w, &(struct vip_row){ACME, .id = 2, .owner = BACKEND});
	return world_add_segment(w, w->in, 0, 0, ACME);
}

/* t: what the packet must leave with; NULL: it is dropped for this reason. */
static void check(struct world *w, const char *where, const struct packet_tunnel *t,
		  bool is_redirected, enum mtlb_reason reason)
{
	struct packet_spec s = {.payload = 77};
	struct expected e = {.reason = reason, .tenant = ACME};
	struct packet in, out;

	packet_build(&in, &s);
	if (t) {
		tunnel_expect(w, ACME, &s, &in, t, &out);
		e.vip = 2;
		e.backend = BACKEND;
		e.out = &out;
		e.is_redirected = is_redirected;
	}
	world_check(w, where, &in, &e);
}

static void backend_behind_another_interface_is_redirected_to(void)
{
	struct world w;

	open_world(&w);
	for (const struct tunnel_row *t = tunnel_rows; t->name; t++) {
		world_add_backend(&w, BACKEND, &t->tunnel, true, w.out);
		check(&w, t->name, &t->tunnel, true, MTLB_REASON_forwarded);
	}
	world_close(&w);
}

static void interface_that_is_no_port_is_an_error(void)
{
	struct world w;

	open_world(&w);
	world_add_backend(&w, BACKEND, &tunnel_rows[0].tunnel, true, w.out);
	bpf_map_delete_elem(bpf_map__fd(w.skel->maps.tx_ports), &w.out);
	check(&w, "no port", NULL, false, MTLB_REASON_internal);
	world_close(&w);
}

/* Then everything goes back by the interface it came from, whatever the backend says. */
static void segment_with_a_next_hop_overrules_the_backend(void)
{
	static const uint8_t l2[3][22] = {
		{2, 0, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0x22},
		{2, 0, 0, 0, 0, 0x31, 2, 0, 0, 0, 0, 0x32, 0x81, 0, 0, 55},
		{2, 0, 0, 0, 0, 0x41, 2, 0, 0, 0, 0, 0x42, 0x88, 0xa8, 0, 56, 0x81, 0, 0, 57},
	};
	struct packet_tunnel want;
	struct world w;
	struct mtlb_segment *s = open_world(&w);

	for (const struct tunnel_row *t = tunnel_rows; t->name; t++)
		for (int i = 0; i < 3; i++) {
			world_add_backend(&w, BACKEND, &t->tunnel, true, w.out);
			want = t->tunnel;
			want.l2_len = s->l2_len = 14 + 4 * i;
			memcpy(want.l2, l2[i], sizeof(l2[i]));
			memcpy(s->l2, l2[i], sizeof(l2[i]));
			s->mtu = 1500;
			/* the inner Ethernet header of VXLAN is the backend's template */
			memcpy(w.backends[BACKEND].encap0.outer +
				       w.backends[BACKEND].encap0.outer_len -
				       (tunnel_has_ethernet(&t->tunnel) ? 8 : 0),
			       want.l2 + 6, tunnel_has_ethernet(&t->tunnel) ? 6 : 0);
			check(&w, t->name, &want, false, MTLB_REASON_forwarded);
		}
	world_close(&w);
}

/* With the type of the outer tag that the packet came with: the segment is known by its VLAN ids alone. */
static void segments_own_tag_has_the_type_that_came_in(void)
{
	static const uint8_t l2[22] = {2, 0,    0,    0,    0, 0x41, 2,    0, 0, 0,
				       0, 0x42, 0x88, 0xa8, 0, 100,  0x81, 0, 0, 200};
	static const uint16_t types[] = {0x8100, 0x88a8};
	struct packet_tunnel want = tunnel_rows[0].tunnel;
	struct packet in, out;
	struct world w;

	open_world(&w);
	world_add_backend(&w, BACKEND, &want, true, w.out);
	memcpy(want.l2, l2, sizeof(l2));
	for (uint8_t n_tags = 1; n_tags <= 2; n_tags++) {
		struct mtlb_segment *s =
			world_add_segment(&w, w.in, 100, n_tags == 2 ? 200 : 0, ACME);

		want.l2_len = s->l2_len = 14 + 4 * n_tags;
		memcpy(s->l2, l2, sizeof(l2));
		s->mtu = 1500;
		for (int i = 0; i < 2; i++) {
			struct packet_spec spec = {.n_tags = n_tags, .vlan = {0x6000 | 100, 200}};

			packet_build(&in, &spec);
			packet_put16(in.bytes + 12, types[i]);
			packet_put16(want.l2 + 12, types[i]);
			tunnel_expect(&w, ACME, &spec, &in, &want, &out);
			world_check(&w, "tag type", &in,
				    &(struct expected){.reason = MTLB_REASON_forwarded,
						       .tenant = ACME,
						       .vip = 2,
						       .backend = BACKEND,
						       .out = &out});
		}
	}
	world_close(&w);
}

static void segment_with_a_next_hop_still_needs_outer_headers(void)
{
	struct world w;
	struct mtlb_segment *s = open_world(&w);

	s->l2_len = 14;
	s->mtu = 1500;
	check(&w, "nothing known", NULL, false, MTLB_REASON_no_next_hop);
	world_close(&w);
}

static void variant_in_use_is_the_one_sent(void)
{
	struct world w;

	open_world(&w);
	struct mtlb_backend *b = world_add_backend(&w, BACKEND, &tunnel_rows[1].tunnel, true, 0);
	struct mtlb_encap other = b->encap0;

	world_add_backend(&w, BACKEND, &tunnel_rows[2].tunnel, true, 0);
	b->encap1 = other;
	check(&w, "variant 0", &tunnel_rows[2].tunnel, false, MTLB_REASON_forwarded);
	b->word = mtlb_backend_word(MTLB_BACKEND_UP, 1, 100);
	check(&w, "variant 1", &tunnel_rows[1].tunnel, false, MTLB_REASON_forwarded);
	memset(&b->encap1, 0, sizeof(b->encap1));
	check(&w, "variant 1 unresolved", NULL, false, MTLB_REASON_no_next_hop);
	b->word = mtlb_backend_word(MTLB_BACKEND_UP, 0, 100);
	check(&w, "variant 0 again", &tunnel_rows[2].tunnel, false, MTLB_REASON_forwarded);
	world_close(&w);
}

/* No backend record, however wrong, makes more of a packet than a drop. */
static void impossible_lengths_are_refused(void)
{
	static const uint8_t lengths[][2] = {{14, 0},  {14, 19},  {14, 89}, {14, 255},
					     {23, 20}, {255, 20}, {0, 20}};
	struct world w;

	open_world(&w);
	struct mtlb_backend *b = world_add_backend(&w, BACKEND, &tunnel_rows[0].tunnel, true, 0);

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		b->encap0.l2_len = lengths[i][0];
		b->encap0.outer_len = lengths[i][1];
		check(&w, "lengths", NULL, false, MTLB_REASON_no_next_hop);
	}
	world_close(&w);
}

static const struct test tests[] = {
	{"backend_behind_another_interface_is_redirected_to",
	 backend_behind_another_interface_is_redirected_to},
	{"interface_that_is_no_port_is_an_error", interface_that_is_no_port_is_an_error},
	{"segment_with_a_next_hop_overrules_the_backend",
	 segment_with_a_next_hop_overrules_the_backend},
	{"segments_own_tag_has_the_type_that_came_in", segments_own_tag_has_the_type_that_came_in},
	{"segment_with_a_next_hop_still_needs_outer_headers",
	 segment_with_a_next_hop_still_needs_outer_headers},
	{"variant_in_use_is_the_one_sent", variant_in_use_is_the_one_sent},
	{"impossible_lengths_are_refused", impossible_lengths_are_refused},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return test_main(argc, argv, "next_hop", tests);
}
