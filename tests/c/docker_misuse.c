/* Wrong arguments to the Docker functions: each is refused with words, none harms. */
#include "docker.h"

static const char *const TRUE[] = {"true"};

static towline_docker_exec_options simple_exec(void)
{
    towline_docker_exec_options options = exec_options(running);
    options.command = TRUE;
    options.command_count = 1;
    return options;
}

static void null_loops(void)
{
    uint64_t handle = 77;
    size_t buffered = 77;
    towline_docker_exec_options exec = simple_exec();
    towline_docker_attach_options attach = {0};
    towline_docker_request_options request = request_options("GET", "/_ping");
    towline_docker_logs_options logs = logs_options(running);
    towline_docker_run_options run = run_options(running);
    towline_docker_stats stats = {0};
    CHECK(towline_docker_client_new(NULL, address, NULL, &handle) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_client_close(NULL, 1) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_client_stats(NULL, 1, &stats) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_exec(NULL, 1, &exec, &SEEN, NULL, &handle) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_attach(NULL, 1, &attach, &SEEN, NULL, &handle) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_write(NULL, 1, "x", 1, &buffered) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_close_stdin(NULL, 1) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_resize(NULL, 1, 2, 3) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_pause(NULL, 1) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_resume(NULL, 1) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_kill(NULL, 1, "TERM", &TOLD, NULL, &handle) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_inspect(NULL, 1, &TOLD, NULL, &handle) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_close(NULL, 1) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_request(NULL, 1, &request, &TOLD, NULL, &handle) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_logs(NULL, 1, &logs, &TOLD, NULL, &handle) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_events(NULL, 1, NULL, &TOLD, NULL, &handle) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_run(NULL, 1, &run, &TOLD, NULL, &handle) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_cancel(NULL, 1) == TOWLINE_ERR_INVALID);
    CHECK(handle == 77 && buffered == 77);
}

static void addresses(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = 77;
    const char *bad[] = {"", "two words", "unix://", "unix:", "tcp://", "tcp://:99999", "tcp://host:0", "tcp://host:99999",
                         "http//host", "ssh://host", "npipe:////./pipe/docker", "[::1:2375", "\xff\xfe:2375"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        STATUS(TOWLINE_ERR_INVALID, loop, towline_docker_client_new(loop, bad[i], NULL, &client));
        CHECK(strlen(towline_loop_error(loop)) > 10);
    }
    REFUSED(TOWLINE_ERR_INVALID, "client is NULL", loop, towline_docker_client_new(loop, address, NULL, NULL));
    CHECK(client == 77);
    towline_loop_free(loop);
}

