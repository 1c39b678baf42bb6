/* Everything inside every callback: cancel, close, send, nested runs and ticks, freeing the loop. */
#include "check.h"

enum where { NOWHERE, HEAD, BODY, STDERR, DONE, ERROR, VALUES, SOURCE };

struct scene {
    towline_loop *loop;
    uint64_t client, request;
    towline_fcgi_builder *builder;
    enum where where;                    /* in which callback to act, once */
    void (*action)(struct scene *scene); /* what to do there */
    int acted, cancelled, freed;
    unsigned counts[SOURCE + 1];
    unsigned others;
    towline_status error;
    struct outcome other;
    uint64_t other_request;
};

static void act(struct scene *scene, enum where where)
{
    CHECK(!scene->freed);
    CHECK(!scene->cancelled || where == ERROR);
    CHECK(scene->counts[DONE] + scene->counts[ERROR] + scene->counts[VALUES] == 0);
    scene->counts[where]++;
    if (where == scene->where && !scene->acted) {
        scene->acted = 1;
        scene->action(scene);
    }
}

static void on_head(void *user, const towline_fcgi_head *head) { (void)head, act(user, HEAD); }
static void on_body(void *user, const char *bytes, size_t length) { (void)bytes, (void)length, act(user, BODY); }
static void on_stderr(void *user, const char *bytes, size_t length) { (void)bytes, (void)length, act(user, STDERR); }
static void on_done(void *user, const towline_fcgi_response *response) { (void)response, act(user, DONE); }
static void on_values(void *user, const towline_fcgi_values *values) { (void)values, act(user, VALUES); }

static void on_error(void *user, towline_status status, const char *text)
{
    struct scene *scene = user;
    CHECK(text != NULL && text[0] != '\0');
    scene->error = status;
    act(scene, ERROR);
}

static ptrdiff_t source(void *user, uint8_t *buffer, size_t capacity)
{
    struct scene *scene = user;
    act(scene, SOURCE);
    if (scene->counts[SOURCE] > 4)
        return 0;
    CHECK(capacity >= 100);
    memset(buffer, 'x', 100);
    return 100;
}

static const towline_fcgi_callbacks ALL = {sizeof ALL, 0, on_head, on_body, on_stderr, on_done, on_error, on_values};

/* Sends what reaches the callback in question. */
static void begin(struct scene *scene, enum where where, void (*action)(struct scene *))
{
    const char *script = where == ERROR ? "drip.php" : where == SOURCE ? "mirror.php" : "status.php";
    memset(scene, 0, sizeof *scene);
    scene->where = where;
    scene->action = action;
    scene->loop = new_loop();
    scene->client = new_client(scene->loop, 2);
    scene->builder = new_request(script);
    OK(scene->loop, towline_fcgi_builder_query(scene->builder, "code=200"));
    if (where == SOURCE) {
        OK(scene->loop, towline_fcgi_builder_method(scene->builder, "POST"));
        OK(scene->loop, towline_fcgi_builder_source(scene->builder, source, scene, 400));
    }
    if (where == ERROR)
        OK(scene->loop, towline_fcgi_builder_timeout(scene->builder, 30));
    if (where == VALUES)
        OK(scene->loop, towline_fcgi_get_values(scene->loop, scene->client, &ALL, scene, &scene->request));
    else
        OK(scene->loop,
           towline_fcgi_send(scene->loop, scene->client, scene->builder, &ALL, scene, &scene->request));
}

static void end(struct scene *scene)
{
    CHECK(scene->acted);
    towline_fcgi_builder_free(scene->builder);
    if (!scene->freed)
        towline_loop_free(scene->loop);
}

static int is_last(enum where where) { return where == DONE || where == ERROR || where == VALUES; }

/* cancel */

static void cancel(struct scene *scene)
{
    if (is_last(scene->where)) {
        STATUS(TOWLINE_ERR_STALE, scene->loop, towline_fcgi_cancel(scene->loop, scene->request));
        return;
    }
    OK(scene->loop, towline_fcgi_cancel(scene->loop, scene->request));
    scene->cancelled = 1;
    OK(scene->loop, towline_fcgi_cancel(scene->loop, scene->request)); /* twice is once */
    CHECK(scene->counts[ERROR] == 0);                                  /* not in here */
}

