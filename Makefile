# SPDX-License-Identifier: Apache-2.0
# sandpit: `make run` for a first sandbox, `make check` for the tests, `make help` for the rest.

B ?= build
V ?= 0
PREFIX ?= /usr/local
DESTDIR ?=
SECONDS ?= 60
VERSION := $(shell sed -n 's/^\#define SP_VERSION "\(.*\)"/\1/p' include/sandpit.h)

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-8s%s\n' '$(1)' '$(2)')

# --- Flags -------------------------------------------------------------------------
# CFLAGS and LDFLAGS belong to the user.
CFLAGS ?= -O2 -g
CPPFLAGS += -I. -D_GNU_SOURCE
STD := -std=gnu11

try_cc = $(shell printf 'int main(void){return 0;}' | $(CC) -Werror $(1) -x c -o /dev/null - 2>/dev/null && echo $(1))

ifneq ($(filter-out deps deps-% help clean,$(or $(MAKECMDGOALS),all)),)
WARN := -Wall -Wextra -Wshadow -Wformat=2 -Wundef -Wvla -Wpointer-arith -Wcast-qual \
	-Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
	-Wimplicit-fallthrough -Wnull-dereference -Wdouble-promotion -Wno-missing-field-initializers \
	$(call try_cc,-Wlogical-op) $(call try_cc,-Wduplicated-cond) $(call try_cc,-Wduplicated-branches)
HARDEN := -fPIC -fvisibility=hidden -fno-common $(call try_cc,-fstack-protector-strong) \
	$(call try_cc,-fstack-clash-protection) $(call try_cc,-fcf-protection) \
	$(call try_cc,-ftrivial-auto-var-init=zero)
endif
ifdef CI
WARN += -Werror
endif
# fortify and the sanitizers watch the same calls.
FORTIFY := $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
RELRO := -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed

ALL_CFLAGS = $(STD) $(WARN) $(HARDEN) $(FORTIFY) $(CPPFLAGS) $(CFLAGS)
# The static programs run inside, or next to, the sandbox: no sanitizer runtime fits there.
STATIC_LDFLAGS = -static -Wl,--gc-sections,-z,relro,-z,now,-z,noexecstack $(LDFLAGS)

