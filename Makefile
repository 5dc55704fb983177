# chiton: a laboratory for SGD noise.
#
#   make            the program, build/chiton
#   make deps       what it needs: installed on Debian and Ubuntu, else the command to type
#   make demo       sweep, fit and figures in a minute, under demo/
#   make check      all tests; with both compilers, sanitizers and valgrind where they are there
#   make check-cluster the examples for Slurm under a Slurm on this machine, installed where it is missing
#   make check-long the statistical studies that take longer
#   make fuzz       every function that takes bytes of others, under libFuzzer: FUZZ_SECONDS= each, 60 by default
#   make bench      speed, as ratios measured in one run: docs/performance.md; OLD=PROGRAM compares an older build
#   make install    program, libraries, headers, examples, experiments and manual page under PREFIX; make uninstall

VERSION  := 0.1.0
PREFIX   ?= /usr/local
BUILD    ?= build
# what instructions the program may use: native for this machine, x86-64-v3 for any x86-64 since about 2015; kept from
# one make to the next, so that what is installed is what was built
-include $(BUILD)/march.mk
MARCH    ?= native
OPTIMISE ?= -O3 -march=$(MARCH)
DEBUG    ?= -g
SANITIZE ?=
# jobs of a check: one more than there are cores, as some tests wait for a while
JOBS     ?= $(shell expr 1 + $$(nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2))

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes $(if $(WERROR),-Werror)
# optional: a program without it says so when it is asked to read an HDF5 file
HDF5     := $(shell pkg-config --exists hdf5 2>/dev/null && echo hdf5)
# what few commands want is loaded then: core/library.h
LARGE    := libcurl libarchive $(HDF5)
PACKAGES := gsl sqlite3 yaml-0.1 jansson popt nettle zlib libcurl libarchive
# optional: without it a sweep is done by one process, and mpirun is refused
MPICC    := $(shell command -v mpicc 2>/dev/null)
# Homebrew keeps what macOS has too apart
KEGS     := $(if $(filter Darwin,$(shell uname)),$(shell brew --prefix 2>/dev/null)/opt)
PKGCONF  := $(if $(KEGS),PKG_CONFIG_PATH=$(KEGS)/zlib/lib/pkgconfig:$(KEGS)/curl/lib/pkgconfig:$(KEGS)/libarchive/lib/pkgconfig:$$PKG_CONFIG_PATH) pkg-config

# asked once, when the first recipe wants them: make deps may have to bring them first
PACKAGE_CFLAGS = $(eval PACKAGE_CFLAGS := $(shell $(PKGCONF) --cflags $(PACKAGES)))$(PACKAGE_CFLAGS)
PACKAGE_LIBS   = $(eval PACKAGE_LIBS := $(shell $(PKGCONF) --libs $(filter-out $(LARGE),$(PACKAGES)) $(LINKED)))$(PACKAGE_LIBS)
LARGE_LIBS     = $(eval LARGE_LIBS := $(shell $(PKGCONF) --libs $(LARGE)))$(LARGE_LIBS)
# the files of those that are loaded when they are wanted, and those that must be linked with after all
LARGE_FILES    = $(eval LARGE_FILES := $(shell CC='$(CC)' PKG_CONFIG='$(PKGCONF)' sh data/library_files.sh $(BUILD) $(LARGE)))$(LARGE_FILES)
LINKED         = $(strip $(foreach package,$(LARGE),$(if $(findstring CH_FILE_OF_$(package)=,$(LARGE_FILES)),,$(package))))

# One set of objects makes the program and both libraries. Nobody replaces a single function of the shared library, so
# that the compiler may inline them as in the program.
FOR_SHARED := -fPIC -fno-semantic-interposition

# What the C library declares beside C11. The few files that use extensions of GNU say so themselves: <math.h> declares
# three times as much with them, which took a hundredth of a second for each file.
DECLARED := -D_DEFAULT_SOURCE -D_XOPEN_SOURCE=700 $(if $(filter Darwin,$(shell uname)),-D_DARWIN_C_SOURCE)

