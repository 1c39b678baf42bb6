/* Everything inside every callback of a stream and of a call: close, cancel, start, write, nested runs, freeing the loop. */
#include "docker.h"

enum where { OPEN, OUTPUT, DRAIN, EXIT, ERROR, CALL_OUTPUT, CALL_DONE, CALL_RESULT, CALL_ERROR, PLACES };

struct scene {
    towline_loop *loop;
    uint64_t client, stream, call;
    enum where where;                    /* in which callback to act, once */
    void (*action)(struct scene *scene); /* what to do there */
    int acted, closed, freed;
    unsigned counts[PLACES];
    int64_t code;
    towline_status error;
    struct seen other;
    struct told told;
};

static int is_last(enum where where)
{
    return where == EXIT || where == ERROR || where >= CALL_DONE;
}

static unsigned ends(const struct scene *scene)
{
    unsigned count = 0;
    for (enum where where = OPEN; where < PLACES; where++)
        count += is_last(where) ? scene->counts[where] : 0;
    return count;
}

static void act(struct scene *scene, enum where where)
{
    CHECK(!scene->freed && ends(scene) == 0);
    CHECK(!scene->closed || where == ERROR || where == CALL_ERROR);
    scene->counts[where]++;
    if (where == scene->where && !scene->acted) {
        scene->acted = 1;
        scene->action(scene);
    }
}

static void on_open(void *user, const char *id, uint32_t upgraded)
{
    CHECK(strlen(id) == 64 && upgraded == 1);
    act(user, OPEN);
    /* Still there, whatever was done. */
    CHECK(strlen(id) == 64);
}

static void on_output(void *user, uint32_t stream, const char *bytes, size_t length)
{
    char before[8] = "", after[8] = "";
    (void)stream;
    keep(before, sizeof before, bytes, length);
    act(user, OUTPUT);
    keep(after, sizeof after, bytes, length);
    CHECK(strcmp(before, after) == 0);
}

static void on_drain(void *user) { act(user, DRAIN); }

static void on_exit_code(void *user, int64_t code, uint32_t truncated)
{
    struct scene *scene = user;
    CHECK(!truncated);
    scene->code = code;
    act(scene, EXIT);
}

static void on_error(void *user, towline_status status, const char *text, uint32_t http_status)
{
    struct scene *scene = user;
    (void)http_status;
    scene->error = status;
    act(scene, ERROR);
    CHECK(text[0] != '\0');
}

static void on_call_output(void *user, uint32_t stream, const char *bytes, size_t length)
{
    (void)stream;
    char first = bytes[0];
    CHECK(length > 0);
    act(user, CALL_OUTPUT);
    CHECK(bytes[0] == first);
}

static void on_done(void *user, const towline_docker_answer *answer)
{
    act(user, CALL_DONE);
    CHECK(towline_docker_answer_status(answer) == 200);
}

static void on_result(void *user, const towline_docker_result *result)
{
    act(user, CALL_RESULT);
    CHECK(towline_docker_result_exit_code(result) == 0);
}

static void on_call_error(void *user, towline_status status, const char *text, uint32_t http_status)
{
    struct scene *scene = user;
    (void)http_status;
    scene->error = status;
    act(scene, CALL_ERROR);
    CHECK(text[0] != '\0');
}

static const towline_docker_stream_callbacks STREAM = {
    sizeof STREAM, 0, on_open, on_output, on_drain, on_exit_code, on_error};
static const towline_docker_call_callbacks CALL = {sizeof CALL, 0, on_call_output, on_done, on_result, on_call_error};

static const char *const TRUE[] = {"true"};

static void begin_call(struct scene *scene)
{
    towline_docker_run_options run = run_options(running);
    towline_docker_request_options request =
        request_options("GET", scene->where == CALL_ERROR ? "/containers/none-of-that-name/json" : "/_ping");
    request.streamed = scene->where == CALL_OUTPUT;
    run.command = TRUE;
    run.command_count = 1;
    if (scene->where == CALL_RESULT)
        OK(scene->loop, towline_docker_run(scene->loop, scene->client, &run, &CALL, scene, &scene->call));
    else
        OK(scene->loop, towline_docker_request(scene->loop, scene->client, &request, &CALL, scene, &scene->call));
}

