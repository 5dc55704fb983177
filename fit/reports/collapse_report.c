/* collapse_report.c — reports the collapses of a fit as text and as JSON. */
#include "fit/reports/parts.h"
#include "fit/reports/reports.h"
#include "sim/store/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

static void print_estimate(FILE *out, const char *name, const ch_estimate *estimate, double theory)
{
    fprintf(out, "  %s  %8.4f ± %.4f   %8.4f … %.4f", name, estimate->value, estimate->stderr_, estimate->lo,
            estimate->hi);
    if (isfinite(theory)) {
        fprintf(out, "   theory %g", theory);
    }
    fputc('\n', out);
}

static void print_collapse(const ch_collapse *self, FILE *out)
{
    if (self->reason != NULL) {
        /* the command has a line of its own, so that it can be copied */
        const char *command = strstr(self->reason, "try chiton sweep");
        fprintf(out, "  %.*s\n  %s\n", (int)(command - self->reason - 1), self->reason, command);
        return;
    }
    print_estimate(out, "x", &self->x, self->x_theory);
    print_estimate(out, "a", &self->a, self->a_theory);
    fprintf(out, "  S  %8.2f a point, over the %zu of %zu points (%.0f %%) within another curve's range; %zu P\n",
            self->quality, self->num_compared, self->num_points,
            100 * (double)self->num_compared / (double)self->num_points, self->num_trains);
}

void ch_collapse_print(const ch_collapse_list *self, const ch_fit *fit, FILE *out)
{
    static const char *const scaled[] = {[CH_COLLAPSE_WEIGHT_CHANGE] = "‖Δw‖ P^-x",
                                         [CH_COLLAPSE_TIME] = "t* P^-x",
                                         [CH_COLLAPSE_TEST_ERROR] = "test error P^x"};
    const ch_collapse_quantity quantity = self->count > 0 ? self->items[0].quantity : CH_COLLAPSE_WEIGHT_CHANGE;
    fprintf(out, "\nCollapse: %s against T P^a, x and a by the least S; error, then 95 %% interval\n",
            scaled[quantity]);
    for (size_t i = 0; i < self->count; i++) {
        char label[256];
        ch_fit_group_label(fit, &fit->groups[i], label, sizeof label);
        fprintf(out, "\n%s\n", label);
        print_collapse(&self->items[i], out);
    }
    fputs("\nS is about 1 where the curves agree within the spread between data sets, larger where they do not.\n",
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
