/* job.c — what a job of the batch system Slurm may use of the machine it runs on. */
#include "core/job.h"

#include "core/minmax.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* Reads the whole number at the beginning of a text.  @return the first character after it; NULL where there is none */
static const char *read_count(const char *text, size_t *count)
{
    char *end = NULL;
    errno = 0;
    if (!isdigit((unsigned char)text[0])) {
        return NULL;
    }
    *count = strtoull(text, &end, 10);
    return errno == 0 ? end : NULL;
}

/* Reads a variable that holds a whole number, and nothing else. */
static bool find_count(const char *name, size_t *count)
{
    const char *text = getenv(name);
    const char *end = text != NULL ? read_count(text, count) : NULL;
    return end != NULL && *end == '\0';
}

/* The number with an index in a list such as "2(x3),1", which stands for 2, 2, 2, 1.  @return 0 where there is none */
static size_t count_at(const char *list, size_t index)
{
    size_t count = 0, repeats = 1;
    for (const char *rest = list; (rest = read_count(rest, &count)) != NULL;) {
        repeats = 1;
        if (rest[0] == '(' && rest[1] == 'x') {
            rest = read_count(rest + 2, &repeats);
            if (rest == NULL || *rest++ != ')') {
                return 0;
            }
        }
        if (index < repeats) {
            return count;
        }
        index -= repeats;
        if (*rest++ != ',') {
            return 0;
        }
    }
    return 0;
}

/* The number of processes of the job's present step on this machine. mpirun of Open MPI and of MPICH say it themselves:
 * to Slurm their processes on one machine are one. */
static size_t processes_here(void)
{
    size_t count = 0, node = 0;
    if ((find_count("OMPI_COMM_WORLD_LOCAL_SIZE", &count) || find_count("MPI_LOCALNRANKS", &count)) && count > 0) {
        return count;
    }
    const char *list = getenv("SLURM_STEP_TASKS_PER_NODE");
    count = list != NULL ? count_at(list, find_count("SLURM_NODEID", &node) ? node : 0) : 0;
    return ch_size_max(count, 1);
}

static bool is_in_job(void)
{
    return getenv("SLURM_JOB_ID") != NULL;
}

size_t ch_job_processors(void)
{
    size_t count = 0;
    if (!is_in_job()) {
        return SIZE_MAX;
    }
    if (find_count("SLURM_CPUS_PER_TASK", &count) && count > 0) {
        return count;
    }
    if (find_count("SLURM_CPUS_ON_NODE", &count) && count > 0) {
        return ch_size_max(count / processes_here(), 1);
    }
    return SIZE_MAX;
}

size_t ch_job_memory(void)
{
    enum { BYTES = 1 << 20 };
    size_t units = 0, processors = 0, bytes = 0;
    if (!is_in_job()) {
        return SIZE_MAX;
    }
    if (!find_count("SLURM_MEM_PER_NODE", &units)) {
        const bool is_set = find_count("SLURM_MEM_PER_CPU", &units) && find_count("SLURM_CPUS_ON_NODE", &processors);
        if (!is_set || __builtin_mul_overflow(units, processors, &units)) {
            return SIZE_MAX;
        }
    }
    if (units == 0 || __builtin_mul_overflow(units, (size_t)BYTES, &bytes)) {
        return SIZE_MAX; /* 0 stands for all memory of the machine */
    }
    return bytes / processes_here();
}
