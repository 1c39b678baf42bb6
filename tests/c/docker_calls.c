/* Calls of a real Engine: requests, logs, events, commands run to their end. */
#include "docker.h"

static void versions(void *user, const towline_docker_answer *answer)
{
    towline_bytes name, value, found;
    size_t count = towline_docker_answer_count(answer), types = 0;
    CHECK(towline_docker_answer_status(answer) == 200 && count > 2);
    for (size_t i = 0; i < count; i++) {
        CHECK(towline_docker_answer_field(answer, i, &name, &value) == TOWLINE_OK);
        types += name.length == 12 && memcmp(name.data, "content-type", 12) == 0;
        CHECK(towline_docker_answer_field(answer, i, NULL, NULL) == TOWLINE_OK);
    }
    CHECK(types == 1);
    CHECK(towline_docker_answer_field(answer, count, &name, &value) == TOWLINE_ERR_NOT_FOUND);
    CHECK(towline_docker_answer_find(answer, "Api-VERSION", &found) == TOWLINE_OK && found.length >= 4);
    CHECK(memcmp(found.data, "1.", 2) == 0);
    CHECK(towline_docker_answer_find(answer, "no-such", &found) == TOWLINE_ERR_NOT_FOUND);
    CHECK(towline_docker_answer_find(answer, NULL, &found) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_answer_find(answer, "a", NULL) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_answer_find(NULL, "a", &found) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_answer_field(NULL, 0, &name, &value) == TOWLINE_ERR_INVALID);
    CHECK(towline_docker_answer_status(NULL) == 0 && towline_docker_answer_count(NULL) == 0);
    CHECK(towline_docker_answer_body(NULL).length == 0 && towline_docker_answer_body(NULL).data != NULL);
    told_done(user, answer);
}

