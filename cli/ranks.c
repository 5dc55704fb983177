/* ranks.c — joins the processes that a launcher of MPI has started together. */
#define _GNU_SOURCE 1 /* sched_getaffinity and its sets */
#include "cli/ranks.h"

#include "core/available.h"
#include "core/job.h"
#include "core/memory.h"
#include "core/minmax.h"
#include "core/text.h"
#include "sim/run_pack.h"
#include "sim/sweep/memory_account.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <nettle/sha2.h>
#include <omp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

/* ---- what the launcher says ---- */

/* How launchers say how many processes they have started, and which one this is. A size of 0: it is not said. */
typedef struct {
    int size, rank;
} launch;

static int number_of(const char *name, int otherwise)
{
    const char *text = getenv(name);
    return text != NULL && text[0] != '\0' ? atoi(text) : otherwise;
}

/* @return a size of 1 where no launcher of MPI has started this process */
static launch find_launch(void)
{
    static const char *const names[][2] = {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"}, /* Open MPI */
                                           {"PMI_SIZE", "PMI_RANK"}};                        /* MPICH, Slurm */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (getenv(names[i][0]) != NULL) {
            return (launch){number_of(names[i][0], 1), number_of(names[i][1], 0)};
        }
    }
    if (getenv("PMIX_RANK") != NULL) { /* Slurm with --mpi=pmix */
        return (launch){number_of("SLURM_STEP_NUM_TASKS", 0), number_of("PMIX_RANK", 0)};
    }
    return (launch){1, 0};
}

/* ---- the module ---- */

/* Finds the folder of the program.  @return false where the system does not tell */
static bool find_folder(char *folder, size_t size)
{
#ifdef __APPLE__
    uint32_t room = (uint32_t)size;
    if (_NSGetExecutablePath(folder, &room) != 0) {
        return false;
    }
#else
    const ssize_t length = readlink("/proc/self/exe", folder, size - 1);
    if (length <= 0) {
        return false;
    }
    folder[length] = '\0';
#endif
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = '\0';
    return true;
}

/* Finds the module: beside the program where it was built, or where it was installed. */
static bool find_module(char *path, size_t size)
{
    static const char *const places[] = {"chiton-mpi.so", "../lib/chiton/chiton-mpi.so"};
    char folder[PATH_MAX];
    bool found = false;
    if (!find_folder(folder, sizeof folder)) {
        return false;
    }
    for (size_t i = 0; !found && i < sizeof places / sizeof *places; i++) {
        const int length = snprintf(path, size, "%s/%s", folder, places[i]);
        found = length > 0 && (size_t)length < size && access(path, R_OK) == 0;
    }
    return found;
}

/* Loads the module, which stays until the program ends. MPI's own modules find its names in the global scope. */
static ch_code load_module(int size, ch_mpi_open_function **open, ch_error *err)
{
    char path[PATH_MAX + 64];
    if (!find_module(path, sizeof path)) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%d processes were started together, but this chiton was built without MPI: start it "
                            "without mpirun, or build it where mpicc is (make deps installs it)",
                            size);
    }
    void *module = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    void *found = module != NULL ? dlsym(module, "ch_mpi_open") : NULL;
    if (found == NULL) {
        const char *why = dlerror();
        return ch_error_set(err, CH_ERROR_INPUT,
                            "%d processes were started together, but MPI cannot be loaded: %s; start chiton without "
                            "mpirun, or install that library",
                            size, why != NULL ? why : path);
    }
    memcpy(open, &found, sizeof *open);
    return CH_OK;
}

/* ---- what all must agree on ---- */

typedef struct {
    char description[CH_PACK_DESCRIPTION_SIZE], arguments[CH_SHA256_SIZE];
} identity;

static identity find_identity(int argc, const char **argv)
{
    identity self = {.description = ""};
    struct sha256_ctx hash;
    uint8_t digest[SHA256_DIGEST_SIZE];
    ch_pack_describe(self.description);
    sha256_init(&hash);
    for (int i = 1; i < argc; i++) {
        sha256_update(&hash, strlen(argv[i]) + 1, (const uint8_t *)argv[i]);
    }
    sha256_digest(&hash, sizeof digest, digest);
    ch_hex(digest, sizeof digest, self.arguments);
    return self;
}