# -ffp-contract=off: no a*b+c is fused unless the code says fma, so that results do not depend on the compiler's taste
BASE_CFLAGS = -std=c11 $(OPTIMISE) -ffp-contract=off -fno-math-errno -fopenmp $(FOR_SHARED) $(DEBUG) $(WARNINGS) $(SANITIZE) \
              $(if $(SANITIZE),-DCH_SANITIZED) $(CFLAGS) -I. $(DECLARED) -DCH_VERSION='"$(VERSION)"' $(PACKAGE_CFLAGS) $(CPPFLAGS)
LIBS      = $(PACKAGE_LIBS) -ldl -lm
LINK      = $(CC) -fopenmp $(SANITIZE) $(CFLAGS) $(LDFLAGS)

# the library, from the bottom up: a folder includes only those before it; cli/ and chiton.c are the program
FOLDERS  := core data perceptron models sim fit plots report
SOURCES  := $(wildcard $(FOLDERS:%=%/*.c) $(FOLDERS:%=%/*/*.c))
HEADERS  := chiton.h $(wildcard $(FOLDERS:%=%/*.h) $(FOLDERS:%=%/*/*.h))
COMMANDS := $(wildcard cli/*.c)
OBJECTS  := $(SOURCES:%.c=$(BUILD)/%.o)

ifeq ($(shell uname),Darwin)
SHARED       := libchiton.$(VERSION).dylib
SHARED_LINK  := libchiton.dylib
SHARED_FLAGS  = -dynamiclib -install_name '$(PREFIX)/lib/$(SHARED)'
else
SHARED       := libchiton.so.$(VERSION)
SHARED_LINK  := libchiton.so
SHARED_FLAGS  = -shared -Wl,-soname,$(SHARED)
endif

# what knows MPI is a module of its own, which the program loads when mpirun has started it
MODULE   := $(if $(MPICC),$(BUILD)/chiton-mpi.so)

all: $(BUILD)/chiton $(MODULE)

# Objects are made again when the flags have changed, e.g. by MARCH=.
FLAGS = $(subst ",,$(subst ',,$(CC) $(OPTIMISE) $(FOR_SHARED) $(SANITIZE) $(CFLAGS) $(CPPFLAGS)))
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo "$(FLAGS)" | cmp -s - $@ || echo "$(FLAGS)" > $@
	@echo "MARCH ?= $(MARCH)" | cmp -s - $(@D)/march.mk || echo "MARCH ?= $(MARCH)" > $(@D)/march.mk

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) -MMD -MP -c $< -o $@

# The passes of networks: multiply and add are fused wherever there is such an instruction, for half the time. All of
# them must be, for a sample's bits not to depend on its batch: gcc, tuned for AMD's Zen, leaves some chains of sums
# unfused unless told otherwise. clang does not know that parameter, and fuses them all.
FUSE_ALL := --param=avoid-fma-max-bits=0
FUSED    := -ffp-contract=fast $(shell $(CC) -Werror $(FUSE_ALL) -x c -c /dev/null -o /dev/null 2>/dev/null && echo $(FUSE_ALL))
NUMERIC := $(wildcard models/*/*_f32.c models/*/*_f64.c)
$(NUMERIC:%.c=$(BUILD)/%.o): BASE_CFLAGS += $(FUSED) $(NUMERIC_CFLAGS)

# What computes little, for which builds with checks are compiled in half the time without optimisation
LIGHT := $(wildcard cli/*.c report/*.c plots/*.c plots/*/*.c sim/settings/*.c sim/store/*.c sim/sweep/*.c fit/*.c \
                    $(patsubst %,fit/%/*.c,reports table regimes twins spectra))
$(LIGHT:%.c=$(BUILD)/%.o): BASE_CFLAGS += $(LIGHT_CFLAGS)

# What looks at the processor runs before it is known what that can do: compiled for every x86-64.
EVERY := core/processor.c cli/guard.c
ifneq ($(findstring x86_64,$(shell $(CC) -dumpmachine)),)
$(EVERY:%.c=$(BUILD)/%.o): BASE_CFLAGS += -march=x86-64
endif

# The style and the script of a report are files of their own, and C strings in the program.
$(BUILD)/report/%.inc: report/%
	@mkdir -p $(@D)
	sed 's/\\/\\\\/g; s/"/\\"/g; s/^/"/; s/$$/\\n"/' $< > $@
$(BUILD)/report/assets.o: $(BUILD)/report/page.css.inc $(BUILD)/report/page.js.inc $(BUILD)/report/runs.js.inc
$(BUILD)/report/assets.o: BASE_CFLAGS += -I$(BUILD)

$(BUILD)/data/hdf5.o $(BUILD)/data/fetch.o $(BUILD)/data/archive.o: BASE_CFLAGS += $(LARGE_FILES)
$(BUILD)/data/hdf5.o $(BUILD)/tests/test_array.o: BASE_CFLAGS += $(if $(HDF5),-DCH_HAS_HDF5 $(shell pkg-config --cflags $(HDF5)))

$(BUILD)/libchiton.a: $(OBJECTS)
	rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/chiton: $(BUILD)/chiton.o $(COMMANDS:%.c=$(BUILD)/%.o) $(BUILD)/libchiton.a
	$(LINK) $^ $(LIBS) -o $@

$(BUILD)/chiton-mpi.so: mpi/ranks_mpi.c mpi/ranks_mpi.h sim/sweep/link.h core/error.h
	@mkdir -p $(@D)
	$(MPICC) -std=c11 -O2 $(WARNINGS) -D_GNU_SOURCE -I. -fPIC -shared $< -o $@

clean:
	rm -rf $(BUILD)

# ---- what is needed ----

deps:
	@sh .ci/deps

# ---- a first look ----

DEMO ?= demo

# a make of its own: deps may just have brought what the first reading of this file lacked
demo:
	+@$(MAKE_AGAIN) all
	@mkdir -p $(DEMO)
	$(BUILD)/chiton sweep experiments/demo.yaml -o $(DEMO)/demo.db
	$(BUILD)/chiton fit $(DEMO)/demo.db
	$(BUILD)/chiton plot $(DEMO)/demo.db -o $(DEMO)/figures

# ---- tests: every tests/test_*.c is a program; it may make allocations fail (tests/alloc_fail.h) ----

# A comment in a test's main says which suites it belongs to beside the ordinary ones, e.g. /* suites: thread valgrind */
#   statistical  draws so many numbers that it is run by the native build alone, and longer by check-long
#   thread       its threads share memory: also run under the thread sanitizer
#   valgrind     quick enough for valgrind's single slow core
# The tests that take longest, here and in any build, start first: none of them is then left alone at the end.
LONGEST     := test_program_theory test_reference test_precision test_network_laws test_twin_law test_program_ends test_collapse_coverage \
               test_engines test_selftest test_joint_coverage test_sweep_memory test_network_fast test_twin_kernel
# Tests that make tables of boxes, or have commands make them, end in builds with checks, which find those of the native
# build then.
TABLES      := test_program test_program_theory test_expected
TABLES_LAST  = $(filter-out $(TABLES),$(1)) $(filter $(TABLES),$(1))
ORDERED     = $(filter $(1),$(LONGEST)) $(filter-out $(LONGEST),$(1))
SUITE       = $(call ORDERED,$(patsubst tests/%.c,%,$(shell grep -l 'suites:.*$(1)' tests/test_*.c)))
STATISTICAL := $(call SUITE,statistical)
TESTS       := $(STATISTICAL) $(filter-out $(STATISTICAL),$(patsubst tests/%.c,%,$(wildcard tests/test_*.c)))
QUICK       := $(call ORDERED,$(filter-out $(STATISTICAL),$(TESTS)))
SUPPORT     := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/test_%.c,$(wildcard tests/*.c)))
# A test links only what it calls of the program and of libraries: most link, and start under valgrind, much faster.
TEST_LINK   := -Wl,--as-needed -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=strdup

# lld, where it is there, links a test program in a quarter of the time
TEST_LINKER = $(eval TEST_LINKER := $(shell printf 'int main(void){return 0;}' | \
    $(CC) -fuse-ld=lld -x c - -o /dev/null 2>/dev/null && echo -fuse-ld=lld))$(TEST_LINKER)

$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(SUPPORT) $(BUILD)/tests/libcli.a $(BUILD)/libchiton.a
	$(LINK) $(TEST_LINKER) $(TEST_LINK) $^ $(LIBS) $(LARGE_LIBS) -lcmocka -o $@

$(BUILD)/tests/libcli.a: $(COMMANDS:%.c=$(BUILD)/%.o)
	@mkdir -p $(@D)
	rm -f $@ && $(AR) rcs $@ $^

# it stops learners at any of their looks at the watch
$(BUILD)/tests/test_snapshot: TEST_LINK += -Wl,--wrap=ch_watch_is_late

# what tests load into the program, to make allocations and writes of the process fail; for glibc
$(BUILD)/tests/failing.so: tests/preload/failing.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -O1 $(WARNINGS) -D_GNU_SOURCE -fPIC -shared $< -ldl -o $@
ifeq ($(shell uname),Linux)
PRELOADED := $(BUILD)/tests/failing.so
$(BUILD)/results/test_process_faults: $(PRELOADED)
endif

# Their own code computes little: it compiles in a quarter of the time at -O0. Under valgrind, which slows it down most,
# -O1 pays.
TESTS_CFLAGS ?= -O0
$(QUICK:%=$(BUILD)/tests/%.o): BASE_CFLAGS += $(TESTS_CFLAGS)
# these have numerical code of the library in them, or compute all margins themselves
$(patsubst %,$(BUILD)/tests/test_%.o,active close fast): BASE_CFLAGS += -O1
$(BUILD)/tests/test_product.o: BASE_CFLAGS += $(FUSED) $(NUMERIC_CFLAGS) # it has a copy of such passes

# the program as it would be on a processor that it was not built for
$(BUILD)/chiton-elsewhere: $(BUILD)/tests/other_processor/needed.o $(BUILD)/chiton.o $(COMMANDS:%.c=$(BUILD)/%.o) $(BUILD)/libchiton.a
	$(LINK) $^ $(LIBS) -o $@
$(BUILD)/results/test_processor: $(BUILD)/chiton-elsewhere

# what mpirun starts
$(BUILD)/results/test_program_mpi: $(MODULE) $(PRELOADED)

tests: $(BUILD)/chiton $(MODULE) $(BUILD)/chiton-elsewhere $(PRELOADED) $(TESTS:%=$(BUILD)/tests/%)

# Tests run as soon as they are linked, as many at a time as make has jobs. RUN: which; KIND: what the lines of output
# call this build; TEST_RUNNER: valgrind's place; PROGRAM: what tests may start.
RUN  ?= $(TESTS)
KIND ?= native
PROGRAM = $(BUILD)/chiton

$(BUILD)/results/%: $(BUILD)/tests/% $(PROGRAM) FORCE
	@sh tests/run.sh $(BUILD) $(KIND) $*

run-tests: $(RUN:%=$(BUILD)/results/%)
FORCE:

# A make of its own, which shares the jobs of the one that called it, or else has $(JOBS).
MAKE_AGAIN = case "$$MAKEFLAGS" in *jobserver*) jobs= ;; *) jobs=-j$(JOBS) ;; esac; $(MAKE) --no-print-directory $$jobs
VALGRIND   = valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite

KINDS := native address thread valgrind

# All kinds of builds share the jobs, so that one compiles while another runs. Everything is tried, then summed up.
check:
	@rm -rf $(BUILD)/results $(KINDS:%=$(BUILD)/%/results)
	@$(MAKE) --no-print-directory -k -j$(JOBS) $(KINDS:%=check-%) check-format; status=$$?; \
	sh tests/run.sh summary $(BUILD) $(KINDS:%=$(BUILD)/%) && \
	{ [ $$status -eq 0 ] || echo "what else failed stands above: a step that is no test, or a build"; exit $$status; }

check-format:
	@files=$$(git ls-files -co --exclude-standard '*.[ch]'); \
	if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then \
	    clang-format --dry-run -Werror $$files && \
	    if LC_ALL=C.UTF-8 grep -nE '^.{121}' $$files; then echo "these lines have more than 120 columns"; exit 1; fi; \
	else echo "-- clang-format 14 is not here: format not checked"; fi

# imports point one way, no two files call each other in a ring, every header compiles alone
check-layout: $(OBJECTS) $(COMMANDS:%.c=$(BUILD)/%.o) $(BUILD)/chiton.o
	@sh tests/check_layout.sh $(BUILD) $(CC)

# objects are made again when a flag changes, and only then; MARCH stays what it was
check-build:
	+@sh tests/check_build.sh $(MAKE) $(BUILD)/check-build

# the library exports what its headers promise and no more, prints nothing, handles no signals, keeps no state
check-library: $(OBJECTS) $(BUILD)/$(SHARED) $(BUILD)/exports
	@sh tests/check_library.sh $(BUILD) $(BUILD)/$(SHARED) $(FOLDERS)

check-api: $(BUILD)/public-headers
	@sh docs/api.sh $$(cat $(BUILD)/public-headers) | cmp - docs/api.md || { echo "docs/api.md is old: make api"; exit 1; }

# every command that the documentation shows is run
check-docs: $(BUILD)/chiton
	@CHITON_CACHE='$(abspath $(BUILD))/cache' sh tests/docs/check.sh $(BUILD)/chiton README.md $(filter-out docs/api.md,$(wildcard docs/*.md))

api: $(BUILD)/public-headers
	sh docs/api.sh $$(cat $(BUILD)/public-headers) > docs/api.md

# the examples against an installed copy, whose path has a space
check-install: $(BUILD)/chiton $(MODULE) $(BUILD)/libchiton.a $(BUILD)/$(SHARED) $(BUILD)/chiton.1
	+@CC='$(CC)' sh tests/check_install.sh $(MAKE) --no-print-directory BUILD=$(BUILD) WERROR=$(WERROR)

# the examples for Slurm under a Slurm of this check's own; skipped with a sentence where it cannot be had
check-cluster:
	+@$(MAKE_AGAIN) all
	@$(if $(filter Linux,$(shell uname)),timeout -k 30 300) sh tests/cluster/check.sh $(BUILD)/chiton

# What looks at this build's objects is done by the make that compiles them. Debuggers are told of lines alone, which
# takes a sixth off the time of compiling.
check-native:
	+@$(MAKE_AGAIN) WERROR=1 DEBUG=-g1 check-build check-layout check-api check-docs check-bench check-python run-tests

# The second compiler's warnings, and memory errors, leaks and undefined behaviour, in one build. Where clang or its
# sanitizers are missing, the first compiler's sanitizers look. Passes of networks are not optimised there, because either
# compiler takes minutes over their checks.
HAS_SANITIZER = printf 'int main(void){return 0;}' | $(1) -fopenmp $(2) -x c - -o /dev/null 2>/dev/null
# clang's OpenMP loads Archer wherever it runs, unless OMP_TOOL=disabled. The leak sanitizer reads Archer's thread-local
# memory by the layout of an older glibc, and crashes where the memory happens to begin 16 bytes after a page does. A
# process that is killed while clang's OpenMP begins leaves a file in /dev/shm. A later process of the same number then
# takes itself for one with two copies of that library and ends, unless KMP_DUPLICATE_LIB_OK=1; tests/run.sh removes
# files that are empty, which end it in any case.
ADDRESS      := -fsanitize=address,undefined -fno-sanitize-recover=all
check-address:
	+@compiler=clang CHITON_SANITIZER=1 LSAN_OPTIONS=suppressions=$(CURDIR)/tests/leaks.supp:print_suppressions=0; \
	ASAN_OPTIONS=malloc_context_size=4:quarantine_size_mb=8 OMP_TOOL=disabled KMP_DUPLICATE_LIB_OK=1; \
	export CHITON_SANITIZER LSAN_OPTIONS ASAN_OPTIONS OMP_TOOL KMP_DUPLICATE_LIB_OK; \
	$(call HAS_SANITIZER,clang,$(ADDRESS)) || { compiler='$(CC)'; echo "-- clang's sanitizers are not here: those of $(CC)"; }; \
	if $(call HAS_SANITIZER,$$compiler,$(ADDRESS)); then \
	    $(MAKE_AGAIN) BUILD=$(BUILD)/address KIND=address CC="$$compiler" OPTIMISE='-O1 -march=$(MARCH)' NUMERIC_CFLAGS=-O0 \
	        LIGHT_CFLAGS=-O0 DEBUG=-g1 WERROR=1 SANITIZE='$(ADDRESS) -fno-omit-frame-pointer' RUN='$(call TABLES_LAST,$(QUICK))' \
	        objects-of-tests run-tests; \
	else echo "-- no address sanitizer is here: skipped"; fi

# Its tests end with fits: of figures and the program the meter alone is compiled.
# clang's OpenMP tells its race detector of its locks and barriers (Archer); gcc's does not
check-thread:
	+@if $(call HAS_SANITIZER,clang,-fsanitize=thread); then \
	    CHITON_SANITIZER=1 TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1; \
	    KMP_DUPLICATE_LIB_OK=1; export CHITON_SANITIZER TSAN_OPTIONS KMP_DUPLICATE_LIB_OK; \
	    $(MAKE_AGAIN) BUILD=$(BUILD)/thread KIND=thread CC=clang OPTIMISE='-O1 -march=$(MARCH)' LIGHT_CFLAGS=-O0 DEBUG=-g1 \
	        SANITIZE=-fsanitize=thread FOLDERS='$(filter-out plots report,$(FOLDERS))' COMMANDS=cli/meter.c PROGRAM= \
	        RUN='$(call SUITE,thread)' run-tests; \
	else echo "-- clang's thread sanitizer is not here: skipped"; fi

# valgrind does not know the newest vector instructions: a build for any processor. It also serves the checks of the
# shared library and of the installation, as its objects compile fastest.
check-valgrind:
	+@run='$(call SUITE,valgrind)'; \
	command -v valgrind >/dev/null || { run=; echo "-- valgrind is not here: skipped"; }; \
	TEST_RUNNER='$(VALGRIND)' OMP_NUM_THREADS=1 CHITON_VALGRIND=1; export TEST_RUNNER OMP_NUM_THREADS CHITON_VALGRIND; \
	$(MAKE_AGAIN) BUILD=$(BUILD)/valgrind KIND=valgrind OPTIMISE=-O1 TESTS_CFLAGS= DEBUG=-g1 RUN="$$run" \
	    check-library check-install run-tests

# all tests compile, also those that this build does not run
objects-of-tests: $(TESTS:%=$(BUILD)/tests/%.o)

# scripts of figures are made and not drawn
NO_GNUPLOT := -Wl,--wrap=ch_gnuplot_draw
$(BUILD)/tests/test_fuzz: TEST_LINK += $(NO_GNUPLOT)

# Fuzzing needs clang. FUZZ_TARGETS= names some of tests/fuzz/targets.h; all by default.
FUZZ_SECONDS ?= 60
$(BUILD)/fuzzer: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/fuzz/*.c)) $(BUILD)/libchiton.a
	$(LINK) -fsanitize=fuzzer $(NO_GNUPLOT) $^ $(LIBS) -lpthread -o $@

fuzz:
	+@$(MAKE_AGAIN) BUILD=$(BUILD)/fuzz CC=clang OPTIMISE='-O1 -march=$(MARCH)' NUMERIC_CFLAGS=-O0 DEBUG=-g1 \
	    SANITIZE='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' $(BUILD)/fuzz/fuzzer
	@sh tests/fuzz/run.sh $(BUILD)/fuzz/fuzzer $(BUILD)/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

check-long:
	+@CHITON_LONG=1 $(MAKE_AGAIN) WERROR=1 RUN='$(STATISTICAL)' KIND=long run-tests
	@sh tests/run.sh summary $(BUILD)

# the Python package against the program; what wants pandas or matplotlib is skipped where they are not there
check-python: $(BUILD)/chiton
	@if command -v python3 >/dev/null; then \
	    mkdir -p $(BUILD)/cache; \
	    CHITON='$(abspath $(BUILD))/chiton' CHITON_CACHE='$(abspath $(BUILD))/cache' PYTHONDONTWRITEBYTECODE=1 \
	        python3 -m unittest discover -s python/tests >$(BUILD)/python.log 2>&1 || { cat $(BUILD)/python.log; exit 1; }; \
	    sed -n 's/^Ran/python: ran/p; s/^OK (/python: (/p' $(BUILD)/python.log; \
	else echo "-- python3 is not here: the Python package is not tested"; fi

# golden vectors of networks in another folder: make check-golden CHITON_GOLDEN=FOLDER
check-golden:
	+@$(MAKE_AGAIN) $(BUILD)/tests/test_golden
	@$(BUILD)/tests/test_golden

# ---- speed ----

$(BUILD)/tests/bench/hand_loop.o: tests/bench/hand_loop.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) -ffast-math -ffp-contract=fast -c $< -o $@

# their multiplications and additions are fused as those of networks are
$(BUILD)/tests/bench/bench_peak.o $(BUILD)/tests/bench/bench_products.o: BASE_CFLAGS += $(FUSED)
# its page names the flags
$(BUILD)/tests/bench/bench_machine.o: BASE_CFLAGS += -DCH_BENCH_FLAGS='"$(strip $(OPTIMISE) $(CFLAGS))"'

$(BUILD)/bench: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bench/*.c)) $(BUILD)/libchiton.a
	$(LINK) $^ $(LIBS) -o $@

# The peak is one of fused multiply-adds in 12 chains: as many instructions, where there are such, are in its loop.
# Every part of the bench has its place in the page.
check-bench: $(BUILD)/bench $(BUILD)/chiton
	@for part in $$($(BUILD)/bench --help | sed -n 's/^parts[^:]*://p'); do \
	    grep -qx "<!-- bench: $$part -->" docs/performance.md && grep -qx "<!-- end: $$part -->" docs/performance.md || \
	    { echo "docs/performance.md has no section $$part"; exit 1; }; \
	done
	@if objdump -d $(BUILD)/tests/bench/bench_peak.o 2>/dev/null | grep -q 'vfmadd[0-9]*ps'; then \
	    count=$$(objdump -d $(BUILD)/tests/bench/bench_peak.o | awk '/<multiply_add_in_registers>:/ { inside = 1 } \
	        /^$$/ { inside = 0 } inside && /vfmadd[0-9]*ps/ { count++ } END { print count + 0 }'); \
	    [ "$$count" -ge 12 ] || { echo "bench: $$count of 12 chains of multiply-adds are left in the peak's loop"; exit 1; }; \
	fi

# Makes docs/performance.md. PARTS= names some of it (build/bench --help), PAGE= is another page or empty, OLD= is an
# older build/chiton to compare, DATA= has MNIST, and the environment's PYTHON= has JAX and PyTorch.
PAGE ?= docs/performance.md
bench:
	+@$(MAKE_AGAIN) $(BUILD)/bench $(BUILD)/chiton
	@$(BUILD)/bench $(if $(PAGE),--page '$(PAGE)') $(if $(OLD),--old '$(OLD)') $(if $(DATA),--data '$(DATA)') $(PARTS)

# ---- installation ----

# the headers that chiton.h names, and those that these include
$(BUILD)/public-headers: $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) -MM -x c chiton.h | tr ' \\' '\n\n' | grep '\.h$$' | sort -u > $@

# the names that they declare and the objects define
$(BUILD)/exports: $(BUILD)/public-headers $(OBJECTS)
	$(CC) $(BASE_CFLAGS) -E -P -x c chiton.h | grep -o '\<ch_[a-z0-9_]*' | sort -u > $@.declared
	nm -g $(OBJECTS) | awk '$$2 ~ /[TRDB]/ { sub(/^_/, "", $$3); print $$3 }' | sort -u | comm -12 - $@.declared > $@

ifeq ($(shell uname),Darwin)
EXPORTS = $(BUILD)/exports.darwin
EXPORT_FLAGS = -Wl,-exported_symbols_list,$(EXPORTS)
$(EXPORTS): $(BUILD)/exports
	sed 's/^/_/' $< > $@
else
EXPORTS = $(BUILD)/exports.map
EXPORT_FLAGS = -Wl,--version-script,$(EXPORTS)
$(EXPORTS): $(BUILD)/exports
	{ echo '{ global:'; sed 's/$$/;/' $<; echo 'local: *; };'; } > $@
endif

$(BUILD)/$(SHARED): $(OBJECTS) $(EXPORTS)
	$(LINK) $(SHARED_FLAGS) $(EXPORT_FLAGS) $(filter %.o,$^) $(LIBS) -o $@

$(BUILD)/chiton.1: docs/manual.sh $(BUILD)/chiton
	sh docs/manual.sh $(BUILD)/chiton > $@.part && mv $@.part $@

# What a program that uses the library links itself, and what only the static library needs. Of the latter some are
# named as libraries: their own list for static linking asks for what they were built with, which is seldom there.
OPENMP  = $(if $(findstring clang,$(shell $(CC) --version)),-lomp,-lgomp)
SHOWN   := gsl jansson
HIDDEN  := $(filter-out $(SHOWN) $(LARGE) popt,$(PACKAGES))
AT      = $(DESTDIR)$(PREFIX)

# prefix may have spaces, which pkg-config wants quoted where it is used
define PKGCONFIG
prefix=$(PREFIX)
includedir=$${prefix}/include/chiton
libdir=$${prefix}/lib

Name: chiton
Description: a laboratory for SGD noise
Version: $(VERSION)
Requires: $(SHOWN)
Requires.private: $(HIDDEN)
Cflags: -I"$${includedir}"
Libs: -L"$${libdir}" -lchiton
Libs.private: $(if $(LINKED),$(shell $(PKGCONF) --libs $(LINKED))) $(OPENMP) -lpthread -ldl -lm
endef

install: export PKGCONFIG := $(PKGCONFIG)
install: $(BUILD)/chiton $(MODULE) $(BUILD)/libchiton.a $(BUILD)/$(SHARED) $(BUILD)/chiton.1 $(BUILD)/public-headers
	install -d "$(AT)/bin" "$(AT)/lib/pkgconfig" "$(AT)/share/man/man1" "$(AT)/share/chiton/examples" "$(AT)/share/chiton/experiments" \
	    "$(AT)/share/bash-completion/completions" "$(AT)/share/zsh/site-functions"
	install -m 755 $(BUILD)/chiton "$(AT)/bin/"
	$(if $(MODULE),install -d "$(AT)/lib/chiton" && install -m 755 $(MODULE) "$(AT)/lib/chiton/")
	install -m 644 $(BUILD)/libchiton.a "$(AT)/lib/"
	install -m 755 $(BUILD)/$(SHARED) "$(AT)/lib/"
	ln -sf $(SHARED) "$(AT)/lib/$(SHARED_LINK)"
	printf '%s\n' "$$PKGCONFIG" > "$(AT)/lib/pkgconfig/chiton.pc"
	install -m 644 $(BUILD)/chiton.1 "$(AT)/share/man/man1/"
	install -m 644 completions/chiton.bash "$(AT)/share/bash-completion/completions/chiton"
	install -m 644 completions/_chiton "$(AT)/share/zsh/site-functions/"
	install -m 644 examples/*.c examples/*.py "$(AT)/share/chiton/examples/"
	install -d "$(AT)/share/chiton/examples/slurm"
	install -m 755 examples/slurm/*.sh "$(AT)/share/chiton/examples/slurm/"
	install -m 644 examples/slurm/README.md "$(AT)/share/chiton/examples/slurm/"
	install -m 644 experiments/*.yaml "$(AT)/share/chiton/experiments/"
	while read -r header; do \
	    install -d "$(AT)/include/chiton/$$(dirname "$$header")" && \
	    install -m 644 "$$header" "$(AT)/include/chiton/$$header" || exit 1; \
	done < $(BUILD)/public-headers

# the same PREFIX and DESTDIR as of the installation; folders that others share go where they are left empty
uninstall:
	rm -rf "$(AT)/include/chiton" "$(AT)/lib/chiton" "$(AT)/share/chiton"
	rm -f "$(AT)/bin/chiton" "$(AT)/lib/libchiton.a" "$(AT)/lib/$(SHARED)" "$(AT)/lib/$(SHARED_LINK)" \
	    "$(AT)/lib/pkgconfig/chiton.pc" "$(AT)/share/man/man1/chiton.1" \
	    "$(AT)/share/bash-completion/completions/chiton" "$(AT)/share/zsh/site-functions/_chiton"
	for folder in share/man/man1 share/man share/bash-completion/completions share/bash-completion share/zsh/site-functions \
	    share/zsh share lib/pkgconfig lib include bin; do \
	    rmdir "$(AT)/$$folder" 2>/dev/null || true; \
	done

.PHONY: all clean deps demo tests check check-format check-build check-layout check-library check-api check-docs check-install \
        check-cluster check-python check-bench check-native check-address check-thread check-valgrind check-long fuzz check-golden run-tests \
        objects-of-tests bench api install uninstall FORCE
.SECONDARY:
OTHER_KINDS = $(foreach kind,address thread valgrind fuzz,-not -path '$(BUILD)/$(kind)/*')
-include $(shell find $(BUILD) -name '*.d' $(OTHER_KINDS) 2>/dev/null)
