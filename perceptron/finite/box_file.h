/* box_file.h — tables of boxes on disk, so that each is made once.
 *
 * A file is a header, which says what the table is of, the table's arrays, and the SHA-256 of all before it. Numbers
 * are in this machine's format. Where the file is missing, damaged, of another version or of another kind of machine,
 * the table is made anew and written in its place.
 */
#ifndef CH_BOX_FILE_H
#define CH_BOX_FILE_H

#include "perceptron/finite/box_table.h"

/** Raised whenever a table of the same law would come out differently. */
enum { CH_BOX_FILE_VERSION = 2 };

/** Reads the table from its file in a folder, or makes it and writes the file.
 *  @param folder   must be there; NULL: nothing is read or written. That the file cannot be written is no failure.
 *  @param threads, watch  as ch_box_table_init, which says what can fail */
ch_code ch_box_table_load(ch_box_table *self, const ch_box_law *law, const char *folder, int threads,
                          const ch_watch *watch, ch_error *err) CH_MUST_CHECK;

#endif