static void cancelling(enum where where)
{
    struct scene scene;
    begin(&scene, where, cancel);
    OK(scene.loop, towline_loop_run(scene.loop));
    if (is_last(where))
        CHECK(scene.counts[where] == 1);
    else
        CHECK(scene.counts[ERROR] == 1 && scene.error == TOWLINE_ERR_CANCELLED && scene.counts[DONE] == 0);
    STATUS(TOWLINE_ERR_STALE, scene.loop, towline_fcgi_cancel(scene.loop, scene.request));
    end(&scene);
}

static void cancelling_early(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_client(loop, 1), first, second, third;
    struct outcome outcomes[3] = {{0}};
    towline_fcgi_callbacks callbacks = outcome_callbacks(1);
    towline_fcgi_builder *drip = new_request("drip.php"), *hello = new_request("hello.php");
    towline_fcgi_stats stats = {0};
    stats.size = sizeof stats;

    /* Before anything happened, and in the queue. */
    OK(loop, towline_fcgi_send(loop, client, drip, &callbacks, &outcomes[0], &first));
    OK(loop, towline_fcgi_send(loop, client, drip, &callbacks, &outcomes[1], &second));
    OK(loop, towline_fcgi_send(loop, client, hello, &callbacks, &outcomes[2], &third));
    OK(loop, towline_fcgi_cancel(loop, second));
    OK(loop, towline_fcgi_cancel(loop, first));
    CHECK(outcomes[0].errors == 0 && outcomes[1].errors == 0);
    OK(loop, towline_loop_run(loop));
    CHECK(outcomes[0].errors == 1 && outcomes[0].error == TOWLINE_ERR_CANCELLED && outcomes[0].heads == 0);
    CHECK(outcomes[1].errors == 1 && outcomes[1].error == TOWLINE_ERR_CANCELLED && outcomes[1].heads == 0);
    CHECK(outcomes[2].dones == 1 && strcmp(outcomes[2].body, "hello ") == 0);

    /* Between two pieces of the answer, outside of any callback. */
    memset(outcomes, 0, sizeof outcomes);
    OK(loop, towline_fcgi_send(loop, client, drip, &callbacks, &outcomes[0], &first));
    UNTIL(loop, outcomes[0].bodies >= 2);
    unsigned bodies = outcomes[0].bodies;
    OK(loop, towline_fcgi_cancel(loop, first));
    OK(loop, towline_fcgi_send(loop, client, hello, &callbacks, &outcomes[1], &second));
    OK(loop, towline_loop_run(loop));
    CHECK(outcomes[0].bodies == bodies && outcomes[0].error == TOWLINE_ERR_CANCELLED && outcomes[0].dones == 0);
    CHECK(outcomes[1].dones == 1);
    OK(loop, towline_fcgi_client_stats(loop, client, &stats));
    CHECK(stats.failed == 3 && stats.done == 2 && stats.active == 0 && stats.waiting == 0);
    towline_fcgi_builder_free(drip);
    towline_fcgi_builder_free(hello);
    towline_loop_free(loop);
}

/* While a name is being looked up, off the loop. */
static void cancelling_a_lookup(void)
{
    const char *name[] = {"tcp://localhost:1"};
    struct outcome outcomes[2] = {{0}};
    towline_fcgi_callbacks callbacks = outcome_callbacks(0);
    towline_fcgi_builder *hello = new_request("hello.php");
    for (int cancels = 0; cancels < 2; cancels++) {
        towline_loop *loop = new_loop();
        uint64_t client, request;
        OK(loop, towline_fcgi_client_new(loop, name, 1, NULL, &client));
        OK(loop, towline_fcgi_send(loop, client, hello, &callbacks, &outcomes[cancels], &request));
        if (cancels) {
            OK(loop, towline_fcgi_cancel(loop, request));
            OK(loop, towline_loop_run(loop));
        }
        towline_loop_free(loop);
    }
    CHECK(outcomes[0].errors == 0);
    CHECK(outcomes[1].errors == 1 && outcomes[1].error == TOWLINE_ERR_CANCELLED);
    towline_fcgi_builder_free(hello);
}

