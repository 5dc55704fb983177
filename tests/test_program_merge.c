/* test_program_merge.c — `chiton merge`, and commands that read several stores as one. */
#include "tests/program_support.h"

#define PART "sweep perceptron --dim 8 --train 32,64 --temp 0.5,1 --record 2 "

/* Two overlapping stores, and one that has the runs of both. */
static int make_stores(void **state)
{
    if (make_folder(state) != 0) {
        return -1;
    }
    assert_succeeds(PART "--seed 0..3 -o a.db");
    assert_succeeds(PART "--seed 2..5 -o b.db");
    assert_succeeds(PART "--seed 0..5 -o all.db");
    return 0;
}

/* Requires that two stores export the same, but for the seconds that runs took. */
static void assert_same_exports(const char *one, const char *other)
{
    static char first[sizeof out];
    for (int points = 0; points < 2; points++) {
        const char *option = points ? "--points" : "--csv";
        execute(path_of(one), "UPDATE runs SET seconds = 0");
        execute(path_of(other), "UPDATE runs SET seconds = 0");
        assert_succeeds("export %s %s", one, option);
        memcpy(first, out, sizeof out);
        assert_succeeds("export %s %s", other, option);
        assert_string_equal(out, first);
    }
}

static void test_merge(void **state)
{
    (void)state;
    assert_succeeds("merge new.db a.db b.db");
    assert_says(out, "new.db: 24 runs, 24 of them new, with ");
    assert_says(out, "; 32 runs read, 8 of them there already\n");
    assert_same_exports("new.db", "all.db");
    assert_succeeds("merge a.db b.db");
    assert_says(out, "a.db: 24 runs, 8 of them new, with ");
    assert_same_exports("a.db", "all.db");
    assert_succeeds(PART "--seed 0..5 -o a.db");
    assert_says(out, "24 runs, 24 were there, 0 done");
}

static void assert_refuses(const char *line, const char *words)
{
    assert_int_equal(chiton("%s", line), 2);
    assert_says(err, words);
    assert_string_equal(out, "");
}

static void test_merge_refuses(void **state)
{
    (void)state;
    assert_refuses("merge", "merge takes the store to put runs into and at least one to read them from");
    assert_refuses("merge new.db", "but 1 is given");
    assert_refuses("merge a.db b.db ./a.db", "accepted are other stores");
    assert_refuses("merge new.db a.db none.db", "store none.db cannot be opened");
    assert_false(exists(path_of("new.db")));
    execute(path_of("b.db"), "UPDATE runs SET noise = 0.25 WHERE seed = 3 AND train = 32 AND temp = 1");
    assert_int_equal(chiton("merge new.db a.db b.db"), 1);
    assert_says(err, "chiton: 1 run of one id differs between the stores: run ");
    assert_says(err, " has noise = 0.25 in b.db and ");
    assert_string_equal(out, "");
    assert_false(exists(path_of("new.db")));
    execute(path_of("b.db"), "UPDATE runs SET noise = 'x' WHERE noise = 0.25");
    assert_int_equal(chiton("merge new.db a.db b.db"), 1);
    assert_says(err, "chiton: store b.db is damaged: table runs");
    assert_int_equal(chiton("merge new.db a.db b.db --skip-damaged"), 0);
    assert_says(err, "1 damaged run left out; the first: store b.db is damaged: table runs");
    assert_int_equal(count_runs(path_of("new.db")), 24);
}

/* Waits until a process catches a signal, where the system tells. */
static void wait_until_caught(pid_t process, int number)
{
    char name[64], line[128];
    snprintf(name, sizeof name, "/proc/%d/status", (int)process);
    for (bool is_caught = false; !is_caught;) {
        unsigned long long mask = 0;
        FILE *file = fopen(name, "r");
        assert_non_null(file);
        while (fgets(line, sizeof line, file) != NULL) {
            (void)sscanf(line, "SigCgt: %llx", &mask);
        }
        fclose(file);
        is_caught = (mask >> (number - 1) & 1) != 0;
        wait_ms(1);
    }
}

