/* test_core.c — random streams, names, memory. */
#include "core/available.h"
#include "core/core.h"
#include "core/job.h"
#include "core/library.h"
#include "core/memory.h"
#include "core/memstream.h"
#include "core/names.h"
#include "core/text.h"

#include "tests/alloc_fail.h"
#include "tests/valgrind_support.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Known answers of Random123's philox4x64-10 (kat_vectors: counter 0 and key 0; all ones). */
static void gives_the_known_answers(void **state)
{
    (void)state;
    static const uint64_t zeros[] = {0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b};
    ch_random random;
    memset(&random, 0, sizeof random);
    random.position = CH_RANDOM_WORDS;
    for (size_t i = 0; i < 4; i++) {
        const uint64_t low = ch_random_u32(&random);
        const uint64_t high = ch_random_u32(&random);
        assert_true((high << 32 | low) == zeros[i]);
    }
}

static void streams_differ_and_repeat(void **state)
{
    (void)state;
    ch_random a, b, c, d, e;
    ch_random_init(&a, 7, CH_STREAM_BATCHES, 0);
    ch_random_init(&b, 7, CH_STREAM_BATCHES, 0);
    ch_random_init(&c, 8, CH_STREAM_BATCHES, 0);
    ch_random_init(&d, 7, CH_STREAM_INIT, 0);
    ch_random_init(&e, 7, CH_STREAM_BATCHES, 1);
    size_t same[3] = {0};
    for (int i = 0; i < 1000; i++) {
        const uint32_t word = ch_random_u32(&a);
        assert_int_equal(word, ch_random_u32(&b));
        same[0] += word == ch_random_u32(&c);
        same[1] += word == ch_random_u32(&d);
        same[2] += word == ch_random_u32(&e);
    }
    /* 1000 / 2^32 numbers are expected there; the probability of one or more is 10^-6 over the three */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(same[i], 0);
    }
}

/* Chi-square on 7 cells, and on the cells of a range that does not divide 2^32; false alarm 1e-6 each. */
static void below_is_uniform(void **state)
{
    (void)state;
    static const uint32_t ranges[] = {1, 7, 3000000000u};
    ch_random random;
    ch_random_init(&random, 1, CH_STREAM_BATCHES, 0);
    for (size_t r = 0; r < 3; r++) {
        const uint32_t cells = ranges[r] < 7 ? ranges[r] : 7;
        double counts[7] = {0};
        const size_t draws = 700000;
        for (size_t i = 0; i < draws; i++) {
            const uint32_t value = ch_random_below(&random, ranges[r]);
            assert_true(value < ranges[r]);
            counts[(uint64_t)value * cells / ranges[r]]++;
        }
        double chi2 = 0;
        for (uint32_t i = 0; i < cells; i++) {
            const double expected = (double)draws / cells;
            chi2 += (counts[i] - expected) * (counts[i] - expected) / expected;
        }
        assert_true(cells == 1 || gsl_cdf_chisq_Q(chi2, cells - 1) > 1e-6);
    }
}

/* Mean 1/2 and variance 1/12 of uniforms through GSL, at five standard errors: false alarm 1e-6. */
static void serves_gsl(void **state)
{
    (void)state;
    ch_random random;
    ch_random_init(&random, 3, CH_STREAM_INIT, 0);
    const gsl_rng gsl = ch_random_gsl(&random);
    double sum = 0, square = 0;
    const int draws = 1000000;
    for (int i = 0; i < draws; i++) {
        const double u = gsl_rng_uniform(&gsl);
        assert_true(u >= 0 && u < 1);
        sum += u - 0.5;
        square += (u - 0.5) * (u - 0.5);
    }
    assert_in(sum / draws, -5 * sqrt(1.0 / 12 / draws), 5 * sqrt(1.0 / 12 / draws));
    assert_in(square / draws, 1.0 / 12 - 5 * sqrt(1.0 / 180 / draws), 1.0 / 12 + 5 * sqrt(1.0 / 180 / draws));
    gsl_rng_set(&gsl, 3);
    ch_random again;
    ch_random_init(&again, 3, CH_STREAM_INIT, 0);
    assert_int_equal(gsl_rng_get(&gsl), ch_random_u32(&again));
}

/* Whole numbers are written and read without the C library where they are short. They are the texts and the numbers
 * that it gives. */
