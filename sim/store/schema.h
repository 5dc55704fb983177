/* schema.h — the tables of a store, as data, and the SQL that makes, migrates, fills and reads them.
 *
 * A schema has a version. Every table and every column says the version that first had it (0 for the first), so that
 * the statements that make a new store, that bring an old one up to date, and that read an old one as it is follow
 * from one description. The functions here take the description as an argument: a test hands them a pretended next
 * version.
 */
#ifndef CH_SCHEMA_H
#define CH_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

enum { CH_STORE_APPLICATION_ID = 0x6368746e }; /* "chtn" marks a SQLite file as a chiton store */

typedef struct {
    const char *name;
    const char *type; /* of SQLite, with its constraint */
    int since;        /* version of the schema that first has it; 0 for the first */
    /* what rows of older stores have in it, as text that SQL takes for a number or a word; NULL: they have NULL */
    const char *older;
} ch_store_column;

typedef struct {
    const char *name;
    int since;                    /* version of the schema that first has it; 0 for the first */
    const ch_store_column *first; /* [num_first] columns that it has had from its own beginning, and that no function
                                     below knows; NULL where num_first is 0 */
    size_t num_first;
    size_t (*num_more)(void); /* columns that follow */
    ch_store_column (*more)(size_t index);
    const char *key; /* primary key of a table without row ids, e.g. "(run, step)"; NULL: a column says that it is one
                      */
} ch_store_table;

/** A statement that is executed once, when a store is made or comes from an older version. */
typedef struct {
    const char *sql;
    int since; /* version of the schema that it belongs to */
} ch_store_statement;

typedef struct {
    const ch_store_table *tables; /* [num_tables], each after those that it refers to */
    size_t num_tables;
    const ch_store_statement *statements; /* [num_statements], executed after the tables are there */
    size_t num_statements;
    int version; /* newest version of a table, a column or a statement */
} ch_store_schema;

/** Numbers of the tables of a store. */
enum {
    CH_STORE_RUNS,
    CH_STORE_POINTS,
    CH_STORE_LAYERS,
    CH_STORE_NAMES,
    CH_STORE_WORKERS,
    CH_STORE_CLAIMS,
    CH_STORE_CHECKPOINTS,
    CH_STORE_FAILURES,
    CH_STORE_MACHINES,
    CH_STORE_FLUCTUATIONS,
    CH_STORE_SUMMARY,
    CH_STORE_TALLIES,
    CH_STORE_NUM_TABLES
};

/** The schema of this program. */
ch_store_schema ch_store_schema_now(void);

/** Columns of a table: the first, then the others. */
size_t ch_store_num_columns(const ch_store_table *table);
ch_store_column ch_store_column_at(const ch_store_table *table, size_t index);

/** Places of the columns of table `runs`: the id, the settings, the results, then those that say who made the run. */
enum { CH_STORE_COLUMN_ID = 0, CH_STORE_COLUMN_SETTINGS = 1 };
int ch_store_column_results(void); /* of the first result */
int ch_store_column_version(void); /* of `version`; `results_version`, `data_digest`, `data_pool` and
                                      `machine` follow it */

/* The functions below return SQL, to be released with sqlite3_free; NULL when memory is short. */

/** The statements that make an empty database a store. */
char *ch_store_create_sql(const ch_store_schema *self);

/** The statements that bring a store of version `from`, 1 or more, to the schema's: tables and columns that it lacks
 *  are added, the columns with ch_store_column.older in the rows that are there. */
char *ch_store_migrate_sql(const ch_store_schema *self, int from);

/** Temporary views, under the names of the tables, through which a store of version `from` reads like one of the
 *  schema's: columns that it lacks have ch_store_column.older, tables that it lacks are empty. */
char *ch_store_view_sql(const ch_store_schema *self, int from);

/** Inserts a row: its parameters are the columns in their order. @param conflict  what ends the statement; may be "" */
char *ch_store_insert_sql(const ch_store_table *table, const char *conflict);

/** Reads all columns of some rows, in their order. @param rest  what follows the table's name, from WHERE on */
char *ch_store_select_sql(const ch_store_table *table, const char *rest);

/** Reads all columns of the runs that fulfil a condition.
 *  @param where    one SQL expression over the columns; NULL for all
 *  @param ordered  by their settings and then by their id, else as they lie in the file */
char *ch_store_select_runs_sql(const char *where, bool ordered);

#endif
