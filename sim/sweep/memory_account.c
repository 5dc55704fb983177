/* memory_account.c — decides which runs may be under way at once. */
#include "sim/sweep/memory_account.h"

#include "core/available.h"
#include "core/core.h"

size_t ch_memory_account_find_budget(void)
{
    return ch_memory_available() / 10 * 9;
}

static size_t reserved(const ch_memory_account *self)
{
    return self->sets + self->runs;
}

bool ch_memory_account_fits(const ch_memory_account *self, size_t bytes)
{
    return bytes <= self->budget && reserved(self) <= self->budget - bytes;
}

/* Updates the largest number of reserved bytes. A run that is alone does not count, because it may exceed the budget.
 */
static void note_most(ch_memory_account *self)
{
    if (self->num_runs > 1 && reserved(self) > self->most) {
        self->most = reserved(self);
    }
}

bool ch_memory_account_begin_run(ch_memory_account *self, size_t set_bytes, size_t run_bytes)
{
    if (self->num_runs > 0 && !ch_memory_account_fits(self, set_bytes + run_bytes)) {
        return false;
    }
    self->sets += set_bytes;
    self->runs += run_bytes;
    self->num_runs++;
    note_most(self);
    return true;
}

void ch_memory_account_end_run(ch_memory_account *self, size_t run_bytes)
{
    self->runs -= run_bytes;
    self->num_runs--;
}

bool ch_memory_account_begin_set(ch_memory_account *self, size_t set_bytes, size_t runs_bytes)
{
    const ch_memory_account all_run = {.budget = self->budget, .sets = self->sets, .runs = runs_bytes};
    if (!ch_memory_account_fits(&all_run, set_bytes)) {
        return false;
    }
    self->sets += set_bytes;
    note_most(self);
    return true;
}

void ch_memory_account_end_set(ch_memory_account *self, size_t set_bytes)
{
    self->sets -= set_bytes;
}