#define CLIENT_OPTION(member, value) \
    do { \
        OK(loop, towline_docker_client_options_init(&options, sizeof options)); \
        options.member = value; \
        REFUSED(TOWLINE_ERR_INVALID, #member, loop, towline_docker_client_new(loop, address, &options, &client)); \
    } while (0)

static void client_options(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = 0;
    towline_docker_client_options options;
    struct {
        towline_docker_client_options known;
        uint64_t later;
    } newer;
    CHECK(towline_docker_client_options_init(NULL, sizeof options) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_client_options_init(&options, 0) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_client_options_init(&options, 12) == TOWLINE_ERR_INVALID);
    OK(loop, towline_docker_client_options_init(&options, sizeof options));
    CHECK(options.size == sizeof options && options.max_connections == 32 && options.max_response == 64 * 1024 * 1024);
    CHECK(options.connect_timeout_ms == 5000 && options.timeout_ms == 30000 && options.idle_close_ms == 5000);
    CHECK(options.ca_file == NULL && options.cert_file == NULL && options.key_file == NULL);
    CHECK(options.api_version == NULL);
    CLIENT_OPTION(size, 0);
    CLIENT_OPTION(size, 12);
    CLIENT_OPTION(size, UINT32_MAX);
    CLIENT_OPTION(max_connections, 0);
    CLIENT_OPTION(ca_file, "\xff");
    CLIENT_OPTION(cert_file, "\xff");
    CLIENT_OPTION(key_file, "\xff");
    CLIENT_OPTION(api_version, "latest");
    CLIENT_OPTION(api_version, "");
    CLIENT_OPTION(api_version, "\xff");
    CLIENT_OPTION(connect_timeout_ms, -1);
    CLIENT_OPTION(connect_timeout_ms, 0);
    CLIENT_OPTION(timeout_ms, -1);
    CLIENT_OPTION(timeout_ms, INT64_MAX);
    CLIENT_OPTION(idle_close_ms, -1);

    /* TLS files are read at once; the words name the file. */
    OK(loop, towline_docker_client_options_init(&options, sizeof options));
    options.ca_file = "/nonexistent/ca.pem";
    REFUSED(TOWLINE_ERR_INVALID, "/nonexistent/ca.pem", loop,
            towline_docker_client_new(loop, "tcp://127.0.0.1:1", &options, &client));
    options.ca_file = NULL;
    options.cert_file = "/nonexistent/cert.pem";
    STATUS(TOWLINE_ERR_INVALID, loop, towline_docker_client_new(loop, "tcp://127.0.0.1:1", &options, &client));
    CHECK(client == 0);

    /* An older program, and newer ones. */
    memset(&options, 0xee, sizeof options);
    CHECK(towline_docker_client_options_init(&options, 8) == TOWLINE_OK);
    CHECK(options.size == 8 && options.max_connections == 32);
    OK(loop, towline_docker_client_new(loop, address, &options, &client));
    OK(loop, towline_docker_client_options_init(&newer.known, sizeof newer));
    OK(loop, towline_docker_client_new(loop, address, &newer.known, &client));
    newer.later = 1;
    REFUSED(TOWLINE_ERR_INVALID, "does not know", loop, towline_docker_client_new(loop, address, &newer.known, &client));
    towline_loop_free(loop);
}

#define EXEC_REFUSED(word, change) \
    do { \
        towline_docker_exec_options options = simple_exec(); \
        change; \
        REFUSED(TOWLINE_ERR_INVALID, word, loop, towline_docker_exec(loop, client, &options, &SEEN, NULL, &stream)); \
    } while (0)

static void execs(void)
{
    static const char *const hole[] = {"sh", NULL}, *const no_program[] = {""}, *const not_text[] = {"sh", "\xff\xfe"};
    static const char *const no_value[] = {"A=b", "NAME"}, *const no_name[] = {"=value"};
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop), stream = 77;
    towline_docker_stream_callbacks callbacks = SEEN;
    towline_docker_exec_options good = simple_exec();
    size_t pending = 9;

    CHECK(towline_docker_exec_options_init(NULL, sizeof good) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_exec_options_init(&good, 4) == TOWLINE_ERR_INVALID);
    CHECK(good.rows == 24 && good.columns == 80 && good.tty == 0 && good.attach_stdin == 0);
    CHECK(good.high_watermark == 1024 * 1024 && good.low_watermark == 256 * 1024);
    CHECK(good.max_buffered == (uint64_t)1024 * 1024 * 1024 && good.pause_buffer == 1024 * 1024);

    EXEC_REFUSED("size", options.size = 0);
    EXEC_REFUSED("container is NULL", options.container = NULL);
    EXEC_REFUSED("container", options.container = "");
    EXEC_REFUSED("container", options.container = "..");
    EXEC_REFUSED("container", options.container = "\xff");
    EXEC_REFUSED("command is NULL", options.command = NULL);
    EXEC_REFUSED("command is empty", options.command_count = 0);
    EXEC_REFUSED("command[1] is NULL", (options.command = hole, options.command_count = 2));
    EXEC_REFUSED("empty string", options.command = no_program);
    EXEC_REFUSED("command[1]", (options.command = not_text, options.command_count = 2));
    EXEC_REFUSED("env is NULL", options.env_count = 1);
    EXEC_REFUSED("env[1] is \"NAME\"", (options.env = no_value, options.env_count = 2));
    EXEC_REFUSED("env[0] is \"=value\"", (options.env = no_name, options.env_count = 1));
    EXEC_REFUSED("user", options.user = "\xff");
    EXEC_REFUSED("working_dir", options.working_dir = "\xff");
    EXEC_REFUSED("detach_keys", options.detach_keys = "\xff");
    EXEC_REFUSED("tty is 2", options.tty = 2);
    EXEC_REFUSED("attach_stdin is 7", options.attach_stdin = 7);
    EXEC_REFUSED("privileged is 2", options.privileged = 2);
    EXEC_REFUSED("rows", options.rows = 0);
    EXEC_REFUSED("rows", options.rows = 65536);
    EXEC_REFUSED("columns", options.columns = 0);
    EXEC_REFUSED("columns", options.columns = UINT32_MAX);
    EXEC_REFUSED("watermark", options.low_watermark = options.high_watermark + 1);

    REFUSED(TOWLINE_ERR_INVALID, "towline_docker_exec_options is NULL", loop,
            towline_docker_exec(loop, client, NULL, &SEEN, NULL, &stream));
    REFUSED(TOWLINE_ERR_INVALID, "callbacks is NULL", loop, towline_docker_exec(loop, client, &good, NULL, NULL, &stream));
    uint32_t sizes[] = {0, 4, 12, sizeof callbacks - 1, sizeof callbacks + 4, UINT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        callbacks.size = sizes[i];
        REFUSED(TOWLINE_ERR_INVALID, "towline_docker_stream_callbacks", loop,
                towline_docker_exec(loop, client, &good, &callbacks, NULL, &stream));
    }
    CHECK(stream == 77);

    towline_docker_attach_options attach;
    CHECK(towline_docker_attach_options_init(NULL, sizeof attach) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_attach_options_init(&attach, 4) == TOWLINE_ERR_INVALID);
    OK(loop, towline_docker_attach_options_init(&attach, sizeof attach));
    REFUSED(TOWLINE_ERR_INVALID, "container is NULL", loop,
            towline_docker_attach(loop, client, &attach, &SEEN, NULL, &stream));
    attach.container = running;
    attach.logs = 2;
    REFUSED(TOWLINE_ERR_INVALID, "logs is 2", loop, towline_docker_attach(loop, client, &attach, &SEEN, NULL, &stream));
    attach.logs = 0;
    attach.attach_stdin = 2;
    REFUSED(TOWLINE_ERR_INVALID, "attach_stdin is 2", loop,
            towline_docker_attach(loop, client, &attach, &SEEN, NULL, &stream));
    REFUSED(TOWLINE_ERR_INVALID, "is NULL", loop, towline_docker_attach(loop, client, NULL, &SEEN, NULL, &stream));
    attach.attach_stdin = 0;
    REFUSED(TOWLINE_ERR_INVALID, "callbacks", loop, towline_docker_attach(loop, client, &attach, NULL, NULL, &stream));

    /* Nothing was sent by all that. */
    OK(loop, towline_loop_pending(loop, &pending));
    CHECK(pending == 0 && stream == 77);
    towline_loop_free(loop);
}

