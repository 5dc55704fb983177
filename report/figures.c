/* figures.c — the figures of a fit, as elements of a page. */
#define _GNU_SOURCE 1 /* asprintf */
#include "report/figures.h"

#include "core/memory.h"
#include "core/memstream.h"
#include "plots/plots.h"
#include "report/html.h"
#include "report/svg.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- kinds of figures ---- */

enum { NUM_PANELS = 6 };

typedef ch_code (*draw_fit)(const ch_fit *, const char *, const ch_plot_style *, FILE *, ch_error *);
typedef ch_code (*draw_store)(const ch_fit *, ch_store *, const char *, const ch_plot_style *, FILE *, ch_error *);

/* Figures of one kind. */
typedef struct {
    draw_fit draw;         /* one of the two */
    draw_store draw_store; /* for what reads trajectories */
    const char *name;
    const char *panels[NUM_PANELS]; /* what the panels show, in words; NULL: this panel is not taken */
} kind;

/* Panel (f) of the first kind is a table, which the page has anyway, and panels (a) and (b) of a collapse show what the
 * first kind does. */
static const kind kinds[] = {
    {ch_plot_fit,
     NULL,
     "Fit",
     {"Weight change ‖Δw‖ against temperature T: a plateau below the onset, a power of T above it.",
      "Weight change over its power of P: where the joint law holds, all P lie on one line.",
      "Training time t* against the number P of training samples.",
      "Critical temperatures T_c against P, by each definition; open triangles are bounds.",
      "Signal and noise of the weights against temperature, or the test error where no teacher's direction is known.",
      NULL}},
    {ch_plot_test_error,
     NULL,
     "Test error",
     {"Test error against temperature.", "Test error against the number P of training samples.", NULL, NULL, NULL,
      NULL}},
    {ch_plot_collapse,
     NULL,
     "Collapse",
     {NULL, NULL, "Weight change in the units in which all P lie on one curve.",
      "Training time in the units in which all P lie on one curve.", "Ratio of the weight change to that curve.",
      "Ratio of the training time to that curve."}},
    {NULL,
     ch_plot_training,
     "Training",
     {"What the vertical axis names, along training at some temperatures.",
      "What the vertical axis names, along training at some temperatures.",
      "What the vertical axis names, along training at some temperatures.",
      "What the vertical axis names, along training at some temperatures.",
      "What the vertical axis names, along training at some temperatures.",
      "What the vertical axis names, along training at some temperatures."}},
    {NULL,
     ch_plot_mean_training,
     "Mean training",
     {"Weight change ‖Δw‖ along training, the mean over data sets with one standard error; a fitted run stays as it "
      "ended.",
      "Test error along training, in the mean over data sets.",
      "Unfitted samples along training, in the mean over data sets.", NULL, NULL, NULL}},
    {NULL,
     ch_plot_boundary,
     "Boundary",
     {"Mean distance of unfitted samples from the teacher's plane.",
      "Mean distance of unfitted samples from the teacher's plane, along training.", NULL, NULL, NULL, NULL}},
    {NULL,
     ch_plot_curvature,
     "Curvature",
     {"Batch sharpness and the largest eigenvalue of the Hessian along training, in units of 2/η.",
      "Trace of the Hessian of the training loss along training, in units of 2/η.", NULL, NULL, NULL, NULL}},
};

