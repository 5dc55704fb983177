/* run_pack.h — settings and runs as bytes, for another process of the same program. */
#ifndef CH_RUN_PACK_H
#define CH_RUN_PACK_H

#include "core/pack.h"
#include "sim/train.h"

enum { CH_PACK_DESCRIPTION_SIZE = 160 };

/** Describes what the bytes depend on: the program's version, that of its results, and the sizes and the order of bytes
 *  of what is packed. Two programs may exchange bytes if their descriptions are the same text.
 *  @param text  [CH_PACK_DESCRIPTION_SIZE] out */
void ch_pack_describe(char *text);

void ch_settings_pack(ch_packer *packer, const ch_resolved *resolved);

/** @param resolved  out: names of files are borrowed from the bytes, and `start` is NULL. After a failure, which the
 *                   unpacker keeps, it is not to be used */
void ch_settings_unpack(ch_unpacker *unpacker, ch_resolved *resolved);

void ch_run_pack(ch_packer *packer, const ch_run *run);

/** @param run  out: free with ch_run_free, also after a failure; its settings name no files, whose digests they keep
 *  @return CH_OK; CH_ERROR_IO for bytes that are no run; CH_ERROR_MEMORY */
ch_code ch_run_unpack(ch_unpacker *unpacker, ch_run *run, ch_error *err) CH_MUST_CHECK;

#endif