#define REQUEST_REFUSED(word, change) \
    do { \
        towline_docker_request_options options = request_options("GET", "/_ping"); \
        change; \
        REFUSED(TOWLINE_ERR_INVALID, word, loop, towline_docker_request(loop, client, &options, &TOLD, NULL, &call)); \
    } while (0)

#define RUN_REFUSED(word, change) \
    do { \
        towline_docker_run_options options = run_options(running); \
        options.command = TRUE; \
        options.command_count = 1; \
        change; \
        REFUSED(TOWLINE_ERR_INVALID, word, loop, towline_docker_run(loop, client, &options, &TOLD, NULL, &call)); \
    } while (0)

#define LOGS_REFUSED(word, change) \
    do { \
        towline_docker_logs_options options = logs_options(running); \
        change; \
        REFUSED(TOWLINE_ERR_INVALID, word, loop, towline_docker_logs(loop, client, &options, &TOLD, NULL, &call)); \
    } while (0)

static void calls(void)
{
    static const char *const bare_word[] = {"word"}, *const split[] = {"A: b\r\nC: d"}, *const host[] = {"Host: x"};
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop), call = 77;
    size_t pending = 9;
    towline_docker_call_callbacks callbacks = TOLD;

    REQUEST_REFUSED("size", options.size = 4);
    REQUEST_REFUSED("streamed is 2", options.streamed = 2);
    REQUEST_REFUSED("method is NULL", options.method = NULL);
    REQUEST_REFUSED("method", options.method = "");
    REQUEST_REFUSED("method", options.method = "G E T");
    REQUEST_REFUSED("path is NULL", options.path = NULL);
    REQUEST_REFUSED("/", options.path = "version");
    REQUEST_REFUSED("/", options.path = "/a b");
    REQUEST_REFUSED("/", options.path = "/a\r\nHost: x");
    REQUEST_REFUSED("query is NULL", options.query_count = 1);
    REQUEST_REFUSED("query[0] is \"word\"", (options.query = bare_word, options.query_count = 1));
    REQUEST_REFUSED("headers is NULL", options.header_count = 1);
    REQUEST_REFUSED("headers[0] is \"word\"", (options.headers = bare_word, options.header_count = 1));
    REQUEST_REFUSED("A", (options.headers = split, options.header_count = 1));
    REQUEST_REFUSED("Host", (options.headers = host, options.header_count = 1));
    REQUEST_REFUSED("body is NULL", options.body_length = 1);
    REQUEST_REFUSED("body is said", (options.body = "", options.body_length = SIZE_MAX));
    REQUEST_REFUSED("timeout_ms is 0", options.timeout_ms = 0);
    REQUEST_REFUSED("timeout_ms is -2", options.timeout_ms = -2);
    REFUSED(TOWLINE_ERR_INVALID, "is NULL", loop, towline_docker_request(loop, client, NULL, &TOLD, NULL, &call));
    towline_docker_request_options request = request_options("GET", "/_ping");
    REFUSED(TOWLINE_ERR_INVALID, "callbacks is NULL", loop,
            towline_docker_request(loop, client, &request, NULL, NULL, &call));
    callbacks.size = 12;
    REFUSED(TOWLINE_ERR_INVALID, "towline_docker_call_callbacks", loop,
            towline_docker_request(loop, client, &request, &callbacks, NULL, &call));
    CHECK(towline_docker_request_options_init(NULL, sizeof request) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_request_options_init(&request, 12) == TOWLINE_ERR_INVALID);

    RUN_REFUSED("size", options.size = 4);
    RUN_REFUSED("container is NULL", options.container = NULL);
    RUN_REFUSED("container", options.container = "");
    RUN_REFUSED("command is NULL", options.command = NULL);
    RUN_REFUSED("command is empty", options.command_count = 0);
    RUN_REFUSED("env[0] is \"word\"", (options.env = bare_word, options.env_count = 1));
    RUN_REFUSED("user", options.user = "\xff");
    RUN_REFUSED("working_dir", options.working_dir = "\xff");
    RUN_REFUSED("input is NULL", options.input_length = 1);
    RUN_REFUSED("timeout_ms is 0", options.timeout_ms = 0);
    RUN_REFUSED("timeout_ms", options.timeout_ms = INT64_MAX);
    REFUSED(TOWLINE_ERR_INVALID, "is NULL", loop, towline_docker_run(loop, client, NULL, &TOLD, NULL, &call));
    towline_docker_run_options run;
    CHECK(towline_docker_run_options_init(NULL, sizeof run) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_run_options_init(&run, 12) == TOWLINE_ERR_INVALID);

    LOGS_REFUSED("size", options.size = 4);
    LOGS_REFUSED("container is NULL", options.container = NULL);
    LOGS_REFUSED("container", options.container = ".");
    LOGS_REFUSED("follow is 2", options.follow = 2);
    LOGS_REFUSED("timestamps is 2", options.timestamps = 2);
    LOGS_REFUSED("tail", options.tail = "-1");
    LOGS_REFUSED("tail", options.tail = "");
    LOGS_REFUSED("since", options.since = -1);
    REFUSED(TOWLINE_ERR_INVALID, "is NULL", loop, towline_docker_logs(loop, client, NULL, &TOLD, NULL, &call));
    towline_docker_logs_options logs;
    CHECK(towline_docker_logs_options_init(NULL, sizeof logs) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_logs_options_init(&logs, 12) == TOWLINE_ERR_INVALID);

    REFUSED(TOWLINE_ERR_INVALID, "filters", loop, towline_docker_events(loop, client, "\xff", &TOLD, NULL, &call));
    REFUSED(TOWLINE_ERR_INVALID, "callbacks", loop, towline_docker_events(loop, client, NULL, NULL, NULL, &call));

    OK(loop, towline_loop_pending(loop, &pending));
    CHECK(pending == 0 && call == 77);
    towline_loop_free(loop);
}

