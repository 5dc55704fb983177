/* library.c — loads a shared library when it is wanted. */
#include "core/library.h"

#include <dlfcn.h>
#include <string.h>

ch_code ch_library_load(const char *file, const char *purpose, const char *const *names, size_t count, void *addresses,
                        ch_error *err)
{
    /* its functions are found at once: one that is missing is noticed here */
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        const char *why = dlerror();
        return ch_error_set(err, CH_ERROR_IO, "%s: library %s cannot be loaded: %.300s; install it", purpose, file,
                            why != NULL ? why : "no reason is given");
    }
    ch_code code = CH_OK;
    for (size_t i = 0; i < count; i++) {
        void *address = dlsym(library, names[i]);
        if (address == NULL) {
            code = ch_error_set(err, CH_ERROR_IO,
                                "%s: library %s has no %s; install the version that chiton was built with", purpose,
                                file, names[i]);
            goto out;
        }
        memcpy((char *)addresses + i * sizeof address, &address, sizeof address);
    }
out:
    dlclose(library); /* it stays loaded all the same */
    return code;
}
