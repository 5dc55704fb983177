/* summary.h — the bench's most important rows side by side: chiton, an older build, peers and limits. */
#ifndef CH_BENCH_SUMMARY_H
#define CH_BENCH_SUMMARY_H

typedef enum {
    SUMMARY_SECONDS, /* chiton's own time */
    SUMMARY_OLD,     /* an older build's time over chiton's; the same for the peers below */
    SUMMARY_HAND,    /* the plain loop that a physicist would write */
    SUMMARY_TORCH,
    SUMMARY_JAX,
    SUMMARY_LIMIT, /* the time that the limit, the core's peak or the memory's bandwidth, allows, over chiton's */
    NUM_SUMMARY_COLUMNS
} summary_column;

/** Notes a number of a row, which begins with its first number; NaN is not noted.
 *  @param row  its name; the caller's for as long as the bench runs */
void summary_note(const char *row, summary_column column, double value);

/** Reads and writes the notes, so that a part that is measured by itself keeps the rows of the others. A file that is
 *  not there is an empty one. */
void summary_read(const char *path);
void summary_write(const char *path);

/** Prints what was noted. */
void bench_summary(void);

#endif