/* Begins what reaches the callback in question. */
static void begin(struct scene *scene, enum where where, void (*action)(struct scene *))
{
    static char much[300000];
    memset(scene, 0, sizeof *scene);
    scene->where = where;
    scene->action = action;
    scene->loop = new_loop();
    scene->client = new_engine(scene->loop);
    if (where >= CALL_OUTPUT) {
        begin_call(scene);
        return;
    }
    towline_docker_exec_options options = exec_options(where == ERROR ? "none-of-that-name" : running);
    COMMAND(&options, "sh", "-c", "echo hello; wc -c");
    options.attach_stdin = 1;
    options.high_watermark = 100000;
    options.low_watermark = 1000;
    OK(scene->loop, towline_docker_exec(scene->loop, scene->client, &options, &STREAM, scene, &scene->stream));
    if (where == DRAIN)
        OK(scene->loop, towline_docker_write(scene->loop, scene->stream, much, sizeof much, NULL));
    if (where != DRAIN && where != OUTPUT)
        OK(scene->loop, towline_docker_close_stdin(scene->loop, scene->stream));
}

/* For scenes that go on to their own end. */
static void let_it_end(struct scene *scene)
{
    if (scene->where == DRAIN || scene->where == OUTPUT)
        OK(scene->loop, towline_docker_close_stdin(scene->loop, scene->stream));
}

static void end(struct scene *scene)
{
    CHECK(scene->acted);
    if (!scene->freed)
        towline_loop_free(scene->loop);
}

static void expect_cancelled(const struct scene *scene)
{
    CHECK(ends(scene) == 1);
    if (is_last(scene->where))
        CHECK(scene->counts[scene->where] == 1);
    else
        CHECK(scene->counts[ERROR] + scene->counts[CALL_ERROR] == 1 && scene->error == TOWLINE_ERR_CANCELLED);
}

/* close, cancel */

static void close_it(struct scene *scene)
{
    towline_status expected = is_last(scene->where) ? TOWLINE_ERR_STALE : TOWLINE_OK;
    scene->closed = expected == TOWLINE_OK;
    for (int times = 0; times < 2; times++) { /* twice is once */
        if (scene->call != 0)
            STATUS(expected, scene->loop, towline_docker_cancel(scene->loop, scene->call));
        else
            STATUS(expected, scene->loop, towline_docker_close(scene->loop, scene->stream));
    }
    CHECK(ends(scene) == (unsigned)is_last(scene->where)); /* not in here */
}

static void close_client(struct scene *scene)
{
    towline_docker_exec_options options = exec_options(running);
    options.command = TRUE;
    options.command_count = 1;
    scene->closed = !is_last(scene->where);
    OK(scene->loop, towline_docker_client_close(scene->loop, scene->client));
    STATUS(TOWLINE_ERR_STALE, scene->loop, towline_docker_client_close(scene->loop, scene->client));
    STATUS(TOWLINE_ERR_STALE, scene->loop,
           towline_docker_exec(scene->loop, scene->client, &options, &SEEN, &scene->other, NULL));
    if (scene->stream != 0)
        CHECK(towline_docker_write(scene->loop, scene->stream, "x", 1, NULL) < 0);
}

static void closing(enum where where, void (*action)(struct scene *))
{
    struct scene scene;
    begin(&scene, where, action);
    OK(scene.loop, towline_loop_run(scene.loop));
    expect_cancelled(&scene);
    STATUS(TOWLINE_ERR_STALE, scene.loop, towline_docker_close(scene.loop, scene.stream));
    STATUS(TOWLINE_ERR_STALE, scene.loop, towline_docker_cancel(scene.loop, scene.call));
    end(&scene);
}

/* start others */

static void start_others(struct scene *scene)
{
    towline_docker_exec_options options = exec_options(running);
    towline_docker_request_options request = request_options("GET", "/_ping");
    COMMAND(&options, "sh", "-c", "echo other; exit 5");
    begin_exec(scene->loop, scene->client, &options, &scene->other);
    begin_request(scene->loop, scene->client, &request, &scene->told);
}

