/*
 * Towline inside a loop of libuv: a PHP script and a command in a container, at the same time.
 *
 *     loop_uv FASTCGI_ADDRESS SCRIPT CONTAINER COMMAND [ARGUMENT]...
 *
 * DOCKER_HOST says where the Engine is. The part that concerns libuv is `struct embedded` and the functions behind it;
 * the rest is any program that uses Towline.
 */
#include <stdio.h>
#include <stdlib.h>
#include <towline.h>
#include <uv.h>

static void check(towline_loop *loop, towline_status status)
{
    if (status != TOWLINE_OK) {
        fprintf(stderr, "%s: %s\n", towline_status_text(status), towline_loop_error(loop));
        exit(2);
    }
}

/* A Towline loop in a libuv loop */
struct embedded {
    towline_loop *loop;
    uv_poll_t readable;    /* something has happened */
    uv_timer_t due;        /* a deadline has come; on Linux the descriptor tells of these too */
    uv_prepare_t prepare;  /* libuv is about to wait */
};

static void dispatch(struct embedded *embedded)
{
    size_t pending = 0;
    check(embedded->loop, towline_loop_tick(embedded->loop, 0, NULL));
    check(embedded->loop, towline_loop_pending(embedded->loop, &pending));
    if (pending == 0) {
        /* Nothing is left to wait for: closed handles do not keep uv_run() going. */
        uv_close((uv_handle_t *)&embedded->readable, NULL);
        uv_close((uv_handle_t *)&embedded->due, NULL);
        uv_close((uv_handle_t *)&embedded->prepare, NULL);
    }
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
    (void)status, (void)events;
    dispatch(handle->data);
}

static void on_due(uv_timer_t *handle)
{
    dispatch(handle->data);
}

static void on_prepare(uv_prepare_t *handle)
{
    struct embedded *embedded = handle->data;
    int timeout = -1;
    check(embedded->loop, towline_loop_timeout_ms(embedded->loop, &timeout));
    if (timeout < 0)
        uv_timer_stop(&embedded->due);
    else
        uv_timer_start(&embedded->due, on_due, (uint64_t)timeout, 0);
}

static void embed(uv_loop_t *uv, struct embedded *embedded)
{
    int fd = -1;
    check(embedded->loop, towline_loop_fd(embedded->loop, &fd));
    if (uv_poll_init(uv, &embedded->readable, fd) != 0 || uv_timer_init(uv, &embedded->due) != 0 ||
        uv_prepare_init(uv, &embedded->prepare) != 0)
        exit(2);
    embedded->readable.data = embedded->due.data = embedded->prepare.data = embedded;
    uv_poll_start(&embedded->readable, UV_READABLE, on_readable);
    uv_prepare_start(&embedded->prepare, on_prepare);
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
    uv_loop_t uv;
    struct embedded embedded;
    if (uv_loop_init(&uv) != 0)
        return 2;
    embedded.loop = NULL;
    check(NULL, towline_loop_new(&embedded.loop));
    embed(&uv, &embedded);

    run_script(embedded.loop, argv[1], argv[2], &failed);
    run_command(embedded.loop, argv + 3, argc - 3, &failed);
    uv_run(&uv, UV_RUN_DEFAULT);

    uv_loop_close(&uv);
    towline_loop_free(embedded.loop);
    return failed > 0;
}
