/* library.h — shared libraries that few commands need, loaded only when they are needed.
 *
 * libcurl, libarchive and HDF5 depend on some forty other libraries. A program that is linked with them spends most of
 * its start loading them, even if it only prints its help. */
#ifndef CH_LIBRARY_H
#define CH_LIBRARY_H

#include "core/error.h"

#include <stddef.h>

/** Loads a shared library, unless the process has it, and finds functions and variables in it. It stays loaded until
 *  the process ends.
 *
 *  @param file       its name as the dynamic linker looks for it, e.g. "libcurl.so.4"; not kept
 *  @param purpose    what cannot be done without it, for the message, e.g. "files cannot be downloaded"
 *  @param names      [count] of functions and variables
 *  @param addresses  out: count pointers, one after the other, to what has these names; undefined after a failure
 *  @return CH_OK; CH_ERROR_IO where the library is missing, or lacks one of the names */
ch_code ch_library_load(const char *file, const char *purpose, const char *const *names, size_t count, void *addresses,
                        ch_error *err) CH_MUST_CHECK;

/* A list of names is a macro that applies its argument to each of them: #define LIST(X) X(curl_easy_init) X(...). From
 * it come the members of a structure of pointers, their names, and their addresses where the program is linked with the
 * library after all. A name may be a macro itself, that of the function's present version. */
#define CH_LIBRARY_MEMBER(name)  __typeof__(name) *name;
#define CH_LIBRARY_TEXT(name)    #name
#define CH_LIBRARY_NAME(name)    CH_LIBRARY_TEXT(name),
#define CH_LIBRARY_ADDRESS(name) &name,

#endif