/* Refuses processes that are another program than process 0, or have other arguments. All of them come to one answer.
 */
static ch_code check_identities(const ch_mpi *mpi, const identity *own, ch_error *err)
{
    const size_t size = (size_t)mpi->link.size;
    identity *all = ch_alloc(size, sizeof *all);
    if (all == NULL) {
        return ch_error_memory(err, "the list of processes");
    }
    ch_code code = mpi->gather(mpi->link.context, own, sizeof *own, all, err);
    for (size_t i = 1; code == CH_OK && i < size; i++) {
        if (strcmp(all[i].description, all[0].description) != 0) {
            code = ch_error_set(err, CH_ERROR_INPUT,
                                "process %zu is another program than process 0 (%s; process 0: %s); accepted is the "
                                "same program on every machine",
                                i, all[i].description, all[0].description);
        } else if (strcmp(all[i].arguments, all[0].arguments) != 0) {
            code = ch_error_set(err, CH_ERROR_INPUT,
                                "process %zu was started with other arguments than process 0; accepted is the same "
                                "command line for all processes that share a sweep",
                                i);
        }
    }
    free(all);
    return code;
}

/* ---- what each may use ---- */

int ch_cli_ranks_share(const unsigned char *allowed, size_t num_processes, size_t num_processors, size_t process)
{
    static const double ROUNDING = 1e-9; /* of sums such as 1/3 + 1/3 + 1/3 */
    double before = 0, own = 0;
    for (size_t k = 0; k < num_processors; k++) {
        double sharers = 0;
        for (size_t i = 0; i < num_processes; i++) {
            sharers += allowed[i * num_processors + k];
        }
        for (size_t i = 0; i <= process && sharers > 0; i++) {
            const double share = allowed[i * num_processors + k] / sharers;
            own += i == process ? share : 0;
            before += i < process ? share : 0;
        }
    }
    const int threads = (int)(before + own + ROUNDING) - (int)(before + ROUNDING);
    return threads > 1 ? threads : 1;
}

enum { MOST_PROCESSORS = 4096 };

/* Marks the processors on which this process may run.  @return false where the system does not tell */
static bool find_allowed(unsigned char *allowed)
{
    memset(allowed, 0, MOST_PROCESSORS);
#ifdef __linux__
    cpu_set_t *set = CPU_ALLOC(MOST_PROCESSORS);
    const size_t size = CPU_ALLOC_SIZE(MOST_PROCESSORS);
    const bool found = set != NULL && sched_getaffinity(0, size, set) == 0;
    for (size_t i = 0; found && i < MOST_PROCESSORS; i++) {
        allowed[i] = CPU_ISSET_S(i, size, set) != 0;
    }
    CPU_FREE(set);
    return found;
#else
    return false;
#endif
}

/* Finds the share of this process of the processors on its machine. */
static ch_code find_threads(ch_cli_ranks *self, ch_error *err)
{
    const size_t size = (size_t)self->mpi.node_size, rank = (size_t)self->mpi.node_rank;
    unsigned char *own = ch_alloc(1, MOST_PROCESSORS), *all = ch_alloc(size, MOST_PROCESSORS);
    ch_code code = CH_OK;
    if (own == NULL || all == NULL) {
        code = ch_error_memory(err, "the list of processors");
        goto out;
    }
    const int available = ch_processors_available();
    const bool is_known = find_allowed(own);
    if (!is_known) { /* as if it may run on each of them */
        memset(own, 1, (size_t)(available < MOST_PROCESSORS ? available : MOST_PROCESSORS));
    }
    code = self->mpi.gather_node(self->mpi.link.context, own, MOST_PROCESSORS, all, err);
    if (code != CH_OK) {
        goto out;
    }
    if (getenv("OMP_NUM_THREADS") == NULL) {
        /* a batch job has a limit for each process already; a quota of control groups is one for all of them */
        const size_t each = ch_size_min((size_t)omp_get_num_procs(), ch_job_processors());
        const int quota = (size_t)available < each ? available / self->mpi.node_size : available;
        const int share = ch_cli_ranks_share(all, size, MOST_PROCESSORS, rank);
        self->threads = share < quota ? share : quota > 1 ? quota : 1;
    }
    self->memory_budget = ch_memory_available_to(size) / 10 * 9;
out:
    free(own);
    free(all);
    return code;
}