/* A signal ends a merge; here it comes while the merge waits for another program's transaction. */
static void test_merge_stopped(void **state)
{
    (void)state;
#ifndef __linux__
    skip();
#endif
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path_of("a.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    const pid_t child = start("merge a.db b.db", &(surroundings){0});
    wait_until_caught(child, SIGINT);
    assert_int_equal(kill(child, SIGINT), 0);
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(finish(child), 130);
    assert_says(err, "chiton: stopped; no store was changed");
    sqlite3_close(db);
    assert_int_equal(count_runs(path_of("a.db")), 16);
}

/* Parts of a sweep, done apart and merged, are the sweep; they may overlap with what is there. */
static void test_parts(void **state)
{
    (void)state;
    size_t count = 0;
    for (int k = 1; k <= 3; k++) {
        unsigned runs = 0, all = 0;
        assert_succeeds(PART "--seed 0..5 --part %d/3 --dry-run", k);
        const char *line = strstr(out, "\npart ");
        assert_non_null(line);
        assert_int_equal(sscanf(line, "\npart %*d of 3: %u of %u runs, ", &runs, &all), 2);
        assert_int_equal(all, 24);
        assert_succeeds(PART "--seed 0..5 --part %d/3 -j %d -o p%d.db", k, k, k);
        count += runs;
        assert_int_equal(count_runs(path_of(k == 1 ? "p1.db" : k == 2 ? "p2.db" : "p3.db")), runs);
        assert_succeeds(PART "--seed 0..5 --part %d/3 -o p%d.db", k, k);
        assert_says(out, " runs, ");
        assert_says(out, " were there, 0 done");
    }
    assert_int_equal(count, 24);
    assert_succeeds("merge new.db p1.db p2.db p3.db a.db");
    assert_same_exports("new.db", "all.db");
    assert_refuses(PART "--part 4/3 -o new2.db", "part is '4/3'; accepted is K/N");
    assert_false(exists(path_of("new2.db")));
}

/* What a command prints of two stores is what it prints of the store that has the runs of both. */
static void assert_reads_as_one(const char *command)
{
    static char whole[sizeof out];
    assert_succeeds(command, "all.db");
    memcpy(whole, out, sizeof out);
    assert_succeeds(command, "b.db a.db");
    assert_string_equal(out, whole);
}

static void test_several_as_one(void **state)
{
    (void)state;
    static const char *const stores[] = {"a.db", "b.db", "all.db"};
    for (size_t i = 0; i < 3; i++) {
        execute(path_of(stores[i]), "UPDATE runs SET seconds = 0.5");
    }
    assert_reads_as_one("list %s");
    assert_reads_as_one("list %s --json");
    assert_reads_as_one("export %s");
    assert_reads_as_one("export %s --json --where 'train = 32'");
    assert_reads_as_one("export %s --points");
    assert_reads_as_one("fit %s --json");
    assert_succeeds("plot a.db b.db -o figures --format svg");
    assert_says(out, "figures/perceptron-chi0-dim8-training.svg\n"); /* which has the trajectories */
    assert_refuses("delete a.db b.db --where 1", "delete takes one store, but 2 are given");
    assert_refuses("list a.db none.db", "store none.db cannot be opened");
    assert_refuses("fit a.db b.db --where 'chi = 7'", "a.db and 1 more holds no run that fulfils --where chi = 7");
    assert_refuses("plot a.db b.db -o d --where 'chi = 7'", "the store a.db and 1 more has no runs that fulfil");
    execute(path_of("b.db"), "UPDATE runs SET noise = 0.25 WHERE seed = 3");
    static const char *const commands[] = {"list a.db b.db", "export a.db b.db", "fit a.db b.db",
                                           "plot a.db b.db -o d"};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(chiton("%s", commands[i]), 1);
        assert_says(err, "chiton: 4 runs of one id differ between the stores: run ");
        assert_string_equal(out, "");
    }
    execute(path_of("b.db"), "UPDATE runs SET noise = 'x' WHERE seed = 3");
    assert_int_equal(chiton("list a.db b.db --skip-damaged"), 0);
    assert_says(out, "runs            24\n");
    assert_says(err, "4 damaged runs left out; the first: store b.db is damaged");
    assert_succeeds("list a.db");
    assert_says(out, "runs            16\n");
}

#define MERGE_TEST(function) cmocka_unit_test_setup_teardown(function, make_stores, remove_folder)

int main(void)
{
    /* suites: program */
    const struct CMUnitTest tests[] = {
        MERGE_TEST(test_merge), MERGE_TEST(test_merge_refuses),  MERGE_TEST(test_merge_stopped),
        MERGE_TEST(test_parts), MERGE_TEST(test_several_as_one),
    };
    return cmocka_run_group_tests_name("program and merge", tests, locate_program, NULL);
}
