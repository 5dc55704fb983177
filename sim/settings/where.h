/* where.h — conditions over the columns of a store, as users write them. */
#ifndef CH_WHERE_H
#define CH_WHERE_H

#include "core/core.h"

/** Translates a condition to what SQLite understands.
 *
 *  A power such as 2^-3 becomes its number. Where the column of a real setting (temp, rate, alpha, chi, ...) is
 *  compared with a number by =, ==, !=, <>, <, <=, >, >=, IS, IS NOT, BETWEEN or IN, in either order, numbers that are
 *  one value (ch_reals_are_one) count as equal. Everything else stays as it is, also comparisons of expressions such as
 *  rate / batch. Whether the result is a condition, SQLite has to say.
 *
 *  @param where  the condition
 *  @param sql    out: to be freed by the caller; NULL after a failure
 *  @return CH_OK, CH_ERROR_MEMORY */
ch_code ch_where_translate(const char *where, char **sql, ch_error *err) CH_MUST_CHECK;

#endif
