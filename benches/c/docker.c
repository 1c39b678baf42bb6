/* The Docker clients that benches/docker_run measures, in C: the same as in docker.rs. Prints one line of name=value
 * pairs.
 *   read SOCKET CONTAINER COMMAND...   a command's output to its end
 *   echo SOCKET CONTAINER KEYS         keystrokes through a shell on a terminal, one at a time
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <towline.h>

enum { LINE = 40 };

static towline_loop *loop;
static uint64_t client, stream;

static uint64_t bytes[4];
static double from, cpu;
static int64_t exit_code = -1;

static char seen[65536];
static size_t have;
static const char *wanted;
static long key, keys;
static int warm;
static double pressed, *taken;

static void check(towline_status status, const char *what) {
    if (status == TOWLINE_OK) return;
    fprintf(stderr, "%s: %s: %s\n", what, towline_status_text(status), loop ? towline_loop_error(loop) : "");
    exit(1);
}

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_now(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void on_open(void *user, const char *id, uint32_t upgraded) {
    (void)user;
    (void)id;
    (void)upgraded;
    from = seconds_now();
    cpu = cpu_now();
}

static void on_count(void *user, uint32_t number, const char *data, size_t length) {
    (void)user;
    (void)data;
    bytes[number & 3] += length;
}

static void on_exit_code(void *user, int64_t code, uint32_t truncated) {
    (void)user;
    (void)truncated;
    exit_code = code;
}

static void on_error(void *user, towline_status status, const char *text, uint32_t http_status) {
    (void)user;
    (void)http_status;
    fprintf(stderr, "%s: %s\n", towline_status_text(status), text);
    exit(1);
}

static void type(const char *text, const char *echo) {
    wanted = echo;
    check(towline_docker_write(loop, stream, text, strlen(text), NULL), "write");
}

/* Presses the next key: every LINE keys on a new line, behind a colon, so that the shell does nothing with them. */
static void press(void) {
    pressed = 0;
    if (key == keys) type("\rexit\r", NULL);
    else if (key % LINE == 0 && warm == 0) type("\r", "ready> "), warm = 1;
    else if (key % LINE == 0 && warm == 1) type(": y", "y"), warm = 2;
    else {
        warm = 0;
        pressed = seconds_now();
        type("x", "x");
    }
}

static void on_echo(void *user, uint32_t number, const char *data, size_t length) {
    (void)user;
    (void)number;
    if (!wanted) return;
    if (length > sizeof seen - have) have = 0;
    memcpy(seen + have, data, length);
    have += length;
    char *found = memmem(seen, have, wanted, strlen(wanted));
    if (!found) return;
    if (pressed > 0) taken[key++] = (seconds_now() - pressed) * 1e6;
    have -= (size_t)(found - seen) + strlen(wanted);
    memmove(seen, found + strlen(wanted), have);
    press();
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    const int echo = argc == 5 && !strcmp(argv[1], "echo");
    if (argc < 5 || (!echo && strcmp(argv[1], "read"))) {
        fprintf(stderr, "usage: docker read SOCKET CONTAINER COMMAND... | docker echo SOCKET CONTAINER KEYS\n");
        return 2;
    }
    char address[256];
    const char *shell[] = {"sh"}, *env[] = {"PS1=ready> "};
    towline_docker_exec_options options;
    towline_docker_stream_callbacks callbacks = {.size = sizeof callbacks, .on_open = on_open,
        .on_output = echo ? on_echo : on_count, .on_exit = on_exit_code, .on_error = on_error};
    snprintf(address, sizeof address, "unix://%s", argv[2]);
    check(towline_loop_new(&loop), "loop");
    check(towline_docker_client_new(loop, address, NULL, &client), "client");
    check(towline_docker_exec_options_init(&options, sizeof options), "options");
    options.container = argv[3];
    options.command = echo ? shell : (const char *const *)argv + 4;
    options.command_count = echo ? 1 : (size_t)(argc - 4);
    options.env = env;
    options.env_count = 1;
    options.tty = options.attach_stdin = (uint32_t)echo;
    check(towline_docker_exec(loop, client, &options, &callbacks, NULL, &stream), "exec");
    if (echo) {
        keys = atol(argv[4]);
        taken = calloc((size_t)keys + 1, sizeof *taken);
        if (!taken) return 1;
        press();
    }
    check(towline_loop_run(loop), "run");
    if (echo) {
        const long skipped = keys / 10, counted = keys - skipped;
        qsort(taken + skipped, (size_t)counted, sizeof *taken, by_size);
        printf("keys=%ld p50=%.1f p99=%.1f max=%.1f\n", counted, taken[skipped + counted / 2],
            taken[skipped + counted * 99 / 100], taken[keys - 1]);
    } else {
        printf("bytes=%" PRIu64 " stderr=%" PRIu64 " seconds=%.6f cpu=%.6f\n", bytes[1], bytes[2],
            seconds_now() - from, cpu_now() - cpu);
    }
    towline_loop_free(loop);
    free(taken);
    return !echo && exit_code != 0;
}
