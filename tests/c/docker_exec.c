/* Hijacked streams against a real Engine: output, input, terminals, pauses, signals, exit codes. */
#include "docker.h"

static void output_and_code(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop);
    struct seen seen;
    EXEC(loop, client, running, &seen, "sh", "-c", "echo out; echo err >&2; printf 'a\\0b'; exit 7");
    OK(loop, towline_loop_run(loop));
    CHECK(seen.opens == 1 && seen.upgraded == 1 && seen.exits == 1 && seen.errors == 0);
    CHECK(seen.code == 7 && seen.truncated == 0 && seen.drains == 0);
    CHECK(seen.out_length == 7 && memcmp(seen.out, "out\na\0b", 7) == 0);
    CHECK(strcmp(seen.err, "err\n") == 0);
    towline_loop_free(loop);
}

static void exit_codes(void)
{
    enum { COUNT = 7 };
    static const char *const scripts_[COUNT] = {"exit 0",   "exit 1",         "exit 42",       "exit 255",
                                                "kill -9 $$", "kill -TERM $$", "no-such-command"};
    static const int64_t codes[COUNT] = {0, 1, 42, 255, 137, 143, 127};
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop);
    struct seen seen[COUNT], none, folder;
    for (size_t i = 0; i < COUNT; i++)
        EXEC(loop, client, running, &seen[i], "sh", "-c", scripts_[i]);
    EXEC(loop, client, running, &none, "/no/such/command");
    EXEC(loop, client, running, &folder, "/etc");
    OK(loop, towline_loop_run(loop));
    for (size_t i = 0; i < COUNT; i++)
        CHECK(seen[i].exits == 1 && seen[i].code == codes[i]);
    /* Some Engines refuse what cannot be started, others start it and it ends with 126 or 127. */
    CHECK(none.errors == 1 || none.code == 126 || none.code == 127);
    CHECK(folder.errors == 1 || folder.code == 126);
    towline_loop_free(loop);
}

static void options_reach_the_process(void)
{
    const char *env[] = {"ONE=a=b", "TWO=line\nbreak", "THREE="};
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop);
    struct seen seen;
    towline_docker_exec_options options = exec_options(running);
    COMMAND(&options, "sh", "-c", "echo \"$ONE|$TWO|${THREE-unset}|$PWD|$(id -u)\"");
    options.env = env;
    options.env_count = 3;
    options.user = "root";
    options.working_dir = "/proc";
    begin_exec(loop, client, &options, &seen);
    /* All of it was copied. */
    env[0] = env[1] = env[2] = "GONE=1";
    memset(&options, 0, sizeof options);
    OK(loop, towline_loop_run(loop));
    CHECK(seen.code == 0 && strcmp(seen.out, "a=b|line\nbreak||/proc|0\n") == 0);

    /* The machine may not let a container have it; the Engine tells what was asked for. */
    struct told told = {0};
    options = exec_options(running);
    COMMAND(&options, "true");
    options.privileged = 1;
    uint64_t stream = begin_exec(loop, client, &options, &seen);
    OK(loop, towline_docker_inspect(loop, stream, &TOLD, &told, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(seen.exits == 1 && told.dones == 1 && strstr(told.body, "\"privileged\":true") != NULL);
    towline_loop_free(loop);
}

static void no_callbacks(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop);
    towline_docker_exec_options options = exec_options(running);
    towline_docker_stream_callbacks callbacks = {0};
    callbacks.size = sizeof callbacks;
    COMMAND(&options, "echo", "unheard");
    OK(loop, towline_docker_exec(loop, client, &options, &callbacks, NULL, NULL));
    options.container = "none-of-that-name";
    OK(loop, towline_docker_exec(loop, client, &options, &callbacks, NULL, NULL));
    OK(loop, towline_loop_run(loop));
    towline_loop_free(loop);
}

