/* machine.h — the machine that this process runs on, and what the program was made with. Private to sim/store/.
 *
 * Nothing here says whose machine it is: neither the host's name nor a user's is kept. */
#ifndef CH_STORE_MACHINE_H
#define CH_STORE_MACHINE_H

#include <sqlite3.h>
#include <stdint.h>

enum { CH_MACHINE_TEXT_SIZE = 128, CH_MACHINE_THREADS = 4 /* the column of `threads`, counted from 1 */ };

/** A machine, and what the program on it was made with. */
typedef struct {
    char processor[CH_MACHINE_TEXT_SIZE]; /* its name as it gives it, e.g. "AMD EPYC 7B13" */
    int64_t cores;                        /* that the system has, also those that this process may not use */
    int64_t memory;                       /* of the system in bytes, to the next 2^28 */
    char system[CH_MACHINE_TEXT_SIZE];    /* e.g. "Linux 6.1.0 x86_64" */
    char compiler[CH_MACHINE_TEXT_SIZE];  /* e.g. "gcc 12.2.0" */
    char gsl[CH_MACHINE_TEXT_SIZE];       /* version of the library in use */
    int64_t number; /* the first 48 bits of the SHA-256 of all of the above: a double holds it too */
} ch_machine;

/** Describes the machine that this process runs on. Texts that the system does not give are "unknown", numbers 0. */
void ch_machine_find(ch_machine *self);

/** Ends the statement that inserts a machine: of one that is there the most threads of any sweep are kept. */
#define CH_MACHINE_CONFLICT                                                                                            \
    " ON CONFLICT (machine) DO UPDATE SET threads = excluded.threads WHERE excluded.threads > threads"

/** Gives the statement that inserts a row into table `machines` this machine, with 0 threads.
 *  @param number  out: what runs have in column `machine`
 *  @return a result code of SQLite */
int ch_machine_bind(sqlite3_stmt *insert, int64_t *number);

#endif