/* Two answers; the first one to be handed out cancels the other, which may wait in the same batch. */
struct pair {
    towline_loop *loop;
    uint64_t requests[2];
    unsigned dones, errors;
};

static void cancel_both(void *user, const towline_fcgi_response *response)
{
    struct pair *pair = user;
    (void)response;
    pair->dones++;
    int stale = 0;
    for (int i = 0; i < 2; i++)
        stale += towline_fcgi_cancel(pair->loop, pair->requests[i]) == TOWLINE_ERR_STALE;
    CHECK(stale == 1);
}

static void count_cancelled(void *user, towline_status status, const char *text)
{
    struct pair *pair = user;
    (void)text;
    CHECK(status == TOWLINE_ERR_CANCELLED);
    pair->errors++;
}

static void cancelling_what_is_done(void)
{
    towline_fcgi_builder *builder = new_request("hello.php");
    for (int round = 0; round < 20; round++) {
        struct pair pair = {new_loop(), {0, 0}, 0, 0};
        uint64_t client = new_client(pair.loop, 2);
        towline_fcgi_callbacks callbacks = {0};
        callbacks.size = sizeof callbacks;
        callbacks.on_done = cancel_both;
        callbacks.on_error = count_cancelled;
        for (int i = 0; i < 2; i++)
            OK(pair.loop, towline_fcgi_send(pair.loop, client, builder, &callbacks, &pair, &pair.requests[i]));
        OK(pair.loop, towline_loop_run(pair.loop));
        CHECK(pair.dones == 1 && pair.errors == 1);
        towline_loop_free(pair.loop);
    }
    towline_fcgi_builder_free(builder);
}

/* close */

static void close_client(struct scene *scene)
{
    OK(scene->loop, towline_fcgi_client_close(scene->loop, scene->client));
    STATUS(TOWLINE_ERR_STALE, scene->loop, towline_fcgi_client_close(scene->loop, scene->client));
    STATUS(TOWLINE_ERR_STALE, scene->loop,
           towline_fcgi_send(scene->loop, scene->client, scene->builder, &ALL, scene, NULL));
    scene->cancelled = !is_last(scene->where);
}

static void closing(enum where where)
{
    struct scene scene;
    struct outcome other = {0};
    begin(&scene, where, close_client);
    towline_fcgi_callbacks callbacks = outcome_callbacks(0);
    towline_fcgi_builder *drip = new_request("drip.php");
    OK(scene.loop, towline_fcgi_send(scene.loop, scene.client, drip, &callbacks, &other, NULL));
    OK(scene.loop, towline_loop_run(scene.loop));
    if (is_last(where))
        CHECK(scene.counts[where] == 1);
    else
        CHECK(scene.counts[ERROR] == 1 && scene.error == TOWLINE_ERR_CANCELLED);
    CHECK(other.errors == 1 && other.error == TOWLINE_ERR_CANCELLED);
    towline_fcgi_builder_free(drip);
    end(&scene);
}

/* send */

static void send_other(struct scene *scene)
{
    towline_fcgi_callbacks callbacks = outcome_callbacks(0);
    towline_fcgi_builder *hello = new_request("hello.php");
    OK(scene->loop,
       towline_fcgi_send(scene->loop, scene->client, hello, &callbacks, &scene->other, &scene->other_request));
    CHECK(scene->other_request != 0 && scene->other_request != scene->request);
    CHECK(scene->other.dones == 0);
    towline_fcgi_builder_free(hello);
}

static void sending(enum where where)
{
    struct scene scene;
    begin(&scene, where, send_other);
    OK(scene.loop, towline_loop_run(scene.loop));
    CHECK(scene.other.dones == 1 && scene.other.status == 200);
    CHECK(scene.counts[DONE] + scene.counts[ERROR] + scene.counts[VALUES] == 1);
    end(&scene);
}

/* nested run and tick */

