/* The time from a keystroke to its echo, through a shell on a TTY: one key at a time, the next after the echo.
 *   hijack_echo SOCKET CONTAINER KEYS
 * Prints microseconds. The first tenth of the keys warms up and is not counted. Every 40 keys the line is ended, so
 * that none is broken; the keys are behind a colon, so that the shell does nothing with them.
 */
#include "engine.h"

enum { LINE = 40 };

/* Reads until `wanted` has come. */
static void await(int fd, const char *wanted) {
    static char buffer[65536];
    static size_t have;
    const size_t length = strlen(wanted);
    for (;;) {
        char *found = memmem(buffer, have, wanted, length);
        if (found) {
            /* What is behind belongs to the next. */
            have -= (size_t)(found - buffer) + length;
            memmove(buffer, found + length, have);
            return;
        }
        if (have >= length) {
            memmove(buffer, buffer + have - (length - 1), length - 1);
            have = length - 1;
        }
        size_t n = read_some(fd, buffer + have, sizeof buffer - have);
        if (n == 0) refuse("shell", "ended");
        have += n;
    }
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    const long keys = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    if (keys < 10) {
        fprintf(stderr, "usage: hijack_echo SOCKET CONTAINER KEYS (10 or more)\n");
        return 2;
    }
    char *command[] = {"sh", NULL}, id[128], head[8192];
    double *taken = malloc(sizeof *taken * (size_t)keys);
    if (!taken) fail("malloc");
    create_exec(argv[1], argv[2], command, 1, id);
    size_t behind;
    int fd = start_exec(argv[1], id, 1, head, sizeof head, &behind);
    /* The prompt, or a part of it, may have come with the head; an empty line brings another. */
    write_all(fd, "\r", 1);
    await(fd, "ready> ");
    for (long i = 0; i < keys; i++) {
        if (i % LINE == 0) {
            if (i > 0) {
                write_all(fd, "\r", 1);
                await(fd, "ready> ");
            }
            write_all(fd, ": y", 3);
            await(fd, "y");
        }
        const double from = seconds_now();
        write_all(fd, "x", 1);
        await(fd, "x");
        taken[i] = (seconds_now() - from) * 1e6;
    }
    write_all(fd, "\rexit\r", 6);
    while (read_some(fd, head, sizeof head) > 0) {}
    const long skipped = keys / 10, counted = keys - skipped;
    qsort(taken + skipped, (size_t)counted, sizeof *taken, by_size);
    printf("keys=%ld p50=%.1f p99=%.1f max=%.1f\n", counted, taken[skipped + counted / 2],
        taken[skipped + counted * 99 / 100], taken[keys - 1]);
    close(fd);
}
