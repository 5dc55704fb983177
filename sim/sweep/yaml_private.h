/* yaml_private.h — reading the YAML file of a sweep: what its files share. Private to sim/sweep/. */
#ifndef CH_YAML_PRIVATE_H
#define CH_YAML_PRIVATE_H

#include "sim/sweep/plan_private.h"

#include <stdio.h>
#include <yaml.h>

/** The reading of one YAML document into a plan. */
typedef struct {
    ch_plan *plan;
    const char *path;
    FILE *file;
    yaml_document_t *document;
    const char *block; /* name of the block that is read; NULL: there are no blocks */
    ch_error *err;
} ch_yaml_reader;

/* All functions that return a code: CH_OK; CH_ERROR_INPUT with file, line, column and block; CH_ERROR_MEMORY. */

/** Refuses what the file has at a place.  @return CH_ERROR_INPUT */
ch_code ch_yaml_refuse(const ch_yaml_reader *self, yaml_mark_t mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Passes on a failure of another function. For input that is not accepted, the place in the file is added to the
 *  message.
 *  @return the code of `cause` */
ch_code ch_yaml_pass_on(const ch_yaml_reader *self, yaml_mark_t mark, const ch_error *cause);

yaml_node_t *ch_yaml_node(const ch_yaml_reader *self, int index);

/** The text of a scalar. For any other node it reports the failure and returns NULL.
 *  @param what  what the node is, for the message */
const char *ch_yaml_text(const ch_yaml_reader *self, const yaml_node_t *node, const char *what);

/** Whether a key of a mapping is this word. */
bool ch_yaml_is_key(const yaml_node_t *key, const char *name);

/** Reads NAME: VALUES as an axis of the plan. */
ch_code ch_yaml_read_setting(const ch_yaml_reader *self, yaml_node_pair_t pair) CH_MUST_CHECK;

/** Reads a mapping of settings that vary together as an axis of the plan. */
ch_code ch_yaml_read_zip_group(const ch_yaml_reader *self, const yaml_node_t *group) CH_MUST_CHECK;

/** Reads a mapping of settings to values.
 *  @param has_name  whether it may have a name, which was read before */
ch_code ch_yaml_read_settings(const ch_yaml_reader *self, const yaml_node_t *node, bool has_name) CH_MUST_CHECK;

/** Reads a list of blocks.
 *  @param defaults  settings of blocks that do not give them; NULL: there are none */
ch_code ch_yaml_read_blocks(const ch_yaml_reader *self, const yaml_node_t *node,
                            const yaml_node_t *defaults) CH_MUST_CHECK;

#endif
