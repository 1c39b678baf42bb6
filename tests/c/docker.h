/* What the C tests of Docker share. */
#ifndef DOCKER_H
#define DOCKER_H

#include "check.h"

/* What a test is given: main(address, and containers in these states). */
static const char *running;  /* busybox, doing nothing */
static const char *attached; /* its process says "begun", then "got LINE" for each line; after "end" it ends with 5 */
static const char *bare;     /* without a shell */
static const char *paused;
static const char *stopped;

static inline void docker_arguments(int argc, char **argv)
{
    if (argc != 7) {
        fprintf(stderr, "usage: %s ADDRESS RUNNING ATTACHED BARE PAUSED STOPPED\n", argv[0]);
        exit(2);
    }
    address = argv[1];
    running = argv[2];
    attached = argv[3];
    bare = argv[4];
    paused = argv[5];
    stopped = argv[6];
}

static inline uint64_t new_engine(towline_loop *loop)
{
    uint64_t client = 0;
    OK(loop, towline_docker_client_new(loop, address, NULL, &client));
    CHECK(client != 0);
    return client;
}

/* What has become of a stream. */
struct seen {
    unsigned opens, drains, exits, errors;
    uint32_t upgraded;
    char id[128];
    int64_t code;
    uint32_t truncated;
    towline_status error;
    uint32_t http_status;
    char text[512];
    size_t out_length, err_length; /* how much came; the first of it: */
    char out[4096], err[1024];
};

static inline int has_ended(const struct seen *seen) { return seen->exits + seen->errors > 0; }

static inline void append(char *to, size_t room, size_t *length, const char *bytes, size_t more)
{
    if (*length < room - 1)
        keep(to + *length, room - *length, bytes, more);
    *length += more;
}

static inline void seen_open(void *user, const char *id, uint32_t upgraded)
{
    struct seen *seen = user;
    CHECK(seen->opens == 0 && !has_ended(seen) && seen->out_length + seen->err_length == 0);
    CHECK(strlen(id) > 0 && strlen(id) < sizeof seen->id);
    seen->opens++;
    seen->upgraded = upgraded;
    strcpy(seen->id, id);
}

static inline void seen_output(void *user, uint32_t stream, const char *bytes, size_t length)
{
    struct seen *seen = user;
    CHECK(seen->opens == 1 && !has_ended(seen));
    CHECK(length > 0 && (stream == 1 || stream == 2));
    if (stream == 1)
        append(seen->out, sizeof seen->out, &seen->out_length, bytes, length);
    else
        append(seen->err, sizeof seen->err, &seen->err_length, bytes, length);
}

static inline void seen_drain(void *user)
{
    struct seen *seen = user;
    CHECK(seen->opens == 1 && !has_ended(seen));
    seen->drains++;
}

static inline void seen_exit(void *user, int64_t code, uint32_t truncated)
{
    struct seen *seen = user;
    CHECK(seen->opens == 1 && !has_ended(seen));
    seen->exits++;
    seen->code = code;
    seen->truncated = truncated;
}

static inline void seen_error(void *user, towline_status status, const char *text, uint32_t http_status)
{
    struct seen *seen = user;
    CHECK(!has_ended(seen) && text[0] != '\0');
    CHECK(status < 0 && (http_status != 0) == (status == TOWLINE_ERR_API));
    seen->errors++;
    seen->error = status;
    seen->http_status = http_status;
    keep(seen->text, sizeof seen->text, text, strlen(text));
}

static const towline_docker_stream_callbacks SEEN = {
    sizeof(towline_docker_stream_callbacks), 0, seen_open, seen_output, seen_drain, seen_exit, seen_error};

/* Options of an exec; COMMAND() sets its command. */
static inline towline_docker_exec_options exec_options(const char *container)
{
    towline_docker_exec_options options;
    OK(NULL, towline_docker_exec_options_init(&options, sizeof options));
    options.container = container;
    return options;
}

#define COMMAND(options, ...) \
    do { \
        static const char *const command_[] = {__VA_ARGS__}; \
        (options)->command = command_; \
        (options)->command_count = sizeof command_ / sizeof *command_; \
    } while (0)

