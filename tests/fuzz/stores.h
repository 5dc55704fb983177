/* stores.h — the targets of fuzzing that change a store, and one that answers a request (targets.h). */
#ifndef CH_TESTS_FUZZ_STORES_H
#define CH_TESTS_FUZZ_STORES_H

#include <stddef.h>
#include <stdint.h>

void fuzz_cells(const uint8_t *data, size_t size);
void fuzz_pages(const uint8_t *data, size_t size);
void fuzz_http(const uint8_t *data, size_t size);
void fuzz_checkpoint(const uint8_t *data, size_t size);

/** The folder in memory that this process writes into, made when it is first asked for. */
const char *fuzz_folder(void);

#endif