/* ---- joining and leaving ---- */

/* Shows nothing of a follower: process 0 says the same. */
static void hush(ch_cli_ranks *self)
{
    const int nothing = open("/dev/null", O_WRONLY);
    self->stderr_kept = dup(STDERR_FILENO);
    if (nothing >= 0) {
        (void)dup2(nothing, STDOUT_FILENO);
        (void)dup2(nothing, STDERR_FILENO);
        close(nothing);
    }
}

static void show_messages(ch_cli_ranks *self)
{
    if (self->stderr_kept >= 0) {
        (void)dup2(self->stderr_kept, STDERR_FILENO);
        close(self->stderr_kept);
        self->stderr_kept = -1;
    }
}

ch_code ch_cli_ranks_join(ch_cli_ranks *self, int argc, const char **argv, ch_error *err)
{
    const launch launched = find_launch();
    *self = (ch_cli_ranks){.mpi = {.link = {.size = 1}}, .stderr_kept = -1, .threads = omp_get_max_threads()};
    if (launched.size == 1) {
        return CH_OK;
    }
    self->is_follower = launched.rank > 0;
    if (self->is_follower) {
        hush(self);
    }
    ch_mpi_open_function *open = NULL;
    ch_code code = load_module(launched.size, &open, err);
    if (code != CH_OK) {
        return code;
    }
    code = open(&self->mpi, err);
    if (code != CH_OK) {
        return code;
    }
    self->is_open = true;
    if (launched.size > 0 && self->mpi.link.size != launched.size) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "the launcher has started %d processes, but the MPI that this chiton was built with (%s) "
                            "finds %d; accepted is the launcher that belongs to it",
                            launched.size, self->mpi.library, self->mpi.link.size);
    }
    const identity own = find_identity(argc, argv);
    code = check_identities(&self->mpi, &own, err);
    if (code != CH_OK) {
        return code;
    }
    return find_threads(self, err);
}

ch_code ch_cli_ranks_count_threads(ch_cli_ranks *self, int threads, ch_error *err)
{
    const size_t size = (size_t)self->mpi.link.size;
    self->mpi.link.total_threads = threads;
    if (!self->is_open) {
        return CH_OK;
    }
    int *all = ch_alloc(size, sizeof *all);
    if (all == NULL) {
        return ch_error_memory(err, "the list of processes");
    }
    const ch_code code = self->mpi.gather(self->mpi.link.context, &threads, sizeof threads, all, err);
    self->mpi.link.total_threads = 0;
    for (size_t i = 0; code == CH_OK && i < size; i++) {
        self->mpi.link.total_threads += all[i];
    }
    free(all);
    return code;
}

ch_code ch_cli_ranks_follow(ch_cli_ranks *self, int threads, const char *kernel_folder, ch_stop *stop, ch_error *err)
{
    const ch_ranks_resources resources = {threads, self->memory_budget, kernel_folder};
    const ch_watch watch = {.stop = stop};
    const ch_code code = ch_ranks_follow(&self->mpi.link, &resources, &watch, err);
    show_messages(self);
    return code;
}

const ch_link *ch_cli_ranks_link(const ch_cli_ranks *self)
{
    return self->is_open && self->mpi.link.size > 1 ? &self->mpi.link : NULL;
}

void ch_cli_ranks_leave(ch_cli_ranks *self)
{
    if (self->is_open) {
        if (self->mpi.link.rank == 0) {
            (void)!ch_ranks_dismiss(&self->mpi.link, NULL);
        }
        self->mpi.close(self->mpi.link.context);
    }
    self->is_open = false;
}
