/* parts.c — pieces of text and JSON that several reports use. */
#include "fit/reports/parts.h"
#include "core/page.h"

#include <string.h>

#include "sim/store/json.h"

#include <math.h>

json_t *ch_report_interval(const ch_estimate *estimate)
{
    return isfinite(estimate->lo) && isfinite(estimate->hi) ? json_pack("[f, f]", estimate->lo, estimate->hi)
                                                            : json_null();
}

json_t *ch_report_digest(const ch_settings *settings)
{
    return ch_settings_has_digest(settings) ? ch_json_text(settings->data_digest) : json_null();
}

void ch_report_append(json_t **list, json_t *item)
{
    if (*list == NULL) {
        json_decref(item);
    } else if (json_array_append_new(*list, item) != 0) {
        json_decref(*list);
        *list = NULL;
    }
}

void ch_report_set(json_t **object, const char *name, json_t *value)
{
    if (*object == NULL) {
        json_decref(value);
    } else if (json_object_set_new(*object, name, value) != 0) {
        json_decref(*object);
        *object = NULL;
    }
}

const char *ch_report_bound(ch_tc_place place)
{
    switch (place) {
    case CH_TC_ABOVE:
        return "above";
    case CH_TC_BELOW:
        return "below";
    case CH_TC_INSIDE:
    case CH_TC_NONE:
    case CH_TC_UNRESOLVED:
        break;
    }
    return NULL;
}

void ch_report_print_label(const char *label, FILE *out)
{
    for (const char *text = label; *text != '\0'; text += strspn(text, " ")) {
        const size_t length = ch_page_line_end(text, CH_PAGE_WIDTH);
        fprintf(out, "%.*s\n", (int)length, text);
        text += length;
    }
}

void ch_report_print_shared(const ch_settings *key, uint64_t shared, uint64_t always, FILE *out)
{
    ch_settings defaults;
    char text[1024] = "";
    size_t used = 0;
    ch_settings_default(&defaults);
    for (size_t i = 0; i < CH_SETTINGS_STORED && used < sizeof text; i++) {
        const char *name = ch_settings_table[i].name;
        char value[CH_SETTING_TEXT_SIZE], usual[CH_SETTING_TEXT_SIZE];
        ch_setting_show(&ch_settings_table[i], ch_settings_get(key, i), value, sizeof value);
        ch_setting_show(&ch_settings_table[i], ch_settings_get(&defaults, i), usual, sizeof usual);
        if (i == CH_SETTING_MODEL) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%s", value);
        } else if ((shared >> i & 1) != 0 && ((always >> i & 1) != 0 || strcmp(value, usual) != 0)) {
            used += (size_t)snprintf(text + used, sizeof text - used, ", %s = %s", name, value);
        }
    }
    ch_report_print_label(text, out);
}
