/* chart_words.c — the words that a user says a chart by, and those that stand at its axes. */
#include "plots/chart_words.h"

#include "plots/layout.h"

#include <string.h>

ch_code ch_chart_band_parse(const char *text, ch_chart_band *band, ch_error *err)
{
    static const char *const names[] = {
        [CH_BAND_SE] = "se", [CH_BAND_CI] = "ci", [CH_BAND_SD] = "sd", [CH_BAND_RUNS] = "runs"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i]) == 0) {
            *band = (ch_chart_band)i;
            return CH_OK;
        }
    }
    return ch_error_set(err, CH_ERROR_INPUT, "--band is %s, but must be se, ci, sd or runs", text);
}

ch_code ch_chart_log_parse(const char *text, ch_chart *chart, ch_error *err)
{
    static const struct {
        const char *text;
        bool x, y;
    } cases[] = {
        {"x,y", true, true}, {"y,x", true, true}, {"x", true, false}, {"y", false, true}, {"none", false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(text, cases[i].text) == 0) {
            chart->log_x = cases[i].x;
            chart->log_y = cases[i].y;
            return CH_OK;
        }
    }
    return ch_error_set(err, CH_ERROR_INPUT, "--log is %s, but must be x, y, x,y or none", text);
}

ch_code ch_chart_x_parse(const char *text, ch_chart *chart, ch_error *err)
{
    const ch_code code = ch_settings_find(text, &chart->x, err);
    if (code != CH_OK) {
        return code;
    }
    const ch_type type = ch_settings_table[chart->x].type;
    if (chart->x >= CH_SETTINGS_STORED || (type != CH_TYPE_REAL && type != CH_TYPE_COUNT)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "--x is %s, but must be a setting that is a number and that stores have, or time or step",
                            text);
    }
    return CH_OK;
}

ch_code ch_chart_by_parse(const char *text, ch_chart *chart, ch_error *err)
{
    const bool is_x = ch_course_is_x(text); /* no setting has a similar meaning */
    const ch_code code = is_x ? CH_OK : ch_settings_find(text, &chart->by, err);
    if (is_x || (code == CH_OK && chart->by >= CH_SETTINGS_STORED)) {
        return ch_error_set(err, CH_ERROR_INPUT, "--by is %s, but must be a setting that stores have", text);
    }
    return code;
}

ch_code ch_chart_y_parse(const char *text, ch_chart *chart, ch_error *err)
{
    char names[1024] = "";
    size_t used = 0;
    for (size_t i = 0; i < ch_results_count(); i++) {
        chart->y = ch_result_at(i);
        if (chart->y.type != CH_RESULT_REAL && chart->y.type != CH_RESULT_COUNT) {
            continue;
        }
        if (strcmp(chart->y.name, text) == 0) {
            return CH_OK;
        }
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "", chart->y.name);
        used = used < sizeof names ? used : sizeof names - 1;
    }
    return ch_error_set(
        err, CH_ERROR_INPUT,
        "--y is %s, but must be a number of fit, such as gamma or a_escape, or a result that is a number: %s", text,
        names);
}

bool ch_course_is_x(const char *text)
{
    return strcmp(text, "time") == 0 || strcmp(text, "step") == 0;
}

ch_code ch_course_parse(ch_course_chart *chart, const char *x, const char *y, ch_error *err)
{
    char names[1024] = "";
    size_t used = 0;
    bool is_found = false;
    for (size_t i = 0; i < ch_points_count(); i++) {
        const ch_result row = ch_point_result_at(i);
        if (strcmp(row.name, x) == 0) {
            chart->x = row;
        }
        if (ch_course_is_x(row.name)) {
            continue;
        }
        if (strcmp(row.name, y) == 0) {
            chart->y = row;
            is_found = true;
        }
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "", row.name);
        used = used < sizeof names ? used : sizeof names - 1;
    }
    return is_found ? CH_OK
                    : ch_error_set(err, CH_ERROR_INPUT,
                                   "--y is %s, but over --x %s it must be what points of trajectories have: %s", y, x,
                                   names);
}

void ch_chart_label(const char *name, char *text, size_t size)
{
    static const struct {
        const char *name, *label;
    } labels[] = {
        {"temp", "temperature T"},
        {"train", "training samples P"},
        {"rate", "learning rate η"},
        {"batch", "batch size B"},
        {"alpha", "α"},
        {"chi", "χ"},
        {"dim", "dimension d"},
        {"weight_change", "weight change ‖Δw‖"},
        {"weight_change_rel", "‖Δw‖ / ‖w₀‖"},
        {"time", "training time t*"},
        {"test_error", "test error, %"},
        {"signal", "signal s"},
        {"noise", "noise r"},
        {"unfitted_distance", "⟨v⟩ of unfitted samples"},
        {"kernel_change", "kernel change ‖K − K₀‖ / ‖K₀‖"},
        {"train_error", "training error, %"},
    };
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        if (strcmp(labels[i].name, name) == 0) {
            snprintf(text, size, "%s", labels[i].label);
            return;
        }
    }
    ch_name_text(name, text, size);
}

bool ch_chart_is_share(const char *name)
{
    return strcmp(name, "test_error") == 0 || strcmp(name, "train_error") == 0;
}

ch_code ch_chart_refuse_mixed(const char *whom, size_t setting, size_t by, ch_error *err)
{
    const char *name = ch_settings_table[setting].name;
    if (by < CH_SETTINGS_STORED) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%s differ in %s: choose those of one %s by --where, or draw a curve for each by --by %s "
                            "instead of %s",
                            whom, name, name, name, ch_settings_table[by].name);
    }
    return ch_error_set(err, CH_ERROR_INPUT,
                        "%s differ in %s: draw a curve for each by --by %s, or choose runs by --where", whom, name,
                        name);
}

ch_code ch_chart_draw(ch_page_kind kind, const char *x, const char *y, size_t by, const void *content, ch_error *err)
{
    char name[256];
    const bool has_by = by < CH_SETTINGS_STORED;
    ch_plot_style single = *kind.style;
    const ch_page_head none = {0};
    snprintf(name, sizeof name, "%s-%s%s%s", y, x, has_by ? "-by-" : "", has_by ? ch_settings_table[by].name : "");
    single.panel = 'a';
    kind.heads = &none;
    kind.kind = "";
    kind.name = name;
    kind.style = &single;
    return ch_page_draw(&kind, 0, content, err);
}
