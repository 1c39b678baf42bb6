/*
 * Runs a command in a container to its end, with a deadline, and prints what it wrote:
 *
 *     docker_run SECONDS CONTAINER COMMAND [ARGUMENT]...  < INPUT
 *
 * DOCKER_HOST says where the Engine is. The exit code is the command's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <towline.h>
#include <unistd.h>

static int exit_code = 125;

static void on_result(void *user, const towline_docker_result *result)
{
    (void)user;
    towline_bytes out = towline_docker_result_stdout(result), err = towline_docker_result_stderr(result);
    fwrite(out.data, 1, out.length, stdout);
    fwrite(err.data, 1, err.length, stderr);
    exit_code = (int)towline_docker_result_exit_code(result);
}

static void on_error(void *user, towline_status status, const char *text, uint32_t http_status)
{
    (void)user;
    fprintf(stderr, "%s: %s", towline_status_text(status), text);
    if (status == TOWLINE_ERR_API)
        fprintf(stderr, " (HTTP status %u)", (unsigned)http_status);
    fputc('\n', stderr);
}

static void check(towline_loop *loop, towline_status status)
{
    if (status != TOWLINE_OK) {
        fprintf(stderr, "%s: %s\n", towline_status_text(status), towline_loop_error(loop));
        exit(125);
    }
}

/* All of standard input, unless it is a terminal. */
static char *read_input(size_t *length)
{
    size_t room = 0;
    char *input = NULL;
    *length = 0;
    while (!isatty(STDIN_FILENO)) {
        if (*length == room) {
            char *larger = realloc(input, room = room * 2 + 4096);
            if (larger == NULL)
                exit(125);
            input = larger;
        }
        size_t got = fread(input + *length, 1, room - *length, stdin);
        if (got == 0)
            break;
        *length += got;
    }
    return input;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s SECONDS CONTAINER COMMAND [ARGUMENT]...\n", argv[0]);
        return 2;
    }

    towline_docker_run_options options;
    towline_docker_run_options_init(&options, sizeof options);
    options.timeout_ms = (int64_t)(atof(argv[1]) * 1000);
    options.container = argv[2];
    options.command = (const char *const *)&argv[3];
    options.command_count = (size_t)(argc - 3);
    char *input = read_input(&options.input_length);
    options.input = input;

    towline_docker_call_callbacks callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.on_result = on_result;
    callbacks.on_error = on_error;

    towline_loop *loop = NULL;
    uint64_t client = 0;
    check(loop, towline_loop_new(&loop));
    check(loop, towline_docker_client_new(loop, NULL, NULL, &client));
    check(loop, towline_docker_run(loop, client, &options, &callbacks, NULL, NULL));
    free(input);
    check(loop, towline_loop_run(loop));
    towline_loop_free(loop);
    return exit_code;
}
