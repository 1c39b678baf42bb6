/*
 * Towline inside a loop of libev: a PHP script and a command in a container, at the same time.
 *
 *     loop_ev FASTCGI_ADDRESS SCRIPT CONTAINER COMMAND [ARGUMENT]...
 *
 * DOCKER_HOST says where the Engine is. The part that concerns libev is `struct embedded` and the functions behind it;
 * the rest is any program that uses Towline.
 */
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <towline.h>

static void check(towline_loop *loop, towline_status status)
{
    if (status != TOWLINE_OK) {
        fprintf(stderr, "%s: %s\n", towline_status_text(status), towline_loop_error(loop));
        exit(2);
    }
}

/* A Towline loop in a libev loop */
struct embedded {
    towline_loop *loop;
    ev_io readable;      /* something has happened */
    ev_timer due;        /* a deadline has come; on Linux the descriptor tells of these too */
    ev_prepare prepare;  /* libev is about to wait */
};

static void dispatch(struct ev_loop *ev, struct embedded *embedded)
{
    size_t pending = 0;
    check(embedded->loop, towline_loop_tick(embedded->loop, 0, NULL));
    check(embedded->loop, towline_loop_pending(embedded->loop, &pending));
    if (pending == 0)
        ev_break(ev, EVBREAK_ALL);
}

static void on_readable(struct ev_loop *ev, ev_io *watcher, int events)
{
    (void)events;
    dispatch(ev, watcher->data);
}

static void on_due(struct ev_loop *ev, ev_timer *watcher, int events)
{
    (void)events;
    dispatch(ev, watcher->data);
}

static void on_prepare(struct ev_loop *ev, ev_prepare *watcher, int events)
{
    struct embedded *embedded = watcher->data;
    int timeout = -1;
    (void)events;
    check(embedded->loop, towline_loop_timeout_ms(embedded->loop, &timeout));
    ev_timer_stop(ev, &embedded->due);
    if (timeout >= 0) {
        ev_timer_set(&embedded->due, timeout / 1000.0, 0.0);
        ev_timer_start(ev, &embedded->due);
    }
}

static void embed(struct ev_loop *ev, struct embedded *embedded)
{
    int fd = -1;
    check(embedded->loop, towline_loop_fd(embedded->loop, &fd));
    ev_io_init(&embedded->readable, on_readable, fd, EV_READ);
    ev_timer_init(&embedded->due, on_due, 0.0, 0.0);
    ev_prepare_init(&embedded->prepare, on_prepare);
    embedded->readable.data = embedded->due.data = embedded->prepare.data = embedded;
    ev_io_start(ev, &embedded->readable);
    ev_prepare_start(ev, &embedded->prepare);
}

/* The program */

static void on_done(void *user, const towline_fcgi_response *response)
{
    int *failed = user;
    towline_bytes body = towline_fcgi_response_body(response);
    printf("script: status %u: %.*s\n", (unsigned)towline_fcgi_response_status(response), (int)body.length, body.data);
    *failed += towline_fcgi_response_status(response) >= 400;
}

static void on_script_error(void *user, towline_status status, const char *text)
{
    int *failed = user;
    fprintf(stderr, "script: %s: %s\n", towline_status_text(status), text);
    *failed += 1;
}

static void on_output(void *user, uint32_t stream, const char *bytes, size_t length)
{
    (void)user;
    fwrite(bytes, 1, length, stream == 2 ? stderr : stdout);
}

static void on_exit_code(void *user, int64_t code, uint32_t truncated)
{
    int *failed = user;
    (void)truncated;
    printf("command: exit code %d\n", (int)code);
    *failed += code != 0;
}

static void on_command_error(void *user, towline_status status, const char *text, uint32_t http_status)
{
    int *failed = user;
    (void)http_status;
    fprintf(stderr, "command: %s: %s\n", towline_status_text(status), text);
    *failed += 1;
}

static void run_script(towline_loop *loop, const char *address, const char *script, int *failed)
{
    uint64_t client = 0;
    towline_fcgi_builder *request = NULL;
    towline_fcgi_callbacks callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.on_done = on_done;
    callbacks.on_error = on_script_error;
    check(loop, towline_fcgi_client_new(loop, &address, 1, NULL, &client));
    check(loop, towline_fcgi_builder_new(script, &request));
    check(loop, towline_fcgi_send(loop, client, request, &callbacks, failed, NULL));
    towline_fcgi_builder_free(request);
}

static void run_command(towline_loop *loop, char **arguments, int count, int *failed)
{
    uint64_t client = 0;
    towline_docker_exec_options options;
    towline_docker_exec_options_init(&options, sizeof options);
    options.container = arguments[0];
    options.command = (const char *const *)&arguments[1];
    options.command_count = (size_t)count - 1;
    towline_docker_stream_callbacks callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.on_output = on_output;
    callbacks.on_exit = on_exit_code;
    callbacks.on_error = on_command_error;
    check(loop, towline_docker_client_new(loop, NULL, NULL, &client));
    check(loop, towline_docker_exec(loop, client, &options, &callbacks, failed, NULL));
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: %s FASTCGI_ADDRESS SCRIPT CONTAINER COMMAND [ARGUMENT]...\n", argv[0]);
        return 2;
    }

    int failed = 0;
    struct ev_loop *ev = ev_loop_new(EVFLAG_AUTO);
    struct embedded embedded;
    if (ev == NULL)
        return 2;
    embedded.loop = NULL;
    check(NULL, towline_loop_new(&embedded.loop));
    embed(ev, &embedded);

    run_script(embedded.loop, argv[1], argv[2], &failed);
    run_command(embedded.loop, argv + 3, argc - 3, &failed);
    ev_run(ev, 0);

    ev_loop_destroy(ev);
    towline_loop_free(embedded.loop);
    return failed > 0;
}