static void short_numbers_are_the_librarys(void **state)
{
    (void)state;
    static const double numbers[] = {0,    7,    10,     65536,     99999999999999, 999999999999999,
                                     1e15, 1e16, 0x1p53, 0x1p63,    1e22,           0.5,
                                     1e-3, -1,   -0.0,   123456.75, INFINITY};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char text[32], wanted[32];
        ch_number_format(numbers[i], text, sizeof text);
        snprintf(wanted, sizeof wanted, "%.15g", numbers[i]);
        if (strtod(wanted, NULL) == numbers[i]) {
            assert_string_equal(text, wanted);
        }
        assert_true(strtod(text, NULL) == numbers[i] && signbit(strtod(text, NULL)) == signbit(numbers[i]));
    }
    static const uint64_t counts[] = {0, 9, 10, 1234567890, UINT64_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        char text[32], wanted[32];
        ch_whole_format(counts[i], text, sizeof text);
        snprintf(wanted, sizeof wanted, "%llu", (unsigned long long)counts[i]);
        assert_string_equal(text, wanted);
        ch_whole_format(counts[i], text, 5);
        snprintf(wanted, 5, "%llu", (unsigned long long)counts[i]);
        assert_string_equal(text, wanted);
    }
    static const char *const digits[] = {
        "0", "12", "0007", "999999999999999", "1234567890123456", "18446744073709551615"};
    for (size_t i = 0; i < sizeof digits / sizeof *digits; i++) {
        char long_text[64];
        snprintf(long_text, sizeof long_text, "+%s", digits[i]); /* which is read by the C library */
        ch_number number, wanted;
        assert_true(ch_number_parse(&number, digits[i]) && ch_number_parse(&wanted, long_text));
        assert_true(number.value == wanted.value && number.whole == wanted.whole && number.count == wanted.count &&
                    number.power == wanted.power);
    }
    ch_number number;
    assert_false(ch_number_parse(&number, "") || ch_number_parse(&number, "12 ") || ch_number_parse(&number, " 1") ||
                 ch_number_parse(&number, "0x10"));
}

static void nearest_names(void **state)
{
    (void)state;
    static const char *const names[] = {"temp", "rate", "train", "batch"};
    assert_string_equal(ch_names_nearest("tmep", names, 4), "temp");
    assert_string_equal(ch_names_nearest("bacth", names, 4), "batch");
    assert_null(ch_names_nearest("quadratic", names, 4));
    assert_null(ch_names_nearest("", names, 4));
}

static void allocation_refuses_overflow(void **state)
{
    (void)state;
    void *items = NULL;
    size_t capacity = 0;
    assert_null(ch_alloc(SIZE_MAX / 2, 3));
    assert_null(ch_alloc(SIZE_MAX, 1));
    assert_int_equal(ch_grow(&items, &capacity, SIZE_MAX, 16), -1);
    assert_null(items);
    unsigned char *zeroed = ch_alloc(1000, 1);
    assert_non_null(zeroed);
    assert_int_equal((uintptr_t)zeroed % CH_CACHE_LINE, 0);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(zeroed[i], 0);
    }
    free(zeroed);
}

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void available_memory_keeps_limits(void **state)
{
    (void)state;
    char folder[] = "/tmp/chiton-test-XXXXXX", path[128];
    assert_true(ch_memory_available() > 0);
    assert_true(ch_memory_available() <= ch_memory_physical());
    assert_non_null(mkdtemp(folder));
    assert_true(ch_memory_available_in_group(folder) == SIZE_MAX); /* there is no such group */
    write_text(folder, "memory.max", "max\n");
    assert_true(ch_memory_available_in_group(folder) == SIZE_MAX);
    write_text(folder, "memory.max", "8000000000\n");
    assert_true(ch_memory_available_in_group(folder) == 8000000000);
    write_text(folder, "memory.stat", "anon_thp 5\nfile 4000000000\nanon 3000000000\nkernel 7\n");
    assert_true(ch_memory_available_in_group(folder) == 5000000000);
    write_text(folder, "memory.max", "2000000000\n");
    assert_true(ch_memory_available_in_group(folder) == 0);
    assert_true(ch_memory_limit_of_group(folder) == 2000000000);
    snprintf(path, sizeof path, "%s/memory.max", folder);
    assert_int_equal(remove(path), 0);
    snprintf(path, sizeof path, "%s/memory.stat", folder);
    assert_int_equal(remove(path), 0);
    /* version 1 */
    write_text(folder, "memory.limit_in_bytes", "6000000000\n");
    assert_true(ch_memory_limit_of_group(folder) == 6000000000);
    write_text(folder, "memory.stat", "cache 5\nrss 7\ntotal_rss 1000000000\n");
    assert_true(ch_memory_available_in_group(folder) == 5000000000);
    snprintf(path, sizeof path, "%s/memory.limit_in_bytes", folder);
    assert_int_equal(remove(path), 0);
    snprintf(path, sizeof path, "%s/memory.stat", folder);
    assert_int_equal(remove(path), 0);
    assert_int_equal(remove(folder), 0);
}

