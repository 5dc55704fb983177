/* boxes.c — prints what boxes of samples do along the way of training sets of a given size, for the figures of
 * docs/finite-size.md, beside what the online ODE says there.
 *
 *   boxes CHI DIM TRAIN TEMP BATCH
 *
 * A line is a point of the online way: signal s, time, noise and fraction unfitted by the online ODE; x = n P / d; and
 * over those boxes that are not absorbed yet the means over time of U, g, h and H, with the 16 % and 84 % quantiles
 * over all boxes. Boxes that grow slowly stay longer at an x, so that a box counts as running / g; g is the harmonic
 * mean.
 */
#include <chiton.h>
#include <gsl/gsl_errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { UNFITTED, DRIFT, NOISE, HAZARD, NUM_RATIOS };

/* One box at the present point of the way. */
typedef struct {
    double ratio[NUM_RATIOS];
    double running; /* probability that it is not absorbed yet */
} state;

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const state *boxes, size_t num_boxes, int which, double share)
{
    double *values = malloc(num_boxes * sizeof *values);
    if (values == NULL) {
        exit(1);
    }
    for (size_t b = 0; b < num_boxes; b++) {
        values[b] = boxes[b].ratio[which];
    }
    qsort(values, num_boxes, sizeof *values, compare);
    const double value = values[(size_t)(share * (double)(num_boxes - 1) + 0.5)];
    free(values);
    return value;
}

static double mean(const state *boxes, size_t num_boxes, int which)
{
    double sum = 0, weight = 0;
    for (size_t b = 0; b < num_boxes; b++) {
        const double time = boxes[b].running / boxes[b].ratio[DRIFT];
        sum += time * boxes[b].ratio[which];
        weight += time;
    }
    return sum / weight;
}

/* Moves a box to the next point of the way: time passes 1 / g as fast as online, and the box is absorbed at the rate
 * H / (T P). */
static void move(state *box, const ch_box_table *table, size_t index, double log_x, double online_time)
{
    const state last = *box;
    const ch_box_point at = ch_box_table_at(table, index, log_x, &box->ratio[HAZARD]);
    box->ratio[UNFITTED] = at.unfitted;
    box->ratio[DRIFT] = at.drift;
    box->ratio[NOISE] = at.noise;
    if (online_time > 0) {
        const double passed = online_time * 2 / (last.ratio[DRIFT] + at.drift);
        box->running = last.running * exp(-(last.ratio[HAZARD] + box->ratio[HAZARD]) / 2 * passed);
    }
}

/* Prints where and how the rate of absorption rises: x0 and the spread of its logarithm, slope and bend. */
static void print_hazard(const ch_box_table *table)
{
    double sum = 0, squares = 0;
    const double count = (double)table->num_boxes;
    for (size_t b = 0; b < table->num_boxes; b++) {
        sum += table->edges[b];
        squares += table->edges[b] * table->edges[b];
    }
    printf("# %zu boxes, x0 %.4g, spread of ln x0 %.3g, slope %.3g, bend %.3g\n", table->num_boxes, exp(sum / count),
           sqrt((squares - sum * sum / count) / (count - 1)), table->slope, table->bend);
}

static void print_way(const ch_online_way *way, double num_samples, double temp, state *boxes)
{
    static const double LAST_RUNNING = 0.02; /* share of boxes, under which there is no mean over them */
    const ch_box_table *table = way->table;
    double running = 1;
    for (size_t i = 0; i < way->num_points && running > LAST_RUNNING; i++) {
        const ch_online_point *point = &way->points[i];
        const double x = point->unfitted * num_samples / (double)table->law.dim;
        const double passed = i > 0 ? (point->time - way->points[i - 1].time) / (temp * num_samples) : 0;
        running = 0;
        for (size_t b = 0; b < table->num_boxes; b++) {
            move(&boxes[b], table, b, log(x), passed);
            running += boxes[b].running / (double)table->num_boxes;
        }
        printf("%.8g %.8g %.8g %.8g %.8g %.4g", point->signal, point->time, point->noise, point->unfitted, x, running);
        for (int which = 0; which < NUM_RATIOS; which++) {
            printf(" %.5g %.5g %.5g", mean(boxes, table->num_boxes, which),
                   quantile(boxes, table->num_boxes, which, 0.16), quantile(boxes, table->num_boxes, which, 0.84));
        }
        putchar('\n');
    }
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: boxes CHI DIM TRAIN TEMP BATCH\n");
        return 2;
    }
    const double num_samples = atof(argv[3]), temp = atof(argv[4]);
    const ch_online_setup setup = {
        .chi = atof(argv[1]), .dim = (size_t)atoi(argv[2]), .temp = temp, .rate = temp * atof(argv[5])};
    const ch_box_law law = {setup.chi, setup.dim, 0};
    ch_error err = {0};
    ch_box_table table = {0};
    ch_online_way way = {0};
    ch_finite_end end;
    state *boxes = NULL;

    gsl_set_error_handler_off();
    /* the table that `chiton theory` uses, whose seed is 1 */
    ch_code code = ch_box_table_init(&table, &law, ch_box_table_boxes(law.dim), 1, 1, NULL, &err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_online_way_init(&way, &setup, &table, &err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_finite_predict_on(&end, &way, num_samples, &err); /* follows the way as far as it is needed */
    if (code != CH_OK) {
        goto out;
    }
    boxes = malloc(table.num_boxes * sizeof *boxes);
    if (boxes == NULL) {
        goto out;
    }
    for (size_t b = 0; b < table.num_boxes; b++) {
        boxes[b].running = 1;
    }
    print_hazard(&table);
    print_way(&way, num_samples, temp, boxes);
out:
    free(boxes);
    ch_online_way_free(&way);
    ch_box_table_free(&table);
    if (code != CH_OK) {
        fprintf(stderr, "boxes: %s\n", err.message);
    }
    return code == CH_OK ? 0 : 1;
}