static void start_and_go_on(struct scene *scene)
{
    start_others(scene);
    let_it_end(scene);
}

static void run_inside(struct scene *scene)
{
    start_and_go_on(scene);
    OK(scene->loop, towline_loop_run(scene->loop));
    CHECK(scene->other.exits == 1 && scene->told.dones == 1);
    /* This one too has ended meanwhile, inside its own callback. */
    CHECK(ends(scene) == 1);
}

static void tick_inside(struct scene *scene)
{
    start_others(scene);
    UNTIL(scene->loop, scene->other.exits == 1 && scene->told.dones == 1);
    if (ends(scene) == 0)
        let_it_end(scene);
}

static void starting(enum where where, void (*action)(struct scene *))
{
    struct scene scene;
    begin(&scene, where, action);
    OK(scene.loop, towline_loop_run(scene.loop));
    CHECK(scene.other.code == 5 && strcmp(scene.other.out, "other\n") == 0 && scene.told.status == 200);
    CHECK(ends(&scene) == 1);
    if (where < ERROR)
        CHECK(scene.counts[EXIT] == 1 && scene.code == 0);
    end(&scene);
}

/* everything that a stream can do */

static void use_stream(struct scene *scene)
{
    towline_loop *loop = scene->loop;
    uint64_t stream = scene->stream;
    if (is_last(scene->where)) {
        STATUS(TOWLINE_ERR_STALE, loop, towline_docker_write(loop, stream, "x", 1, NULL));
        STATUS(TOWLINE_ERR_STALE, loop, towline_docker_close_stdin(loop, stream));
        STATUS(TOWLINE_ERR_STALE, loop, towline_docker_pause(loop, stream));
        STATUS(TOWLINE_ERR_STALE, loop, towline_docker_resume(loop, stream));
        STATUS(TOWLINE_ERR_STALE, loop, towline_docker_inspect(loop, stream, &TOLD, &scene->told, NULL));
        STATUS(TOWLINE_ERR_STALE, loop, towline_docker_kill(loop, stream, "KILL", NULL, NULL, NULL));
        return;
    }
    OK(loop, towline_docker_pause(loop, stream));
    if (scene->where != OPEN) /* there the input is closed already */
        OK(loop, towline_docker_write(loop, stream, "x", 1, NULL));
    OK(loop, towline_docker_inspect(loop, stream, &TOLD, &scene->told, NULL));
    OK(loop, towline_docker_kill(loop, stream, "CONT", NULL, NULL, NULL));
    OK(loop, towline_docker_resume(loop, stream));
    let_it_end(scene);
}

static void using(enum where where)
{
    struct scene scene;
    begin(&scene, where, use_stream);
    OK(scene.loop, towline_loop_run(scene.loop));
    CHECK(ends(&scene) == 1 && scene.counts[where] >= 1);
    CHECK(scene.told.dones == !is_last(where));
    end(&scene);
}

/* A pause in a callback holds back what waits behind it in the same turn. */
static void pause_it(struct scene *scene)
{
    struct seen *other = &scene->other;
    OK(scene->loop, towline_docker_pause(scene->loop, scene->stream));
    let_it_end(scene);
    towline_docker_exec_options options = exec_options(running);
    options.command = TRUE;
    options.command_count = 1;
    begin_exec(scene->loop, scene->client, &options, other);
    unsigned before = scene->counts[OUTPUT];
    UNTIL(scene->loop, other->exits == 1);
    CHECK(scene->counts[OUTPUT] == before && scene->counts[EXIT] == 0);
    OK(scene->loop, towline_docker_resume(scene->loop, scene->stream));
}

static void pausing(enum where where)
{
    struct scene scene;
    begin(&scene, where, pause_it);
    OK(scene.loop, towline_loop_run(scene.loop));
    CHECK(scene.counts[EXIT] == 1 && scene.code == 0);
    end(&scene);
}

/* stop */

