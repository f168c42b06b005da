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
LIBS_CTL  := $(LIBS_CORE) -lcurl -lxdp -lbpf -lelf -lz

CORE_SRC := $(wildcard user/core/*.c user/util/*.c)
LIB_SRC  := $(CORE_SRC) $(wildcard user/datapath/*.c user/net/*.c user/health/*.c user/store/*.c user/api/*.c)
CLI_SRC  := $(wildcard user/cli/*.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
PKT_SRC  := $(wildcard tests/bpf/test_*.c)
PKT_LIB  := $(filter-out $(PKT_SRC),$(wildcard tests/bpf/*.c))

obj = $(patsubst %.c,$B/%.o,$1)
san = $(patsubst %.c,$B/san/%.o,$1)
UNIT_BIN := $(patsubst %.c,$B/%,$(UNIT_SRC))
SAN_BIN  := $(patsubst %.c,$B/san/%,$(UNIT_SRC))
PKT_BIN  := $(patsubst %.c,$B/%,$(PKT_SRC))
SKELS    := $(patsubst bpf/%.bpf.c,$B/%.skel.h,$(wildcard bpf/*.bpf.c))

.PHONY: all clean tests
.SECONDARY:
all: $B/mtlbd $B/mtlbctl

$B/mtlbd: $(call obj,user/mtlbd.c $(LIB_SRC))
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS)

$B/mtlbctl: $(call obj,user/mtlbctl.c $(CLI_SRC) $(CORE_SRC))
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS_CTL)

tests: $(UNIT_BIN) $(SAN_BIN) $(PKT_BIN)

$(UNIT_BIN): $B/%: $B/%.o $(call obj,tests/test.c $(CORE_SRC))
	$(CC) $(CFLAGS) -o $@ $^ $(LIBS_CORE) -lcunit

$(SAN_BIN): $B/san/%: $B/san/%.o $(call san,tests/test.c $(CORE_SRC))
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

$B/%.skel.h: $B/%.bpf.o
	$(BPFTOOL) gen skeleton $< name $(subst .,_,$*)_bpf > $@.tmp && mv $@.tmp $@

clean:
	rm -rf $B

-include $(shell find $B -name '*.d' 2>/dev/null)
