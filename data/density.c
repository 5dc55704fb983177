/* density.c — a tabulated density of the distance from the boundary. */
#include "data/density.h"

#include "core/memory.h"
#include "core/text.h"
#include "data/array.h"
#include "data/gz.h"

#include <math.h>
#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the table ---- */

enum { MOST_BYTES = 1 << 24 };

static ch_code refuse_size(const char *path, const char *more, size_t size, ch_error *err)
{
    return ch_error_set(err, CH_ERROR_INPUT, "density is %s, of %s%s; accepted is a table of up to %d rows and %s",
                        path, more, ch_show_bytes(size).text, CH_DENSITY_MOST_ROWS, ch_show_bytes(MOST_BYTES).text);
}

/* Refuses a file that holds far more than a table of this size, before any of it is kept: a small gzipped file may hold
 * more than the machine's memory. */
static ch_code check_size(const char *path, ch_error *err)
{
    struct stat about;
    ch_gz file;
    uint8_t bytes[1 << 13];
    size_t size = 0, got = sizeof bytes;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode)) {
        return CH_OK; /* a name that is no file is refused by whoever reads it */
    }
    if (about.st_size > MOST_BYTES) {
        return refuse_size(path, "", (size_t)about.st_size, err);
    }
    ch_code code = ch_gz_open(&file, path, err);
    while (code == CH_OK && got == sizeof bytes && size <= MOST_BYTES) {
        code = ch_gz_read(&file, bytes, sizeof bytes, &got, err);
        size += got;
    }
    ch_gz_close(&file);
    return code == CH_OK && size > MOST_BYTES ? refuse_size(path, "more than ", MOST_BYTES, err) : code;
}

static ch_code read_array(ch_array *table, const char *path, ch_error *err)
{
    ch_array none = {0};
    ch_error inner = {0};
    bool is_table = false;
    ch_code code = check_size(path, err);
    if (code != CH_OK) {
        return code;
    }
    code = ch_array_read(table, path, 2, &is_table, &inner);
    if (code == CH_OK && is_table) {
        code = ch_array_read_csv(table, &none, path, "", &inner);
    }
    return code == CH_OK ? CH_OK : ch_error_set(err, code, "density: %s", inner.message);
}

static ch_code check_shape(const ch_array *table, const char *path, ch_error *err)
{
    if (table->num_sizes != 2 || table->sizes[1] != 2) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "density is %s, which has %zu numbers in a row; accepted are two columns, x and rho", path,
                            table->num_sizes == 2 ? table->sizes[1] : table->count / table->sizes[0]);
    }
    if (table->sizes[0] < 2 || table->sizes[0] > CH_DENSITY_MOST_ROWS) {
        return ch_error_set(err, CH_ERROR_INPUT, "density is %s, which has %zu row%s; accepted are 2 to %d", path,
                            table->sizes[0], table->sizes[0] == 1 ? "" : "s", CH_DENSITY_MOST_ROWS);
    }
    return CH_OK;
}

/* What is wrong with row i of a table; NULL where nothing is. */
static const char *find_fault(const ch_density *self, size_t i)
{
    static const double LEAST = 1e-200; /* so that no slope of rho overflows */
    const double place = self->places[i], value = self->values[i];
    if (!isfinite(place) || !isfinite(value)) {
        return "accepted are finite numbers";
    }
    if (place < 0) {
        return "accepted is x >= 0, the distance from the boundary";
    }
    if (place > 0 && place < LEAST) {
        return "accepted is an x of 0, or from 1e-200 on";
    }
    if (i > 0 && place <= self->places[i - 1]) {
        return "accepted is an x greater than that of the row before";
    }
    return value < 0 ? "accepted is rho >= 0" : NULL;
}

