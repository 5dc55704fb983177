/* dispatch.c — chooses the job that begins next on each of the processes that share a sweep. */
#include "sim/sweep/dispatch.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

ch_code ch_dispatch_init(ch_dispatch *self, ch_sweep *sweep, size_t num_processes, ch_error *err)
{
    memset(self, 0, sizeof *self);
    self->places = num_processes == 1 ? &self->place : ch_alloc(num_processes, sizeof *self->places);
    if (self->places == NULL) {
        return ch_error_memory(err, "the places of the processes");
    }
    self->sweep = sweep;
    self->num_processes = num_processes;
    for (size_t i = 0; i < num_processes; i++) {
        self->places[i] = sweep->num_jobs;
    }
    for (size_t i = 0; i < sweep->num_groups; i++) {
        self->num_untaken += sweep->groups[i].num_untaken;
        self->cost_untaken += sweep->groups[i].cost_untaken;
    }
    return CH_OK;
}

void ch_dispatch_free(ch_dispatch *self)
{
    if (self->places != &self->place) {
        free(self->places);
    }
    memset(self, 0, sizeof *self);
}

static bool is_begun(const ch_sweep_group *group)
{
    return group->num_untaken < group->end - group->begin || group->is_elsewhere;
}

/* The first job of a group, from `place` on and around its end, that has not begun. There is one. */
static size_t find_in_group(const ch_sweep *sweep, const ch_sweep_group *group, size_t place)
{
    while (sweep->jobs[place].is_taken) {
        place = place + 1 < group->end ? place + 1 : group->begin;
    }
    return place;
}

/* The first group from `from` on that no process has begun.  @return num_groups where there is none */
static size_t find_unbegun(const ch_sweep *sweep, size_t from)
{
    while (from < sweep->num_groups && is_begun(&sweep->groups[from])) {
        from++;
    }
    return from;
}

/* The group with most expected work left. There is one with jobs left. */
static size_t find_largest(ch_dispatch *self)
{
    const ch_sweep *sweep = self->sweep;
    while (sweep->groups[self->first_unfinished].num_untaken == 0) {
        self->first_unfinished++;
    }
    size_t largest = self->first_unfinished;
    for (size_t i = largest + 1; i < sweep->num_groups; i++) {
        const ch_sweep_group *group = &sweep->groups[i];
        if (group->num_untaken > 0 && group->cost_untaken > sweep->groups[largest].cost_untaken) {
            largest = i;
        }
    }
    return largest;
}

/* Chooses a group for a process that is at the end of the group before `from`. There are jobs left. */
static size_t choose_group(ch_dispatch *self, size_t from)
{
    const ch_sweep *sweep = self->sweep;
    self->first_unbegun = find_unbegun(sweep, self->first_unbegun);
    size_t group = find_unbegun(sweep, from > self->first_unbegun ? from : self->first_unbegun);
    group = group < sweep->num_groups ? group : self->first_unbegun;
    return group < sweep->num_groups ? group : find_largest(self);
}

/* Whether a process does well to leave the group it is at: no job of it is left, or another program works on it while
 * there are groups that nobody has begun. */
static bool is_to_leave(ch_dispatch *self, const ch_sweep_group *group)
{
    if (group->num_untaken == 0 || !group->is_elsewhere) {
        return group->num_untaken == 0;
    }
    self->first_unbegun = find_unbegun(self->sweep, self->first_unbegun);
    return self->first_unbegun < self->sweep->num_groups;
}

ch_sweep_job *ch_dispatch_next(ch_dispatch *self, size_t process)
{
    const ch_sweep *sweep = self->sweep;
    if (self->num_untaken == 0) {
        return NULL;
    }
    size_t place = self->places[process], group = 0;
    if (place < sweep->num_jobs) {
        group = sweep->jobs[place].group;
    }
    if (place == sweep->num_jobs || is_to_leave(self, &sweep->groups[group])) {
        group = choose_group(self, place < sweep->num_jobs ? group + 1 : 0);
        place = sweep->groups[group].begin;
    }
    self->places[process] = find_in_group(sweep, &sweep->groups[group], place);
    return &self->sweep->jobs[self->places[process]];
}

void ch_dispatch_take(ch_dispatch *self, ch_sweep_job *job)
{
    ch_sweep_group *group = &self->sweep->groups[job->group];
    job->is_taken = true;
    group->num_untaken--;
    group->cost_untaken -= job->cost;
    self->num_untaken--;
    self->cost_untaken -= job->cost;
}

void ch_dispatch_avoid(ch_dispatch *self, ch_sweep_group *group)
{
    (void)self;
    group->is_elsewhere = true;
}

void ch_dispatch_put_back(ch_dispatch *self, ch_sweep_job *job)
{
    ch_sweep_group *group = &self->sweep->groups[job->group];
    job->is_taken = false;
    group->num_untaken++;
    group->cost_untaken += job->cost;
    self->num_untaken++;
    self->cost_untaken += job->cost;
    self->first_unfinished = job->group < self->first_unfinished ? job->group : self->first_unfinished;
}
