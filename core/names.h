/* names.h — the known name that is nearest to a misspelt one. */
#ifndef CH_NAMES_H
#define CH_NAMES_H

#include <stddef.h>

/** The name nearest to `word` by edit distance (Levenshtein), for "did you mean …".
 *
 *  @param names   [count] names, not owned
 *  @return the nearest entry of `names`, or NULL when no entry's distance is at most half of that entry's length
 */
const char *ch_names_nearest(const char *word, const char *const *names, size_t count);

#endif
