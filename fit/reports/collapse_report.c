/* collapse_report.c — reports the collapses of a fit as text and as JSON. */
#include "core/memory.h"
#include "core/page.h"
#include "fit/reports/parts.h"
#include "fit/reports/reports.h"
#include "fit/reports/rows.h"
#include "sim/store/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

static void print_estimate(FILE *out, const char *name, const ch_estimate *estimate, double theory)
{
    char value[64], interval[64];
    ch_report_format_estimate(estimate, value, sizeof value);
    ch_report_format_interval(estimate, interval, sizeof interval);
    fprintf(out, "  %s", name);
    ch_page_right(out, value, 18);
    ch_page_right(out, interval, 20);
    if (isfinite(theory)) {
        fprintf(out, "   theory %.4g", theory);
    }
    fputc('\n', out);
}

static void print_collapse(const ch_collapse *self, FILE *out)
{
    char text[256];
    if (self->reason != NULL) {
        /* the command, where there is one, has a line of its own, so that it can be copied */
        const char *command = strstr(self->reason, "try chiton sweep");
        if (command == NULL) {
            ch_page_wrapped(out, " ", self->reason);
            return;
        }
        char *why = ch_alloc((size_t)(command - self->reason), 1);
        if (why != NULL) {
            memcpy(why, self->reason, (size_t)(command - self->reason - 1));
            ch_page_wrapped(out, " ", why);
        }
        free(why);
        fprintf(out, "  %s\n", command);
        return;
    }
    print_estimate(out, "x", &self->x, self->x_theory);
    print_estimate(out, "a", &self->a, self->a_theory);
    snprintf(text, sizeof text,
             "S = %.2f a point, over the %zu of %zu points (%.0f %%) within another curve's range; %zu P",
             self->quality, self->num_compared, self->num_points,
             100 * (double)self->num_compared / (double)self->num_points, self->num_trains);
    ch_page_wrapped(out, " ", text);
}

void ch_collapse_print(const ch_collapse_list *self, const ch_fit *fit, FILE *out)
{
    static const char *const scaled[] = {[CH_COLLAPSE_WEIGHT_CHANGE] = "‖Δw‖ P^-x",
                                         [CH_COLLAPSE_TIME] = "t* P^-x",
                                         [CH_COLLAPSE_TEST_ERROR] = "test error P^x"};
    const ch_collapse_quantity quantity = self->count > 0 ? self->items[0].quantity : CH_COLLAPSE_WEIGHT_CHANGE;
    fprintf(out, "\nCollapse: %s against T P^a, x and a by least S, with 95 %% intervals\n", scaled[quantity]);
    for (size_t i = 0; i < self->count; i++) {
        char label[256];
        ch_fit_group_label(fit, &fit->groups[i], label, sizeof label);
        fputc('\n', out);
        ch_report_print_label(label, out);
        print_collapse(&self->items[i], out);
    }
    fputs("\nS is about 1 where the curves agree within the spread between data sets, and\nlarger where they do not.\n",
          out);
}

/* ---- JSON ---- */

static json_t *estimate_json(const ch_estimate *estimate, double theory)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "value", ch_json_real(estimate->value), "stderr",
                     ch_json_real(estimate->stderr_), "ci95", ch_report_interval(estimate), "theory",
                     ch_json_real(theory));
}

static json_t *collapse_json(const ch_collapse *self, json_t *key)
{
    const bool found = self->reason == NULL;
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:s?, s:O}", "quantity",
                     ch_collapse_quantity_name(self->quantity), "x", estimate_json(&self->x, self->x_theory), "a",
                     estimate_json(&self->a, self->a_theory), "quality", ch_json_real(self->quality), "overlap",
                     found ? json_real((double)self->num_compared / (double)self->num_points) : json_null(), "compared",
                     (json_int_t)self->num_compared, "points", (json_int_t)self->num_points, "trains",
                     (json_int_t)self->num_trains, "reason", self->reason, "group", key);
}

ch_code ch_collapse_add_json(const ch_collapse_list *self, json_t *report, ch_error *err)
{
    json_t *list = json_array();
    const json_t *groups = json_object_get(report, "groups");
    for (size_t i = 0; i < self->count; i++) {
        json_t *key = json_object_get(json_array_get(groups, i), "group");
        ch_report_append(&list, collapse_json(&self->items[i], key));
    }
    if (list == NULL || json_object_set_new(report, "collapse", list) != 0) {
        return ch_error_memory(err, "a JSON text");
    }
    return CH_OK;
}
