/* chart_key.c — the key of a chart's curves. */
#include "plots/chart_key.h"

#include "core/page.h"
#include "plots/chart_words.h"

#include <math.h>
#include <stdio.h>

ch_mark ch_chart_mark(size_t curve, size_t count)
{
    return ch_mark_of(CH_RAMP_TRAIN, curve, count, true);
}

/* Writes the value of a setting that a curve is for, as enhanced text. */
static void write_value(const ch_settings *settings, size_t by, char *text, size_t size)
{
    const ch_setting *row = &ch_settings_table[by];
    const ch_value value = ch_settings_get(settings, by);
    char plain[CH_SETTING_TEXT_SIZE];
    const bool is_number = row->type == CH_TYPE_REAL || row->type == CH_TYPE_COUNT;
    if (is_number && row->in_powers) {
        ch_number_text(row->type == CH_TYPE_REAL ? value.real : (double)value.count, text, size);
    } else {
        ch_setting_show(row, value, plain, sizeof plain);
        ch_name_text(plain, text, size);
    }
}

void ch_chart_write_key(ch_sheet *sheet, size_t by, const ch_settings *const *curves, size_t count, bool has_points,
                        double room)
{
    /* letters are taken to be as wide as they are in the mean */
    const double letter = 0.0064, of_name = 0.0088, row_height = 0.018, above_panel = 0.014 + room, margin = 0.012,
                 sample_width = 0.03;
    const ch_place place = ch_sheet_place(sheet, 0);
    char name[64], value[2 * CH_SETTING_TEXT_SIZE];
    size_t longest = 0;
    ch_chart_label(ch_settings_table[by].name, name, sizeof name);
    for (size_t c = 0; c < count; c++) {
        write_value(curves[c], by, value, sizeof value);
        longest = ch_page_width(value) > longest ? ch_page_width(value) : longest;
    }
    const double left = place.left + of_name * (double)(ch_page_width(name) + 4);
    const double pitch = 1.2 * sample_width + letter * (double)(longest + 1);
    const size_t fit = left + pitch < place.right ? (size_t)((place.right - left) / pitch) : 1;
    const size_t num_rows = (count + fit - 1) / fit;
    sheet->top = place.top + above_panel + row_height * (double)(num_rows - 1) + margin;
    /* head_y moves up what stands above the usual page */
    const double highest = sheet->top - margin - fmax(sheet->top - 1, 0);
    fprintf(sheet->out, "reset\nset label '%s =' at screen page_x(%.17g), screen head_y(%.17g) left font ',6.5'\n",
            name, place.left, highest);
    for (size_t c = 0; c < count; c++) {
        const ch_mark mark = ch_chart_mark(c, count);
        char line[64];
        snprintf(line, sizeof line, "linewidth 0.7 linecolor rgb '#%06x'", mark.colour);
        write_value(curves[c], by, value, sizeof value);
        ch_key_write(sheet->out, CH_KEY_OF_PAGE, left + pitch * (double)(c % fit),
                     highest - row_height * (double)(c / fit), sample_width, line, has_points ? &mark : NULL, value);
    }
    ch_layout_flush(sheet->out);
}