static void stop(struct scene *scene) { OK(scene->loop, towline_loop_stop(scene->loop)); }

static void stopping(enum where where)
{
    struct scene scene;
    begin(&scene, where, stop);
    OK(scene.loop, towline_loop_run(scene.loop));
    CHECK(scene.counts[where] == 1);
    if (!is_last(where)) {
        let_it_end(&scene);
        OK(scene.loop, towline_loop_run(scene.loop));
    }
    CHECK(ends(&scene) == 1);
    end(&scene);
}

/* free */

static void free_loop(struct scene *scene)
{
    towline_docker_exec_options options = exec_options(running);
    options.command = TRUE;
    options.command_count = 1;
    towline_loop_free(scene->loop);
    scene->freed = 1;
    STATUS(TOWLINE_ERR_STALE, scene->loop, towline_docker_close(scene->loop, scene->stream));
    STATUS(TOWLINE_ERR_STALE, scene->loop, towline_docker_cancel(scene->loop, scene->call));
    STATUS(TOWLINE_ERR_STALE, scene->loop, towline_docker_write(scene->loop, scene->stream, "x", 1, NULL));
    STATUS(TOWLINE_ERR_STALE, scene->loop,
           towline_docker_exec(scene->loop, scene->client, &options, &SEEN, &scene->other, NULL));
    STATUS(TOWLINE_ERR_STALE, scene->loop, towline_loop_run(scene->loop));
}

static void tick_then_free(struct scene *scene)
{
    start_others(scene);
    UNTIL(scene->loop, scene->other.exits == 1 && scene->told.dones == 1);
    free_loop(scene);
}

static void freeing(enum where where, void (*action)(struct scene *))
{
    struct scene scene;
    begin(&scene, where, action);
    CHECK(towline_loop_run(scene.loop) == TOWLINE_ERR_STALE);
    CHECK(scene.freed && scene.counts[where] >= 1);
    end(&scene);
}

/* Closed when its end is known, and waits to be handed out behind another one's. */
struct pair {
    towline_loop *loop;
    uint64_t streams[2];
    unsigned exits, errors;
};

static void close_both(void *user, int64_t code, uint32_t truncated)
{
    struct pair *pair = user;
    int stale = 0;
    CHECK(code == 0 && !truncated);
    pair->exits++;
    for (int i = 0; i < 2; i++)
        stale += towline_docker_close(pair->loop, pair->streams[i]) == TOWLINE_ERR_STALE;
    CHECK(stale == 1);
}

static void count_cancelled(void *user, towline_status status, const char *text, uint32_t http_status)
{
    struct pair *pair = user;
    (void)text;
    CHECK(status == TOWLINE_ERR_CANCELLED && http_status == 0);
    pair->errors++;
}

static void closing_what_has_ended(void)
{
    towline_docker_stream_callbacks callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.on_exit = close_both;
    callbacks.on_error = count_cancelled;
    for (int round = 0; round < 5; round++) {
        struct pair pair = {new_loop(), {0, 0}, 0, 0};
        uint64_t client = new_engine(pair.loop);
        towline_docker_exec_options options = exec_options(running);
        options.command = TRUE;
        options.command_count = 1;
        for (int i = 0; i < 2; i++)
            OK(pair.loop, towline_docker_exec(pair.loop, client, &options, &callbacks, &pair, &pair.streams[i]));
        OK(pair.loop, towline_loop_run(pair.loop));
        CHECK(pair.exits == 1 && pair.errors == 1);
        towline_loop_free(pair.loop);
    }
}

int main(int argc, char **argv)
{
    docker_arguments(argc, argv);
    for (enum where where = OPEN; where < PLACES; where++) {
        closing(where, close_it);
        closing(where, close_client);
        starting(where, start_and_go_on);
        starting(where, run_inside);
        starting(where, tick_inside);
        stopping(where);
        freeing(where, free_loop);
        freeing(where, tick_then_free);
        if (where <= ERROR)
            using(where);
        if (where <= DRAIN)
            pausing(where);
    }
    closing_what_has_ended();
    return 0;
}