static inline uint64_t begin_exec(towline_loop *loop, uint64_t client, const towline_docker_exec_options *options,
                                  struct seen *seen)
{
    uint64_t stream = 0;
    memset(seen, 0, sizeof *seen);
    OK(loop, towline_docker_exec(loop, client, options, &SEEN, seen, &stream));
    CHECK(stream != 0 && seen->opens + seen->exits + seen->errors == 0);
    return stream;
}

/* A plain exec without input, begun. */
#define EXEC(loop, client, container, seen, ...) exec_here((loop), (client), (container), (seen), \
        (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static inline uint64_t exec_here(towline_loop *loop, uint64_t client, const char *container, struct seen *seen,
                                 const char *const *command, size_t count)
{
    towline_docker_exec_options options = exec_options(container);
    options.command = command;
    options.command_count = count;
    return begin_exec(loop, client, &options, seen);
}

/* What has become of a call. */
struct told {
    unsigned outputs, dones, results, errors;
    unsigned status;
    int64_t code;
    towline_status error;
    uint32_t http_status;
    char text[512];
    size_t out_length, err_length, body_length;
    char out[4096], err[1024], body[8192];
};

static inline int is_over(const struct told *told) { return told->dones + told->results + told->errors > 0; }

static inline void told_output(void *user, uint32_t stream, const char *bytes, size_t length)
{
    struct told *told = user;
    CHECK(!is_over(told) && length > 0 && (stream == 1 || stream == 2));
    told->outputs++;
    if (stream == 1)
        append(told->out, sizeof told->out, &told->out_length, bytes, length);
    else
        append(told->err, sizeof told->err, &told->err_length, bytes, length);
}

static inline void told_done(void *user, const towline_docker_answer *answer)
{
    struct told *told = user;
    towline_bytes body = towline_docker_answer_body(answer);
    CHECK(!is_over(told) && answer != NULL);
    told->dones++;
    told->status = towline_docker_answer_status(answer);
    told->body_length = body.length;
    keep(told->body, sizeof told->body, body.data, body.length);
}

static inline void told_result(void *user, const towline_docker_result *result)
{
    struct told *told = user;
    towline_bytes out = towline_docker_result_stdout(result), err = towline_docker_result_stderr(result);
    CHECK(!is_over(told));
    told->results++;
    told->code = towline_docker_result_exit_code(result);
    append(told->out, sizeof told->out, &told->out_length, out.data, out.length);
    append(told->err, sizeof told->err, &told->err_length, err.data, err.length);
}

static inline void told_error(void *user, towline_status status, const char *text, uint32_t http_status)
{
    struct told *told = user;
    CHECK(!is_over(told) && text[0] != '\0');
    CHECK(status < 0 && (http_status != 0) == (status == TOWLINE_ERR_API));
    told->errors++;
    told->error = status;
    told->http_status = http_status;
    keep(told->text, sizeof told->text, text, strlen(text));
}

static const towline_docker_call_callbacks TOLD = {
    sizeof(towline_docker_call_callbacks), 0, told_output, told_done, told_result, told_error};

static inline towline_docker_request_options request_options(const char *method, const char *path)
{
    towline_docker_request_options options;
    OK(NULL, towline_docker_request_options_init(&options, sizeof options));
    options.method = method;
    options.path = path;
    return options;
}

static inline towline_docker_run_options run_options(const char *container)
{
    towline_docker_run_options options;
    OK(NULL, towline_docker_run_options_init(&options, sizeof options));
    options.container = container;
    return options;
}

static inline towline_docker_logs_options logs_options(const char *container)
{
    towline_docker_logs_options options;
    OK(NULL, towline_docker_logs_options_init(&options, sizeof options));
    options.container = container;
    return options;
}

static inline uint64_t begin_request(towline_loop *loop, uint64_t client,
                                     const towline_docker_request_options *options, struct told *told)
{
    uint64_t call = 0;
    memset(told, 0, sizeof *told);
    OK(loop, towline_docker_request(loop, client, options, &TOLD, told, &call));
    CHECK(call != 0 && !is_over(told));
    return call;
}

static inline uint64_t begin_run(towline_loop *loop, uint64_t client, const towline_docker_run_options *options,
                                 struct told *told)
{
    uint64_t call = 0;
    memset(told, 0, sizeof *told);
    OK(loop, towline_docker_run(loop, client, options, &TOLD, told, &call));
    CHECK(call != 0 && !is_over(told));
    return call;
}

#endif