/* Kinds that show several groups at once. */
static const kind joint_kinds[] = {
    {ch_plot_phase,
     NULL,
     "Phase diagram",
     {"Test error over the plane of α and T, with the T of least error.",
      "Relative weight variation over the plane of α and T, with the end of the lazy regime.",
      "Change of the tangent kernel over the plane of α and T.", NULL, NULL, NULL}},
    {ch_plot_regimes,
     NULL,
     "Regimes",
     {"Weight change over the plane of batch and rate, with the borders between the regimes.",
      "Training time over the same plane.", "Test error over the same plane.", NULL, NULL, NULL}},
    {ch_plot_batches,
     NULL,
     "Batches",
     {"Weight change against the batch size at fixed temperature: flat up to B*.",
      "Weight change against the batch size at a fixed rate: flat beyond B*.", NULL, NULL, NULL, NULL}},
    {ch_plot_batch_collapse,
     NULL,
     "Collapse over batches",
     {NULL, "Weight change in the units in which the planes of all P lie on one curve.", NULL, NULL, NULL, NULL}},
    {ch_plot_spectra,
     NULL,
     "Fluctuations",
     {"Variance of the weights along principal directions.", "The same against the flatness of the loss.",
      "The same against its curvature.", NULL, NULL, NULL}},
    {ch_plot_lazy,
     NULL,
     "Network and twin",
     {"Weight change of the network and of its linearised twin.", "Ratio of the weight changes against temperature.",
      "Ratio of the training times against temperature.", "Test error of the network and of its linearised twin.",
      "Ratio of the weight changes against the relative weight variation.", NULL}},
};

/* ---- files ---- */

/* The whole of a file as text, to be freed by the caller; NULL after a failure. */
static char *read_file(const char *path)
{
    char *text = NULL;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return NULL;
    }
    if (fseek(file, 0, SEEK_END) == 0) {
        const long size = ftell(file);
        rewind(file);
        text = size < 0 ? NULL : ch_alloc((size_t)size + 1, 1);
        if (text != NULL && fread(text, 1, (size_t)size, file) != (size_t)size) {
            free(text);
            text = NULL;
        }
    }
    fclose(file);
    return text;
}

