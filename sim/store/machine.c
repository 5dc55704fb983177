/* machine.c — the machine that this process runs on, and what the program was made with. */
#include "sim/store/machine.h"

#include <gsl/gsl_version.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

/* Copies a text without the blanks around it and with single ones in it; characters that do not print are left out. */
static void tidy(const char *from, char *to, size_t size)
{
    size_t used = 0;
    bool is_blank = false;
    for (const char *c = from; *c != '\0' && used + 2 < size; c++) {
        if (*c == ' ' || *c == '\t' || *c == '\n') {
            is_blank = used > 0;
        } else if (*c > ' ' && *c < 0x7f) {
            if (is_blank) {
                to[used++] = ' ';
            }
            to[used++] = *c;
            is_blank = false;
        }
    }
    to[used] = '\0';
}

#ifdef __APPLE__
static void find_processor(char *text, size_t size)
{
    char name[CH_MACHINE_TEXT_SIZE] = "";
    size_t length = sizeof name - 1;
    if (sysctlbyname("machdep.cpu.brand_string", name, &length, NULL, 0) == 0) {
        tidy(name, text, size);
    }
}
#else
/* Linux names the processor of each core; the first lines do. */
static void find_processor(char *text, size_t size)
{
    char line[512];
    FILE *file = fopen("/proc/cpuinfo", "re");
    for (int i = 0; file != NULL && i < 40 && fgets(line, sizeof line, file) != NULL; i++) {
        const char *value = strchr(line, ':');
        if (value != NULL && strncmp(line, "model name", 10) == 0) {
            tidy(value + 1, text, size);
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}
#endif

/* The first 48 bits of a digest of all that describes a machine. */
static int64_t number_of(const ch_machine *self)
{
    char text[5 * CH_MACHINE_TEXT_SIZE];
    struct sha256_ctx hash;
    uint8_t digest[SHA256_DIGEST_SIZE];
    int64_t number = 0;
    const int length = snprintf(text, sizeof text, "%s\n%" PRId64 "\n%" PRId64 "\n%s\n%s\n%s\n", self->processor,
                                self->cores, self->memory, self->system, self->compiler, self->gsl);
    sha256_init(&hash);
    sha256_update(&hash, (size_t)length, (const uint8_t *)text);
    sha256_digest(&hash, sizeof digest, digest);
    for (size_t i = 0; i < 6; i++) {
        number = number << 8 | digest[i];
    }
    return number;
}

void ch_machine_find(ch_machine *self)
{
    static const int64_t unit = INT64_C(1) << 28;
    struct utsname name;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    *self = (ch_machine){.processor = "unknown", .system = "unknown"};
    find_processor(self->processor, sizeof self->processor);
    self->cores = cores > 0 ? cores : 0;
    self->memory = pages > 0 && page > 0 ? ((int64_t)pages * page + unit / 2) / unit * unit : 0;
    if (uname(&name) == 0) {
        char text[sizeof name.sysname + sizeof name.release + sizeof name.machine + 2];
        snprintf(text, sizeof text, "%s %s %s", name.sysname, name.release, name.machine);
        tidy(text, self->system, sizeof self->system);
    }
#ifdef __clang__
    snprintf(self->compiler, sizeof self->compiler, "clang %d.%d.%d", __clang_major__, __clang_minor__,
             __clang_patchlevel__);
#else
    snprintf(self->compiler, sizeof self->compiler, "gcc %d.%d.%d", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
    tidy(gsl_version, self->gsl, sizeof self->gsl);
    self->number = number_of(self);
}

int ch_machine_bind(sqlite3_stmt *insert, int64_t *number)
{
    ch_machine machine;
    ch_machine_find(&machine);
    *number = machine.number;
    const int codes[] = {
        sqlite3_bind_int64(insert, 1, machine.number),
        sqlite3_bind_text(insert, 2, machine.processor, -1, SQLITE_TRANSIENT),
        sqlite3_bind_int64(insert, 3, machine.cores),
        sqlite3_bind_int64(insert, CH_MACHINE_THREADS, 0),
        sqlite3_bind_int64(insert, 5, machine.memory),
        sqlite3_bind_text(insert, 6, machine.system, -1, SQLITE_TRANSIENT),
        sqlite3_bind_text(insert, 7, machine.compiler, -1, SQLITE_TRANSIENT),
        sqlite3_bind_text(insert, 8, machine.gsl, -1, SQLITE_TRANSIENT),
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] != SQLITE_OK) {
            return codes[i];
        }
    }
    return SQLITE_OK;
}
