/* test_checkpoint.c — runs that go on from a state that was kept come to the same end, with the same trajectory; larger
 * budgets go on from smaller ones; a state that is damaged, or cannot be kept, is told of and does no harm. */
#include "tests/sweep_support.h"
#include "tests/train_support.h"

#include "core/memory.h"
#include "sim/store/reuse.h"
#include "sim/store/states.h"
#include "sim/train_private.h"

/* ---- states in memory ---- */

/* Keeps the last state of a run, and stops the run when it was called often enough. */
typedef struct {
    ch_run_state last;
    ch_stop stop;
    unsigned calls, most_calls;
    unsigned said;
} memory_place;

static bool find_in_memory(void *context, const ch_resolved *resolved, size_t rank, ch_run_state *state)
{
    (void)resolved;
    const memory_place *self = context;
    if (rank > 0 || self->last.bytes == NULL) {
        return false;
    }
    *state = self->last;
    state->bytes = malloc(state->size);
    assert_non_null(state->bytes);
    memcpy(state->bytes, self->last.bytes, state->size);
    return true;
}

static void keep_in_memory(void *context, const ch_run_state *state)
{
    memory_place *self = context;
    ch_run_state_free(&self->last);
    self->last = *state;
    self->last.bytes = malloc(state->size);
    assert_non_null(self->last.bytes);
    memcpy(self->last.bytes, state->bytes, state->size);
    self->calls++;
    self->stop = self->calls >= self->most_calls;
}

static void say_in_memory(void *context, const char *sentence)
{
    assert_non_null(strstr(sentence, "cannot be used"));
    ((memory_place *)context)->said++;
}

static const double ALWAYS = 1e-12; /* seconds from one state to the next: one is kept at each look at the clock */

static ch_run_states in_memory(memory_place *self)
{
    return (ch_run_states){
        .context = self, .interval = ALWAYS, .find = find_in_memory, .keep = keep_in_memory, .say = say_in_memory};
}

/* ---- runs ---- */