/* Input: before it is open, while it is, and after. */
static void input(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop);
    struct seen seen;
    size_t buffered = 77;
    towline_docker_exec_options options = exec_options(running);
    COMMAND(&options, "sh", "-c", "cat; exit 9");
    options.attach_stdin = 1;
    uint64_t stream = begin_exec(loop, client, &options, &seen);
    OK(loop, towline_docker_write(loop, stream, "one\0", 4, &buffered));
    CHECK(buffered == 4);
    OK(loop, towline_docker_write(loop, stream, NULL, 0, &buffered));
    CHECK(buffered == 4);
    UNTIL(loop, seen.out_length == 4);
    OK(loop, towline_docker_write(loop, stream, "two", 3, &buffered));
    CHECK(buffered == 0);
    OK(loop, towline_docker_write(loop, stream, "!", 1, NULL));
    UNTIL(loop, seen.out_length == 8);
    CHECK(memcmp(seen.out, "one\0two!", 8) == 0);
    OK(loop, towline_docker_close_stdin(loop, stream));
    OK(loop, towline_docker_close_stdin(loop, stream)); /* once is enough */
    REFUSED(TOWLINE_ERR_CLOSED, "closed", loop, towline_docker_write(loop, stream, "x", 1, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(seen.exits == 1 && seen.code == 9 && seen.out_length == 8);
    STATUS(TOWLINE_ERR_STALE, loop, towline_docker_write(loop, stream, "x", 1, NULL));
    STATUS(TOWLINE_ERR_STALE, loop, towline_docker_close_stdin(loop, stream));

    /* Input that ends before the stream is open. */
    stream = begin_exec(loop, client, &options, &seen);
    OK(loop, towline_docker_write(loop, stream, "early", 5, NULL));
    OK(loop, towline_docker_close_stdin(loop, stream));
    OK(loop, towline_loop_run(loop));
    CHECK(seen.code == 9 && strcmp(seen.out, "early") == 0);

    /* None was asked for. */
    options.attach_stdin = 0;
    stream = begin_exec(loop, client, &options, &seen);
    REFUSED(TOWLINE_ERR_INVALID, "input", loop, towline_docker_write(loop, stream, "x", 1, NULL));
    REFUSED(TOWLINE_ERR_INVALID, "input", loop, towline_docker_close_stdin(loop, stream));
    OK(loop, towline_loop_run(loop));
    CHECK(seen.code == 9);
    towline_loop_free(loop);
}

static void much_input(void)
{
    enum { MUCH = 8 * 1024 * 1024 };
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop);
    struct seen seen;
    size_t buffered = 0;
    char *bytes = malloc(MUCH);
    CHECK(bytes != NULL);
    memset(bytes, 'x', MUCH);
    towline_docker_exec_options options = exec_options(running);
    COMMAND(&options, "wc", "-c");
    options.attach_stdin = 1;
    options.high_watermark = 1024 * 1024;
    options.low_watermark = 64 * 1024;
    options.max_buffered = MUCH;
    uint64_t stream = begin_exec(loop, client, &options, &seen);
    OK(loop, towline_docker_write(loop, stream, bytes, MUCH, &buffered));
    CHECK(buffered == MUCH);
    buffered = 77;
    REFUSED(TOWLINE_ERR_QUEUE_FULL, "max_buffered", loop, towline_docker_write(loop, stream, "x", 1, &buffered));
    CHECK(buffered == 77);
    memset(bytes, 'y', MUCH); /* it was copied */
    UNTIL(loop, seen.drains == 1);
    OK(loop, towline_docker_close_stdin(loop, stream));
    OK(loop, towline_loop_run(loop));
    CHECK(seen.code == 0 && seen.drains == 1 && atol(seen.out) == MUCH);
    free(bytes);
    towline_loop_free(loop);
}

static unsigned times(const char *text, const char *word)
{
    unsigned count = 0;
    while ((text = strstr(text, word)) != NULL)
        count++, text += strlen(word);
    return count;
}

