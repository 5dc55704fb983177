/* commands.h — the commands of the program: argv[0] is the command's name; the result is the exit status. */
#ifndef CH_COMMANDS_H
#define CH_COMMANDS_H

int ch_cmd_run(int argc, const char **argv);
int ch_cmd_sweep(int argc, const char **argv);
int ch_cmd_list(int argc, const char **argv);
int ch_cmd_fit(int argc, const char **argv);
int ch_cmd_plot(int argc, const char **argv);
int ch_cmd_report(int argc, const char **argv);
int ch_cmd_theory(int argc, const char **argv);
int ch_cmd_export(int argc, const char **argv);
int ch_cmd_merge(int argc, const char **argv);
int ch_cmd_delete(int argc, const char **argv);
int ch_cmd_data(int argc, const char **argv);
int ch_cmd_data_export(int argc, const char **argv); /* `data export`, with "export" as argv[0] */
int ch_cmd_selftest(int argc, const char **argv);

#endif