/* Refuses rows that are no density. */
static ch_code check_rows(const ch_density *self, const char *path, ch_error *err)
{
    static const double LEAST = 1e-12, MOST = 1e12;
    const double last = self->places[self->count - 1];
    double largest = 0;
    for (size_t i = 0; i < self->count; i++) {
        const char *fault = find_fault(self, i);
        if (fault != NULL) {
            return ch_error_set(err, CH_ERROR_INPUT, "density is %s, row %zu of which is x = %g, rho = %g; %s", path,
                                i + 1, self->places[i], self->values[i], fault);
        }
        largest = fmax(largest, self->values[i]);
    }
    if (last < LEAST || last > MOST) {
        return ch_error_set(err, CH_ERROR_INPUT, "density is %s, whose last x is %g; accepted is one from %g to %g",
                            path, last, LEAST, MOST);
    }
    if (largest == 0) {
        return ch_error_set(err, CH_ERROR_INPUT,
                            "density is %s, in which rho is 0 everywhere; accepted is one with rho > 0 in a row", path);
    }
    return CH_OK;
}

/* Adds the bytes of a double to a hash, little-endian whatever the machine. */
static void add_real(struct sha256_ctx *hash, double real)
{
    uint64_t bits = 0;
    uint8_t bytes[8];
    const double number = real + 0.0; /* -0 is 0 */
    memcpy(&bits, &number, sizeof bits);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(bits >> (8 * i));
    }
    sha256_update(hash, sizeof bytes, bytes);
}

static void make_digest(ch_density *self)
{
    char head[64];
    uint8_t bytes[SHA256_DIGEST_SIZE];
    struct sha256_ctx hash;
    const int length = snprintf(head, sizeof head, "density %zu\n", self->count);
    sha256_init(&hash);
    sha256_update(&hash, (size_t)length, (const uint8_t *)head);
    for (size_t i = 0; i < self->count; i++) {
        add_real(&hash, self->places[i]);
        add_real(&hash, self->values[i]);
    }
    sha256_digest(&hash, sizeof bytes, bytes);
    ch_hex(bytes, sizeof bytes, self->digest);
}

/* Brings the largest value to 1, so that no product overflows, and adds up the masses of the pieces. */
static void find_masses(ch_density *self)
{
    double largest = 0;
    for (size_t i = 0; i < self->count; i++) {
        largest = fmax(largest, self->values[i]);
    }
    for (size_t i = 0; i < self->count; i++) {
        self->values[i] /= largest;
        self->masses[i] = 0;
        if (i > 0) {
            const double mean = (self->values[i - 1] + self->values[i]) / 2;
            self->masses[i] = self->masses[i - 1] + mean * (self->places[i] - self->places[i - 1]);
        }
    }
}

static ch_code take_rows(ch_density *self, const ch_array *table, const char *path, ch_error *err)
{
    self->count = table->sizes[0];
    self->places = ch_alloc(self->count, sizeof *self->places);
    self->values = ch_alloc(self->count, sizeof *self->values);
    self->masses = ch_alloc(self->count, sizeof *self->masses);
    if (self->places == NULL || self->values == NULL || self->masses == NULL) {
        return ch_error_memory(err, "the table of a density");
    }
    for (size_t i = 0; i < self->count; i++) {
        self->places[i] = ch_array_real(table, 2 * i);
        self->values[i] = ch_array_real(table, 2 * i + 1);
    }
    const ch_code code = check_rows(self, path, err);
    if (code != CH_OK) {
        return code;
    }
    make_digest(self);
    find_masses(self);
    return CH_OK;
}

ch_code ch_density_read(ch_density *self, const char *path, ch_error *err)
{
    ch_array table = {0};
    memset(self, 0, sizeof *self);
    ch_code code = read_array(&table, path, err);
    if (code != CH_OK) {
        goto out;
    }
    code = check_shape(&table, path, err);
    if (code != CH_OK) {
        goto out;
    }
    code = take_rows(self, &table, path, err);
out:
    ch_array_free(&table);
    if (code != CH_OK) {
        ch_density_free(self);
    }
    return code;
}

void ch_density_free(ch_density *self)
{
    free(self->places);
    free(self->values);
    free(self->masses);
    memset(self, 0, sizeof *self);
}

/* ---- drawing ---- */

/* The slope of rho on piece i, between rows i and i + 1. */
static double slope_of(const ch_density *self, size_t i)
{
    return (self->values[i + 1] - self->values[i]) / (self->places[i + 1] - self->places[i]);
}

