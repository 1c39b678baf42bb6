/* The clients that benches/run measures, in C: the same as in client.rs. Prints one line of name=value pairs.
 *   load SOCKET SCRIPT REQUESTS CONCURRENCY   sends one request again and again, that many in flight
 *   anew SOCKET SCRIPT REQUESTS CONCURRENCY   the same, each request built anew; watches resident memory from the
 *                                             10,000th answer on
 *   read SOCKET SCRIPT                        streams one answer
 *   write SOCKET SCRIPT BYTES                 gives one request body from a source
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <towline.h>

static towline_loop *loop;
static uint64_t client;
static const char *script;
static towline_fcgi_callbacks callbacks = {.size = sizeof callbacks};

static long wanted, sent, done;
static uint64_t bytes, left;
/* The request that is sent again and again; NULL: each is built anew. */
static towline_fcgi_builder *same;

/* Requests after which memory counts. */
enum { SETTLED = 10000 };
static long settled_kib = -1;

static void check(towline_status status, const char *what) {
    if (status == TOWLINE_OK) return;
    fprintf(stderr, "%s: %s: %s\n", what, towline_status_text(status), loop ? towline_loop_error(loop) : "");
    exit(1);
}

/* A figure of /proc/self/status in KiB. */
static long memory_kib(const char *name) {
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name))) kib = atol(line + strlen(name));
    if (file) fclose(file);
    return kib;
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

static void send_one(void) {
    towline_fcgi_builder *builder = same;
    if (!builder) check(towline_fcgi_builder_new(script, &builder), "builder");
    check(towline_fcgi_send(loop, client, builder, &callbacks, NULL, NULL), "send");
    if (!same) towline_fcgi_builder_free(builder);
    sent++;
}

static void on_error(void *user, towline_status status, const char *text) {
    (void)user;
    fprintf(stderr, "%s: %s\n", towline_status_text(status), text);
    exit(1);
}

static void on_next(void *user, const towline_fcgi_response *response) {
    (void)user;
    if (towline_fcgi_response_status(response) != 200 || towline_fcgi_response_body(response).length == 0) {
        fprintf(stderr, "an empty answer, or status %u\n", (unsigned)towline_fcgi_response_status(response));
        exit(1);
    }
    if (++done == SETTLED) settled_kib = memory_kib("VmRSS:");
    if (sent < wanted) send_one();
}

static void on_body(void *user, const char *data, size_t length) {
    (void)user;
    (void)data;
    bytes += length;
}

static void on_end(void *user, const towline_fcgi_response *response) {
    (void)user;
    (void)response;
    done++;
}

static ptrdiff_t give(void *user, uint8_t *buffer, size_t capacity) {
    (void)user;
    size_t n = left < capacity ? (size_t)left : capacity;
    memset(buffer, 'x', n);
    left -= n;
    return (ptrdiff_t)n;
}

static void keep_in_flight(long concurrency) {
    callbacks.on_done = on_next;
    while (sent < wanted && sent < concurrency) send_one();
    check(towline_loop_run(loop), "run");
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    const int stream = !strcmp(what, "read") || !strcmp(what, "write");
    const int anew = !strcmp(what, "anew");
    if (argc < 4 || (!stream && !anew && strcmp(what, "load")) || (!stream && argc != 6)) {
        fprintf(stderr, "usage: client load|anew SOCKET SCRIPT REQUESTS CONCURRENCY | read SOCKET SCRIPT | write SOCKET "
                        "SCRIPT BYTES\n");
        return 2;
    }
    const char *socket = argv[2];
    const long concurrency = stream ? 1 : atol(argv[5]);
    towline_fcgi_client_options options;
    script = argv[3];
    callbacks.on_error = on_error;
    check(towline_loop_new(&loop), "loop");
    check(towline_fcgi_client_options_init(&options, sizeof options), "options");
    options.max_connections = (uint32_t)concurrency;
    check(towline_fcgi_client_new(loop, &socket, 1, &options, &client), "client");
    const long peak = memory_kib("VmHWM:");
    const double from = seconds_now(), cpu = cpu_now();
    if (!stream) {
        wanted = atol(argv[4]);
        if (!anew) check(towline_fcgi_builder_new(script, &same), "builder");
        keep_in_flight(concurrency);
        towline_fcgi_builder_free(same);
        printf("requests=%ld settled_kib=%ld grown_kib=%ld", done, settled_kib, memory_kib("VmRSS:") - settled_kib);
    } else {
        towline_fcgi_builder *builder;
        check(towline_fcgi_builder_new(script, &builder), "builder");
        if (!strcmp(what, "write")) {
            bytes = left = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
            check(towline_fcgi_builder_method(builder, "POST"), "method");
            check(towline_fcgi_builder_source(builder, give, NULL, bytes), "source");
        } else {
            callbacks.on_body = on_body;
        }
        callbacks.on_done = on_end;
        check(towline_fcgi_send(loop, client, builder, &callbacks, NULL, NULL), "send");
        towline_fcgi_builder_free(builder);
        check(towline_loop_run(loop), "run");
        printf("bytes=%" PRIu64 " grown_kib=%ld", bytes, memory_kib("VmHWM:") - peak);
    }
    printf(" seconds=%.6f cpu=%.6f\n", seconds_now() - from, cpu_now() - cpu);
    towline_loop_free(loop);
    return done == (stream ? 1 : wanted) ? 0 : 1;
}
