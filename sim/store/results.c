/* results.c — the results of a run and of a point of its trajectory, made from the table of observables. */
#include "sim/store/results.h"

#include <assert.h>
#include <string.h>

#define OF_RUN(type, member, help)                                                                                     \
    {                                                                                                                  \
#member, CH_RESULT_##type, offsetof(ch_run, member), help, 0                                                   \
    }
#define OF_POINT(type, member, help)                                                                                   \
    {                                                                                                                  \
#member, CH_RESULT_##type, offsetof(ch_point, member), help, 0                                                 \
    }

/* The results of a run that are not observed: those before the observables, and the last ones. */
static const ch_result run_first[] = {
    OF_RUN(STATUS, status, "fitted, budget, diverged or stuck"),
    OF_RUN(COUNT, steps, "index of the last update when fitted, else steps taken"),
    OF_RUN(COUNT, updates, "steps that changed the weights"),
    OF_RUN(REAL, time, "rate x steps: t* when fitted, else a lower bound on it"),
};
static const ch_result run_last[] = {
    OF_RUN(REAL, seconds, "wall-clock seconds, without making the data"),
    {"reason", CH_RESULT_CAUSE, offsetof(ch_run, reason), "why it is stuck", CH_SCHEMA_STUCK},
};
enum { NUM_RUN_FIRST = sizeof run_first / sizeof *run_first, NUM_RUN_LAST = sizeof run_last / sizeof *run_last };

/* What a point has before the observables. */
static const ch_result point_first[] = {
    OF_POINT(COUNT, step, "steps taken"),
    OF_POINT(REAL, time, "rate x step"),
};
enum { NUM_POINT_FIRST = sizeof point_first / sizeof *point_first };

#define OF_DIRECTION(type, member, help)                                                                               \
    {                                                                                                                  \
#member, CH_RESULT_##type, offsetof(ch_fluctuation, member), help, CH_SCHEMA_WEIGHTS                           \
    }

static const ch_result fluctuation_rows[] = {
    OF_DIRECTION(COUNT, layer, "from 0, input to output; the number of layers for all weights together"),
    OF_DIRECTION(COUNT, rank, "from 1, by falling variance"),
    OF_DIRECTION(REAL, variance, "variance of the weights along the direction"),
    OF_DIRECTION(REAL, variance_error, "its standard error, by block averages"),
    OF_DIRECTION(REAL, flatness, "distance between the points where the loss has grown by a factor e"),
    OF_DIRECTION(REAL, curvature, "second derivative of the loss, by differences over an eighth of the flatness"),
    OF_DIRECTION(REAL, drift, "distance of the means of both halves of the series, in standard deviations"),
    OF_DIRECTION(REAL, cosine, "share of the variance that is a cosine of `rank` half periods"),
};

static ch_result_type type_of(const ch_observable *row)
{
    return row->is_count ? CH_RESULT_COUNT : CH_RESULT_REAL;
}

size_t ch_results_count(void)
{
    return NUM_RUN_FIRST + ch_observables_count + NUM_RUN_LAST;
}

ch_result ch_result_at(size_t index)
{
    if (index < NUM_RUN_FIRST) {
        return run_first[index];
    }
    index -= NUM_RUN_FIRST;
    if (index >= ch_observables_count) {
        return run_last[index - ch_observables_count];
    }
    const ch_observable *row = &ch_observables_table[index];
    return (ch_result){row->name, type_of(row), offsetof(ch_run, final) + row->offset, row->help, row->since};
}

static ch_result in_a_point(const ch_observable *row)
{
    return (ch_result){row->point.name, type_of(row), offsetof(ch_point, observed) + row->offset, row->help,
                       row->point.since};
}

size_t ch_points_count(void)
{
    size_t count = NUM_POINT_FIRST;
    for (size_t i = 0; i < ch_observables_count; i++) {
        count += ch_observables_table[i].point.name != NULL;
    }
    return count;
}

ch_result ch_point_result_at(size_t index)
{
    if (index < NUM_POINT_FIRST) {
        return point_first[index];
    }
    const ch_observable *row = ch_observables_table;
    while (row->point.name == NULL || (size_t)row->point.place != index - NUM_POINT_FIRST) {
        row++;
        assert(row < ch_observables_table + ch_observables_count);
    }
    return in_a_point(row);
}

size_t ch_fluctuations_count(void)
{
    return sizeof fluctuation_rows / sizeof *fluctuation_rows;
}

ch_result ch_fluctuation_result_at(size_t index)
{
    return fluctuation_rows[index];
}

size_t ch_shown_count(void)
{
    size_t count = 0;
    for (size_t i = 0; i < ch_observables_count; i++) {
        count += ch_observables_table[i].point.shown > 0;
    }
    return count;
}

ch_result ch_shown_at(size_t index)
{
    const ch_observable *row = ch_observables_table;
    while ((size_t)row->point.shown != index + 1) {
        row++;
        assert(row < ch_observables_table + ch_observables_count);
    }
    return in_a_point(row);
}

/* ---- values ---- */

double ch_result_real(const ch_result *row, const void *object)
{
    double value = 0;
    memcpy(&value, (const char *)object + row->offset, sizeof value);
    return value;
}

uint64_t ch_result_number(const ch_result *row, const void *object)
{
    uint64_t value = 0;
    memcpy(&value, (const char *)object + row->offset, sizeof value);
    return value;
}

const char *ch_result_text(const ch_result *row, const void *object)
{
    ch_status status = CH_RUNNING;
    ch_cause cause = CH_CAUSE_NONE;
    if (row->type == CH_RESULT_STATUS) {
        memcpy(&status, (const char *)object + row->offset, sizeof status);
        return ch_status_name(status);
    }
    memcpy(&cause, (const char *)object + row->offset, sizeof cause);
    return ch_cause_text(cause);
}

void ch_result_set_real(const ch_result *row, void *object, double value)
{
    memcpy((char *)object + row->offset, &value, sizeof value);
}

void ch_result_set_number(const ch_result *row, void *object, uint64_t value)
{
    memcpy((char *)object + row->offset, &value, sizeof value);
}
