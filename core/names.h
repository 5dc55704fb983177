/* names.h — finding the name a user meant. */
#ifndef CH_NAMES_H
#define CH_NAMES_H

#include <stddef.h>

/** The name nearest to `word` by edit distance (Levenshtein), for "did you mean …".
 *
 *  @param names   [count] names, not owned
 *  @return an entry of `names`, or NULL when none is within half of its own length
 */
const char *ch_names_nearest(const char *word, const char *const *names, size_t count);

#endif
