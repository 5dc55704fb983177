/* test_store_machines.c — on what machines runs were made: what is recorded, copied, counted and told. */
#include "sim/store/machines.h"
#include "sim/store/merge.h"
#include "sim/store/summary.h"
#include "tests/store_support.h"

#include <gsl/gsl_version.h>
#include <unistd.h>

/* The list of machines of a store's summary; to be released by the caller. */
static json_t *machines_of(const char *path)
{
    json_t *summary = NULL;
    ch_store store = open_store(path, CH_STORE_READ);
    assert_int_equal(ch_store_summarise(&store, &summary, NULL), CH_OK);
    ch_store_close(&store);
    json_t *machines = json_incref(json_object_get(summary, "machines"));
    json_decref(summary);
    return machines;
}

static long long number_of(const json_t *machines, size_t index, const char *member)
{
    return json_integer_value(json_object_get(json_array_get(machines, index), member));
}

static void assert_words(const json_t *machines, size_t index, const char *words)
{
    char text[CH_MACHINE_WORDS];
    ch_machine_describe(json_array_get(machines, index), text, sizeof text);
    if (strstr(text, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", text, words);
    }
}

/* What is recorded is this machine, by other means, and nobody's name. */
static void test_this_machine(void **state)
{
    (void)state;
    char host[256] = "", words[64];
    const char *path = path_of("s.db");
    make_store(path, 3);
    json_t *machines = machines_of(path);
    assert_int_equal(json_array_size(machines), 1);
    assert_int_equal(number_of(machines, 0, "runs"), 3);
    assert_int_equal(number_of(machines, 0, "cores"), sysconf(_SC_NPROCESSORS_ONLN));
    const double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    assert_true(fabs((double)number_of(machines, 0, "memory") - memory) <= 0x1p27);
    snprintf(words, sizeof words, ", GSL %s", gsl_version);
    assert_words(machines, 0, words);
    assert_words(machines, 0, " core");
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    char *sql = sqlite3_mprintf("SELECT count(*) FROM machines WHERE length(%Q) > 3 AND"
                                " instr(processor || system || compiler || gsl, %Q) > 0",
                                host, host);
    assert_int_equal(query(path, sql), 0);
    sqlite3_free(sql);
    json_decref(machines);
    assert_int_equal(query(path, "SELECT count(*) FROM runs JOIN machines USING (machine)"), 3);
}

/* The most threads of any sweep are kept, and a sweep without new runs leaves no machine behind. */
static void test_threads(void **state)
{
    (void)state;
    static const int threads[] = {2, 5, 3};
    const char *path = path_of("s.db");
    make_store(path, 0);
    assert_int_equal(query(path, "SELECT count(*) FROM machines"), 0);
    for (size_t i = 0; i < 3; i++) {
        ch_store store = open_store(path, CH_STORE_WRITE);
        assert_int_equal(ch_store_set_threads(&store, threads[i], NULL), CH_OK);
        put(&store, i);
        ch_store_close(&store);
    }
    json_t *machines = machines_of(path);
    assert_int_equal(json_array_size(machines), 1);
    assert_int_equal(number_of(machines, 0, "threads"), 5);
    json_decref(machines);
}

/* Runs of an older store have no machine, also beside new ones, and a row that is no machine counts as none. */
static void test_not_recorded(void **state)
{
    (void)state;
    const char *path = path_of("s.db");
    make_store(path, 3);
    age(path, CH_SCHEMA_MACHINES - 1);
    json_t *machines = machines_of(path);
    assert_int_equal(json_array_size(machines), 1);
    assert_int_equal(number_of(machines, 0, "runs"), 3);
    assert_true(json_is_null(json_object_get(json_array_get(machines, 0), "processor")));
    assert_words(machines, 0, "not recorded");
    json_decref(machines);
    make_store(path, 5); /* brings it up to date, and adds two runs */
    machines = machines_of(path);
    assert_int_equal(json_array_size(machines), 2);
    assert_words(machines, 0, "not recorded");
    assert_int_equal(number_of(machines, 0, "runs"), 3);
    assert_int_equal(number_of(machines, 1, "runs"), 2);
    json_decref(machines);
    execute(path, "UPDATE runs SET machine = 12 WHERE machine IS NOT NULL");
    machines = machines_of(path);
    assert_int_equal(json_array_size(machines), 1);
    assert_int_equal(number_of(machines, 0, "runs"), 5);
    json_decref(machines);
}

/* A merge keeps each run's machine. The same run on two machines is no conflict, and rows that are no machines stay
 * behind. */
static void test_merged(void **state)
{
    (void)state;
    ch_merge_counts counts;
    const char *from = path_of("b.db"), *into = path_of("a.db");
    make_store(into, 3);
    make_store(from, 7);
    execute(from,
            "INSERT INTO machines SELECT 77, 'Another', 64, 9, memory, system, compiler, gsl FROM machines;"
            "INSERT INTO machines SELECT 78, x'05', cores, 1, memory, system, compiler, gsl FROM machines LIMIT 1;"
            "UPDATE runs SET machine = 77; UPDATE runs SET machine = 78 WHERE seed = 6");
    assert_int_equal(ch_store_merge(into, &from, 1, false, NULL, &counts, NULL), CH_OK);
    assert_int_equal(counts.added, 4);
    json_t *machines = machines_of(into);
    assert_int_equal(json_array_size(machines), 3);
    assert_int_equal(number_of(machines, 0, "runs") + number_of(machines, 1, "runs"), 6);
    assert_int_equal(query(into, "SELECT count(*) FROM runs JOIN machines USING (machine) WHERE processor = 'Another'"),
                     3);
    assert_int_equal(query(into, "SELECT threads FROM machines WHERE processor = 'Another'"), 9);
    assert_int_equal(query(into, "SELECT count(*) FROM machines WHERE machine = 78"), 0);
    assert_int_equal(number_of(machines, 2, "runs"), 1);
    assert_words(machines, 2, "not recorded");
    json_decref(machines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_this_machine),
        STORE_TEST(test_threads),
        STORE_TEST(test_not_recorded),
        STORE_TEST(test_merged),
    };
    return cmocka_run_group_tests_name("machines of a store", tests, NULL, NULL);
}
