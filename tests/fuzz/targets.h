/* targets.h — what is fuzzed: functions that take any bytes. None may crash, leak or do what C leaves undefined;
 * whether the bytes are accepted does not matter. `make fuzz` runs each under libFuzzer, and tests/test_fuzz.c gives
 * each the bytes of its corpus, the files of tests/fuzz/NAME. */
#ifndef CH_TESTS_FUZZ_TARGETS_H
#define CH_TESTS_FUZZ_TARGETS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name;
    void (*run)(const uint8_t *data, size_t size);
} fuzz_target;

/** Ended by a row without a name:
 *    values    a setting and the text of its values; also as a single value, and as a condition of --where
 *    yaml      a sweep's file
 *    idx       a file of IDX images or labels, plain or gzipped
 *    cifar     a file of CIFAR-10 records, plain or gzipped
 *    array     samples and labels of one's own: a file of NPY, NPZ, IDX or CSV, or HDF5, plain or gzipped
 *    csv       a table, whose column of labels the first byte picks
 *    archive   an archive that files are unpacked from
 *    kernel    a file with the tangent kernel of a twin
 *    box       a file with a table of boxes
 *    checkpoint  the state of a run under way, of the learner that the first byte picks
 *    cells     changes of cells of a store, which is then selected, summed up, exported, fitted and plotted
 *    pages     changes of bytes of a store's file, which is then selected, summed up and exported
 *    http      a server's answer to the request for a file */
extern const fuzz_target fuzz_targets[];

#endif