static void run_inside(struct scene *scene)
{
    send_other(scene);
    OK(scene->loop, towline_loop_run(scene->loop));
    CHECK(scene->other.dones == 1);
    /* This request too has ended meanwhile, inside its own callback. */
    CHECK(scene->counts[DONE] + scene->counts[ERROR] + scene->counts[VALUES] == 1);
}

static void tick_inside(struct scene *scene)
{
    send_other(scene);
    UNTIL(scene->loop, scene->other.dones == 1);
}

static void nesting(enum where where, void (*action)(struct scene *))
{
    struct scene scene;
    begin(&scene, where, action);
    OK(scene.loop, towline_loop_run(scene.loop));
    CHECK(scene.other.dones == 1);
    CHECK(scene.counts[DONE] + scene.counts[ERROR] + scene.counts[VALUES] == 1);
    end(&scene);
}

/* free */

static void free_loop(struct scene *scene)
{
    towline_loop_free(scene->loop);
    scene->freed = 1;
    STATUS(TOWLINE_ERR_STALE, scene->loop, towline_fcgi_cancel(scene->loop, scene->request));
    STATUS(TOWLINE_ERR_STALE, scene->loop,
           towline_fcgi_send(scene->loop, scene->client, scene->builder, &ALL, scene, NULL));
    STATUS(TOWLINE_ERR_STALE, scene->loop, towline_loop_run(scene->loop));
}

static void tick_then_free(struct scene *scene)
{
    tick_inside(scene);
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

static void freeing_with_work(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_client(loop, 1);
    struct outcome outcomes[3] = {{0}};
    towline_fcgi_callbacks callbacks = outcome_callbacks(1);
    towline_fcgi_builder *drip = new_request("drip.php");
    for (int i = 0; i < 3; i++)
        OK(loop, towline_fcgi_send(loop, client, drip, &callbacks, &outcomes[i], NULL));
    UNTIL(loop, outcomes[0].bodies >= 1);
    towline_loop_free(loop);
    CHECK(outcomes[0].errors + outcomes[1].errors + outcomes[2].errors == 0);
    towline_fcgi_builder_free(drip);
}

/* A chain: each answer sends the next. */
struct chain {
    towline_loop *loop;
    uint64_t client;
    towline_fcgi_builder *builder;
    towline_fcgi_callbacks callbacks;
    unsigned length;
};

static void next_link(void *user, const towline_fcgi_response *response)
{
    struct chain *chain = user;
    CHECK(towline_fcgi_response_status(response) == 200);
    if (++chain->length < 100)
        OK(chain->loop,
           towline_fcgi_send(chain->loop, chain->client, chain->builder, &chain->callbacks, chain, NULL));
}

static void chaining(void)
{
    struct chain chain = {new_loop(), 0, new_request("hello.php"), {0}, 0};
    towline_fcgi_stats stats = {0};
    stats.size = sizeof stats;
    chain.client = new_client(chain.loop, 1);
    chain.callbacks.size = sizeof chain.callbacks;
    chain.callbacks.on_done = next_link;
    OK(chain.loop, towline_fcgi_send(chain.loop, chain.client, chain.builder, &chain.callbacks, &chain, NULL));
    OK(chain.loop, towline_loop_run(chain.loop));
    CHECK(chain.length == 100);
    OK(chain.loop, towline_fcgi_client_stats(chain.loop, chain.client, &stats));
    CHECK(stats.connects == 1 && stats.reused == 99);
    towline_fcgi_builder_free(chain.builder);
    towline_loop_free(chain.loop);
}

int main(int argc, char **argv)
{
    arguments(argc, argv);
    cancelling_a_lookup(); /* first, so that the lookups are over long before the program ends */
    for (enum where where = HEAD; where <= SOURCE; where++) {
        cancelling(where);
        closing(where);
        sending(where);
        if (where != SOURCE)
            nesting(where, run_inside);
        nesting(where, tick_inside);
        freeing(where, free_loop);
        freeing(where, tick_then_free);
    }
    cancelling_early();
    cancelling_what_is_done();
    freeing_with_work();
    chaining();
    return 0;
}
