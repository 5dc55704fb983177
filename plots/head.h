/* head.h — what a page is about: the runs on it, its title, its file's name and the key of P. Private to plots/. */
#ifndef CH_HEAD_H
#define CH_HEAD_H

#include "fit/fit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The head of a page. All pointers are borrowed. */
typedef struct {
    const ch_settings *key;    /* settings of the page; where its runs differ, that of one run */
    const ch_run *const *runs; /* [num_runs] the runs on the page */
    size_t num_runs;
    /* bit i: row i of the settings table tells this page from others of its kind; CH_FIT_BY_DIGEST: the images do */
    uint64_t differing;
    uint64_t varying, added; /* settings, as bits: those that vary on the page, and those beside a group's that are of
                                the page; the file's name lacks the former and has the latter */
    const uint64_t *trains;  /* [num_trains] the P that the key under the title lists, ascending */
    size_t num_trains;       /* 0: the page has no such key */
    bool has_no_lines;       /* the key shows points alone */
} ch_page_head;

/** The heads of the pages of all groups of a fit, each with a key of the group's P.
 *  @param heads  out: [fit->num_groups], to be released with free(); NULL on failure
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_page_heads_of_groups(const ch_fit *fit, ch_page_head **heads, ch_error *err) CH_MUST_CHECK;

/** Whether all runs of the page have the same value of a setting. The full batch counts as one value, whatever P. */
bool ch_page_head_is_fixed(const ch_page_head *self, size_t setting);

/** Whether the page names the digest of its images, because other pages have the same data from other images. */
bool ch_page_head_has_digest(const ch_page_head *self);

enum { CH_LABEL_SIZE = 160 };

/** The model, chi, dim and the settings in which pages differ, e.g. "perceptron: χ = 0, d = 128"; plain text. */
void ch_page_head_title(const ch_page_head *self, char text[CH_LABEL_SIZE]);

/** A file name without extension, e.g. "perceptron-chi0-dim128-batch16": the model, chi, dim, the settings of the group
 *  that are not at their defaults, and the digest of its data. It does not depend on other pages. It has letters,
 *  digits and "+-._" only, at most 80; a longer name is cut, and ends in a hash of all of it. Two pages may get the
 *  same name. */
void ch_page_head_file(const ch_page_head *self, char text[CH_LABEL_SIZE]);

#endif
