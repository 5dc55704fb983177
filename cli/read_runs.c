/* read_runs.c — the runs of the stores that a command line names, read for a command that shows them. */
#include "cli/read_runs.h"

ch_code ch_cli_read_runs(const ch_cli_runs *self, ch_error *err)
{
    ch_store store = {0};
    ch_run_table table = {0};
    ch_code code = ch_cli_open_stores(&store, self->cli, self->skips_damaged, err);
    if (code != CH_OK) {
        goto out;
    }
    code = ch_store_select(&store, self->where, self->has_points, &table, err);
    if (code != CH_OK) {
        goto out;
    }
    if (table.count == 0) {
        code = ch_error_set(err, CH_ERROR_INPUT, "the store %s has no runs%s: there is nothing to %s", store.path,
                            self->where != NULL ? " that fulfil --where" : "", self->verb);
        goto out;
    }
    code = self->use(self->context, &store, &table, err);
out:
    ch_cli_say_damaged(&store);
    ch_run_table_free(&table);
    ch_store_close(&store);
    return code;
}
