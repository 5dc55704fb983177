/* run_store.c — the store that `chiton run` puts its run into. */
#include "cli/run_store.h"

#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

ch_code ch_run_store_check(ch_run_store *self, ch_error *err)
{
    if (self->checkpoint != NULL && self->path == NULL) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "checkpoint is %s, but the state of a run is kept in a store, and none is named; accepted "
                            "is --checkpoint together with -o STORE",
                            self->checkpoint);
    }
    return ch_cli_read_checkpoint(self->checkpoint, &self->interval, err);
}

ch_code ch_run_store_open(ch_run_store *self, const ch_resolved *resolved, ch_run *run, bool *found, ch_error *err)
{
    ch_run_table table = {0};
    char where[CH_ID_SIZE + 16], id[CH_ID_SIZE];
    *found = false;
    if (self->path == NULL) {
        return CH_OK;
    }
    ch_code code = ch_store_open(&self->store, self->path, CH_STORE_WRITE, err);
    if (code != CH_OK) {
        return code;
    }
    ch_settings_id(resolved, id);
    snprintf(where, sizeof where, "id = '%s'", id);
    code = ch_store_select(&self->store, where, true, &table, err);
    if (code != CH_OK) {
        return code;
    }
    *found = table.count == 1;
    if (*found) {
        *run = table.runs[0];
        table.count = 0;
    }
    ch_run_table_free(&table);
    return CH_OK;
}

const ch_run_states *ch_run_store_states(ch_run_store *self, const ch_watch *watch)
{
    if (self->path == NULL) {
        return NULL;
    }
    self->place = (ch_state_place){.store = &self->store, .watch = watch};
    self->states = ch_state_place_states(&self->place, self->interval);
    return &self->states;
}

ch_code ch_run_store_put(ch_run_store *self, const ch_run *run, ch_error *err)
{
    return self->path != NULL ? ch_store_put(&self->store, run, err) : CH_OK;
}

void ch_run_store_free(ch_run_store *self)
{
    if (self->path != NULL) {
        ch_store_close(&self->store);
    }
    free(self->path);
    free(self->checkpoint);
    *self = (ch_run_store){.path = NULL};
}
