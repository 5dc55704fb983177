/* expected.c — curves that theory expects at the P and d of a group. */
#include "plots/expected.h"

#include "plots/panel_rows.h"

#include <math.h>
#include <stddef.h>

static bool is_known(const ch_finite_value *value)
{
    return value->value > 0 && isfinite(value->value);
}

static const ch_finite_value *value_at(const ch_fit_group *group, size_t train, size_t temp, size_t member)
{
    const ch_finite_end *end = &group->expected.ends[train * group->expected.num_temps + temp];
    return (const ch_finite_value *)(const void *)((const char *)end + member);
}

/* What the rows of an expected quantity are called, by its place in ch_finite_end. */
static const char *name_of(size_t member)
{
    return member == offsetof(ch_finite_end, signal)  ? "expected signal"
           : member == offsetof(ch_finite_end, noise) ? "expected noise"
                                                      : "expected";
}

bool ch_expects(const ch_fit_group *group)
{
    for (size_t i = 0; i < group->num_trains * group->expected.num_temps; i++) {
        if (is_known(&group->expected.ends[i].time)) {
            return true;
        }
    }
    return false;
}

/* ---- one curve ---- */

/* Writes a row of x, y, lo, hi; an empty row, which breaks the curve, where the value is not known.
 * @return whether it is */
static bool write_row(ch_panel *panel, double x, const ch_finite_value *value)
{
    if (!is_known(value)) {
        fputc('\n', panel->out);
        return false;
    }
    const double factor = exp(isfinite(value->spread) ? value->spread : 0);
    ch_panel_row(panel, x, value->value, value->value / factor, value->value * factor);
    ch_axis_include(&panel->x, x);
    ch_axis_include(&panel->y, value->value / factor);
    ch_axis_include(&panel->y, value->value * factor);
    return true;
}

static void draw(ch_panel *panel, size_t block, size_t count, bool has_band, unsigned colour)
{
    enum { TRANSPARENT = 0xd0 }; /* of 0xff */
    fputs("EOD\n", panel->out);
    if (count < 2) {
        return;
    }
    if (has_band) {
        fprintf(ch_panel_item(panel), "$block%zu using 1:3:4 with filledcurves linecolor rgb '#%02x%06x'", block,
                (unsigned)TRANSPARENT, colour);
    }
    fprintf(ch_panel_item(panel), "$block%zu using 1:2 with lines " CH_EXPECTED_STYLE " linecolor rgb '#%06x'", block,
            colour);
}

void ch_expected_over_temp(ch_panel *panel, const ch_fit_group *group, size_t train, size_t member, unsigned colour)
{
    const ch_expected_curves *curves = &group->expected;
    if (curves->num_temps == 0) {
        return;
    }
    const size_t block = ch_panel_block(panel);
    size_t count = 0;
    ch_panel_describe_at(panel, name_of(member), group->trains[train], NAN);
    for (size_t k = 0; k < curves->num_temps; k++) {
        count += write_row(panel, curves->temps[k], value_at(group, train, k, member));
    }
    draw(panel, block, count, true, colour);
}

void ch_expected_over_train(ch_panel *panel, const ch_fit_group *group, double temp, size_t member, unsigned colour)
{
    const ch_expected_curves *curves = &group->expected;
    size_t k = 0, count = 0;
    while (k < curves->num_temps && curves->temps[k] != temp) {
        k++;
    }
    if (k == curves->num_temps) {
        return;
    }
    const size_t block = ch_panel_block(panel);
    ch_panel_describe_at(panel, name_of(member), 0, temp);
    for (size_t p = 0; p < group->num_trains; p++) {
        count += write_row(panel, (double)group->trains[p], value_at(group, p, k, member));
    }
    draw(panel, block, count, true, colour);
}

void ch_expected_tc(ch_panel *panel, const ch_fit_group *group, ch_tc_definition definition, unsigned colour)
{
    size_t count = 0;
    const size_t block = ch_panel_block(panel);
    ch_panel_describe(panel, "expected", "%s", ch_tc_definition_name(definition));
    for (size_t i = 0; i < group->num_tc; i++) {
        const ch_tc *tc = &group->tc[i];
        if (tc->definition == definition) {
            count += write_row(panel, (double)tc->train, &(ch_finite_value){tc->expected, 0});
        }
    }
    draw(panel, block, count, false, colour);
}

void ch_expected_over_time(ch_panel *panel, const ch_expected_way *way, ch_expected_quantity quantity, unsigned colour)
{
    if (way->num_points == 0) {
        return;
    }
    const size_t block = ch_panel_block(panel);
    size_t count = 0;
    for (size_t k = 0; k < way->num_points; k++) {
        const ch_finite_value value = quantity(way, &way->points[k]);
        count += write_row(panel, way->points[k].time, &value);
    }
    draw(panel, block, count, true, colour);
}

void ch_expected_key(ch_panel *panel, const char *text)
{
    ch_panel_key(panel, CH_EXPECTED_STYLE " linecolor rgb '#000000'", NULL, text);
}