/* Every function with a handle, given one that is not its own. */
static void refuse_client(towline_loop *loop, uint64_t wrong)
{
    towline_docker_exec_options exec = simple_exec();
    towline_docker_attach_options attach;
    towline_docker_request_options request = request_options("GET", "/_ping");
    towline_docker_logs_options logs = logs_options(running);
    towline_docker_run_options run = run_options(running);
    towline_docker_stats stats = {0};
    stats.size = sizeof stats;
    run.command = TRUE;
    run.command_count = 1;
    OK(loop, towline_docker_attach_options_init(&attach, sizeof attach));
    attach.container = running;
    REFUSED(TOWLINE_ERR_STALE, "client", loop, towline_docker_client_close(loop, wrong));
    REFUSED(TOWLINE_ERR_STALE, "client", loop, towline_docker_client_stats(loop, wrong, &stats));
    REFUSED(TOWLINE_ERR_STALE, "client", loop, towline_docker_exec(loop, wrong, &exec, &SEEN, NULL, NULL));
    REFUSED(TOWLINE_ERR_STALE, "client", loop, towline_docker_attach(loop, wrong, &attach, &SEEN, NULL, NULL));
    REFUSED(TOWLINE_ERR_STALE, "client", loop, towline_docker_request(loop, wrong, &request, &TOLD, NULL, NULL));
    REFUSED(TOWLINE_ERR_STALE, "client", loop, towline_docker_logs(loop, wrong, &logs, &TOLD, NULL, NULL));
    REFUSED(TOWLINE_ERR_STALE, "client", loop, towline_docker_events(loop, wrong, NULL, &TOLD, NULL, NULL));
    REFUSED(TOWLINE_ERR_STALE, "client", loop, towline_docker_run(loop, wrong, &run, &TOLD, NULL, NULL));
}

