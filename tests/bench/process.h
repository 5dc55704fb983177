/* process.h — other programs: peers that answer lines, and commands whose processor time is taken. */
#ifndef CH_BENCH_PROCESS_H
#define CH_BENCH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/** A program of the Python that the environment variable PYTHON names (python3 by default). It answers each line of
 *  numbers and words by a line of numbers. */
typedef struct {
    FILE *ask, *answer; /* NULL: the peer is not here */
    pid_t process;
    char name[64]; /* its name and version */
} peer;

/** Starts tests/bench/SCRIPT, and says on the page that it is not here where it has no first line to say.
 *  @param what  what the script wants to be installed, e.g. "JAX" */
void peer_start(peer *self, const char *script, const char *what);
void peer_stop(peer *self);

/** Asks one line.
 *  @param numbers  out [count]: NaN where the peer is not here or does not answer
 *  @return whether it answered */
bool peer_ask(peer *self, double *numbers, size_t count, const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Runs a program and waits for it; ends the bench where it fails.
 *  @param arguments  its name and arguments, closed by NULL
 *  @param output     file for its standard output; NULL: it is thrown away, as its standard error is
 *  @param wall       out: seconds from start to end; may be NULL
 *  @return seconds of processor time, of all its threads */
double run_program(const char *const *arguments, const char *output, double *wall);

#endif
