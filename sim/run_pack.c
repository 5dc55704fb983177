/* run_pack.c — settings and runs as bytes, for another process of the same program.
 *
 * A struct is written as it lies in memory, so that a new number in it needs no line here, and what its pointers point
 * to after it. The sizes in front of it tell bytes of another kind. */
#include "sim/run_pack.h"

#include "core/memory.h"

#include <stdio.h>
#include <string.h>

/* A member that is added to ch_run changes its size. One that owns memory has to be written and read here. */
_Static_assert(sizeof(ch_run) == sizeof(ch_resolved) + 2 * sizeof(int) + 2 * sizeof(uint64_t) + sizeof(double) +
                                     sizeof(ch_observation) + sizeof(double) + 2 * sizeof(int) + 3 * sizeof(void *) +
                                     3 * sizeof(size_t),
               "a member of ch_run is new: look whether it is to be packed");

static const uint64_t SETTINGS_MARK = 0x7365747469676E31, RUN_MARK = 0x72756E2D2D2D2D31;

void ch_pack_describe(char *text)
{
    const uint16_t one = 1;
    uint8_t first = 0;
    memcpy(&first, &one, sizeof first);
    snprintf(text, CH_PACK_DESCRIPTION_SIZE,
             "chiton %s, results %d and %d, %zu settings, bytes %zu %zu %zu, lowest byte %s", CH_VERSION,
             CH_RESULTS_VERSION, CH_RESULTS_VERSION_RAISED, ch_settings_count, sizeof(ch_settings), sizeof(ch_run),
             sizeof(ch_point), first == 1 ? "first" : "last");
}

static bool is_name(const ch_setting *row)
{
    return row->type == CH_TYPE_TEXT || row->type == CH_TYPE_CONTENT;
}

/* Reads a mark and the size of a struct, and requires both. */
static void require(ch_unpacker *unpacker, uint64_t mark, size_t size)
{
    const bool is_right = ch_unpack_u64(unpacker) == mark && ch_unpack_u64(unpacker) == size;
    unpacker->failed = unpacker->failed || !is_right;
}

/* The pointer to a file's name among the settings. */
static char *place_of_name(const ch_settings *settings, size_t index)
{
    return (char *)settings + ch_settings_table[index].offset;
}

void ch_settings_pack(ch_packer *packer, const ch_resolved *resolved)
{
    ch_pack_u64(packer, SETTINGS_MARK);
    ch_pack_u64(packer, sizeof *resolved);
    ch_pack(packer, resolved, sizeof *resolved);
    for (size_t i = 0; i < ch_settings_count; i++) {
        if (is_name(&ch_settings_table[i])) {
            const char *name = NULL;
            memcpy(&name, place_of_name(&resolved->settings, i), sizeof name);
            ch_pack_text(packer, name);
        }
    }
}

void ch_settings_unpack(ch_unpacker *unpacker, ch_resolved *resolved)
{
    require(unpacker, SETTINGS_MARK, sizeof *resolved);
    ch_unpack(unpacker, resolved, sizeof *resolved);
    for (size_t i = 0; i < ch_settings_count; i++) {
        if (is_name(&ch_settings_table[i])) {
            const char *name = ch_unpack_text(unpacker);
            memcpy(place_of_name(&resolved->settings, i), &name, sizeof name);
        }
    }
    resolved->settings.start = NULL;
}

/* Forgets the names of files, which are pointers of the other process. */
static void forget_names(ch_settings *settings)
{
    const char *const none = NULL;
    for (size_t i = 0; i < ch_settings_count; i++) {
        if (is_name(&ch_settings_table[i])) {
            memcpy(place_of_name(settings, i), &none, sizeof none);
        }
    }
    settings->start = NULL;
}

void ch_run_pack(ch_packer *packer, const ch_run *run)
{
    ch_pack_u64(packer, RUN_MARK);
    ch_pack_u64(packer, sizeof *run);
    ch_pack(packer, run, sizeof *run);
    ch_pack_u64(packer, run->num_points);
    ch_pack(packer, run->points, run->num_points * sizeof *run->points);
    ch_pack_u64(packer, run->num_layers);
    ch_pack(packer, run->layer_changes, ch_run_num_looks(run) * run->num_layers * sizeof *run->layer_changes);
    ch_pack_u64(packer, run->num_fluctuations);
    ch_pack(packer, run->fluctuations, run->num_fluctuations * sizeof *run->fluctuations);
}

/* Reads an array of `count` objects, for which the bytes have room.
 * @return owned by the caller; NULL where there are none, or memory is short */
static void *unpack_array(ch_unpacker *unpacker, size_t count, size_t size)
{
    void *array = count > 0 ? ch_alloc_unset(count, size) : NULL;
    if (array != NULL) {
        ch_unpack(unpacker, array, count * size);
    }
    return array;
}

ch_code ch_run_unpack(ch_unpacker *unpacker, ch_run *run, ch_error *err)
{
    memset(run, 0, sizeof *run);
    require(unpacker, RUN_MARK, sizeof *run);
    ch_unpack(unpacker, run, sizeof *run);
    run->points = NULL;
    run->layer_changes = NULL;
    run->fluctuations = NULL;
    run->num_points = run->num_layers = run->num_fluctuations = 0;
    forget_names(&run->settings);
    const size_t num_points = ch_unpack_count(unpacker, sizeof *run->points);
    run->points = unpack_array(unpacker, num_points, sizeof *run->points);
    if (num_points > 0 && run->points == NULL) {
        return ch_error_memory(err, "a run of another process");
    }
    run->num_points = num_points;
    const size_t num_layers = ch_unpack_count(unpacker, ch_run_num_looks(run) * sizeof *run->layer_changes);
    run->layer_changes = unpack_array(unpacker, ch_run_num_looks(run) * num_layers, sizeof *run->layer_changes);
    if (num_layers > 0 && run->layer_changes == NULL) {
        return ch_error_memory(err, "a run of another process");
    }
    run->num_layers = num_layers;
    const size_t num_fluctuations = ch_unpack_count(unpacker, sizeof *run->fluctuations);
    run->fluctuations = unpack_array(unpacker, num_fluctuations, sizeof *run->fluctuations);
    if (num_fluctuations > 0 && run->fluctuations == NULL) {
        return ch_error_memory(err, "a run of another process");
    }
    run->num_fluctuations = num_fluctuations;
    return unpacker->failed ? ch_error_set(err, CH_ERROR_IO, "what another process sent is no run") : CH_OK;
}
