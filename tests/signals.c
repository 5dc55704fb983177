/* signals.c — gives every test program the signals that a terminal's has. A shell that starts a command in the
 * background lets it ignore SIGINT, nohup lets it ignore SIGHUP, and the program under test would then ignore them,
 * too. */
#include <signal.h>
#include <stddef.h>

__attribute__((constructor)) static void restore_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGXCPU, SIGXFSZ};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        signal(numbers[i], SIG_DFL);
    }
}