/* Quotas of processors of both versions, and the address space of a process. */
static void processors_keep_quotas(void **state)
{
    (void)state;
    static const struct {
        const char *max, *quota, *period;
        size_t count;
    } cases[] = {{NULL, NULL, NULL, SIZE_MAX},        {"max 100000\n", NULL, NULL, SIZE_MAX},
                 {"200000 100000\n", NULL, NULL, 2},  {"150000 100000\n", NULL, NULL, 2},
                 {"10000 100000\n", NULL, NULL, 1},   {NULL, "-1\n", "100000\n", SIZE_MAX},
                 {NULL, "300000\n", "100000\n", 3},   {NULL, "300000\n", NULL, SIZE_MAX},
                 {"nonsense\n", NULL, NULL, SIZE_MAX}};
    char folder[] = "/tmp/chiton-test-XXXXXX", path[128];
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const names[] = {"cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"};
        const char *const texts[] = {cases[i].max, cases[i].quota, cases[i].period};
        for (size_t k = 0; k < 3; k++) {
            if (texts[k] != NULL) {
                write_text(folder, names[k], texts[k]);
            }
        }
        assert_true(ch_processors_in_group(folder) == cases[i].count);
        for (size_t k = 0; k < 3; k++) {
            snprintf(path, sizeof path, "%s/%s", folder, names[k]);
            (void)remove(path);
        }
    }
    assert_int_equal(remove(folder), 0);
    assert_true(ch_processors_available() >= 1);
}

/* The variables by which Slurm tells a job's limits. */
static const char *const job_variables[] = {
    "SLURM_JOB_ID",       "SLURM_CPUS_PER_TASK",        "SLURM_CPUS_ON_NODE",
    "SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU",          "SLURM_STEP_TASKS_PER_NODE",
    "SLURM_NODEID",       "OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"};
enum { NUM_JOB_VARIABLES = sizeof job_variables / sizeof *job_variables };

static int leave_job(void **state)
{
    (void)state;
    for (size_t i = 0; i < NUM_JOB_VARIABLES; i++) {
        unsetenv(job_variables[i]);
    }
    return 0;
}

