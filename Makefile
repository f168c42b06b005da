# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# One non-recursive makefile; everything lands under build/. `make help` lists the targets.

B       := build
PREFIX  ?= /usr/local
DESTDIR ?=
CLANG   ?= clang
BPFTOOL ?= $(firstword $(shell command -v bpftool) /usr/sbin/bpftool)

VERSION := 0.1.0
CC      := gcc
CFLAGS  ?= -O2 -g
WARN    := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wpointer-arith
ALL_CFLAGS := -std=gnu11 $(WARN) $(CFLAGS) -D_GNU_SOURCE -DMTLB_VERSION='"$(VERSION)"' -Iinclude -Iuser -I$B -MMD -MP
SAN     := -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter -Iinclude -Ibpf \
	-idirafter /usr/include/$(shell uname -m)-linux-gnu -MMD -MP

LIBS_CORE := -lyaml -ljansson
LIBS      := $(LIBS_CORE) -lxdp -lbpf -lelf -lz -lmicrohttpd -luv -lsqlite3 -lmnl -lpthread
LIBS_CTL  := $(LIBS_CORE) -lcurl -lpcap -lxdp -lbpf -lelf -lz -lmnl

CORE_SRC := $(wildcard user/core/*.c user/util/*.c)
LIB_SRC  := $(CORE_SRC) $(wildcard user/datapath/*.c user/net/*.c user/health/*.c user/store/*.c user/daemon/*.c user/api/*.c)
CLI_SRC  := $(wildcard user/cli/*.c)
CLI_PURE := $(addprefix user/cli/,fields.c name_read.c packet.c packet_read.c table.c doctor_findings.c doctor_packet.c) \
	$(wildcard user/cli/doctor_judge_*.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
PKT_SRC  := $(wildcard tests/bpf/test_*.c)
DOC_TEST := $(wildcard tests/docs/*.sh)
E2E      := $(filter-out tests/e2e/lib%.sh,$(wildcard tests/e2e/*.sh))
PKT_LIB  := $(filter-out $(PKT_SRC),$(wildcard tests/bpf/*.c))

obj = $(patsubst %.c,$B/%.o,$1)
san = $(patsubst %.c,$B/san/%.o,$1)
UNIT_BIN := $(patsubst %.c,$B/%,$(UNIT_SRC))
SAN_BIN  := $(patsubst %.c,$B/san/%,$(UNIT_SRC))
PKT_BIN  := $(patsubst %.c,$B/%,$(PKT_SRC))
SKELS    := $(patsubst bpf/%.bpf.c,$B/%.skel.h,$(wildcard bpf/*.bpf.c))

NEW_CLANG := clang-19

.PHONY: all build tests packet-tests check check-kernels demo bench fuzz install uninstall clean help
.SECONDARY:
.DEFAULT_GOAL := build

build: ## build mtlbd and mtlbctl (installs missing packages first)
	@tools/deps build
	@$(MAKE) --no-print-directory all

all: $B/mtlbd $B/mtlbctl $B/tag.bpf.o

check: ## build, then run every test (root)
	@tools/deps build check
	@$(MAKE) --no-print-directory all tests
	@tests/run $(UNIT_BIN) $(SAN_BIN) $(DOC_TEST) $(PKT_BIN) $(FUZZ_TEST) $(E2E)

check-kernels: ## build, then run packet and end-to-end tests on other kernels and with another clang (root, QEMU)
	@tools/deps build check kernels
	@$(MAKE) --no-print-directory all packet-tests
	@$(MAKE) --no-print-directory B=$B/$(NEW_CLANG) CLANG=$(NEW_CLANG) packet-tests
	@tests/kernels/run $(KERNELS)

demo: ## build, then show the balancer on real traffic in network namespaces (root)
	@tools/deps build demo
	@$(MAKE) --no-print-directory all
	@tools/demo

bench: ## build, then time the data plane; writes build/bench.json (root)
	@tools/deps build bench
	@$(MAKE) --no-print-directory $B/bench
	@$B/bench --json $B/bench.json $(BENCH_FLAGS)

fuzz: ## build, then compare the data plane with the oracle on random packets for FUZZ_SECONDS (root)
	@tools/deps build check
	@$(MAKE) --no-print-directory $B/fuzz/diff
	@$B/fuzz/diff --seconds $(FUZZ_SECONDS) $(FUZZ_FLAGS)

install: ## install to $(DESTDIR)$(PREFIX)
	@$(MAKE) --no-print-directory all
	install -D -m 755 $B/mtlbd $(DESTDIR)$(PREFIX)/sbin/mtlbd
	install -D -m 755 $B/mtlbctl $(DESTDIR)$(PREFIX)/sbin/mtlbctl
	install -D -m 755 tools/counters $(DESTDIR)$(PREFIX)/sbin/mtlb-counters
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed -e 's|@SBIN@|$(PREFIX)/sbin|' -e 's|@DOC@|$(PREFIX)/share/doc/mtlb|' tools/mtlbd.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/mtlbd.service
	install -D -m 644 tools/mtlb.yaml $(DESTDIR)$(PREFIX)/share/doc/mtlb/mtlb.yaml
	install -D -m 644 README.md $(DESTDIR)$(PREFIX)/share/doc/mtlb/README.md
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/mtlb/LICENSE

uninstall: ## remove what install put there
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,sbin/mtlbd sbin/mtlbctl sbin/mtlb-counters lib/systemd/system/mtlbd.service)
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/mtlb

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) $(filter %.mk,$(MAKEFILE_LIST)) | expand -t 22

$B/mtlbd: $(call obj,user/mtlbd.c $(LIB_SRC))
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

$B/mtlbctl: $(call obj,user/mtlbctl.c $(CLI_SRC) $(CORE_SRC) $(wildcard user/net/*.c) user/datapath/decap.c)
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS_CTL)

tests: $(UNIT_BIN) $(SAN_BIN) packet-tests

# some of them start mtlbd
packet-tests: $(PKT_BIN) $B/mtlbd

$(UNIT_BIN): $B/%: $B/%.o $(call obj,tests/test.c $(CORE_SRC) $(CLI_PURE))
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS_CORE) -lcunit

$(SAN_BIN): $B/san/%: $B/san/%.o $(call san,tests/test.c $(CORE_SRC) $(CLI_PURE))
	$(CC) $(CFLAGS) $(SAN) -o $@ $^ $(LIBS_CORE) -lcunit

$(PKT_BIN): $B/%: $B/%.o $(call obj,tests/test.c $(PKT_LIB) $(LIB_SRC))
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS) -lcunit

$B/%.o: %.c | $(SKELS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests -c -o $@ $<

$B/san/%.o: %.c | $(SKELS)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(SAN) -Itests -c -o $@ $<

$B/%.bpf.o: bpf/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$B/%.bpf.o: tools/lab.d/%.bpf.c
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -Wno-unused-function -c -o $@ $<

$B/%.skel.h: $B/%.bpf.o
	$(BPFTOOL) gen skeleton $< name $(subst .,_,$*)_bpf > $@.tmp && mv $@.tmp $@

clean: ## remove build/
	rm -rf $B

-include tools/bench/bench.mk
-include tests/fuzz/fuzz.mk
-include tests/native/native.mk

-include $(shell find $B -path $B/kernels -prune -o -name '*.d' -print 2>/dev/null)