static void refuse_stream(towline_loop *loop, uint64_t wrong)
{
    REFUSED(TOWLINE_ERR_STALE, "stream", loop, towline_docker_write(loop, wrong, "x", 1, NULL));
    REFUSED(TOWLINE_ERR_STALE, "stream", loop, towline_docker_close_stdin(loop, wrong));
    REFUSED(TOWLINE_ERR_STALE, "stream", loop, towline_docker_resize(loop, wrong, 24, 80));
    REFUSED(TOWLINE_ERR_STALE, "stream", loop, towline_docker_pause(loop, wrong));
    REFUSED(TOWLINE_ERR_STALE, "stream", loop, towline_docker_resume(loop, wrong));
    REFUSED(TOWLINE_ERR_STALE, "stream", loop, towline_docker_kill(loop, wrong, "TERM", &TOLD, NULL, NULL));
    REFUSED(TOWLINE_ERR_STALE, "stream", loop, towline_docker_inspect(loop, wrong, &TOLD, NULL, NULL));
    REFUSED(TOWLINE_ERR_STALE, "stream", loop, towline_docker_close(loop, wrong));
}

static void handles(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop), stream, call, second, fcgi = 0;
    struct seen seen;
    struct told told;
    const char *nowhere = "/nonexistent.sock";
    towline_docker_exec_options exec = exec_options(running);
    COMMAND(&exec, "cat");
    exec.attach_stdin = 1;
    towline_docker_request_options request = request_options("GET", "/_ping");
    OK(loop, towline_fcgi_client_new(loop, &nowhere, 1, NULL, &fcgi));
    stream = begin_exec(loop, client, &exec, &seen);
    call = begin_request(loop, client, &request, &told);

    uint64_t wrong[] = {0, 1, 42, UINT64_MAX, (uint64_t)1 << 32, (uint64_t)3 << 32 | 1, (uint64_t)1 << 63, fcgi};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        refuse_client(loop, wrong[i]);
        refuse_stream(loop, wrong[i]);
        REFUSED(TOWLINE_ERR_STALE, "call", loop, towline_docker_cancel(loop, wrong[i]));
    }
    refuse_client(loop, stream);
    refuse_client(loop, call);
    refuse_stream(loop, client);
    refuse_stream(loop, call);
    REFUSED(TOWLINE_ERR_STALE, "call", loop, towline_docker_cancel(loop, client));
    REFUSED(TOWLINE_ERR_STALE, "call", loop, towline_docker_cancel(loop, stream));
    REFUSED(TOWLINE_ERR_STALE, "client", loop, towline_fcgi_client_close(loop, client));
    REFUSED(TOWLINE_ERR_STALE, "request", loop, towline_fcgi_cancel(loop, call));
    REFUSED(TOWLINE_ERR_STALE, "timer", loop, towline_loop_timer_cancel(loop, stream));

    /* None of that has done anything. Then they end, and the slots are used again. */
    REFUSED(TOWLINE_ERR_INVALID, "bytes is NULL", loop, towline_docker_write(loop, stream, NULL, 1, NULL));
    REFUSED(TOWLINE_ERR_INVALID, "bytes is said", loop, towline_docker_write(loop, stream, "x", SIZE_MAX, NULL));
    REFUSED(TOWLINE_ERR_INVALID, "callbacks", loop, towline_docker_inspect(loop, stream, NULL, NULL, NULL));
    OK(loop, towline_docker_write(loop, stream, "yes", 3, NULL));
    OK(loop, towline_docker_close_stdin(loop, stream));
    OK(loop, towline_loop_run(loop));
    CHECK(seen.exits == 1 && seen.code == 0 && strcmp(seen.out, "yes") == 0 && told.dones == 1);
    refuse_stream(loop, stream);
    second = begin_exec(loop, client, &exec, &seen);
    CHECK(second != stream);
    refuse_stream(loop, stream);
    STATUS(TOWLINE_ERR_STALE, loop, towline_docker_cancel(loop, call));

    /* Closed: only the end is still to come. */
    OK(loop, towline_docker_close(loop, second));
    OK(loop, towline_docker_close(loop, second));
    CHECK(seen.errors == 0);
    STATUS(TOWLINE_ERR_CLOSED, loop, towline_docker_write(loop, second, "x", 1, NULL));
    STATUS(TOWLINE_ERR_CLOSED, loop, towline_docker_kill(loop, second, "KILL", &TOLD, &told, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(seen.errors == 1 && seen.error == TOWLINE_ERR_CANCELLED && seen.opens == 0);
    refuse_stream(loop, second);

    /* A client that is closed. */
    OK(loop, towline_docker_client_close(loop, client));
    refuse_client(loop, client);
    towline_docker_stats stats = {0};
    client = new_engine(loop);
    REFUSED(TOWLINE_ERR_INVALID, "towline_docker_stats", loop, towline_docker_client_stats(loop, client, &stats));
    REFUSED(TOWLINE_ERR_INVALID, "NULL", loop, towline_docker_client_stats(loop, client, NULL));
    towline_loop_free(loop);
}

static void forgotten_loops(void)
{
    /* A loop that goes while streams and calls are open calls nobody. */
    for (int rounds = 0; rounds < 4; rounds++) {
        towline_loop *loop = new_loop();
        uint64_t client = new_engine(loop);
        struct seen seen;
        struct told told;
        towline_docker_exec_options exec = exec_options(running);
        COMMAND(&exec, "cat");
        exec.attach_stdin = 1;
        towline_docker_request_options request = request_options("GET", "/_ping");
        uint64_t stream = begin_exec(loop, client, &exec, &seen);
        begin_request(loop, client, &request, &told);
        OK(loop, towline_docker_write(loop, stream, "x", 1, NULL));
        if (rounds > 0)
            UNTIL(loop, rounds == 1 ? told.dones == 1 : rounds == 2 ? seen.opens == 1 : seen.out_length == 1);
        struct seen before = seen;
        towline_loop_free(loop);
        CHECK(memcmp(&before, &seen, sizeof seen) == 0);
    }
}

int main(int argc, char **argv)
{
    docker_arguments(argc, argv);
    null_loops();
    addresses();
    client_options();
    execs();
    calls();
    handles();
    forgotten_loops();
    return 0;
}