/* On a piece of values a and slope c at its beginning, the mass within t of there is m = a t + c t^2 / 2. So
 *   t = 2 m / (a + sqrt(a^2 + 2 c m)),
 * in which nothing cancels where c > 0, and where c < 0 the root is the value of rho at t. */
double ch_density_quantile(const ch_density *self, double share)
{
    const double wanted = share * self->masses[self->count - 1];
    size_t low = 0, high = self->count - 1; /* masses[low] <= wanted, and below masses[high] unless that is the last */
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (self->masses[middle] <= wanted) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const double mass = wanted - self->masses[low], value = self->values[low];
    const double sum = value + sqrt(fmax(value * value + 2 * slope_of(self, low) * mass, 0));
    const double length = self->places[high] - self->places[low];
    return self->places[low] + (sum > 0 ? fmin(2 * mass / sum, length) : 0);
}

/* ---- the test error ---- */

/* Beyond this u, Phi(-u) is under the least double. */
static const double MOST_U = 38.6;

/* Gauss's rule of 2 `pairs` points on [-1, 1], exact for polynomials of degree 4 `pairs` - 1. */
typedef struct {
    double most; /* the longest piece that it is for, in units of the longest step of `tail` */
    int pairs;
    double nodes[4], weights[4];
} rule;

static const rule rules[] = {
    {0.002, 1, {0.5773502691896257}, {1}},
    {0.1, 2, {0.3399810435848563, 0.8611363115940526}, {0.6521451548625461, 0.3478548451374538}},
    {1,
     4,
     {0.1834346424956498, 0.5255324099163290, 0.7966664774136267, 0.9602898564975363},
     {0.3626837833783620, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763}},
};

/* The integral of rho(v) Phi(-lambda v) from v = begin to begin + length on piece i.
 * @param share  the length in units of the longest step */
static double integrate(const ch_density *self, size_t i, double lambda, double begin, double length, double share)
{
    const rule *gauss = rules;
    const double slope = slope_of(self, i), middle = begin + length / 2;
    double sum = 0;
    while (share > gauss->most && gauss->most < 1) {
        gauss++;
    }
    for (int k = 0; k < 2 * gauss->pairs; k++) {
        const double node = gauss->nodes[k / 2];
        const double v = middle + (k % 2 == 0 ? node : -node) * length / 2;
        const double value = self->values[i] + slope * (v - self->places[i]);
        sum += gauss->weights[k / 2] * fmax(value, 0) * erfc(lambda * v / M_SQRT2) / 2;
    }
    return sum * length / 2;
}

/* Phi(-u) changes over lengths of 1, and from u = 2 on over lengths of 1 / u. Steps of at most 1 and 2 / u leave the
 * rules an error under 1e-13. */
static double tail(const ch_density *self, double lambda)
{
    double sum = 0;
    for (size_t i = 0; i + 1 < self->count; i++) {
        const double end = self->places[i + 1];
        double v = self->places[i];
        while (v < end && lambda * v < MOST_U) {
            const double u = lambda * v, step = (u > 2 ? 2 / u : 1) / lambda;
            const double length = end - v > step ? step : end - v;
            sum += integrate(self, i, lambda, v, length, length / step);
            v = length < step ? end : v + length;
        }
    }
    return sum / self->masses[self->count - 1];
}

ch_code ch_density_test_error(const ch_density *self, double signal, double noise, double *error, ch_error *err)
{
    *error = NAN;
    if (!isfinite(signal) || !(noise >= 0) || !isfinite(noise)) {
        return ch_error_set(err, CH_ERROR_INPUT, "signal %g and noise %g must be finite, noise not negative", signal,
                            noise);
    }
    if (signal == 0) {
        *error = 0.5;
        return CH_OK;
    }
    const double lambda = fabs(signal) / noise;
    const double wrong = isfinite(lambda) ? tail(self, lambda) : 0;
    *error = signal > 0 ? wrong : 1 - wrong;
    return CH_OK;
}
