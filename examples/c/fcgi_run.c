/*
 * Runs many scripts through php-fpm, several at a time, and prints what becomes of each as it happens:
 *
 *     fcgi_run ADDRESS SCRIPT...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline.h>

/* What is known of one script; its callbacks receive a pointer to it. */
struct job {
    const char *script;
    size_t bytes;
    int ok;
};

static void on_head(void *user, const towline_fcgi_head *head)
{
    struct job *job = user;
    towline_bytes type = {"", 0};
    towline_fcgi_head_find(head, "Content-Type", &type);
    printf("%s: status %u, %.*s\n", job->script, (unsigned)towline_fcgi_head_status(head), (int)type.length, type.data);
}

static void on_body(void *user, const char *bytes, size_t length)
{
    struct job *job = user;
    job->bytes += length;
    fwrite(bytes, 1, length, stdout);
}

static void on_stderr(void *user, const char *bytes, size_t length)
{
    struct job *job = user;
    fprintf(stderr, "%s: %.*s\n", job->script, (int)length, bytes);
}

static void on_done(void *user, const towline_fcgi_response *response)
{
    struct job *job = user;
    job->ok = towline_fcgi_response_status(response) < 400;
    printf("\n%s: %zu bytes in %.1f ms\n", job->script, job->bytes,
           (double)towline_fcgi_response_duration_us(response) / 1000);
}

static void on_error(void *user, towline_status status, const char *text)
{
    struct job *job = user;
    fprintf(stderr, "%s: %s: %s\n", job->script, towline_status_text(status), text);
}

static void check(towline_loop *loop, towline_status status)
{
    if (status != TOWLINE_OK) {
        fprintf(stderr, "%s: %s\n", towline_status_text(status), towline_loop_error(loop));
        exit(2);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s ADDRESS SCRIPT...\n", argv[0]);
        return 2;
    }

    towline_loop *loop = NULL;
    check(loop, towline_loop_new(&loop));

    const char *addresses[] = {argv[1]};
    towline_fcgi_client_options options;
    towline_fcgi_client_options_init(&options, sizeof options);
    options.max_connections = 4;
    options.timeout_ms = 30000;
    uint64_t client = 0;
    check(loop, towline_fcgi_client_new(loop, addresses, 1, &options, &client));

    towline_fcgi_callbacks callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.on_head = on_head;
    callbacks.on_body = on_body;
    callbacks.on_stderr = on_stderr;
    callbacks.on_done = on_done;
    callbacks.on_error = on_error;

    int count = argc - 2;
    struct job *jobs = calloc((size_t)count, sizeof *jobs);
    if (jobs == NULL)
        return 2;
    for (int i = 0; i < count; i++) {
        jobs[i].script = argv[i + 2];
        towline_fcgi_builder *request = NULL;
        check(loop, towline_fcgi_builder_new(jobs[i].script, &request));
        towline_fcgi_builder_header(request, "X-Job", "demo", strlen("demo"));
        check(loop, towline_fcgi_send(loop, client, request, &callbacks, &jobs[i], NULL));
        towline_fcgi_builder_free(request);
    }

    check(loop, towline_loop_run(loop));

    int failed = 0;
    for (int i = 0; i < count; i++)
        failed += !jobs[i].ok;
    printf("%d scripts, %d failed\n", count, failed);
    free(jobs);
    towline_loop_free(loop);
    return failed > 0;
}
