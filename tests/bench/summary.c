/* summary.c — the most important rows of all parts, side by side. */
#include "summary.h"
#include "page.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 40 };

static struct {
    const char *name;
    double values[NUM_SUMMARY_COLUMNS];
} rows[MOST_ROWS];

static size_t num_rows;

void summary_note(const char *row, summary_column column, double value)
{
    size_t k = 0;
    while (k < num_rows && strcmp(rows[k].name, row) != 0) {
        k++;
    }
    if (k == MOST_ROWS) {
        fputs("bench: the summary has too few rows\n", stderr);
        exit(1);
    }
    if (isnan(value)) {
        return;
    }
    if (k == num_rows) {
        num_rows++;
        rows[k].name = row;
        for (size_t c = 0; c < NUM_SUMMARY_COLUMNS; c++) {
            rows[k].values[c] = NAN;
        }
    }
    rows[k].values[column] = value;
}

/* A line a number: column, value and row. */
void summary_read(const char *path)
{
    char line[256];
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *at = line;
        const unsigned long column = strtoul(at, &at, 10);
        const double value = strtod(at, &at);
        at[strcspn(at, "\n")] = '\0';
        char *row = column < NUM_SUMMARY_COLUMNS && *at == ' ' ? strdup(at + 1) : NULL; /* kept until the bench ends */
        if (row != NULL) {
            summary_note(row, (summary_column)column, value);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

void summary_write(const char *path)
{
    FILE *file = fopen(path, "w");
    for (size_t k = 0; k < num_rows && file != NULL; k++) {
        for (size_t c = 0; c < NUM_SUMMARY_COLUMNS; c++) {
            if (!isnan(rows[k].values[c])) {
                (void)fprintf(file, "%zu %.9g %s\n", c, rows[k].values[c], rows[k].name);
            }
        }
    }
    if (file == NULL || fclose(file) != 0) {
        fprintf(stderr, "bench: %s cannot be written: a later summary has not these rows\n", path);
    }
}

/* Seconds in a unit that gives numbers from 1 to 1000. */
static const char *with_unit(double seconds)
{
    static const char *const units[] = {"ns", "µs", "ms", "s"};
    static char text[32];
    size_t unit = 0;
    double value = 1e9 * seconds;
    while (value >= 1000 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    (void)snprintf(text, sizeof text, value < 100 ? "%.3g %s" : "%.0f %s", value, units[unit]);
    return isnan(seconds) ? "–" : text;
}

/* Names the rows in which another is faster than chiton by more than a twentieth. */
static void list_losses(void)
{
    static const char *const others[NUM_SUMMARY_COLUMNS] = {
        [SUMMARY_OLD] = "the older build",
        [SUMMARY_HAND] = "the loop by hand",
        [SUMMARY_TORCH] = "PyTorch",
        [SUMMARY_JAX] = "JAX",
    };
    bool has_any = false;
    for (size_t k = 0; k < num_rows; k++) {
        for (size_t c = 0; c < NUM_SUMMARY_COLUMNS; c++) {
            if (others[c] != NULL && rows[k].values[c] < 0.95) {
                page_say("**Chiton is slower** at *%s*: %s takes %.2f of its time.", rows[k].name, others[c],
                         rows[k].values[c]);
                has_any = true;
            }
        }
    }
    if (!has_any) {
        page_say("In none of these rows is another faster than chiton by more than 5 %%.");
    }
}

void bench_summary(void)
{
    if (num_rows == 0) {
        fputs("bench: no part with rows of the summary was measured in this folder: its section is not changed\n",
              stderr);
        return;
    }
    page_table("row | chiton | older build | loop by hand | PyTorch | JAX | limit");
    for (size_t k = 0; k < num_rows; k++) {
        const double *values = rows[k].values;
        page_row("%s | %s | %s | %s | %s | %s | %s", rows[k].name, with_unit(values[SUMMARY_SECONDS]),
                 page_number("%.2f", values[SUMMARY_OLD]), page_number("%.2f", values[SUMMARY_HAND]),
                 page_number("%.2f", values[SUMMARY_TORCH]), page_number("%.2f", values[SUMMARY_JAX]),
                 page_number("%.2f", values[SUMMARY_LIMIT]));
    }
    list_losses();
}
