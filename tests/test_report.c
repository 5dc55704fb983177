/* test_report.c — `chiton report`: the page has the numbers of the fit and all runs, its commands make the runs again,
 * and nothing that comes from a store is more than text in it. */
#include "report/columns.h"
#include "report/html.h"
#include "report/remake.h"
#include "report/report.h"
#include "report/svg.h"
#include "sim/store/summary.h"
#include "tests/report_support.h"

#include "core/text.h"

#include <math.h>

/* Enough for exponents, and so little that a page takes a moment. */
#define SWEEP "sweep perceptron --chi 1 --dim 8 --train 2^6..2^8 --temp 4^-8..4^1 --seed 0..2 --alpha 2^12"
#define FEW   "sweep perceptron --chi 1 --dim 4 --train 16,32 --temp 0.1,1 --seed 0,1"

/* ---- numbers ---- */

/* Requires that the page has a number with all its digits. */
static void assert_has_number(const char *page, const json_t *number)
{
    char digits[32], cell[64];
    if (json_is_number(number)) {
        ch_number_format(json_number_value(number), digits, sizeof digits);
        snprintf(cell, sizeof cell, " data-v=\"%s\"", digits);
        if (strstr(page, cell) == NULL) {
            fail_msg("the page lacks %s", digits);
        }
    }
}

/* The exponents, their intervals and theory, and every T_c stand in the page as `fit --json` has them. */
static void test_numbers_are_those_of_the_fit(void **state)
{
    (void)state;
    assert_succeeds(SWEEP " -o n.db");
    assert_succeeds("report n.db -o n.html");
    assert_string_equal(out, "n.html\n");
    char *page = read_text("n.html");
    assert_well_formed(page);
    assert_succeeds("fit n.db --json");
    json_error_t error;
    json_t *fit = json_loads(out, 0, &error), *one = NULL;
    assert_non_null(fit);
    size_t i = 0, compared = 0;
    json_array_foreach(json_object_get(fit, "exponents"), i, one)
    {
        const json_t *method = json_object_get(one, "method");
        if (json_is_string(method)) {
            continue; /* of two ways to `a` the page has one */
        }
        assert_has_number(page, json_object_get(one, "value"));
        assert_has_number(page, json_array_get(json_object_get(one, "ci95"), 0));
        assert_has_number(page, json_object_get(one, "expected"));
        assert_has_number(page, json_object_get(one, "theory"));
        if (json_number_value(json_object_get(one, "stderr")) > 1e-9) {
            assert_has_number(page, json_object_get(one, "expected_distance"));
        }
        compared++;
    }
    assert_true(compared >= 4); /* delta, gamma, time_delta and b */
    json_array_foreach(json_object_get(fit, "tc"), i, one)
    {
        if (!json_is_null(json_object_get(one, "value"))) {
            assert_has_number(page, json_object_get(one, "value"));
            assert_has_number(page, json_object_get(one, "expected"));
        }
    }
    json_t *group = NULL, *note = NULL;
    json_array_foreach(json_object_get(fit, "groups"), i, group)
    {
        size_t k = 0;
        json_array_foreach(json_object_get(group, "notes"), k, note)
        {
            char begin[24]; /* before anything that is raised or escaped */
            snprintf(begin, sizeof begin, "%.*s", (int)strcspn(json_string_value(note), "^_<>&'\"—"),
                     json_string_value(note));
            assert_says(page, begin);
        }
    }
    assert_says(page, "<pre id=\"commands\">chiton sweep perceptron --chi 1 --dim 8 --train 2^6..2^8 --alpha 2^12 "
                      "--temp 4^-8..4^1 --seed 0..2 -o again.db\nchiton fit n.db\n");
    assert_says(page, "<figure>");
    assert_says(page, "aria-label=\"Fit (a): Weight change");
    json_decref(fit);
    free(page);
}

/* ---- runs ---- */

/* The block has every run with its id and the bits of its results. */
static void test_every_run_is_in_the_block(void **state)
{
    (void)state;
    char *page = read_text("n.html"); /* of the test before */
    json_t *block = read_block(page);
    ch_run_table table = read_store(path_of("n.db"), NULL);
    const size_t count = table.count;
    assert_int_equal(count, 3 * 10 * 3);
    assert_int_equal(json_integer_value(json_object_get(block, "count")), count);
    const json_t *temps = find_column(block, "temp");
    uint8_t *ids = unpack(find_column(block, "id"), "bytes", count * CH_HTML_ID_DIGITS / 2);
    uint8_t *changes = unpack(find_column(block, "weight_change"), "reals", 8 * count);
    uint8_t *temp_index = unpack(temps, "index", count);
    for (size_t i = 0; i < count; i++) {
        char id[CH_ID_SIZE], digits[CH_HTML_ID_DIGITS + 1];
        ch_settings_id(&table.runs[i].resolved, id);
        ch_hex(ids + i * CH_HTML_ID_DIGITS / 2, CH_HTML_ID_DIGITS / 2, digits);
        assert_memory_equal(id, digits, CH_HTML_ID_DIGITS);
        const uint64_t bits = from_planes(changes, 8, count, i);
        assert_memory_equal(&bits, &table.runs[i].final.weight_change, sizeof bits);
        assert_real(json_number_value(json_array_get(json_object_get(temps, "numbers"), temp_index[i])),
                    table.runs[i].settings.temp);
    }
    free(ids);
    free(changes);
    free(temp_index);
    ch_run_table_free(&table);
    json_decref(block);
    free(page);
}

/* Where there is little room, numbers keep fewer digits, and are right to as many. */
static void test_numbers_of_runs_are_rounded_into_the_room(void **state)
{
    (void)state;
    ch_run_table table = read_store(path_of("n.db"), NULL);
    ch_fit_options options;
    ch_fit fit;
    ch_error error;
    ch_fit_options_default(&options);
    assert_int_equal(ch_fit_init(&fit, &table, &options, &error), CH_OK);
    size_t lengths[2];
    const size_t most[2] = {10000000, 1};
    for (int k = 0; k < 2; k++) {
        char *text = NULL;
        FILE *file = open_memstream(&text, &lengths[k]);
        assert_int_equal(ch_html_columns(&fit, most[k], file, &error), CH_OK);
        fclose(file);
        json_t *block = json_loads(text, 0, NULL);
        assert_non_null(block);
        const int digits = (int)json_integer_value(json_object_get(block, "digits"));
        assert_int_equal(digits, k == 0 ? 15 : 3);
        uint8_t *times = unpack(find_column(block, "time"), "reals", 8 * table.count);
        for (size_t i = 0; i < table.count; i++) {
            const uint64_t bits = from_planes(times, 8, table.count, i);
            double value = 0;
            memcpy(&value, &bits, sizeof value);
            assert_true(fabs(value / table.runs[i].time - 1) <= (k == 0 ? 0 : 0.5e-3));
        }
        free(times);
        json_decref(block);
        free(text);
    }
    assert_true(lengths[1] < lengths[0] - 1000);
    ch_fit_free(&fit);
    ch_run_table_free(&table);
}

/* ---- commands ---- */

/* The lines of commands that make the runs of a store again, to be freed. */
static char *lines_of(const char *store, ch_html_remake *remake)
{
    ch_run_table table = read_store(path_of(store), NULL);
    ch_fit_options options;
    ch_fit fit;
    ch_error error;
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    ch_fit_options_default(&options);
    options.replicas = 100;
    assert_int_equal(ch_fit_init(&fit, &table, &options, &error), CH_OK);
    assert_int_equal(ch_html_remake_write(&fit, remake, file, &error), CH_OK);
    fclose(file);
    ch_fit_free(&fit);
    ch_run_table_free(&table);
    return text;
}

/* Runs the commands, and requires that they make exactly the runs of the store, and are as many as there are grids. */
static void assert_made_again(const char *store, size_t num_commands)
{
    ch_html_remake remake;
    char *text = lines_of(store, &remake), *rest = NULL;
    assert_int_equal(remake.num_commands, num_commands);
    assert_int_equal(remake.num_written, num_commands);
    for (char *at = strtok_r(text, "\n", &rest); at != NULL; at = strtok_r(NULL, "\n", &rest)) {
        assert_memory_equal(at, "chiton sweep ", 13);
        assert_succeeds("%s", at + strlen("chiton "));
    }
    free(text);
    ch_run_table one = read_store(path_of(store), NULL), other = read_store(path_of("again.db"), NULL);
    assert_int_equal(one.count, other.count);
    for (size_t i = 0; i < one.count; i++) {
        char ids[2][CH_ID_SIZE];
        ch_settings_id(&one.runs[i].resolved, ids[0]);
        ch_settings_id(&other.runs[i].resolved, ids[1]);
        assert_string_equal(ids[0], ids[1]);
        assert_real(one.runs[i].final.weight_change, other.runs[i].final.weight_change);
    }
    ch_run_table_free(&one);
    ch_run_table_free(&other);
    assert_int_equal(remove(path_of("again.db")), 0);
}

/* One sweep makes a grid again; grids with holes, engines that were chosen, seeds of their own, full batches, budgets
 * and other models take as many sweeps as there are grids. */
static void test_commands_make_the_runs_again(void **state)
{
    (void)state;
    assert_succeeds("sweep perceptron --chi 0,1 --dim 4 --train 16,32 --temp 4^-1..4^1 --seed 0..2 -o c1.db");
    assert_made_again("c1.db", 1);
    assert_succeeds("delete c1.db --where \"train = 16 and temp > 1 and chi = 0\"");
    assert_made_again("c1.db", 3);
    assert_succeeds("sweep perceptron --dim 4 --train 64,100 --temp 0.3,0.7 --engine fast --seed 5 --seed_init 0,1 "
                    "--max_steps 1000 -o c2.db");
    assert_succeeds("sweep perceptron --dim 4 --train 64 --rate 0.25 --batch full --momentum 0,0.5 --sampling epoch "
                    "--max_steps 500 "
                    "-o c2.db");
    assert_made_again("c2.db", 2);
    assert_succeeds("sweep mlp --data sign --dim 4 --width 8 --depth 1 --train 16,32 --batch full --temp 2^-6,2^-5 "
                    "--max_steps 40 --test 20 -o c3.db");
    assert_succeeds("sweep perceptron --chi 1 --dim 4 --train 16 --temp 1 -o c3.db");
    assert_made_again("c3.db", 3);
}

/* ---- text ---- */

/* A store's name, a condition and what others wrote into a store are text: no element comes of them. */
static void test_nothing_hostile_gets_through(void **state)
{
    (void)state;
    assert_succeeds(FEW " -o h.db");
    execute(path_of("h.db"), "UPDATE runs SET version = '</script><img src=x onerror=\"window.hostile=1\">'");
    assert_int_equal(rename(path_of("h.db"), path_of("<img src=x onerror=window.hostile=1>.db")), 0);
    assert_succeeds(
        "report '<img src=x onerror=window.hostile=1>.db' -o h.html --where \"'</script><b>' <> '&' and chi < 2\"");
    char *page = read_text("h.html");
    assert_well_formed(page);
    assert_null(strstr(page, "<img"));
    assert_null(strstr(page, "<b>'"));
    assert_says(page, "&lt;/script&gt;&lt;img src=x onerror=&quot;window.hostile=1&quot;&gt;");
    assert_says(page, "<h1>&lt;img src=x onerror=window.hostile=1&gt;.db</h1>");
    assert_says(page, "&#39;&lt;/script&gt;&lt;b&gt;&#39; &lt;&gt; &#39;&amp;&#39;");
    assert_says(page, "default-src 'none'");
    free(page);
}

/* What gnuplot draws is copied element by element: what is no shape or text is left out. */
static void test_drawings_are_harmless(void **state)
{
    (void)state;
    static const char drawing[] =
        "<svg width=\"10\" viewBox=\"0 0 40 30\"><g id=\"gnuplot_canvas\"><rect width=\"9\" fill=\"#ffffff\"/>"
        "<defs><circle id='gpPt5'/></defs><script>window.hostile = 1</script><g fill=\"none\"></g>"
        "<g fill=\"none\" onclick=\"window.hostile = 1\" color=\"black\"><path d='M1.23,4.56 L-7.89,0.04 ' "
        "stroke='rgb(  1,  2, 255)'/></g><a xlink:href=\"http://else.where\"><g fill=\"none\" color=\"black\">"
        "<use xlink:href='#gpPt6' transform='translate(2,4) scale(2)' color='rgb(  1,  2, 255)'/>"
        "<use xlink:href='#gpPt6' transform='translate(6,4) scale(2)' color='rgb(  1,  2, 255)'/></g></a>"
        "<g><text><tspan font-family='x' dy=\"1px\" onload='x'>&lt;a&amp;</tspan><tspan></tspan></text></g>"
        "<image href=\"http://else.where\"/></g></svg>";
    char *text = NULL;
    size_t length = 0;
    ch_error error;
    FILE *file = open_memstream(&text, &length);
    assert_int_equal(ch_html_svg(drawing, "a \"label\"", file, &error), CH_OK);
    fclose(file);
    assert_string_equal(
        text, "<svg viewBox=\"0 0 40 30\" role=\"img\" aria-label=\"a &quot;label&quot;\"><g fill=\"none\" "
              "color=\"black\"><path d=\"M1.2 4.6L-7.9 0\" stroke=\"#0102ff\"/>"
              "<path transform=\"scale(2)\" stroke-width=\".38\" stroke=\"#0102ff\" fill=\"#0102ff\" "
              "d=\"M1.0 2.0m-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0zM3.0 2.0m-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0z\"/></g><g>"
              "<text><tspan dy=\"1px\">&lt;a&amp;</tspan></text></g></svg>\n");
    free(text);
    for (size_t cut = 0; cut < sizeof drawing; cut += 3) { /* a broken drawing is refused or copied, and no more */
        char part[sizeof drawing];
        snprintf(part, cut + 1, "%s", drawing);
        file = open_memstream(&text, &length);
        (void)!ch_html_svg(part, "a", file, &error);
        fclose(file);
        assert_null(strstr(text, "hostile"));
        free(text);
    }
}

/* A point that says of which runs it is becomes a place to click; words that are no settings are left out. */
static void test_points_say_of_which_runs_they_are(void **state)
{
    (void)state;
#define POINT(words)                                                                                                   \
    "<g onmousemove=\"gnuplot_svg.showHypertext(evt,'" words "')\" onmouseout=\"gnuplot_svg.hideHypertext()\">"        \
    "<title> </title>\n\t<use xlink:href='#gpPt6' transform='translate(54.53,264.00) scale(6.75)' "                    \
    "color='rgb(  1,   2,   3)'/></g>"
    static const char drawing[] =
        "<svg viewBox=\"0 0 40 30\"><g id=\"gnuplot_canvas\"><rect width=\"9\"/>" POINT("train=64 temp=1e-05")
            POINT("<b>") "</g></svg>";
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    assert_int_equal(ch_html_svg(drawing, "a", file, NULL), CH_OK);
    fclose(file);
    assert_non_null(
        strstr(text, "<circle class=\"at\" cx=\"54.5\" cy=\"264.0\" r=\"5\" data-runs=\"train=64 temp=1e-05\"/>"));
    assert_null(strstr(text, "hypertext"));
    assert_null(strstr(text, "onmouse"));
    assert_null(strstr(text, "<b>"));
    assert_non_null(strstr(text, "M8.1 39.1")); /* the second one is a point like others */
    free(text);
}

static void test_formulas_are_raised_and_lowered(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"2^-15", "2<i class=\"x\">^</i><sup>-15</sup>"},
        {"T_c ~ P^-a by x", "T<i class=\"x\">_</i><sub>c</sub> ~ P<i class=\"x\">^</i><sup>-a</sup> by x"},
        {"T^δ_t.", "T<i class=\"x\">^</i><sup>δ<i class=\"x\">_</i><sub>t</sub></sup>."},
        {"δ_t of error_shift <", "δ<i class=\"x\">_</i><sub>t</sub> of error_shift &lt;"},
        {"P^0.98. A ^ b", "P<i class=\"x\">^</i><sup>0.98</sup>. A ^ b"},
        {"a\x01\xff", "a\\x01\\xff"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *text = NULL;
        size_t length = 0;
        FILE *file = open_memstream(&text, &length);
        ch_html_formula(texts[i][0], file);
        fclose(file);
        assert_string_equal(text, texts[i][1]);
        free(text);
    }
}

/* ---- the file ---- */

/* The same runs give the same bytes, as one store or as two. */
static void test_same_runs_give_same_bytes(void **state)
{
    (void)state;
    assert_succeeds(FEW " -o r.db");
    assert_succeeds("report r.db -o s1.html");
    assert_succeeds("report r.db -o s2.html");
    char *one = read_text("s1.html"), *other = read_text("s2.html");
    assert_string_equal(one, other);
    assert_true(strlen(one) > 50000);
    free(other);
    assert_succeeds("sweep perceptron --chi 2 --dim 8 --train 64 --temp 1 -o two.db");
    assert_succeeds("report r.db two.db -o s2.html --where \"chi < 2\"");
    other = read_text("s2.html");
    json_t *blocks[] = {read_block(one), read_block(other)};
    assert_true(json_equal(blocks[0], blocks[1]));
    assert_says(other, "<h1>r.db, two.db</h1>");
    json_decref(blocks[0]);
    json_decref(blocks[1]);
    free(one);
    free(other);
}

/* What is no report is not replaced, what cannot be written is refused before anything is fitted, and after a failure
 * the older page is as it was. */
static void test_files_of_others_stay(void **state)
{
    (void)state;
    assert_int_equal(chiton("report r.db -o r.db"), 2);
    assert_says(err, "it is there and is no report of chiton");
    assert_int_equal(count_runs(path_of("r.db")), 8);
    assert_int_equal(chiton("report r.db -o nowhere/x.html"), 2);
    assert_int_equal(chiton("report r.db -o ."), 2);
    assert_int_equal(chiton("report r.db -o ''"), 2);
    assert_int_equal(chiton("report"), 2);
    assert_int_equal(chiton("report r.db --where \"chi > 7\" -o x.html"), 2);
    assert_says(err, "that fulfil --where");
    assert_int_equal(chiton("report r.db --shift -1 -o x.html"), 2);
    assert_int_equal(chiton("report missing.db -o x.html"), 2);
    assert_false(exists(path_of("x.html")));
    write_text("old.html", "<!DOCTYPE html>\n<!-- chiton report -->old");
    assert_int_equal(finish(start("report r.db -o old.html", &(surroundings){.file_size = 40000})), 1);
    char *page = read_text("old.html");
    assert_string_equal(page, "<!DOCTYPE html>\n<!-- chiton report -->old");
    free(page);
    const size_t files = num_files();
    assert_succeeds("report r.db -o old.html");
    assert_int_equal(num_files(), files); /* no part of a file is left */
    page = read_text("old.html");
    assert_well_formed(page);
    free(page);
}

/* A page that is stopped while figures are drawn leaves no file, and the older one as it was. */
static void test_a_stopped_page_is_none(void **state)
{
    (void)state;
    ch_stop stop = 1;
    const ch_watch watch = {.stop = &stop};
    ch_store store = open_store(path_of("r.db"), CH_STORE_READ);
    ch_run_table table = read_store(path_of("r.db"), NULL);
    ch_fit_options options;
    ch_fit fit;
    ch_phase_list phases = {0};
    ch_lazy_list twins = {0};
    ch_error error;
    ch_fit_options_default(&options);
    options.replicas = 100;
    assert_int_equal(ch_fit_init(&fit, &table, &options, &error), CH_OK);
    const char *const names[] = {"r.db"};
    json_t *summary = NULL;
    assert_int_equal(ch_store_summarise(&store, &summary, &error), CH_OK);
    const ch_report_source source = {.fit = &fit,
                                     .phases = &phases,
                                     .twins = &twins,
                                     .summary = summary,
                                     .store = &store,
                                     .stores = names,
                                     .num_stores = 1,
                                     .watch = &watch};
    const size_t files = num_files();
    assert_int_equal(ch_report_save(&source, path_of("stopped.html"), &error), CH_ERROR_INTERRUPTED);
    assert_int_equal(num_files(), files);
    stop = 0;
    if (ch_report_save(&source, path_of("stopped.html"), &error) != CH_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(num_files(), files + 1);
    json_decref(summary);
    ch_fit_free(&fit);
    ch_run_table_free(&table);
    ch_store_close(&store);
}

/* Runs that no law can be fitted to make a page too. */
/* The mean course of training is drawn where data sets are several and points are recorded. */
static void test_mean_training(void **state)
{
    static const struct {
        const char *options;
        bool is_drawn;
    } cases[] = {{"--seed 0,1 --record 2", true}, {"--record 2", false}, {"--seed 0,1", false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_succeeds("sweep perceptron --chi 1 --dim 4 --train 16 --temp 0.1,1 -o t%zu.db %s", i, cases[i].options);
        assert_succeeds("report t%zu.db", i);
        char *page = read_text("report.html");
        assert_well_formed(page);
        assert_int_equal(strstr(page, "<b>Mean training (a)</b>") != NULL, cases[i].is_drawn);
        assert_int_equal(strstr(page, "<b>Mean training (c)</b>") != NULL, cases[i].is_drawn);
        free(page);
    }
}

static void test_a_single_run_has_a_page(void **state)
{
    (void)state;
    assert_succeeds("sweep perceptron --chi 1 --dim 4 --train 16 --temp 1 -o one.db");
    assert_succeeds("report one.db");
    char *page = read_text("report.html");
    assert_well_formed(page);
    assert_says(page, "No exponent could be fitted");
    assert_says(page, "chiton sweep perceptron --chi 1 --dim 4 --train 2^4 --temp 1 -o again.db");
    free(page);
    assert_succeeds("help report");
    assert_says(out, "report STORE...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_those_of_the_fit),
        cmocka_unit_test(test_every_run_is_in_the_block),
        cmocka_unit_test(test_numbers_of_runs_are_rounded_into_the_room),
        cmocka_unit_test(test_commands_make_the_runs_again),
        cmocka_unit_test(test_nothing_hostile_gets_through),
        cmocka_unit_test(test_drawings_are_harmless),
        cmocka_unit_test(test_points_say_of_which_runs_they_are),
        cmocka_unit_test(test_formulas_are_raised_and_lowered),
        cmocka_unit_test(test_same_runs_give_same_bytes),
        cmocka_unit_test(test_files_of_others_stay),
        cmocka_unit_test(test_a_stopped_page_is_none),
        cmocka_unit_test(test_mean_training),
        cmocka_unit_test(test_a_single_run_has_a_page),
    };
    gsl_set_error_handler_off();
    locate_program(NULL);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