static ch_train_set set_of(const ch_resolved *resolved)
{
    ch_train_set set = {0};
    ch_error err = {0};
    const size_t num_samples = (size_t)resolved->settings.train;
    if (num_samples > 0 && ch_train_set_init(&set, resolved, NULL, num_samples, 1, NULL, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    return set;
}

static void assert_same_observation(const ch_observation *a, const ch_observation *b)
{
    for (size_t i = 0; i < ch_observables_count; i++) {
        const size_t offset = ch_observables_table[i].offset;
        assert_memory_equal((const char *)a + offset, (const char *)b + offset, sizeof(double));
    }
}

/* All that a store has of both runs is equal, bit for bit, but for the seconds. */
static void assert_same_run(const ch_run *a, const ch_run *b)
{
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->reason, b->reason);
    assert_int_equal(a->steps, b->steps);
    assert_int_equal(a->updates, b->updates);
    assert_memory_equal(&a->time, &b->time, sizeof a->time);
    assert_same_observation(&a->final, &b->final);
    assert_int_equal(a->num_points, b->num_points);
    assert_int_equal(a->num_layers, b->num_layers);
    for (size_t i = 0; i < a->num_points; i++) {
        assert_int_equal(a->points[i].step, b->points[i].step);
        assert_same_observation(&a->points[i].observed, &b->points[i].observed);
    }
    if (a->num_layers > 0) {
        assert_memory_equal(a->layer_changes, b->layer_changes,
                            ch_run_num_looks(a) * a->num_layers * sizeof *a->layer_changes);
    }
    assert_int_equal(a->num_fluctuations, b->num_fluctuations);
    if (a->num_fluctuations > 0) {
        assert_memory_equal(a->fluctuations, b->fluctuations, a->num_fluctuations * sizeof *a->fluctuations);
    }
}

/* Trains a run that is stopped after one, two, three and so on states, each time in a new part.
 * @return the number of its parts */
static unsigned train_in_parts(ch_run *run, const ch_resolved *resolved, const ch_train_set *set)
{
    memory_place place = {.most_calls = 1};
    const ch_run_states states = in_memory(&place);
    unsigned parts = 1;
    ch_error err = {0};
    ch_code code = CH_ERROR_INTERRUPTED;
    for (;; parts++) {
        const ch_watch watch = {.stop = &place.stop};
        place.stop = 0;
        place.calls = 0;
        place.most_calls = parts < 12 ? 1 + parts / 4 : UINT32_MAX;
        code = ch_train_on(run, resolved, set, &states, 1, &watch, &err);
        if (code != CH_ERROR_INTERRUPTED) {
            break;
        }
        ch_run_free(run);
    }
    if (code != CH_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(place.said, 0);
    ch_run_state_free(&place.last);
    return parts;
}

static void test_parts_come_to_the_same(void **unused)
{
    (void)unused;
    static const char *const runs[] = {
        "model=perceptron dim=16 train=300 temp=0.5 alpha=10 engine=plain record=5",
        "model=perceptron dim=16 train=2000 temp=0.5 alpha=100 engine=fast record=5 max_updates=20000",
        "model=perceptron dim=16 train=inf temp=1 alpha=100 max_steps=3000 record=5",
        "model=mlp data=stripe dim=12 width=8 depth=2 train=60 alpha=10 temp=0.1 record=5 kernel=4 test=10",
        "model=mlp data=stripe dim=12 width=8 depth=2 train=60 alpha=10 temp=0.1 engine=plain momentum=0.5 record=4",
        "model=mlp data=stripe dim=12 width=8 depth=2 train=60 alpha=10 rate=0.1 dynamics=gd record=5 max_steps=900",
        "model=mlp data=stripe dim=6 width=4 depth=2 train=20 alpha=1 rate=0.1 loss=mse curvature=9 record=2 "
        "max_steps=600",
        "model=mlp linear=yes data=stripe dim=8 width=32 depth=2 train=40 alpha=10 temp=0.02 record=5",
        "model=mlp data=stripe dim=12 width=8 depth=2 train=60 alpha=1 temp=0.1 loss=mse record=4 max_steps=900 "
        "burn_in=200 fluctuations=32",
        "model=perceptron dim=16 train=300 temp=1e30 alpha=10 loss=quadhinge record=5 max_steps=500",
    };
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        const ch_resolved resolved = resolved_of(runs[i]);
        ch_train_set set = set_of(&resolved);
        ch_run whole, parted;
        assert_int_equal(ch_train(&whole, &resolved, &set, 1, NULL, NULL), CH_OK);
        const unsigned parts = train_in_parts(&parted, &resolved, &set);
        if (parts < 5) {
            fail_msg("%s has %u parts", runs[i], parts);
        }
        assert_same_run(&whole, &parted);
        ch_run_free(&whole);
        ch_run_free(&parted);
        ch_train_set_free(&set);
    }
}

/* Looking for stagnation goes on, too: two samples that exclude each other would be trained on for ever. */
static void test_stagnation_goes_on(void **unused)
{
    (void)unused;
    const ch_resolved resolved =
        resolved_of("model=perceptron dim=2 train=40 batch=1 temp=1 alpha=1 label_noise=0.3 engine=plain record=2");
    ch_train_set set = set_of(&resolved);
    ch_run whole, parted;
    set.contradiction.first = UINT64_MAX; /* it is not known beforehand */
    assert_int_equal(ch_train(&whole, &resolved, &set, 1, NULL, NULL), CH_OK);
    assert_int_equal(whole.status, CH_STUCK);
    assert_true(train_in_parts(&parted, &resolved, &set) > 5);
    assert_same_run(&whole, &parted);
    ch_run_free(&whole);
    ch_run_free(&parted);
    ch_train_set_free(&set);
}

/* The seconds of a run are those of its parts, and those are what a budget of seconds counts. */
static void test_seconds_add_up(void **unused)
{
    (void)unused;
    const ch_resolved resolved =
        resolved_of("model=perceptron dim=16 train=300 temp=0.5 alpha=10 engine=plain max_steps=200");
    ch_train_set set = set_of(&resolved);
    memory_place place = {.most_calls = UINT32_MAX};
    const ch_run_states states = in_memory(&place);
    ch_run first, second;
    assert_int_equal(ch_train_on(&first, &resolved, &set, &states, 1, NULL, NULL), CH_OK);
    assert_int_equal(first.status, CH_BUDGET);
    place.last.seconds = 1000;
    assert_int_equal(ch_train_on(&second, &resolved, &set, &states, 1, NULL, NULL), CH_OK);
    assert_true(second.seconds >= 1000);
    assert_same_run(&first, &second);
    ch_run_free(&first);
    ch_run_free(&second);
    ch_run_state_free(&place.last);
    ch_train_set_free(&set);
}

/* ---- states in stores ---- */

static char said[2048];

static void listen(void *context, const char *sentence)
{
    (void)context;
    assert_true(strlen(said) + strlen(sentence) + 2 < sizeof said);
    strcat(strcat(said, sentence), "\n");
}

static unsigned num_said(void)
{
    unsigned count = 0;
    for (const char *c = said; *c != '\0'; c++) {
        count += *c == '\n';
    }
    return count;
}

#define ONE "model=perceptron dim=16 train=300 temp=0.5 alpha=10 engine=plain record=3"

/* Trains under a budget and keeps the state of its end in a store. */
static void train_under_budget(ch_store *store, const char *settings)
{
    const ch_watch watch = {.say = listen};
    ch_state_place place = {.store = store, .watch = &watch};
    const ch_run_states states = ch_state_place_states(&place, ALWAYS);
    const ch_resolved resolved = resolved_of(settings);
    ch_train_set set = set_of(&resolved);
    ch_run run;
    assert_int_equal(ch_train_on(&run, &resolved, &set, &states, 1, NULL, NULL), CH_OK);
    assert_int_equal(run.status, CH_BUDGET);
    assert_int_equal(ch_store_put(store, &run, NULL), CH_OK);
    ch_run_free(&run);
    ch_train_set_free(&set);
}

/* Trains from the states of a store, and requires the end of a run without them.
 * @return the runs that were given a state */
static uint64_t train_from_store(ch_store *store, const char *settings)
{
    const ch_watch watch = {.say = listen};
    ch_state_place place = {.store = store, .watch = &watch};
    const ch_run_states states = ch_state_place_states(&place, 0);
    const ch_resolved resolved = resolved_of(settings);
    ch_train_set set = set_of(&resolved);
    ch_run run, whole;
    assert_int_equal(ch_train_on(&run, &resolved, &set, &states, 1, NULL, NULL), CH_OK);
    assert_int_equal(ch_train(&whole, &resolved, &set, 1, NULL, NULL), CH_OK);
    assert_same_run(&run, &whole);
    ch_run_free(&run);
    ch_run_free(&whole);
    ch_train_set_free(&set);
    return place.resumed;
}

static void test_larger_budgets_go_on(void **unused)
{
    (void)unused;
    ch_store store = open_store(path_of("a.db"), CH_STORE_WRITE);
    said[0] = '\0';
    train_under_budget(&store, ONE " max_steps=100");
    train_under_budget(&store, ONE " max_steps=300");
    assert_int_equal(query(path_of("a.db"), "SELECT count(*) FROM checkpoints"), 2);
    assert_int_equal(train_from_store(&store, ONE " max_steps=1000"), 1);
    assert_int_equal(train_from_store(&store, ONE), 1);
    assert_int_equal(train_from_store(&store, ONE " max_updates=1"), 0);
    assert_int_equal(train_from_store(&store, ONE " max_steps=200"), 1);
    assert_int_equal(train_from_store(&store, ONE " seed=1 max_steps=1000"), 0);
    assert_string_equal(said, "");
    ch_store_close(&store);
}

/* Each kind of damage is named, and the run is made anew, or from an older state. */
static void test_damaged_states(void **unused)
{
    (void)unused;
    static const struct {
        const char *sql, *words;
        unsigned count;
        uint64_t resumed;
    } cases[] = {
        {"UPDATE checkpoints SET state = substr(state, 1, length(state) - 9)", "cut short", 2, 0},
        {"UPDATE checkpoints SET state = x'' WHERE step > 150", "0 bytes", 1, 1},
        {"UPDATE checkpoints SET state = zeroblob(length(state))", "checksum", 2, 0},
        {"UPDATE checkpoints SET checksum = 5 WHERE step > 150", "checksum", 1, 1},
        {"UPDATE checkpoints SET format = 99 WHERE step > 150", "its format is 99, and this program's is 2", 1, 1},
        {"UPDATE checkpoints SET results_version = -1", "results version", 2, 0},
        /* bytes that are whole, but of another model */
        {"UPDATE checkpoints SET (state, checksum) = (SELECT state, checksum FROM checkpoints c ORDER BY step LIMIT 1)",
         "not the state of such a run", 1, 2},
        {"UPDATE checkpoints SET step = 'many', updates = 1e300, seconds = 'x'", "", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[16];
        snprintf(name, sizeof name, "%zu.db", i);
        ch_store store = open_store(path_of(name), CH_STORE_WRITE);
        said[0] = '\0';
        train_under_budget(&store, ONE " max_steps=100");
        train_under_budget(&store, ONE " max_steps=300");
        execute(path_of(name), cases[i].sql);
        assert_int_equal(train_from_store(&store, ONE " max_steps=1000"), cases[i].resumed);
        assert_int_equal(num_said(), cases[i].count);
        assert_non_null(strstr(said, cases[i].words));
        ch_store_close(&store);
    }
}

/* Where the disk is full, the run goes on, the user is told once, and the state before stays. */
static void test_full_disk(void **unused)
{
    (void)unused;
    const ch_watch watch = {.say = listen};
    ch_store store = open_store(path_of("a.db"), CH_STORE_WRITE);
    said[0] = '\0';
    train_under_budget(&store, ONE " max_steps=100");
    assert_int_equal(sqlite3_exec(store.db, "PRAGMA max_page_count = 1", NULL, NULL, NULL), SQLITE_OK);
    ch_state_place place = {.store = &store, .watch = &watch};
    const ch_run_states states = ch_state_place_states(&place, ALWAYS);
    const ch_resolved resolved = resolved_of("model=perceptron dim=2000 train=300 temp=0.5 alpha=10 engine=plain "
                                             "record=3 max_steps=300");
    ch_train_set set = set_of(&resolved);
    ch_run run, whole;
    assert_int_equal(ch_train_on(&run, &resolved, &set, &states, 1, NULL, NULL), CH_OK);
    assert_int_equal(ch_train(&whole, &resolved, &set, 1, NULL, NULL), CH_OK);
    assert_same_run(&run, &whole);
    assert_int_equal(num_said(), 1);
    assert_non_null(strstr(said, "a checkpoint could not be kept: the disk is full"));
    assert_int_equal(query(path_of("a.db"), "SELECT count(*) FROM checkpoints WHERE step = 100"), 1);
    ch_run_free(&run);
    ch_run_free(&whole);
    ch_train_set_free(&set);
    ch_store_close(&store);
}

/* A state goes with its run: when that is put in, unless a budget ended it, and when it is deleted. */
static void test_states_go_with_runs(void **unused)
{
    (void)unused;
    ch_store store = open_store(path_of("a.db"), CH_STORE_WRITE);
    ch_store_doomed doomed;
    const ch_resolved resolved = resolved_of(ONE);
    ch_run_state state = {.steps = 7, .bytes = ch_alloc(3, 1), .size = 3};
    ch_run run = {.resolved = resolved, .status = CH_FITTED};
    bool has = true;
    ch_settings_id(&resolved, state.run);
    ch_settings_kin(&resolved, state.kin);
    assert_int_equal(ch_store_put_state(&store, &state, NULL), CH_OK);
    state.steps = 9;
    assert_int_equal(ch_store_put_state(&store, &state, NULL), CH_OK);
    assert_int_equal(query(path_of("a.db"), "SELECT sum(step) FROM checkpoints"), 9);
    assert_int_equal(ch_store_put(&store, &run, NULL), CH_OK);
    assert_int_equal(ch_store_has_states(&store, &has, NULL), CH_OK);
    assert_false(has);
    train_under_budget(&store, ONE " max_steps=100");
    assert_int_equal(ch_store_delete(&store, "max_steps = 100", &doomed, NULL), CH_OK);
    assert_int_equal(ch_store_has_states(&store, &has, NULL), CH_OK);
    assert_false(has);
    ch_run_state_free(&state);
    ch_store_close(&store);
}

/* ---- reuse ---- */

static void test_what_ends_in_the_same_way(void **unused)
{
    (void)unused;
#define HINGE "model=perceptron dim=16 train=300 temp=0.5 alpha=10 "
#define MSE   "model=mlp data=stripe dim=12 width=8 train=60 temp=0.1 loss=mse "
    static const struct {
        const char *settings, *other;
        ch_status status;
        ch_cause cause;
        uint64_t steps, updates;
        bool is_same;
    } cases[] = {
        {HINGE "max_steps=900", HINGE "max_steps=500", CH_FITTED, CH_CAUSE_NONE, 400, 90, true},
        {HINGE "max_steps=900", HINGE "max_steps=400", CH_FITTED, CH_CAUSE_NONE, 400, 90, true},
        {HINGE "max_steps=300", HINGE "max_steps=500", CH_FITTED, CH_CAUSE_NONE, 400, 90, false},
        {HINGE "max_updates=80", HINGE "max_steps=500", CH_FITTED, CH_CAUSE_NONE, 400, 90, false},
        {HINGE "max_seconds=1", HINGE "max_steps=500", CH_FITTED, CH_CAUSE_NONE, 400, 90, false}, /* it took 5 s */
        {HINGE, HINGE "max_steps=500", CH_FITTED, CH_CAUSE_NONE, 400, 90, true},
        {HINGE, HINGE "max_steps=9000000", CH_FITTED, CH_CAUSE_NONE, 8000000, 900000, false}, /* it may stagnate */
        {HINGE "max_steps=900", HINGE, CH_FITTED, CH_CAUSE_NONE, 400, 90, true},
        {HINGE "max_steps=900", HINGE "max_steps=500", CH_BUDGET, CH_CAUSE_NONE, 500, 90, false},
        {HINGE "max_steps=900", HINGE "max_steps=500", CH_DIVERGED, CH_CAUSE_NONE, 500, 90, false},
        {HINGE "max_steps=900", HINGE "max_steps=500", CH_DIVERGED, CH_CAUSE_NONE, 499, 90, true},
        {HINGE "max_steps=900", HINGE "max_seconds=500", CH_DIVERGED, CH_CAUSE_NONE, 499, 90, false},
        {HINGE "max_steps=900", HINGE, CH_STUCK, CH_CAUSE_NO_PROGRESS, 499, 90, false},
        {HINGE "max_steps=900", HINGE "max_steps=500", CH_STUCK, CH_CAUSE_NO_GRADIENT, 499, 90, true},
        {HINGE "max_steps=900", HINGE, CH_STUCK, CH_CAUSE_FIXED_SAMPLE, 0, 0, false},
        {HINGE "max_steps=900", HINGE, CH_STUCK, CH_CAUSE_NO_GRADIENT, 0, 0, false}, /* as older stores have that */
        {HINGE "record=0", HINGE "record=4", CH_STUCK, CH_CAUSE_NO_PROGRESS, 499, 90, true},
        {HINGE "record=4", HINGE "record=0", CH_FITTED, CH_CAUSE_NONE, 499, 90, false},
        {HINGE "max_steps=500", HINGE "record=4 max_steps=500", CH_BUDGET, CH_CAUSE_NONE, 500, 90, true},
        {HINGE "momentum=0.5 max_steps=900", HINGE "momentum=0.5 max_steps=500", CH_FITTED, CH_CAUSE_NONE, 400, 90,
         false},
        {MSE "max_steps=900", MSE "max_steps=500", CH_FITTED, CH_CAUSE_NONE, 500, 500, false},
        {MSE "max_steps=900", MSE "max_steps=500", CH_FITTED, CH_CAUSE_NONE, 480, 480, true},
        {MSE "dynamics=gd max_steps=900", MSE "dynamics=gd max_steps=500", CH_FITTED, CH_CAUSE_NONE, 500, 500, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const ch_resolved resolved = resolved_of(cases[i].settings);
        const ch_run other = {.resolved = resolved_of(cases[i].other),
                              .status = cases[i].status,
                              .reason = cases[i].cause,
                              .steps = cases[i].steps,
                              .updates = cases[i].updates,
                              .seconds = 5};
        if (ch_run_ends_as(&resolved.settings, &other) != cases[i].is_same) {
            fail_msg("case %zu: %s after %s", i, cases[i].settings, cases[i].other);
        }
    }
}

/* ---- sweeps ---- */

static outcome sweep_keeping(const char *name, const char *budget, const char *record, double interval)
{
    const char *const lines[] = {"model mlp", "linear no,yes", "data stripe", "dim 8",         "width 32",
                                 "depth 2",   "train 40,80",   "alpha 10",    "temp 0.02,0.1", "seed 0,1",
                                 budget,      record,          NULL};
    ch_plan plan = make_plan(lines);
    ch_store store = open_store(path_of(name), CH_STORE_WRITE);
    outcome result = {0};
    ch_sweep swept;
    assert_int_equal(ch_sweep_init(&swept, &plan, &store, &result.err), CH_OK);
    swept.checkpoint = interval;
    result.code = ch_sweep_run(&swept, &store, 2, NULL, &result.err);
    result.counts = swept.counts;
    assert_int_equal(result.code, CH_OK);
    ch_sweep_free(&swept);
    ch_store_close(&store);
    ch_plan_free(&plan);
    return result;
}

static void test_sweeps_with_larger_budgets(void **unused)
{
    (void)unused;
    const size_t total = 16;
    const ch_sweep_counts small = sweep_keeping("a.db", "max_updates 210", "record 2", ALWAYS).counts;
    assert_true(small.budget > 0 && small.fitted > 0);
    assert_int_equal(query(path_of("a.db"), "SELECT count(*) FROM checkpoints"), (long long)small.budget);
    const ch_sweep_counts large = sweep_keeping("a.db", "max_updates 100000", "record 2", ALWAYS).counts;
    assert_int_equal(large.reused, small.fitted);
    assert_int_equal(large.present, 0);
    assert_int_equal(large.continued, small.budget);
    assert_int_equal(large.fitted, small.budget);
    /* without a trajectory everything is there, and with another one nothing */
    assert_int_equal(sweep_keeping("a.db", "max_updates 100000", "record 0", 0).counts.reused, total);
    const ch_sweep_counts finer = sweep_keeping("a.db", "max_updates 100000", "record 3", 0).counts;
    assert_int_equal(finer.fitted, total);
    assert_int_equal(finer.reused + finer.resumed, 0);
    (void)sweep_keeping("b.db", "max_updates 210", "record 2", 0);
    (void)sweep_keeping("c.db", "max_updates 100000", "record 2", 0);
    (void)sweep_keeping("d.db", "max_updates 100000", "record 0", 0);
    (void)sweep_keeping("e.db", "max_updates 100000", "record 3", 0);
    const char *const froms[] = {path_of("c.db"), path_of("d.db"), path_of("e.db")};
    ch_merge_counts merged;
    ch_error err = {0};
    if (ch_store_merge(path_of("b.db"), froms, 3, false, NULL, &merged, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    assert_same_content(path_of("a.db"), path_of("b.db"));
    /* and with all columns, points and layers: merging compares them */
    const char *const again[] = {path_of("b.db")};
    if (ch_store_merge(path_of("a.db"), again, 1, false, NULL, &merged, &err) != CH_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(merged.added, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_come_to_the_same),
        cmocka_unit_test(test_stagnation_goes_on),
        cmocka_unit_test(test_seconds_add_up),
        STORE_TEST(test_larger_budgets_go_on),
        STORE_TEST(test_damaged_states),
        STORE_TEST(test_full_disk),
        STORE_TEST(test_states_go_with_runs),
        cmocka_unit_test(test_what_ends_in_the_same_way),
        STORE_TEST(test_sweeps_with_larger_budgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