/* Removes a folder that has nothing but files. */
static void remove_folder(const char *path)
{
    DIR *entries = opendir(path);
    for (const struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        if (entry->d_name[0] != '.') {
            (void)!unlinkat(dirfd(entries), entry->d_name, 0);
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
    (void)!rmdir(path);
}

/* ---- drawing ---- */

typedef struct {
    ch_store *store;
    const char *folder;
    const ch_watch *watch;
    ch_html_figure_count *count;
    FILE *out;
} gallery;

/* Writes a figure that was drawn into a file. */
static ch_code write_figure(gallery *self, const kind *of, size_t panel, const char *path, ch_error *err)
{
    char label[400];
    char *drawing = read_file(path);
    if (drawing == NULL) {
        return ch_error_set(err, CH_ERROR_IO, "cannot read the drawing %s: %s", path, strerror(errno));
    }
    unlink(path);
    if (strstr(drawing, ">no data") != NULL) { /* a panel without data says so in its middle */
        free(drawing);
        return CH_OK;
    }
    snprintf(label, sizeof label, "%s (%c): %s", of->name, 'a' + (int)panel, of->panels[panel]);
    fputs("<figure>", self->out);
    const ch_code code = ch_html_svg(drawing, label, self->out, err);
    fprintf(self->out, "<figcaption><b>%s (%c)</b> ", of->name, 'a' + (int)panel);
    ch_html_formula(of->panels[panel], self->out);
    fputs("</figcaption></figure>\n", self->out);
    free(drawing);
    self->count->num_figures++;
    return code;
}

/* Draws one panel of one kind for all groups of a fit, and writes the figures. */
static ch_code draw_panel(gallery *self, const ch_fit *fit, const kind *of, size_t panel, ch_error *err)
{
    const ch_plot_style style = {.format = CH_PLOT_SVG, .panel = (char)('a' + panel), .has_runs = true};
    char *paths = NULL, *rest = NULL;
    size_t length = 0;
    FILE *names = ch_memstream_open(&paths, &length);
    if (names == NULL) {
        return ch_error_memory(err, "the names of figures");
    }
    ch_code code = of->draw != NULL ? of->draw(fit, self->folder, &style, names, err)
                                    : of->draw_store(fit, self->store, self->folder, &style, names, err);
    if (!ch_memstream_close(names, &paths)) {
        return code != CH_OK ? code : ch_error_memory(err, "the names of figures");
    }
    for (char *path = strtok_r(paths, "\n", &rest); path != NULL && code == CH_OK; path = strtok_r(NULL, "\n", &rest)) {
        code = write_figure(self, of, panel, path, err);
    }
    free(paths);
    return code;
}

static ch_code draw_kinds(gallery *self, const ch_fit *fit, const kind *all, size_t num_kinds, ch_error *err)
{
    for (size_t k = 0; k < num_kinds; k++) {
        for (size_t panel = 0; panel < NUM_PANELS; panel++) {
            if (ch_watch_is_stopped(self->watch)) {
                return ch_error_set(err, CH_ERROR_INTERRUPTED, "stopped before all figures were drawn");
            }
            const ch_code code = all[k].panels[panel] == NULL ? CH_OK : draw_panel(self, fit, &all[k], panel, err);
            if (code != CH_OK) {
                return code;
            }
        }
    }
    return CH_OK;
}

/* Draws the figures of some kinds into memory, and writes them under a heading, unless there are none. */
static ch_code write_section(gallery *self, const char *heading, const ch_fit *fit, const kind *all, size_t num_kinds,
                             ch_error *err)
{
    char *text = NULL;
    size_t length = 0;
    FILE *page = self->out;
    self->out = ch_memstream_open(&text, &length);
    if (self->out == NULL) {
        self->out = page;
        return ch_error_memory(err, "figures");
    }
    ch_code code = draw_kinds(self, fit, all, num_kinds, err);
    const bool is_whole = ch_memstream_close(self->out, &text);
    self->out = page;
    if (code == CH_OK && !is_whole) {
        code = ch_error_memory(err, "figures");
    }
    if (code == CH_OK && length > 0) {
        fputs("<section class=\"figures\"", page);
        if (fit->num_groups == 1) { /* without blanks, as the filter of runs takes it */
            fputs(" data-group=\"", page);
            ch_html_text(heading, page);
            fputs("\"", page);
        }
        fputs("><h3>", page);
        ch_html_formula(heading, page);
        fputs("</h3><div class=\"grid\">\n", page);
        fwrite(text, 1, length, page);
        fputs("</div></section>\n", page);
        self->count->num_bytes += length;
    }
    free(text);
    return code;
}

static ch_code write_all(gallery *self, const ch_fit *fit, size_t most, ch_error *err)
{
    ch_code code =
        write_section(self, "Several groups together", fit, joint_kinds, sizeof joint_kinds / sizeof *joint_kinds, err);
    for (size_t g = 0; g < fit->num_groups && code == CH_OK; g++) {
        char label[256];
        ch_fit one = *fit; /* borrows everything, and has one group */
        one.groups = &fit->groups[g];
        one.num_groups = 1;
        if (self->count->num_bytes >= most) {
            self->count->num_groups_left = fit->num_groups - g;
            break;
        }
        ch_fit_group_label(fit, &fit->groups[g], label, sizeof label);
        code = write_section(self, label, &one, kinds, sizeof kinds / sizeof *kinds, err);
    }
    return code;
}

ch_code ch_html_figures(const ch_fit *fit, ch_store *store, size_t most, const ch_watch *watch,
                        ch_html_figure_count *count, FILE *out, ch_error *err)
{
    const char *parent = getenv("TMPDIR");
    char *folder = NULL;
    *count = (ch_html_figure_count){0};
    if (asprintf(&folder, "%s/chiton-XXXXXX", parent != NULL && parent[0] != '\0' ? parent : "/tmp") < 0) {
        return ch_error_memory(err, "a file name");
    }
    ch_code code = CH_OK;
    if (mkdtemp(folder) == NULL) {
        code = ch_error_set(err, CH_ERROR_IO, "cannot make a folder %s for drawings: %s", folder, strerror(errno));
        goto out;
    }
    gallery self = {.store = store, .folder = folder, .watch = watch, .count = count, .out = out};
    code = write_all(&self, fit, most, err);
    remove_folder(folder);
out:
    free(folder);
    return code;
}