# --- Sources -----------------------------------------------------------------------
# What speaks HTTP is in a module that is opened on first use (docs/design.md).
NET_BASE := base/http_*.c
NET_SRC := $(wildcard $(NET_BASE)) $(wildcard engine/*.c) $(wildcard providers/docker/*.c) \
	$(wildcard providers/net_module.c)
# The static runner and the static archive worker; each has a main of its own.
RUNNER_PART := runner supervise watch serve control init enter command terminal master keep keep_files \
	keep_clients tree pass devices event \
	$(patsubst runtime/%.c,%,$(wildcard runtime/step_*.c))
RUNNER_SRC := $(patsubst %,runtime/%.c,$(RUNNER_PART)) runtime/remove.c base/error.c base/ticks.c
WORKER_SRC := $(wildcard images/worker.c images/inside_*.c images/confine.c images/pack*.c \
	images/unpack.c images/place.c images/remove_tree.c images/tar_*.c images/layer.c \
	images/userns.c images/kernel_fs.c) base/error.c base/io.c base/buf.c
# What runs inside a container: keeper, watcher and killer in one, without a library.
AGENT_SRC := $(wildcard providers/docker/agent/*.c)
# Fills a pool again behind whoever took from it.
REFILL_SRC := $(wildcard providers/local/refill/*.c)
# What is between a sandbox's network and the world; its rules and its plan are the library's, too.
GATE_SHARED := $(patsubst %,providers/local/gate/%.c,rules plan)
GATE_SRC := $(filter-out $(GATE_SHARED),$(wildcard providers/local/gate/*.c))
LIB_SRC := $(filter-out $(NET_SRC) $(WORKER_SRC) $(RUNNER_SRC) base/musl.c,$(wildcard base/*.c seccomp/*.c \
	images/*.c runtime/*.c providers/*.c providers/local/*.c sandbox/*.c)) $(GATE_SHARED) \
	base/error.c base/io.c base/buf.c base/clock.c base/ticks.c runtime/remove.c runtime/devices.c \
	runtime/pass.c runtime/control.c runtime/master.c runtime/event.c
CLI_SRC := $(wildcard cli/*.c)

UNIT_SRC := $(wildcard tests/unit/test_*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
BENCH_SRC := $(wildcard tests/bench/*.c)
HELPER_SRC := $(wildcard tests/helpers/*.c)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
LIB_OBJ := $(call obj,$(LIB_SRC))
NET_OBJ := $(call obj,$(NET_SRC))
CLI_OBJ := $(call obj,$(CLI_SRC))
MUSL_OBJ := $(patsubst %.c,$(B)/musl/%.o,$(CLI_SRC) $(LIB_SRC) base/musl.c)
RUNNER_OBJ := $(patsubst %.c,$(B)/runner/%.o,$(RUNNER_SRC))
WORKER_OBJ := $(patsubst %.c,$(B)/static/%.o,$(WORKER_SRC))
WORKER_TEST_OBJ := $(call obj,$(filter-out base/% %/worker.c,$(WORKER_SRC)))
GATE_OBJ := $(call obj,$(GATE_SRC))
AGENT_OBJ := $(patsubst %.c,$(B)/static/%.o,$(AGENT_SRC))

LIBS = -ljson-c -lseccomp
NET_LIBS = -lcurl -ljson-c
# The runner starts with every sandbox: musl spares it what glibc does before main.
RUNNER_CC := $(if $(shell command -v musl-gcc),musl-gcc,$(CC))
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
RUNNER_CPPFLAGS = $(if $(filter musl-gcc,$(RUNNER_CC)),-idirafter /usr/include \
	-idirafter /usr/include/$(MULTIARCH))
# By its path: a search folder of glibc's would offer its libc.a, too.
RUNNER_LIBS = $(shell $(CC) -print-file-name=libcap.a)

SHARE := $(B)/share/sandpit
DATA := $(patsubst %,$(SHARE)/%,$(wildcard seccomp/*.json) $(shell find images/recipes -type f 2>/dev/null))

# With musl the command is static as well, and has a twin that can load modules.
STATIC_CLI := $(if $(SAN),,$(filter musl-gcc,$(RUNNER_CC)))
PROGRAMS := $(B)/sandpit $(B)/sandpit-runner $(B)/sandpit-worker $(B)/sandpit-agent $(B)/sandpit-gate \
	$(B)/sandpit-refill 	$(if $(STATIC_CLI),$(B)/sandpit-full)
LIBRARIES := $(B)/libsandpit.a $(B)/libsandpit.so $(B)/libsandpit-net.so

.PHONY: all run check check-unit asan tsan lint bench bench-built fuzz install deps deps-test \
	deps-lint deps-bench clean help
all: $(PROGRAMS) $(LIBRARIES) $(DATA) $(B)/sandpit.pc

# --- Objects and programs ------------------------------------------------------------
$(B)/obj/%.o: %.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(SANFLAGS) -MMD -MP -c -o $@ $<

$(B)/static/%.o: %.c
	$(call say,CC,$< (static))
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -fno-PIC -fno-pie -ffunction-sections -fdata-sections -MMD -MP -c -o $@ $<

$(B)/libsandpit.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# Unit tests reach the command's, the module's and the worker's functions through these.
$(B)/libsandpit-cli.a: $(filter-out %/main.o,$(CLI_OBJ))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libsandpit-worker.a: $(WORKER_TEST_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libsandpit-net.a: $(NET_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libsandpit.so: $(LIB_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,-soname,libsandpit.so.0 $(RELRO) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/libsandpit-net.so: $(NET_OBJ) $(B)/libsandpit.a providers/module.map
	$(call say,LD,$@)
	$(Q)$(CC) -shared -Wl,--version-script=providers/module.map $(RELRO) $(SANFLAGS) $(LDFLAGS) \
		-o $@ $(NET_OBJ) $(B)/libsandpit.a $(NET_LIBS)

# The command has these two inside: finding and binding them cost as much as a fork.
CLI_LIBS := -l:libjson-c.a -l:libseccomp.a
$(if $(STATIC_CLI),$(B)/sandpit-full,$(B)/sandpit): $(CLI_OBJ) $(B)/libsandpit.a
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(RELRO) -Wl,--gc-sections $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(CLI_LIBS)

REFILL_OBJ := $(call obj,$(REFILL_SRC))
$(B)/sandpit-refill: $(REFILL_OBJ) $(B)/libsandpit.a
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(RELRO) -Wl,--gc-sections $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(CLI_LIBS)
# By their paths, as for the runner.
MUSL_LIBS = $(foreach l,json-c seccomp,$(shell $(CC) -print-file-name=lib$(l).a))
ifneq ($(STATIC_CLI),)
$(B)/sandpit: $(MUSL_OBJ)
	$(call say,LD,$@)
	$(Q)$(STATIC_CLI) $(STATIC_LDFLAGS) -no-pie -o $@ $^ $(MUSL_LIBS)
endif

$(B)/musl/%.o: %.c
	$(call say,CC,$< (musl))
	@mkdir -p $(@D)
	$(Q)$(STATIC_CLI) $(ALL_CFLAGS) $(RUNNER_CPPFLAGS) -include base/musl.h -Wno-sign-compare \
		-fno-PIC -fno-pie -ffunction-sections -fdata-sections -MMD -MP -c -o $@ $<

$(B)/runner/%.o: %.c
	$(call say,CC,$< (runner))
	@mkdir -p $(@D)
	$(Q)$(RUNNER_CC) $(ALL_CFLAGS) $(RUNNER_CPPFLAGS) -fno-PIC -fno-pie -ffunction-sections \
		-fdata-sections -MMD -MP -c -o $@ $<

$(B)/sandpit-runner: $(RUNNER_OBJ)
	$(call say,LD,$@)
	$(Q)$(RUNNER_CC) $(STATIC_LDFLAGS) -no-pie -o $@ $^ $(RUNNER_LIBS)

$(B)/sandpit-worker: $(WORKER_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(STATIC_LDFLAGS) -o $@ $^

$(B)/sandpit-agent: $(AGENT_OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(STATIC_LDFLAGS) -s -o $@ $^

GATE_LIBS := -lssl -lcrypto -l:libseccomp.a -lpthread
$(B)/sandpit-gate: $(GATE_OBJ) $(B)/libsandpit.a
	$(call say,LD,$@)
	$(Q)$(CC) -pie $(RELRO) -Wl,--gc-sections $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(GATE_LIBS)

# Unit tests reach its parsers through this.
$(B)/libsandpit-gate.a: $(filter-out %/main.o,$(GATE_OBJ))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(SHARE)/%: %
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(B)/sandpit.pc: include/sandpit.h Makefile
	@mkdir -p $(@D)
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' '' \
		'Name: sandpit' 'Description: local sandboxes for code nobody has reviewed' \
		'Version: $(VERSION)' 'Requires.private: json-c libseccomp' \
		'Libs: -L$${libdir} -lsandpit' 'Cflags: -I$${includedir}' > $@

# --- What is needed ------------------------------------------------------------------
deps:
	$(Q)tests/deps.sh build

deps-test deps-lint deps-bench:
	$(Q)tests/deps.sh $(@:deps-%=%)

run: deps
	$(Q)$(MAKE) --no-print-directory all
	$(B)/sandpit run "echo Hello from a sandbox"

# --- Tests -----------------------------------------------------------------------------
UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(UNIT_SRC))
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(FUZZ_SRC))
REPLAY_BIN := $(patsubst tests/fuzz/%.c,$(B)/tests/replay/%,$(FUZZ_SRC))
BENCH_BIN := $(patsubst tests/bench/%.c,$(B)/tests/bench/%,$(BENCH_SRC))
HELPER_BIN := $(patsubst tests/helpers/%.c,$(B)/tests/helpers/%,$(HELPER_SRC))
TEST_LIB_FILES := $(B)/libsandpit-gate.a $(B)/libsandpit-cli.a $(B)/libsandpit-worker.a $(B)/libsandpit-net.a $(B)/libsandpit.a
TEST_LIBS = $(TEST_LIB_FILES) -lcmocka $(NET_LIBS) $(LIBS) -lpthread

UNIT_SUPPORT := $(B)/obj/tests/unit/support/filter.o
$(B)/tests/unit/%: $(B)/obj/tests/unit/%.o $(UNIT_SUPPORT) $(TEST_LIB_FILES)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $< $(UNIT_SUPPORT) $(TEST_LIBS)

# These start the real worker.
$(B)/tests/unit/test_files $(B)/tests/unit/test_store: | $(B)/sandpit-worker

# The same fuzz target twice: under libFuzzer, and replaying its corpus without it.
$(B)/tests/fuzz/%: tests/fuzz/%.c
	$(call say,FUZZ,$@)
	@mkdir -p $(@D)
	$(Q)clang $(STD) $(CPPFLAGS) -g -O1 -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=all -o $@ $< $(filter-out images/worker.c,$(sort $(LIB_SRC) \
		$(NET_SRC) $(WORKER_SRC) $(patsubst %,providers/local/gate/%.c,http socks dns))) \
		$(NET_LIBS) $(LIBS)

$(B)/tests/replay/%: $(B)/obj/tests/fuzz/%.o $(B)/obj/tests/fuzz/replay/main.o \
		$(TEST_LIB_FILES)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $< $(B)/obj/tests/fuzz/replay/main.o \
		$(filter-out -lcmocka,$(TEST_LIBS))

# They run inside, also where an image has no library.
$(B)/tests/helpers/attack_%: LDFLAGS += -static
$(B)/tests/helpers/%: tests/helpers/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(STD) $(WARN) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $<

# One list of behaviours against every provider, through the registry as the command has it.
CONFORMANCE_OBJ := $(call obj,$(wildcard tests/conformance/*.c))
CONFORMANCE_BIN := $(if $(CONFORMANCE_OBJ),$(B)/tests/conformance/conformance)
$(B)/tests/conformance/conformance: $(CONFORMANCE_OBJ) $(B)/libsandpit.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# These measure others and link nothing of ours.  The floor is what the kernel asks: static,
# so that no loader is counted.
$(B)/tests/bench/floor: LDFLAGS += -static
$(addprefix $(B)/tests/bench/,floor rate pour): $(B)/tests/bench/%: tests/bench/%.c
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(STD) $(WARN) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $<

$(B)/tests/bench/%: tests/bench/%.c $(B)/libsandpit-net.a $(B)/libsandpit.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(STD) $(WARN) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(B)/libsandpit-net.a \
		$(B)/libsandpit.a $(LIBS)

TESTS_BUILT = $(UNIT_BIN) $(REPLAY_BIN) $(HELPER_BIN) $(CONFORMANCE_BIN)

check: deps-test
	$(Q)$(MAKE) --no-print-directory check-built

.PHONY: check-built tests-built
tests-built: all $(TESTS_BUILT)
check-built: tests-built
	$(Q)B='$(abspath $(B))' tests/check.sh $(T)

# Control groups on hosts of each layout, in virtual machines; see tests/vm/run.sh.
.PHONY: check-vm
check-vm:
	$(Q)tests/deps.sh vm
	$(Q)$(MAKE) --no-print-directory all $(CONFORMANCE_BIN) $(B)/tests/unit/test_cgroup \
		$(B)/tests/helpers/storm $(B)/tests/helpers/defiant
	$(Q)B='$(abspath $(B))' tests/vm/run.sh $(T)

check-unit: $(UNIT_BIN) $(REPLAY_BIN) $(HELPER_BIN)
	$(Q)B='$(abspath $(B))' tests/check.sh unit

asan:
	$(Q)ASAN_OPTIONS=detect_leaks=1 $(MAKE) --no-print-directory B=$(B)/asan SAN=address,undefined \
		CFLAGS='-O1 -g' check-unit

tsan:
	$(Q)$(MAKE) --no-print-directory B=$(B)/tsan SAN=thread CFLAGS='-O1 -g' check-unit

# Five minutes, unless SECONDS= says otherwise.
.PHONY: soak
soak: all $(B)/tests/helpers/reaper
	$(Q)B='$(abspath $(B))' tests/soak/run.sh $(if $(filter file,$(origin SECONDS)),300,$(SECONDS))

fuzz: $(FUZZ_BIN)
	$(Q)B='$(abspath $(B))' SECONDS_EACH=$(SECONDS) tests/fuzz/run.sh $(T)

lint: deps-lint
	$(Q)B='$(abspath $(B))' CPPFLAGS='$(CPPFLAGS)' tests/lint/run.sh

bench: deps-bench
	$(Q)$(MAKE) --no-print-directory bench-built

bench-built: all $(BENCH_BIN)
	$(Q)B='$(abspath $(B))' tests/bench/run.sh

# --- Install -----------------------------------------------------------------------------
install: all
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/lib/pkgconfig' \
		'$(DESTDIR)$(PREFIX)/include' '$(DESTDIR)$(PREFIX)/libexec/sandpit'
	install -m 755 $(B)/sandpit '$(DESTDIR)$(PREFIX)/bin/'
	install -m 755 $(filter-out $(B)/sandpit,$(PROGRAMS)) '$(DESTDIR)$(PREFIX)/libexec/sandpit/'
	install -m 755 $(B)/libsandpit-net.so '$(DESTDIR)$(PREFIX)/libexec/sandpit/'
	install -m 755 $(B)/libsandpit.so '$(DESTDIR)$(PREFIX)/lib/libsandpit.so.0'
	ln -sf libsandpit.so.0 '$(DESTDIR)$(PREFIX)/lib/libsandpit.so'
	install -m 644 $(B)/libsandpit.a '$(DESTDIR)$(PREFIX)/lib/'
	install -m 644 include/sandpit.h '$(DESTDIR)$(PREFIX)/include/'
	install -m 644 $(B)/sandpit.pc '$(DESTDIR)$(PREFIX)/lib/pkgconfig/'
	cd $(SHARE) && find . -type f -exec install -D -m 644 '{}' \
		'$(abspath $(if $(DESTDIR),$(DESTDIR),/))/$(PREFIX)/share/sandpit/{}' \;
	for page in docs/*.[1357]; do [ ! -e "$$page" ] || install -D -m 644 "$$page" \
		"$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}"; done

clean:
	rm -rf $(B)

help:
	@printf '%s\n' 'make            build everything under $(B)/' \
		'make run        install what is missing, build, run a first sandbox' \
		'make check      install what the tests need, run all tests; T=name for one' \
		'make check-vm   control groups of version 1, 2 and both, in virtual machines' \
		'make asan|tsan  the unit tests under sanitizers' \
		'make lint       layers, format, static analysis, banned calls' \
		'make fuzz       every fuzz target for SECONDS=60 each' \
		'make soak       kill whoever is involved, at random, for SECONDS=300' \
		'make bench      timings beside the floor and the peers that are installed' \
		'make install    DESTDIR= PREFIX=/usr/local' \
		'make deps       what the build needs, by apt where that is allowed'

-include $(shell find $(B) -path $(B)/vm -prune -o -name '*.d' -print 2>/dev/null)
.SECONDARY:
