/* compare.h — comparisons for qsort and bsearch. */
#ifndef CH_COMPARE_H
#define CH_COMPARE_H

/** Orders two doubles, none of which is NaN, from the smaller to the larger. */
static inline int ch_compare_reals(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

#endif
