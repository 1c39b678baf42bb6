/*
 * Calls a script of php-fpm again and again, and tells how long each call took. One without an answer in time is
 * cancelled. At the end come the client's counters:
 *
 *     fcgi_watch ADDRESS SCRIPT TIMES PATIENCE_MS
 */
#include <stdio.h>
#include <stdlib.h>
#include <towline.h>

enum { BEAT_MS = 100 };

struct watch {
    towline_loop *loop;
    uint64_t client, call, patience; /* a call and its timer: 0 when there is none */
    towline_fcgi_builder *request;
    long left, patience_ms;
};

static void check(towline_loop *loop, towline_status status)
{
    if (status != TOWLINE_OK) {
        fprintf(stderr, "%s: %s\n", towline_status_text(status), towline_loop_error(loop));
        exit(2);
    }
}

/* A call has ended: nobody has to lose patience any more. One that was cancelled has used its timer up. */
static void ended(struct watch *watch)
{
    towline_loop_timer_cancel(watch->loop, watch->patience);
    watch->call = watch->patience = 0;
}

static void on_done(void *user, const towline_fcgi_response *response)
{
    printf("status %u in %.1f ms\n", (unsigned)towline_fcgi_response_status(response),
           (double)towline_fcgi_response_duration_us(response) / 1000);
    ended(user);
}

static void on_error(void *user, towline_status status, const char *text)
{
    printf("%s: %s\n", towline_status_text(status), text);
    ended(user);
}

static void lose_patience(void *user)
{
    struct watch *watch = user;
    /* on_error follows in a later turn. */
    towline_fcgi_cancel(watch->loop, watch->call);
}

static void beat(void *user)
{
    struct watch *watch = user;
    if (watch->call != 0)
        return; /* a beat is left out while a call goes on */
    if (watch->left-- == 0) {
        towline_loop_stop(watch->loop);
        return;
    }
    static long number;
    char text[32];
    snprintf(text, sizeof text, "call=%ld", ++number);
    check(watch->loop, towline_fcgi_builder_query(watch->request, text));
    towline_fcgi_callbacks callbacks = {.size = sizeof callbacks, .on_done = on_done, .on_error = on_error};
    check(watch->loop, towline_fcgi_send(watch->loop, watch->client, watch->request, &callbacks, watch, &watch->call));
    check(watch->loop, towline_loop_timer_start(watch->loop, watch->patience_ms, lose_patience, watch, &watch->patience));
}

int main(int argc, char **argv)
{
    struct watch watch = {0};
    if (argc == 5) {
        watch.left = strtol(argv[3], NULL, 10);
        watch.patience_ms = strtol(argv[4], NULL, 10);
    }
    if (watch.left < 1 || watch.patience_ms < 1) {
        fprintf(stderr, "usage: %s ADDRESS SCRIPT TIMES PATIENCE_MS\n", argv[0]);
        return 2;
    }
    check(NULL, towline_loop_new(&watch.loop));
    const char *addresses[] = {argv[1]};
    check(watch.loop, towline_fcgi_client_new(watch.loop, addresses, 1, NULL, &watch.client));
    check(watch.loop, towline_fcgi_builder_new(argv[2], &watch.request));

    /* A timer that repeats goes on until it is cancelled: stopping the loop only ends towline_loop_run(). */
    uint64_t beats = 0;
    check(watch.loop, towline_loop_timer_repeat(watch.loop, BEAT_MS, beat, &watch, &beats));
    check(watch.loop, towline_loop_run(watch.loop));
    check(watch.loop, towline_loop_timer_cancel(watch.loop, beats));

    towline_fcgi_stats stats = {.size = sizeof stats};
    towline_fcgi_upstream_stats upstream = {.size = sizeof upstream};
    check(watch.loop, towline_fcgi_client_stats(watch.loop, watch.client, &stats));
    check(watch.loop, towline_fcgi_client_upstream(watch.loop, watch.client, 0, &upstream));
    printf("%u sent, %u answered, %u failed; %u connections, %u refused\n", (unsigned)stats.sent, (unsigned)stats.done,
           (unsigned)stats.failed, (unsigned)upstream.connects, (unsigned)upstream.refused);

    check(watch.loop, towline_fcgi_client_close(watch.loop, watch.client));
    towline_fcgi_builder_free(watch.request);
    towline_loop_free(watch.loop);
    return stats.failed > 0;
}