static void jobs_have_limits(void **state)
{
    static const size_t NONE = SIZE_MAX, MB = 1 << 20;
    static const struct {
        const char *values[NUM_JOB_VARIABLES]; /* NULL: not set */
        size_t processors, units;              /* SIZE_MAX: no limit */
    } cases[] = {
        {{NULL, "4", "8", "100", "10"}, SIZE_MAX, SIZE_MAX}, /* no job */
        {{"1"}, SIZE_MAX, SIZE_MAX},
        {{"1", "4", "8", "100"}, 4, 100},
        {{"1", NULL, "8", NULL, "10"}, 8, 80},
        {{"1", NULL, NULL, "0", "10"}, SIZE_MAX, SIZE_MAX},            /* all memory of the machine */
        {{"1", "four", "-8", "100M", "10"}, SIZE_MAX, SIZE_MAX},       /* these are no numbers */
        {{"1", "0", "6", "120", NULL, "3"}, 2, 40},                    /* three processes on the machine */
        {{"1", NULL, "6", "120", NULL, "2(x3),1", "2"}, 3, 60},        /* two on the third, */
        {{"1", NULL, "6", "120", NULL, "2(x3),1", "3"}, 6, 120},       /* one on the fourth, */
        {{"1", NULL, "6", "120", NULL, "2(x3),1", "4"}, 6, 120},       /* and a fifth there is not */
        {{"1", NULL, "6", "120", NULL, "2(x", "0"}, 6, 120},           /* and this is no list */
        {{"1", NULL, "6", "120", NULL, "1", "0", "4"}, 1, 30},         /* mpirun's processes are one to Slurm */
        {{"1", "2", "6", "120", NULL, "1", "0", NULL, "3"}, 2, 40},    /* each of them has so many processors */
        {{"1", NULL, "2", NULL, "18446744073709551615"}, 2, SIZE_MAX}, /* more than there are bytes */
        {{"1", NULL, "2", "99999999999999999999"}, 2, SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        leave_job(state);
        for (size_t k = 0; k < NUM_JOB_VARIABLES; k++) {
            assert_int_equal(cases[i].values[k] != NULL ? setenv(job_variables[k], cases[i].values[k], 1) : 0, 0);
        }
        assert_true(ch_job_processors() == cases[i].processors);
        assert_true(ch_job_memory() == (cases[i].units != NONE ? cases[i].units * MB : NONE));
    }
}

/* What the process may use is no more than its job has, and its memory less by what it holds. */
static void jobs_limit_the_process(void **state)
{
    static const size_t MB = 1 << 20;
    leave_job(state);
    assert_int_equal(setenv("SLURM_JOB_ID", "1", 1) + setenv("SLURM_CPUS_PER_TASK", "1", 1), 0);
    assert_int_equal(setenv("SLURM_MEM_PER_NODE", "64", 1), 0);
    assert_int_equal(ch_processors_available(), 1);
    assert_true(ch_memory_limit() == 64 * MB);
    assert_true(ch_memory_available() < 64 * MB);
    assert_int_equal(setenv("SLURM_CPUS_PER_TASK", "4096", 1) + setenv("SLURM_MEM_PER_NODE", "999999999", 1), 0);
    assert_true(ch_processors_available() <= omp_get_num_procs()); /* a job has no more than there is */
    assert_true(ch_memory_limit() <= ch_memory_physical());
}

static void address_space_is_a_limit(void **state)
{
    (void)state;
    struct rlimit before, lower;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    lower = before;
    lower.rlim_cur = (rlim_t)1 << 40;
    /* a sanitizer reserves more addresses than that */
    if (is_sanitized() || before.rlim_cur != RLIM_INFINITY || setrlimit(RLIMIT_AS, &lower) != 0) {
        skip();
    }
    const size_t limit = ch_memory_limit(), available = ch_memory_available();
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_true(limit <= (size_t)1 << 40 && available < (size_t)1 << 40);
}

/* A child process, whose limits are its own: its address space has room for the stacks of a few threads. */
static void threads_are_limited_by_the_system(void **state)
{
    (void)state;
    assert_int_equal(ch_threads_available(1), 1);
    assert_int_equal(ch_threads_available(0), 1);
    assert_int_equal(ch_threads_available(5), 5);
    if (is_sanitized() || is_under_valgrind()) {
        skip();
    }
    const pid_t child = fork();
    if (child == 0) {
        enum { WANTED = 200 };
        const rlim_t room = (rlim_t)1 << 30;
        struct rlimit limit = {room, room};
        const bool is_set = setrlimit(RLIMIT_AS, &limit) == 0;
        const int possible = ch_threads_available(WANTED);
        _exit(is_set && possible > 1 && possible < WANTED ? 0 : 1);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void control_characters_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"plain", "plain"},
        {"\033[1mbold\a", "\\x1b[1mbold\\x07"},
        {"a\tb\nc\x7f", "a\\x09b\\x0ac\\x7f"},
        {"\xc2\x9b", "\\xc2\\x9b"},                                   /* U+009B */
        {"\x9b", "\\x9b"},                                            /* a byte that some terminals take for it */
        {"\u03b3 = \u00bd \U0001d6fe", "\u03b3 = \u00bd \U0001d6fe"}, /* characters of several bytes stay */
        {"\xe2\x82!", "\\xe2\\x82!"},                                 /* what is no UTF-8 does not: half a character, */
        {"caf\xe9 \xff\xc3", "caf\\xe9 \\xff\\xc3"},                  /* Latin-1 and bytes that begin nothing, */
        {"\xc0\xaf", "\\xc0\\xaf"},                                   /* what has a shorter sequence, */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},                          /* half of a pair of UTF-16, */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},                 /* and what is beyond U+10FFFF */
    };
    char copy[64], large[32];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ch_text_escape(cases[i].text, copy, sizeof copy);
        assert_string_equal(copy, cases[i].shown);
    }
    ch_text_escape("abc\033", large, 7); /* no room for the whole escape */
    assert_string_equal(large, "abc");
    ch_text_escape("ab\u03b3", large, 4);
    assert_string_equal(large, "ab");
    assert_string_equal(ch_show("a\033b\xc2\x9b\u03b3\x7f").text, "a?b??\u03b3?");
    char *valid = ch_text_make_utf8("\xe9\t\u03b3\xe2\x82");
    assert_string_equal(valid, "\\xe9\t\u03b3\\xe2\\x82");
    free(valid);
    ch_error err;
    (void)ch_error_set(&err, CH_ERROR_INPUT, "no file %s", "\033]0;\a");
    assert_string_equal(err.message, "no file \\x1b]0;\\x07");
}

