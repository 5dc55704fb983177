/* error.h — how a function says that it failed. */
#ifndef CH_ERROR_H
#define CH_ERROR_H

#define CH_MUST_CHECK __attribute__((warn_unused_result))

/** The outcome of a function that can fail. */
typedef enum {
    CH_OK = 0,
    CH_ERROR_INPUT,       /* what the caller gave is not accepted: exit status 2 */
    CH_ERROR_MEMORY,      /* an allocation failed */
    CH_ERROR_IO,          /* reading, writing or the store failed */
    CH_ERROR_NUMERIC,     /* a numerical routine did not converge */
    CH_ERROR_INTERRUPTED, /* the caller's stop flag was raised: exit status 130 */
} ch_code;

/** A failure in words. `message` is a whole sentence: the setting's name, the value, what is accepted. */
typedef struct {
    ch_code code;
    char message[1024];
} ch_error;

/** Fills `err` (which may be NULL) and returns `code`. Control characters, which a file's name may have, are escaped in
 *  the message as ch_text_escape does. Every failure passes here: the place for a breakpoint. */
ch_code ch_error_set(ch_error *err, ch_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/** The failure of an allocation of `what`, as ch_error_set. */
ch_code ch_error_memory(ch_error *err, const char *what);

#endif