static void terminal(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop);
    struct seen seen;
    towline_docker_exec_options options = exec_options(running);
    options.tty = 1;
    options.attach_stdin = 1;
    options.rows = 33;
    options.columns = 20000;
    options.detach_keys = "ctrl-@,ctrl-@";

    /* The first size, and another one; both streams come as one. */
    COMMAND(&options, "sh", "-c",
            "until [ \"$(stty size)\" = '33 20000' ]; do sleep 0.01; done; echo first >&2;"
            "until [ \"$(stty size)\" = '50 120' ]; do sleep 0.01; done; echo second; exit 3");
    uint64_t stream = begin_exec(loop, client, &options, &seen);
    UNTIL(loop, strstr(seen.out, "first\r\n") != NULL);
    OK(loop, towline_docker_resize(loop, stream, 50, 120));
    REFUSED(TOWLINE_ERR_INVALID, "rows", loop, towline_docker_resize(loop, stream, 0, 120));
    REFUSED(TOWLINE_ERR_INVALID, "columns", loop, towline_docker_resize(loop, stream, 50, 65536));
    REFUSED(TOWLINE_ERR_INVALID, "columns", loop, towline_docker_resize(loop, stream, 50, UINT32_MAX));
    OK(loop, towline_loop_run(loop));
    CHECK(seen.code == 3 && strstr(seen.out, "second\r\n") != NULL && seen.err_length == 0);
    STATUS(TOWLINE_ERR_STALE, loop, towline_docker_resize(loop, stream, 50, 120));

    /* A size that is set before it is open, and the end of input by ctrl-D. */
    COMMAND(&options, "sh", "-c", "until [ \"$(stty size)\" = '10 20' ]; do sleep 0.01; done; cat; exit 4");
    stream = begin_exec(loop, client, &options, &seen);
    OK(loop, towline_docker_resize(loop, stream, 11, 22));
    OK(loop, towline_docker_resize(loop, stream, 10, 20)); /* the latest wins */
    OK(loop, towline_docker_write(loop, stream, "typed\n", 6, NULL));
    UNTIL(loop, times(seen.out, "typed\r\n") == 2); /* the echo, and cat's */
    OK(loop, towline_docker_close_stdin(loop, stream));
    REFUSED(TOWLINE_ERR_CLOSED, "closed", loop, towline_docker_write(loop, stream, "x", 1, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(seen.code == 4);

    /* No terminal, no size. */
    options = exec_options(running);
    COMMAND(&options, "true");
    stream = begin_exec(loop, client, &options, &seen);
    REFUSED(TOWLINE_ERR_INVALID, "terminal", loop, towline_docker_resize(loop, stream, 50, 120));
    OK(loop, towline_loop_run(loop));
    CHECK(seen.code == 0);
    towline_loop_free(loop);
}

/* What was written during a pause comes after it, and then the end. */
static void pauses(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop);
    struct seen seen;
    struct told told;
    towline_docker_run_options gate = run_options(running);
    COMMAND(&gate, "mkfifo", "/gate", "/over");
    begin_run(loop, client, &gate, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(told.code == 0);

    uint64_t stream = EXEC(loop, client, running, &seen, "sh", "-c",
                           "read x </gate; head -c 300000 /dev/zero; echo x >/over");
    OK(loop, towline_docker_pause(loop, stream));
    OK(loop, towline_docker_pause(loop, stream)); /* once is enough */
    COMMAND(&gate, "sh", "-c", "echo x >/gate; read x </over; echo passed");
    begin_run(loop, client, &gate, &told);
    UNTIL(loop, is_over(&told));
    CHECK(told.code == 0 && strcmp(told.out, "passed\n") == 0);
    CHECK(seen.out_length == 0 && seen.exits == 0);
    OK(loop, towline_docker_resume(loop, stream));
    OK(loop, towline_docker_resume(loop, stream));
    CHECK(seen.out_length == 0); /* not in here */
    OK(loop, towline_loop_run(loop));
    CHECK(seen.code == 0 && seen.out_length == 300000 && seen.truncated == 0);
    STATUS(TOWLINE_ERR_STALE, loop, towline_docker_pause(loop, stream));
    STATUS(TOWLINE_ERR_STALE, loop, towline_docker_resume(loop, stream));
    towline_loop_free(loop);
}

static void signals(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop), call = 0;
    struct seen seen;
    struct told told = {0};

    /* With its children, once it runs. */
    uint64_t stream = EXEC(loop, client, running, &seen, "sh", "-c", "sleep 4321 & echo begun; wait; sleep 4321");
    UNTIL(loop, seen.out_length > 0);
    OK(loop, towline_docker_kill(loop, stream, "KILL", &TOLD, &told, &call));
    CHECK(call != 0 && !is_over(&told));
    OK(loop, towline_loop_run(loop));
    CHECK(told.dones == 1 && seen.exits == 1 && seen.code == 137);
    STATUS(TOWLINE_ERR_STALE, loop, towline_docker_kill(loop, stream, "KILL", &TOLD, &told, NULL));
    STATUS(TOWLINE_ERR_STALE, loop, towline_docker_cancel(loop, call));

    /* Before it is open; TERM unless another is named; no callbacks. */
    stream = EXEC(loop, client, running, &seen, "sleep", "4321");
    OK(loop, towline_docker_kill(loop, stream, NULL, NULL, NULL, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(seen.exits == 1 && seen.code == 143);

    /* A number; one that is caught. */
    stream = EXEC(loop, client, running, &seen, "sh", "-c", "trap 'echo caught; exit 6' USR1; echo begun; while :; do sleep 0.01; done");
    UNTIL(loop, seen.out_length > 0);
    memset(&told, 0, sizeof told);
    OK(loop, towline_docker_kill(loop, stream, "10", &TOLD, &told, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(told.dones == 1 && seen.code == 6 && strcmp(seen.out, "begun\ncaught\n") == 0);

    /* What is no signal, and a container without a shell. */
    stream = EXEC(loop, client, bare, &seen, "/sleep", "4321");
    REFUSED(TOWLINE_ERR_INVALID, "TERM; ls", loop, towline_docker_kill(loop, stream, "TERM; ls", &TOLD, &told, NULL));
    REFUSED(TOWLINE_ERR_INVALID, "signal", loop, towline_docker_kill(loop, stream, "\xff", &TOLD, &told, NULL));
    memset(&told, 0, sizeof told);
    OK(loop, towline_docker_kill(loop, stream, "TERM", &TOLD, &told, NULL));
    UNTIL(loop, is_over(&told));
    CHECK(told.errors == 1 && told.error == TOWLINE_ERR_KILL && strstr(told.text, "shell") != NULL);
    OK(loop, towline_docker_close(loop, stream));
    OK(loop, towline_loop_run(loop));
    CHECK(seen.error == TOWLINE_ERR_CANCELLED);
    towline_loop_free(loop);
}

static void inspecting(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop), call = 0;
    struct seen seen;
    struct told told = {0};
    towline_docker_exec_options options = exec_options(running);
    COMMAND(&options, "cat");
    options.attach_stdin = 1;
    uint64_t stream = begin_exec(loop, client, &options, &seen);
    OK(loop, towline_docker_inspect(loop, stream, &TOLD, &told, &call));
    CHECK(call != 0);
    UNTIL(loop, seen.opens == 1 && told.dones == 1);
    CHECK(told.status == 200 && strstr(told.body, seen.id) != NULL && strstr(told.body, "\"Running\":true") != NULL);
    OK(loop, towline_docker_close_stdin(loop, stream));
    OK(loop, towline_loop_run(loop));
    CHECK(seen.code == 0);
    STATUS(TOWLINE_ERR_STALE, loop, towline_docker_inspect(loop, stream, &TOLD, &told, NULL));

    memset(&told, 0, sizeof told);
    stream = EXEC(loop, client, "none-of-that-name", &seen, "true");
    OK(loop, towline_docker_inspect(loop, stream, &TOLD, &told, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(told.errors == 1 && told.error == TOWLINE_ERR_CLOSED);
    towline_loop_free(loop);
}

static void containers_that_take_none(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop);
    struct seen none, stop, pause, nobody;
    EXEC(loop, client, "none-of-that-name", &none, "true");
    EXEC(loop, client, stopped, &stop, "true");
    EXEC(loop, client, paused, &pause, "true");
    OK(loop, towline_loop_run(loop));
    CHECK(none.error == TOWLINE_ERR_API && none.http_status == 404 && strstr(none.text, "none-of-that-name") != NULL);
    CHECK(stop.error == TOWLINE_ERR_API && (stop.http_status == 409 || stop.http_status == 500));
    CHECK(pause.error == TOWLINE_ERR_API && pause.http_status == 409);
    CHECK(none.opens + stop.opens + pause.opens == 0);

    const char *nowhere = "unix:///nonexistent/engine.sock";
    OK(loop, towline_docker_client_new(loop, nowhere, NULL, &client));
    EXEC(loop, client, running, &nobody, "true");
    OK(loop, towline_loop_run(loop));
    CHECK(nobody.error == TOWLINE_ERR_CONNECT && strstr(nobody.text, nowhere) != NULL);
    towline_loop_free(loop);
}

/* The container's own process. It ends here, so this comes last. */
static void attaching(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop), first = 0, second = 0;
    struct seen input = {0}, history = {0}, none = {0};
    struct told told = {0};
    towline_docker_attach_options options;
    OK(loop, towline_docker_attach_options_init(&options, sizeof options));
    CHECK(options.size == sizeof options && options.logs == 0 && options.attach_stdin == 0);
    CHECK(options.high_watermark == 1024 * 1024 && options.low_watermark == 256 * 1024);
    options.container = attached;
    options.attach_stdin = 1;
    OK(loop, towline_docker_attach(loop, client, &options, &SEEN, &input, &first));
    UNTIL(loop, input.opens == 1);
    CHECK(strlen(input.id) == 64);
    OK(loop, towline_docker_write(loop, first, "a line\n", 7, NULL));
    UNTIL(loop, strstr(input.out, "got a line\n") != NULL);
    REFUSED(TOWLINE_ERR_INVALID, "terminal", loop, towline_docker_resize(loop, first, 50, 120));

    options.attach_stdin = 0;
    options.logs = 1;
    OK(loop, towline_docker_attach(loop, client, &options, &SEEN, &history, &second));
    REFUSED(TOWLINE_ERR_INVALID, "input", loop, towline_docker_write(loop, second, "x", 1, NULL));
    UNTIL(loop, strstr(history.out, "got a line\n") != NULL);
    CHECK(strcmp(history.out, "begun\ngot a line\n") == 0);

    OK(loop, towline_docker_inspect(loop, first, &TOLD, &told, NULL));
    UNTIL(loop, is_over(&told));
    CHECK(told.dones == 1 && told.status == 200 && told.body_length > 0);

    OK(loop, towline_docker_write(loop, first, "end\n", 4, NULL));
    OK(loop, towline_docker_close_stdin(loop, first)); /* the container's input stays open */
    OK(loop, towline_loop_run(loop));
    CHECK(input.exits == 1 && input.code == 5 && history.exits == 1 && history.code == 5);

    options.container = "none-of-that-name";
    OK(loop, towline_docker_attach(loop, client, &options, &SEEN, &none, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(none.error == TOWLINE_ERR_API && none.http_status == 404);
    towline_loop_free(loop);
}

int main(int argc, char **argv)
{
    docker_arguments(argc, argv);
    output_and_code();
    exit_codes();
    options_reach_the_process();
    no_callbacks();
    input();
    much_input();
    terminal();
    pauses();
    signals();
    inspecting();
    containers_that_take_none();
    attaching();
    return 0;
}