static void requests(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop);
    struct told told = {0};
    char path[512];

    towline_docker_call_callbacks callbacks = TOLD;
    callbacks.on_done = versions;
    towline_docker_request_options request = request_options("GET", "/version");
    OK(loop, towline_docker_request(loop, client, &request, &callbacks, &told, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(told.dones == 1 && strstr(told.body, "\"ApiVersion\"") != NULL);

    /* A query, some of it to be encoded, and a header. */
    const char *query[] = {"all=1", "filters={\"name\":[\"no-such-container-anywhere\"]}"};
    const char *headers[] = {"X-Test: yes", "Accept:application/json"};
    request = request_options("GET", "/containers/json?size=0");
    request.query = query;
    request.query_count = 2;
    request.headers = headers;
    request.header_count = 2;
    begin_request(loop, client, &request, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(told.dones == 1 && strncmp(told.body, "[]", 2) == 0);

    /* A body, in a call that is no GET. */
    const char body[] = "{\"AttachStdout\":true,\"Cmd\":[\"true\"]}";
    snprintf(path, sizeof path, "/containers/%s/exec", running);
    request = request_options("POST", path);
    request.body = body;
    request.body_length = strlen(body);
    begin_request(loop, client, &request, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(told.dones == 1 && told.status == 201 && strstr(told.body, "\"Id\"") != NULL);

    request = request_options("HEAD", "/version");
    begin_request(loop, client, &request, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(is_over(&told) && told.body_length == 0);

    /* An answer that is an error. */
    request = request_options("GET", "/containers/none-of-that-name/json");
    begin_request(loop, client, &request, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(told.error == TOWLINE_ERR_API && told.http_status == 404);
    CHECK(strstr(told.text, "none-of-that-name") != NULL && strstr(told.text, "{") == NULL);

    /* A streamed body, and a streamed error. */
    request = request_options("GET", "/version");
    request.streamed = 1;
    begin_request(loop, client, &request, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(told.dones == 1 && told.outputs > 0 && told.body_length == 0 && strstr(told.out, "\"ApiVersion\"") != NULL);
    CHECK(told.status == 200);
    request = request_options("GET", "/containers/none-of-that-name/json");
    request.streamed = 1;
    begin_request(loop, client, &request, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(told.error == TOWLINE_ERR_API && told.http_status == 404 && told.outputs == 0);

    /* A deadline, and a cancellation: waiting for the end of a container that goes on. */
    snprintf(path, sizeof path, "/containers/%s/wait", running);
    request = request_options("POST", path);
    request.timeout_ms = 50;
    begin_request(loop, client, &request, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(told.error == TOWLINE_ERR_TIMEOUT_TOTAL);
    request.timeout_ms = -1;
    uint64_t call = begin_request(loop, client, &request, &told);
    OK(loop, towline_docker_cancel(loop, call));
    OK(loop, towline_docker_cancel(loop, call)); /* twice is once */
    CHECK(told.errors == 0);
    OK(loop, towline_loop_run(loop));
    CHECK(told.errors == 1 && told.error == TOWLINE_ERR_CANCELLED);
    STATUS(TOWLINE_ERR_STALE, loop, towline_docker_cancel(loop, call));

    towline_docker_stats stats = {0};
    stats.size = sizeof stats;
    OK(loop, towline_docker_client_stats(loop, client, &stats));
    CHECK(stats.connects > 0 && stats.reused > 0 && stats.live == 0 && stats.idle > 0);
    towline_loop_free(loop);
}

static void a_small_limit(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = 0;
    struct told told;
    towline_docker_client_options options;
    OK(loop, towline_docker_client_options_init(&options, sizeof options));
    options.max_response = 10;
    options.api_version = "1.40";
    OK(loop, towline_docker_client_new(loop, address, &options, &client));
    towline_docker_request_options request = request_options("GET", "/version");
    begin_request(loop, client, &request, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(told.error == TOWLINE_ERR_PROTOCOL && told.dones == 0);
    towline_loop_free(loop);
}

/* The attached container has said "begun", and nothing to its standard error. */
static void logs(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop), call = 0;
    struct told told = {0};
    towline_docker_logs_options options = logs_options(attached);
    CHECK(options.size == sizeof options && options.follow == 0 && options.tail == NULL && options.since == 0);
    options.follow = 1;
    OK(loop, towline_docker_logs(loop, client, &options, &TOLD, &told, &call));
    UNTIL(loop, strcmp(told.out, "begun\n") == 0);
    OK(loop, towline_docker_cancel(loop, call));
    OK(loop, towline_loop_run(loop));
    CHECK(told.errors == 1 && told.error == TOWLINE_ERR_CANCELLED && told.err_length == 0);

    memset(&told, 0, sizeof told);
    options.follow = 0;
    options.timestamps = 1;
    options.tail = "1";
    options.since = 1;
    OK(loop, towline_docker_logs(loop, client, &options, &TOLD, &told, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(told.dones == 1 && told.body_length == 0);
    CHECK(told.out_length > 20 && strstr(told.out, "T") != NULL && strstr(told.out, " begun\n") != NULL);

    memset(&told, 0, sizeof told);
    options.container = "none-of-that-name";
    OK(loop, towline_docker_logs(loop, client, &options, &TOLD, &told, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(told.error == TOWLINE_ERR_API && told.http_status == 404 && told.outputs == 0);
    towline_loop_free(loop);
}

static void one_object(void *user, uint32_t stream, const char *bytes, size_t length)
{
    CHECK(stream == 1 && length > 2 && bytes[0] == '{' && bytes[length - 1] == '}');
    CHECK(memchr(bytes, '\n', length) == NULL);
    told_output(user, stream, bytes, length);
}

/* Of containers, that is; this one is created until an event tells of it. */
static void events(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop), call = 0;
    struct told told = {0}, exec;
    towline_docker_call_callbacks callbacks = TOLD;
    callbacks.on_output = one_object;
    OK(loop, towline_docker_events(loop, client, "{\"type\":[\"container\"]}", &callbacks, &told, &call));
    towline_docker_run_options options = run_options(running);
    COMMAND(&options, "true");
    while (told.outputs == 0) {
        begin_run(loop, client, &options, &exec);
        UNTIL(loop, is_over(&exec));
        CHECK(exec.results == 1);
    }
    CHECK(strstr(told.out, "exec") != NULL);
    OK(loop, towline_docker_cancel(loop, call));
    OK(loop, towline_loop_run(loop));
    CHECK(told.errors == 1 && told.error == TOWLINE_ERR_CANCELLED);

    memset(&told, 0, sizeof told);
    OK(loop, towline_docker_events(loop, client, NULL, &TOLD, &told, &call));
    OK(loop, towline_docker_cancel(loop, call));
    OK(loop, towline_loop_run(loop));
    CHECK(told.error == TOWLINE_ERR_CANCELLED);
    towline_loop_free(loop);
}

static void runs(void)
{
    const char *env[] = {"ONE=1", "TWO=2=2"};
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop);
    struct told told;
    towline_docker_run_options options = run_options(running);
    CHECK(options.timeout_ms == -1 && options.max_output == 64 * 1024 * 1024);
    COMMAND(&options, "sh", "-c", "cat; echo $ONE $TWO $PWD $(id -u) >&2; exit 8");
    options.env = env;
    options.env_count = 2;
    options.user = "0";
    options.working_dir = "/proc";
    options.input = "in\0put";
    options.input_length = 6;
    begin_run(loop, client, &options, &told);
    memset(&options, 0, sizeof options);
    OK(loop, towline_loop_run(loop));
    CHECK(told.results == 1 && told.dones == 0 && told.code == 8);
    CHECK(told.out_length == 6 && memcmp(told.out, "in\0put", 6) == 0);
    CHECK(strcmp(told.err, "1 2=2 /proc 0\n") == 0);

    /* No input, no output. */
    options = run_options(running);
    COMMAND(&options, "cat");
    begin_run(loop, client, &options, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(told.results == 1 && told.code == 0 && told.out_length + told.err_length == 0);

    /* Too long, too much, cancelled: each is killed. */
    COMMAND(&options, "sh", "-c", "sleep 7654");
    options.timeout_ms = 300;
    begin_run(loop, client, &options, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(told.results == 0 && told.errors == 1 && told.error == TOWLINE_ERR_TIMEOUT_TOTAL);

    COMMAND(&options, "sh", "-c", "sleep 7654 & while :; do echo much; done");
    options.timeout_ms = -1;
    options.max_output = 1000;
    begin_run(loop, client, &options, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(told.errors == 1 && told.error == TOWLINE_ERR_PROTOCOL && strstr(told.text, "1000") != NULL);

    /* Not before it has been started: what has not is not. */
    towline_docker_run_options gate = run_options(running);
    struct told passed;
    COMMAND(&gate, "mkfifo", "/begun");
    begin_run(loop, client, &gate, &passed);
    OK(loop, towline_loop_run(loop));
    CHECK(passed.code == 0);
    COMMAND(&options, "sh", "-c", "echo >/begun; sleep 7654");
    uint64_t call = begin_run(loop, client, &options, &told);
    COMMAND(&gate, "cat", "/begun");
    begin_run(loop, client, &gate, &passed);
    UNTIL(loop, is_over(&passed));
    OK(loop, towline_docker_cancel(loop, call));
    OK(loop, towline_loop_run(loop));
    CHECK(told.errors == 1 && told.error == TOWLINE_ERR_CANCELLED);

    COMMAND(&options, "sh", "-c", "ps | grep -v grep | grep -c 'sleep 7654'");
    begin_run(loop, client, &options, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(told.results == 1 && strcmp(told.out, "0\n") == 0);

    options.container = "none-of-that-name";
    begin_run(loop, client, &options, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(told.error == TOWLINE_ERR_API && told.http_status == 404);
    CHECK(towline_docker_result_exit_code(NULL) == TOWLINE_DOCKER_EXIT_UNKNOWN);
    CHECK(towline_docker_result_stdout(NULL).length == 0 && towline_docker_result_stderr(NULL).length == 0);
    towline_loop_free(loop);
}

/* More calls than connections, and a client closed with calls in every state. */
static void queueing(void)
{
    enum { COUNT = 20 };
    towline_loop *loop = new_loop();
    uint64_t client = 0;
    struct told told[COUNT];
    towline_docker_client_options options;
    OK(loop, towline_docker_client_options_init(&options, sizeof options));
    options.max_connections = 2;
    OK(loop, towline_docker_client_new(loop, address, &options, &client));
    towline_docker_request_options request = request_options("GET", "/_ping");
    for (int i = 0; i < COUNT; i++)
        begin_request(loop, client, &request, &told[i]);
    OK(loop, towline_loop_run(loop));
    for (int i = 0; i < COUNT; i++)
        CHECK(told[i].dones == 1);

    for (int i = 0; i < COUNT; i++)
        begin_request(loop, client, &request, &told[i]);
    UNTIL(loop, told[0].dones == 1);
    OK(loop, towline_docker_client_close(loop, client));
    OK(loop, towline_loop_run(loop));
    int cancelled = 0;
    for (int i = 0; i < COUNT; i++) {
        CHECK(told[i].dones + told[i].errors == 1);
        cancelled += told[i].errors == 1 && told[i].error == TOWLINE_ERR_CANCELLED;
    }
    CHECK(cancelled > 0);
    towline_loop_free(loop);
}

int main(int argc, char **argv)
{
    docker_arguments(argc, argv);
    requests();
    a_small_limit();
    logs();
    events();
    runs();
    queueing();
    return 0;
}
