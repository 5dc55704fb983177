/* bench_machine.c — on what machine the page was made. */
#include "bench.h"

#include "core/available.h"
#include "core/memory.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#if defined __AVX512F__
#define VECTOR_BITS 512
#elif defined __AVX__
#define VECTOR_BITS 256
#else
#define VECTOR_BITS 128
#endif
#if defined __FMA__ || defined __aarch64__
#define HAS_FMA "with fused multiply-add"
#else
#define HAS_FMA "without fused multiply-add"
#endif
#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

double bench_bandwidth(void)
{
    enum { REPEATS = 5 };
    const size_t count = (size_t)1 << 26;
    float *numbers = ch_alloc(count, sizeof *numbers);
    if (numbers == NULL) {
        fputs("bench: no memory\n", stderr);
        exit(1);
    }
    /* memory that was never written would be one page of zeroes, which stays in the caches */
    for (size_t k = 0; k < count; k++) {
        numbers[k] = (float)(k % 1024);
    }
    double best = 0;
    volatile float sink = 0;
    for (int i = 0; i < REPEATS; i++) {
        const double started = processor_time();
        float sums[64] = {0};
        for (size_t k = 0; k < count; k += 64) {
            for (size_t l = 0; l < 64; l++) {
                sums[l] += numbers[k + l];
            }
        }
        sink = sums[0];
        best = fmax(best, (double)(count * sizeof *numbers) / (processor_time() - started));
    }
    (void)sink;
    free(numbers);
    return best;
}

/* The first line of /proc/cpuinfo that has the processor's name, else the machine's kind. */
static void find_processor(char *name, size_t size, const struct utsname *system)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    (void)snprintf(name, size, "%s", system->machine);
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            (void)snprintf(name, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

/* A line of cpuinfo's numbers, e.g. "family 25, model 1", as some machines hide the processor's name. */
static long cpuinfo_number(const char *key)
{
    char line[4096];
    long number = -1;
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file != NULL && number < 0 && fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');
        if (colon != NULL && strncmp(line, key, strlen(key)) == 0 && strchr("\t :", line[strlen(key)]) != NULL) {
            number = strtol(colon + 1, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return number;
}

/* The size of a cache of the first core as Linux has it, e.g. "32K", or a dash.
 * @param text  out [16] */
static const char *cache_size(int index, char *text)
{
    char path[80];
    (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(text, 16, file) == NULL) {
        (void)snprintf(text, 16, "–");
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    text[strcspn(text, "\n")] = '\0';
    return text;
}

void bench_machine(void)
{
    char processor[128], date[32], caches[3][16];
    struct utsname system;
    double load[1] = {0};
    const time_t now = time(NULL);
    struct tm utc;
    (void)uname(&system);
    (void)getloadavg(load, 1);
    (void)gmtime_r(&now, &utc);
    (void)strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &utc);
    find_processor(processor, sizeof processor, &system);
    double single = 0, twice = 0;
    for (int i = 0; i < 5; i++) {
        const double started = processor_time(), done = multiply_add_in_registers_f64(1 << 23);
        twice = fmax(twice, done / (processor_time() - started));
        single = fmax(single, peak_rate());
    }
    page_table("machine | of this page");
    page_row("processor | %s, family %ld, model %ld", processor, cpuinfo_number("cpu family"), cpuinfo_number("model"));
    page_row("system | %s %s", system.sysname, system.machine);
    page_row("cores for the bench | %d", ch_processors_available());
    page_row("vectors that the build uses | %d bits, %s", VECTOR_BITS, HAS_FMA);
    page_row("caches: first (data), second, third | %s, %s, %s", cache_size(0, caches[0]), cache_size(2, caches[1]),
             cache_size(3, caches[2]));
    page_row("memory, GiB | %.1f", (double)ch_memory_limit() / 0x1p30);
    page_row("bandwidth, one thread reading, GB/s | %.1f", 1e-9 * bench_bandwidth());
    page_row("peak of one core, single, GFLOP/s | %.1f", 2e-9 * single);
    page_row("peak of one core, double, GFLOP/s | %.1f", 2e-9 * twice);
    page_row("compiler | %s", COMPILER);
    page_row("flags | `%s`", CH_BENCH_FLAGS);
    page_row("chiton | %s, %s, load %.1f before the bench began", CH_VERSION, date, load[0]);
}
