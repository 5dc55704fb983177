/* provenance.h — the settings of the runs, the programs that made them, the time they took, and the commands that make
 * them again. Private to report/. */
#ifndef CH_HTML_PROVENANCE_H
#define CH_HTML_PROVENANCE_H

#include "report/report.h"

/** Writes the first paragraph, and a list of facts: runs by how they ended, data sets, time, versions, digests.
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_provenance_summary(const ch_report_source *source, FILE *out, ch_error *err) CH_MUST_CHECK;

/** Writes a table of the settings: their values, and what they mean.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_provenance_settings(const ch_report_source *source, FILE *out, ch_error *err) CH_MUST_CHECK;

/** Writes the commands that make the runs, the fit, the figures and the page again.  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_provenance_commands(const ch_report_source *source, FILE *out, ch_error *err) CH_MUST_CHECK;

#endif
