/* phase_region.c — the parts of a phase diagram in which runs diverged, or were ended by a budget. */
#include "plots/phase_region.h"

#include "plots/cell_map.h"

#include "plots/panel_rows.h"

#include <math.h>

static const struct {
    const char *name;
    unsigned colour;
} looks[] = {
    [CH_REGION_DIVERGED] = {"diverged", 0xffffff},
    [CH_REGION_BUDGET] = {"budget", 0xd9d9d9},
};

size_t ch_region_nearest(const ch_phase *phase, size_t alpha, size_t temp)
{
    size_t lo = temp, hi = temp;
    while (lo > 0 && ch_phase_at(phase, alpha, lo)->num_runs == 0) {
        lo--;
    }
    while (hi + 1 < phase->num_temps && ch_phase_at(phase, alpha, hi)->num_runs == 0) {
        hi++;
    }
    if (ch_phase_at(phase, alpha, lo)->num_runs == 0 || ch_phase_at(phase, alpha, hi)->num_runs == 0) {
        return phase->num_temps;
    }
    return phase->temps[temp] / phase->temps[lo] <= phase->temps[hi] / phase->temps[temp] ? lo : hi;
}

static bool has(const ch_phase *phase, ch_region region, size_t alpha, size_t temp)
{
    const size_t nearest = ch_region_nearest(phase, alpha, temp);
    if (nearest == phase->num_temps) {
        return false;
    }
    const ch_phase_cell *cell = ch_phase_at(phase, alpha, nearest);
    return region == CH_REGION_DIVERGED ? cell->num_diverged > 0 : cell->num_diverged == 0 && cell->num_budget > 0;
}

bool ch_region_exists(const ch_phase *phase, ch_region region)
{
    for (size_t c = 0; c < phase->num_alphas * phase->num_temps; c++) {
        if (has(phase, region, c / phase->num_temps, c % phase->num_temps)) {
            return true;
        }
    }
    return false;
}

static double alpha_edge(const ch_phase *phase, size_t i)
{
    return ch_cell_edge(phase->alphas, phase->num_alphas, i);
}

static double temp_edge(const ch_phase *phase, size_t i)
{
    return ch_cell_edge(phase->temps, phase->num_temps, i);
}

void ch_region_fill(const ch_phase *phase, ch_region region, ch_panel *panel)
{
    const size_t block = ch_panel_block(panel);
    for (size_t a = 0; a < phase->num_alphas; a++) {
        for (size_t t = 0; t < phase->num_temps; t++) {
            if (has(phase, region, a, t) && !ch_phase_at(phase, a, ch_region_nearest(phase, a, t))->counts) {
                fprintf(panel->out, "%.17g %.17g %.17g %.17g %.17g %.17g\n", phase->alphas[a], phase->temps[t],
                        alpha_edge(phase, a), alpha_edge(phase, a + 1), temp_edge(phase, t), temp_edge(phase, t + 1));
            }
        }
    }
    fputs("NaN NaN NaN NaN NaN NaN\nEOD\n", panel->out);
    fprintf(ch_panel_item(panel),
            "$block%zu using 1:2:3:4:5:6 with boxxyerror linecolor rgb '#%06x' fillstyle solid 1 noborder", block,
            looks[region].colour);
}

/* Writes a cell of a region into the figure's numbers. */
static void tell_cell(const ch_phase *phase, size_t a, size_t t, ch_panel *panel)
{
    const ch_row row = {.x = phase->alphas[a],
                        .y = phase->temps[t],
                        .x_lo = alpha_edge(phase, a),
                        .x_hi = alpha_edge(phase, a + 1),
                        .lo = temp_edge(phase, t),
                        .hi = temp_edge(phase, t + 1),
                        .value = NAN,
                        .bound = -1};
    ch_panel_tell(panel, &row);
}

/* Writes the sides of a cell that no other cell of the region shares. */
static void write_sides(const ch_phase *phase, ch_region region, size_t a, size_t t, FILE *out)
{
    const double left = alpha_edge(phase, a), right = alpha_edge(phase, a + 1);
    const double low = temp_edge(phase, t), high = temp_edge(phase, t + 1);
    const struct {
        bool is_border;
        double x[2], y[2];
    } sides[] = {
        {a == 0 || !has(phase, region, a - 1, t), {left, left}, {low, high}},
        {a + 1 == phase->num_alphas || !has(phase, region, a + 1, t), {right, right}, {low, high}},
        {t == 0 || !has(phase, region, a, t - 1), {left, right}, {low, low}},
        {t + 1 == phase->num_temps || !has(phase, region, a, t + 1), {left, right}, {high, high}},
    };
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        if (sides[i].is_border) {
            fprintf(out, "%.17g %.17g\n%.17g %.17g\n\n", sides[i].x[0], sides[i].y[0], sides[i].x[1], sides[i].y[1]);
        }
    }
}

/* Writes the region's name into that of its cells which is nearest to the mean of all of them. */
static void write_name(const ch_phase *phase, ch_region region, FILE *out)
{
    double mean_a = 0, mean_t = 0, least = INFINITY;
    size_t count = 0, best_a = 0, best_t = 0;
    for (size_t c = 0; c < phase->num_alphas * phase->num_temps; c++) {
        if (has(phase, region, c / phase->num_temps, c % phase->num_temps)) {
            mean_a += (double)(c / phase->num_temps);
            mean_t += (double)(c % phase->num_temps);
            count++;
        }
    }
    for (size_t c = 0; c < phase->num_alphas * phase->num_temps; c++) {
        const size_t a = c / phase->num_temps, t = c % phase->num_temps;
        const double distance = hypot((double)a - mean_a / (double)count, (double)t - mean_t / (double)count);
        if (has(phase, region, a, t) && distance < least) {
            least = distance;
            best_a = a;
            best_t = t;
        }
    }
    fprintf(out,
            "set style textbox opaque fillcolor rgb '#%06x' noborder margins 0.4, 0.4\n"
            "set label '%s' at first %.17g, first %.17g center front boxed font ',6'\n",
            looks[region].colour, looks[region].name, phase->alphas[best_a], phase->temps[best_t]);
}

void ch_region_outline(const ch_phase *phase, ch_region region, ch_panel *panel)
{
    if (!ch_region_exists(phase, region)) {
        return;
    }
    const size_t block = ch_panel_block(panel);
    ch_panel_describe(panel, "region", "%s", looks[region].name);
    for (size_t a = 0; a < phase->num_alphas; a++) {
        for (size_t t = 0; t < phase->num_temps; t++) {
            if (has(phase, region, a, t)) {
                if (ch_phase_at(phase, a, t)->num_runs > 0) {
                    tell_cell(phase, a, t, panel);
                }
                write_sides(phase, region, a, t, panel->out);
            }
        }
    }
    fputs("EOD\n", panel->out);
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines linewidth 1 linecolor rgb '#303030'", block);
    write_name(phase, region, panel->out);
}
