# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# build/bench: part of ../../Makefile, which has the target `bench` that runs it.

BENCH_SRC := $(filter-out %.bpf.c,$(wildcard tools/bench/*.c))
BENCH_OBJ := $(call obj,$(BENCH_SRC) $(CORE_SRC) $(wildcard user/datapath/*.c))

$B/bench: $(BENCH_OBJ)
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS_CORE) -lxdp -lbpf -lelf -lz

$(call obj,$(BENCH_SRC)): $B/bench_wrap.skel.h

$B/bench_wrap.bpf.o: tools/bench/wrap.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$B/bench_wrap.skel.h: $B/bench_wrap.bpf.o
	$(BPFTOOL) gen skeleton $< name bench_wrap > $@.tmp && mv $@.tmp $@