static void tells_text_from_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
        bool valid;
    } cases[] = {
        {"", 0, true},
        {"abc", 3, true},
        {"\xce\xba\xe2\x89\xa5\xf0\x9f\x90\x9a", 9, true},
        {"a\0b", 3, false},
        {"\x80", 1, false},
        {"\xc2", 1, false},
        {"\xc0\xaf", 2, false},
        {"\xe0\x9f\xbf", 3, false},
        {"\xed\xa0\x80", 3, false},
        {"\xee\x80\x80", 3, true},
        {"\xf4\x8f\xbf\xbf", 4, true},
        {"\xf4\x90\x80\x80", 4, false},
        {"\xf8\x88\x80\x80", 4, false},
        {"\xe2\x89", 2, false},
        {"\xc2\x41", 2, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(ch_text_is_valid(cases[i].text, cases[i].length), cases[i].valid);
    }
}

/* Writes numbers, many times what a buffer of the stream holds. */
static ch_code write_numbers(char **text, ch_error *err)
{
    enum { LINES = 20000 };
    size_t length = 0;
    FILE *stream = ch_memstream_open(text, &length);
    if (stream == NULL) {
        return ch_error_memory(err, "a text");
    }
    for (int i = 0; i < LINES; i++) {
        fprintf(stream, "%d\n", i);
    }
    return ch_memstream_close(stream, text) ? CH_OK : ch_error_memory(err, "a text");
}

/* A text in memory is whole, or said to be not: whatever piece of it found no memory. */
static void texts_in_memory_are_whole(void **state)
{
    (void)state;
    char *text = NULL;
    ch_error err;
    long failed = 0;
    assert_failures_are_told(failed, write_numbers(&text, &err), err, assert_null(text));
    assert_true(failed >= 5); /* the text is moved at least so often while it doubles from a buffer on */
    const char *rest = text;
    for (long i = 0; *rest != '\0'; i++) {
        char *end = NULL;
        assert_int_equal(strtol(rest, &end, 10), i);
        assert_int_equal(*end, '\n');
        rest = end + 1;
    }
    assert_int_equal(rest - text, 10 + 90 * 2 + 900 * 3 + 9000 * 4 + 10000 * 5 + 20000);
    free(text);
}

/* What a library has is found when it is loaded; a library that is missing, or lacks a name, is named. */
static void libraries_are_loaded(void **state)
{
    (void)state;
#ifdef __GLIBC__
    static const char *const names[] = {"cos", "signgam", "no_such_function"};
    struct {
        double (*cos)(double);
        int *signgam;
        void *none;
    } lib;
    ch_error err = {0};
    assert_int_equal(ch_library_load("libm.so.6", "angles cannot be computed", names, 2, &lib, &err), CH_OK);
    assert_true(lib.cos(0) == 1);
    assert_non_null(lib.signgam);
    assert_int_equal(ch_library_load("libm.so.6", "angles cannot be computed", names, 3, &lib, &err), CH_ERROR_IO);
    assert_string_equal(err.message, "angles cannot be computed: library libm.so.6 has no no_such_function; install "
                                     "the version that chiton was built with");
    assert_int_equal(ch_library_load("libnone.so.1", "angles cannot be computed", names, 2, &lib, &err), CH_ERROR_IO);
    assert_non_null(strstr(err.message, "angles cannot be computed: library libnone.so.1 cannot be loaded: "));
    assert_non_null(strstr(err.message, "; install it"));
#else
    skip();
#endif
}

int main(void)
{
    /* suites: valgrind */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_text_from_bytes),
        cmocka_unit_test(gives_the_known_answers),
        cmocka_unit_test(streams_differ_and_repeat),
        cmocka_unit_test(below_is_uniform),
        cmocka_unit_test(serves_gsl),
        cmocka_unit_test(short_numbers_are_the_librarys),
        cmocka_unit_test(nearest_names),
        cmocka_unit_test(allocation_refuses_overflow),
        cmocka_unit_test(available_memory_keeps_limits),
        cmocka_unit_test(processors_keep_quotas),
        cmocka_unit_test_teardown(jobs_have_limits, leave_job),
        cmocka_unit_test_teardown(jobs_limit_the_process, leave_job),
        cmocka_unit_test(address_space_is_a_limit),
        cmocka_unit_test(threads_are_limited_by_the_system),
        cmocka_unit_test(control_characters_are_escaped),
        cmocka_unit_test(texts_in_memory_are_whole),
        cmocka_unit_test(libraries_are_loaded),
    };
    return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
