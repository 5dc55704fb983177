/* test_store_processes.c — several processes use one run store at once, and some of them are killed. */
#include "tests/store_process_support.h"

#include <signal.h>
#include <time.h>

enum { SHARED_RUNS = 120 };

/* Opens the store four times and puts a quarter of the runs each time, as short sweeps would. */
static void write_shared(int first)
{
    ch_error err = {0};
    for (int part = 0; part < 4; part++) {
        ch_store store;
        require(ch_store_open(&store, path_of("s.db"), CH_STORE_WRITE, &err) == CH_OK, &err);
        for (int i = part; i < SHARED_RUNS; i += 4) {
            ch_point points[NUM_POINTS];
            const ch_run run = make_run((uint64_t)(first + i) % SHARED_RUNS, points);
            require(ch_store_put(&store, &run, &err) == CH_OK, &err);
        }
        ch_store_close(&store);
    }
}

static void test_processes_share_a_store(void **state)
{
    (void)state;
    make_store(path_of("t.db"), SHARED_RUNS);
    for (int round = 0; round < 3; round++) {
        pid_t children[3];
        for (int i = 0; i < 3; i++) {
            children[i] = start(write_shared, 40 * i);
        }
        for (int i = 0; i < 3; i++) {
            assert_done(children[i]);
        }
        assert_true(is_whole(path_of("s.db")));
        assert_stores_equal(path_of("s.db"), path_of("t.db"));
        make_store(path_of("s.db"), 0); /* the last to close leaves one plain file */
        assert_alone("s.db");
        assert_int_equal(unlink(path_of("s.db")), 0);
    }
}

static void test_read_while_writing(void **state)
{
    (void)state;
    ch_store writer = open_store(path_of("s.db"), CH_STORE_WRITE);
    for (uint64_t i = 0; i < 5; i++) {
        put(&writer, i);
        assert_int_equal(count_runs(path_of("s.db")), i + 1);
    }
    ch_store reader = open_store(path_of("s.db"), CH_STORE_READ);
    ch_store_close(&writer);
    ch_store_close(&reader);
    assert_int_equal(count_runs(path_of("s.db")), 5);
}

static int acknowledge; /* pipe's end that the child tells through that a run is in */

static void write_until_killed(int num_runs)
{
    ch_store store;
    ch_error err = {0};
    require(ch_store_open(&store, path_of("s.db"), CH_STORE_WRITE, &err) == CH_OK, &err);
    for (int i = 0; i < num_runs; i++) {
        ch_point points[NUM_POINTS];
        const ch_run run = make_run((uint64_t)i, points);
        require(ch_store_put(&store, &run, &err) == CH_OK, &err);
        require(write(acknowledge, "+", 1) == 1, &err);
    }
    ch_store_close(&store);
}

/* Starts a writer and kills it after some microseconds. @return runs it said were in */
static size_t kill_writer(int num_runs, long microseconds)
{
    char bytes[512];
    int ends[2];
    size_t count = 0;
    assert_int_equal(pipe(ends), 0);
    acknowledge = ends[1];
    const pid_t child = start(write_until_killed, num_runs);
    nanosleep(&(struct timespec){.tv_nsec = 1000 * microseconds}, NULL);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ends[1]);
    for (ssize_t got = 0; (got = read(ends[0], bytes, sizeof bytes)) > 0;) {
        count += (size_t)got;
    }
    close(ends[0]);
    return count;
}

/* Delays from creation of the file to its close, on any machine: they grow until the writer is through. */
static void test_killed_writers(void **state)
{
    (void)state;
    enum { NUM_RUNS = 300, ROUNDS = 40 };
    int unfinished = 0;
    make_store(path_of("t.db"), NUM_RUNS);
    for (int round = 0; round < ROUNDS; round++) {
        const size_t told = kill_writer(NUM_RUNS, 200 + 25 * (long)round * round);
        if (told > 0) {
            assert_true(count_runs(path_of("s.db")) >= told);
        }
        unfinished += told < NUM_RUNS;
        if (exists(path_of("s.db"))) {
            assert_true(is_whole(path_of("s.db")));
            ch_store store = open_store(path_of("s.db"), CH_STORE_WRITE);
            ch_store_close(&store);
            assert_int_equal(query(path_of("s.db"), "SELECT count(*) FROM runs"
                                                    " WHERE (SELECT count(*) FROM points WHERE run = id) <> 5"),
                             0);
            assert_alone("s.db");
        }
        if (round % 4 == 0) {
            make_store(path_of("s.db"), NUM_RUNS); /* repeating the command fills in what is missing */
            assert_stores_equal(path_of("s.db"), path_of("t.db"));
            assert_int_equal(unlink(path_of("s.db")), 0);
        }
    }
    assert_true(unfinished > ROUNDS / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_processes_share_a_store),
        STORE_TEST(test_read_while_writing),
        STORE_TEST(test_killed_writers),
    };
    return cmocka_run_group_tests_name("store processes", tests, NULL, NULL);
}
