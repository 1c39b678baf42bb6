/* Requests through a real php-fpm: answers, bodies both ways, sources, deadlines, counters. */
#include "check.h"

static void send_and_run(towline_loop *loop, uint64_t client, towline_fcgi_builder *request, int streamed,
                         struct outcome *outcome)
{
    towline_fcgi_callbacks callbacks = outcome_callbacks(streamed);
    memset(outcome, 0, sizeof *outcome);
    OK(loop, towline_fcgi_send(loop, client, request, &callbacks, outcome, NULL));
    CHECK(outcome->dones + outcome->errors == 0); /* nothing completes inside the call that started it */
    OK(loop, towline_loop_run(loop));
    CHECK(outcome->dones + outcome->errors == 1);
}

static void many(void)
{
    enum { COUNT = 200 };
    static struct outcome outcomes[COUNT];
    towline_loop *loop = new_loop();
    uint64_t client = new_client(loop, 3), handle = 0, last = 0;
    towline_fcgi_callbacks callbacks = outcome_callbacks(0);
    towline_fcgi_builder *request = new_request("hello.php");
    towline_fcgi_stats stats = {0};
    towline_fcgi_upstream_stats upstream = {0};
    size_t pending;

    for (int i = 0; i < COUNT; i++) {
        char query[16];
        snprintf(query, sizeof query, "n=%d", i);
        OK(loop, towline_fcgi_builder_query(request, query));
        OK(loop, towline_fcgi_send(loop, client, request, &callbacks, &outcomes[i], &handle));
        CHECK(handle != 0 && handle != last);
        last = handle;
    }
    towline_fcgi_builder_free(request);
    OK(loop, towline_loop_pending(loop, &pending));
    CHECK(pending == COUNT);
    stats.size = sizeof stats;
    upstream.size = sizeof upstream;
    OK(loop, towline_fcgi_client_stats(loop, client, &stats));
    CHECK(stats.sent == COUNT && stats.waiting + stats.active == COUNT && stats.active <= 3);
    CHECK(stats.size == sizeof stats);
    OK(loop, towline_loop_run(loop));
    for (int i = 0; i < COUNT; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "hello n=%d", i);
        CHECK(outcomes[i].dones == 1 && outcomes[i].errors == 0 && outcomes[i].status == 200);
        CHECK(strcmp(outcomes[i].body, expected) == 0);
    }
    OK(loop, towline_fcgi_client_stats(loop, client, &stats));
    CHECK(stats.done == COUNT && stats.failed == 0 && stats.waiting == 0 && stats.active == 0);
    CHECK(stats.connects >= 1 && stats.connects <= 3 && stats.idle <= 3 && stats.upstreams == 1);
    CHECK(stats.reused == COUNT - stats.connects);
    OK(loop, towline_fcgi_client_upstream(loop, client, 0, &upstream));
    CHECK(upstream.down == 0 && upstream.active == 0 && upstream.refused == 0);
    CHECK(upstream.connects == stats.connects && upstream.idle == stats.idle);
    REFUSED(TOWLINE_ERR_NOT_FOUND, "upstream 1", loop, towline_fcgi_client_upstream(loop, client, 1, &upstream));
    STATUS(TOWLINE_ERR_STALE, loop, towline_fcgi_cancel(loop, last));
    OK(loop, towline_fcgi_client_close(loop, client));
    STATUS(TOWLINE_ERR_STALE, loop, towline_fcgi_client_close(loop, client));
    STATUS(TOWLINE_ERR_STALE, loop, towline_fcgi_client_stats(loop, client, &stats));
    STATUS(TOWLINE_ERR_STALE, loop, towline_fcgi_client_upstream(loop, client, 0, &upstream));
    towline_loop_free(loop);
}

static int is(towline_bytes bytes, const char *text)
{
    return bytes.length == strlen(text) && memcmp(bytes.data, text, bytes.length) == 0;
}

static void look_at_head(void *user, const towline_fcgi_head *head)
{
    unsigned *many = user;
    towline_bytes name, value;
    size_t count = towline_fcgi_head_count(head);
    CHECK(towline_fcgi_head_status(head) == 200);
    CHECK(count >= 3);
    for (size_t i = 0; i < count; i++) {
        CHECK(towline_fcgi_head_field(head, i, &name, &value) == TOWLINE_OK);
        CHECK(towline_fcgi_head_field(head, i, NULL, NULL) == TOWLINE_OK);
        if (is(name, "x-many")) {
            CHECK(is(value, *many == 0 ? "a" : "b"));
            *many += 1;
        }
    }
    CHECK(*many == 2);
    CHECK(towline_fcgi_head_field(head, count, &name, &value) == TOWLINE_ERR_NOT_FOUND);
    CHECK(towline_fcgi_head_field(head, SIZE_MAX, &name, &value) == TOWLINE_ERR_NOT_FOUND);
    CHECK(towline_fcgi_head_find(head, "X-One", &value) == TOWLINE_OK && is(value, "1"));
    CHECK(towline_fcgi_head_find(head, "x-many", &value) == TOWLINE_OK && is(value, "a"));
    CHECK(towline_fcgi_head_find(head, "x-none", &value) == TOWLINE_ERR_NOT_FOUND);
    CHECK(towline_fcgi_head_find(head, NULL, &value) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_head_find(head, "x-one", NULL) == TOWLINE_ERR_INVALID);
}

static void look_at_response(void *user, const towline_fcgi_response *response)
{
    unsigned *many = user;
    *many = 0;
    look_at_head(user, towline_fcgi_response_head(response));
    CHECK(towline_fcgi_response_status(response) == 200);
    CHECK(is(towline_fcgi_response_body(response), "hello "));
    CHECK(is(towline_fcgi_response_stderr(response), ""));
    CHECK(towline_fcgi_response_app_status(response) == 0);
    CHECK(towline_fcgi_response_duration_us(response) > 0);
}

static void heads(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_client(loop, 1);
    unsigned found = 0;
    towline_fcgi_callbacks callbacks = {0};
    towline_fcgi_builder *request = new_request("hello.php");
    callbacks.size = sizeof callbacks;
    callbacks.on_head = look_at_head;
    callbacks.on_done = look_at_response;
    OK(loop, towline_fcgi_send(loop, client, request, &callbacks, &found, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(found == 2);

    /* Nobody listens: that is fine too. */
    memset(&callbacks, 0, sizeof callbacks);
    callbacks.size = sizeof callbacks;
    OK(loop, towline_fcgi_send(loop, client, request, &callbacks, NULL, NULL));
    OK(loop, towline_loop_run(loop));

    CHECK(towline_fcgi_head_status(NULL) == 0);
    CHECK(towline_fcgi_head_count(NULL) == 0);
    CHECK(towline_fcgi_head_field(NULL, 0, NULL, NULL) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_response_status(NULL) == 0);
    CHECK(towline_fcgi_response_head(NULL) == NULL);
    CHECK(towline_fcgi_response_body(NULL).length == 0 && towline_fcgi_response_body(NULL).data != NULL);
    CHECK(towline_fcgi_response_stderr(NULL).length == 0);
    CHECK(towline_fcgi_response_app_status(NULL) == 0);
    CHECK(towline_fcgi_response_duration_us(NULL) == 0);
    CHECK(towline_fcgi_values_count(NULL) == 0);
    CHECK(towline_fcgi_values_get(NULL, 0, NULL, NULL) == TOWLINE_ERR_INVALID);
    towline_fcgi_response_free(NULL);
    towline_fcgi_builder_free(request);
    towline_loop_free(loop);
}

static void statuses(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_client(loop, 1);
    struct outcome outcome;
    towline_fcgi_builder *request = new_request("status.php");
    OK(loop, towline_fcgi_builder_query(request, "code=503"));
    send_and_run(loop, client, request, 0, &outcome);
    CHECK(outcome.dones == 1 && outcome.status == 503 && outcome.heads == 0 && outcome.stderrs == 0);
    send_and_run(loop, client, request, 1, &outcome);
    CHECK(outcome.dones == 1 && outcome.status == 503 && outcome.heads == 1 && outcome.stderrs >= 1);
    CHECK(strcmp(outcome.body, "status") == 0 && outcome.bodies >= 1);
    towline_fcgi_builder_free(request);

    request = new_request("no-such-script.php");
    send_and_run(loop, client, request, 0, &outcome);
    CHECK(outcome.dones == 1 && outcome.status == 404);
    towline_fcgi_builder_free(request);
    towline_loop_free(loop);
}

static void bodies(void)
{
    static const char form[] = "a=1&nul=\0end";
    static char large[300000];
    towline_loop *loop = new_loop();
    uint64_t client = new_client(loop, 1);
    struct outcome outcome;
    towline_fcgi_builder *request = new_request("echo.php");
    OK(loop, towline_fcgi_builder_method(request, "POST"));
    OK(loop, towline_fcgi_builder_content_type(request, "text/x-test"));
    OK(loop, towline_fcgi_builder_param(request, "TOWLINE_PARAM", "a\xff\1", 3));
    OK(loop, towline_fcgi_builder_header(request, "X-Test", "some words", 10));
    OK(loop, towline_fcgi_builder_role(request, TOWLINE_FCGI_RESPONDER));
    OK(loop, towline_fcgi_builder_timeout(request, 60000));
    OK(loop, towline_fcgi_builder_body(request, form, sizeof form - 1));
    send_and_run(loop, client, request, 0, &outcome);
    CHECK(strstr(outcome.body, "\"method\":\"POST\"") && strstr(outcome.body, "\"type\":\"text\\/x-test\""));
    CHECK(strstr(outcome.body, "\"length\":12") && strstr(outcome.body, "\"param\":\"61ff01\""));
    CHECK(strstr(outcome.body, "\"header\":\"some words\""));

    /* The same builder again, changed; "0" is a body, and none is one too. */
    OK(loop, towline_fcgi_builder_body(request, "0", 1));
    send_and_run(loop, client, request, 0, &outcome);
    CHECK(strstr(outcome.body, "\"length\":1,"));
    OK(loop, towline_fcgi_builder_body(request, NULL, 0));
    send_and_run(loop, client, request, 0, &outcome);
    CHECK(strstr(outcome.body, "\"length\":0"));
    towline_fcgi_builder_free(request);

    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)('a' + i % 26);
    request = new_request("mirror.php");
    OK(loop, towline_fcgi_builder_method(request, "POST"));
    OK(loop, towline_fcgi_builder_body(request, large, sizeof large));
    send_and_run(loop, client, request, 0, &outcome);
    CHECK(outcome.dones == 1 && outcome.body_length == sizeof large && memcmp(outcome.body, large, 1000) == 0);
    send_and_run(loop, client, request, 1, &outcome);
    CHECK(outcome.dones == 1 && outcome.body_length == sizeof large && memcmp(outcome.body, large, 1000) == 0);
    CHECK(outcome.bodies > 1);
    towline_fcgi_builder_free(request);
    towline_loop_free(loop);
}

/* A source that gives `left` bytes in pieces, then `last`. */
struct source {
    size_t left;
    size_t piece;
    ptrdiff_t last;
    int ends;
    towline_loop *loop;
};

static ptrdiff_t give(void *user, uint8_t *buffer, size_t capacity)
{
    struct source *source = user;
    size_t count = source->left < source->piece ? source->left : source->piece;
    CHECK(capacity > 0);
    if (count > capacity)
        count = capacity;
    if (count == 0) {
        source->ends++;
        return source->last;
    }
    memset(buffer, 'x', count);
    source->left -= count;
    return (ptrdiff_t)count;
}

static ptrdiff_t give_too_much(void *user, uint8_t *buffer, size_t capacity)
{
    (void)user;
    memset(buffer, 'x', capacity);
    return (ptrdiff_t)capacity + 1;
}

static void sources(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_client(loop, 1);
    struct outcome outcome;
    struct source source = {500000, 7777, 0, 0, loop};
    towline_fcgi_builder *request = new_request("mirror.php");
    OK(loop, towline_fcgi_builder_method(request, "POST"));
    OK(loop, towline_fcgi_builder_source(request, give, &source, 500000));
    send_and_run(loop, client, request, 1, &outcome);
    CHECK(outcome.dones == 1 && outcome.body_length == 500000 && source.left == 0 && source.ends == 1);

    /* None at all. */
    OK(loop, towline_fcgi_builder_source(request, give, &source, 0));
    source = (struct source){0, 1, 0, 0, loop};
    send_and_run(loop, client, request, 0, &outcome);
    CHECK(outcome.dones == 1 && outcome.body_length == 0);

    /* Ends early. */
    OK(loop, towline_fcgi_builder_source(request, give, &source, 1000));
    source = (struct source){900, 500, 0, 0, loop};
    send_and_run(loop, client, request, 0, &outcome);
    CHECK(outcome.errors == 1 && outcome.error == TOWLINE_ERR_SOURCE && strstr(outcome.text, "100 bytes before"));

    /* Has more than was announced. */
    source = (struct source){1001, 500, 0, 0, loop};
    send_and_run(loop, client, request, 0, &outcome);
    CHECK(outcome.errors == 1 && outcome.error == TOWLINE_ERR_SOURCE && strstr(outcome.text, "more bytes"));

    /* Fails. */
    source = (struct source){600, 500, -7, 0, loop};
    send_and_run(loop, client, request, 0, &outcome);
    CHECK(outcome.errors == 1 && outcome.error == TOWLINE_ERR_SOURCE && strstr(outcome.text, "-7"));

    /* Claims to have written beyond the buffer. */
    OK(loop, towline_fcgi_builder_source(request, give_too_much, NULL, 1000));
    send_and_run(loop, client, request, 0, &outcome);
    CHECK(outcome.errors == 1 && outcome.error == TOWLINE_ERR_SOURCE);

    /* The client goes on as before. */
    OK(loop, towline_fcgi_builder_body(request, "fine", 4));
    send_and_run(loop, client, request, 0, &outcome);
    CHECK(outcome.dones == 1 && strcmp(outcome.body, "fine") == 0);
    towline_fcgi_builder_free(request);
    towline_loop_free(loop);
}

static void note_values(void *user, const towline_fcgi_values *values)
{
    unsigned *found = user;
    towline_bytes name, value;
    size_t count = towline_fcgi_values_count(values);
    for (size_t i = 0; i < count; i++) {
        CHECK(towline_fcgi_values_get(values, i, &name, &value) == TOWLINE_OK);
        CHECK(towline_fcgi_values_get(values, i, NULL, NULL) == TOWLINE_OK);
        if (is(name, "FCGI_MPXS_CONNS"))
            *found += is(value, "0");
    }
    CHECK(towline_fcgi_values_get(values, count, &name, &value) == TOWLINE_ERR_NOT_FOUND);
}

static void values(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_client(loop, 1), handle = 0;
    unsigned found = 0;
    towline_fcgi_callbacks callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.on_values = note_values;
    OK(loop, towline_fcgi_get_values(loop, client, &callbacks, &found, &handle));
    CHECK(handle != 0 && found == 0);
    OK(loop, towline_loop_run(loop));
    CHECK(found == 1);
    OK(loop, towline_fcgi_get_values(loop, client, &callbacks, &found, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(found == 2);
    towline_loop_free(loop);
}

static uint64_t client_with(towline_loop *loop, const char *const *addresses, size_t count,
                            towline_fcgi_client_options *options)
{
    uint64_t client = 0;
    OK(loop, towline_fcgi_client_new(loop, addresses, count, options, &client));
    return client;
}

static void failures(void)
{
    towline_loop *loop = new_loop();
    struct outcome outcome;
    towline_fcgi_client_options options;
    const char *missing[] = {"unix:/nonexistent/towline.sock"};
    const char *both[] = {"unix:/nonexistent/towline.sock", address};
    towline_fcgi_stats stats = {0};
    towline_fcgi_upstream_stats upstream = {0};
    towline_fcgi_builder *request = new_request("hello.php"), *silent = new_request("silent.php");
    towline_fcgi_builder *drip = new_request("drip.php"), *big = new_request("big.php");
    towline_fcgi_builder *pausing = new_request("pause.php");
    stats.size = sizeof stats;
    upstream.size = sizeof upstream;

    send_and_run(loop, client_with(loop, missing, 1, NULL), request, 0, &outcome);
    CHECK(outcome.error == TOWLINE_ERR_CONNECT && strstr(outcome.text, "/nonexistent/towline.sock"));

    /* A second upstream takes over. */
    OK(loop, towline_fcgi_client_options_init(&options, sizeof options));
    options.balance = TOWLINE_FCGI_ROUND_ROBIN;
    uint64_t client = client_with(loop, both, 2, &options);
    send_and_run(loop, client, request, 0, &outcome);
    CHECK(outcome.dones == 1 && outcome.status == 200);
    OK(loop, towline_fcgi_client_stats(loop, client, &stats));
    CHECK(stats.upstreams == 2);
    OK(loop, towline_fcgi_client_upstream(loop, client, 0, &upstream));
    CHECK(upstream.down == 1 && upstream.refused >= 1);
    OK(loop, towline_fcgi_client_close(loop, client));

    OK(loop, towline_fcgi_client_options_init(&options, sizeof options));
    options.first_byte_timeout_ms = 30;
    send_and_run(loop, client_with(loop, &address, 1, &options), silent, 0, &outcome);
    CHECK(outcome.error == TOWLINE_ERR_TIMEOUT_FIRST_BYTE);

    /* A script that drips does not dodge the total deadline. */
    OK(loop, towline_fcgi_client_options_init(&options, sizeof options));
    client = client_with(loop, &address, 1, &options);
    OK(loop, towline_fcgi_builder_timeout(drip, 100));
    send_and_run(loop, client, drip, 1, &outcome);
    CHECK(outcome.error == TOWLINE_ERR_TIMEOUT_TOTAL);

    /* Without a deadline of the builder's the client's holds. */
    OK(loop, towline_fcgi_builder_timeout(drip, -1));
    options.timeout_ms = 100;
    send_and_run(loop, client_with(loop, &address, 1, &options), drip, 0, &outcome);
    CHECK(outcome.error == TOWLINE_ERR_TIMEOUT_TOTAL);

    OK(loop, towline_fcgi_client_options_init(&options, sizeof options));
    options.idle_timeout_ms = 30;
    options.keep_alive = 0;
    send_and_run(loop, client_with(loop, &address, 1, &options), pausing, 1, &outcome);
    CHECK(outcome.error == TOWLINE_ERR_TIMEOUT_IDLE && strcmp(outcome.body, "begun") == 0);

    OK(loop, towline_fcgi_client_options_init(&options, sizeof options));
    options.max_response = 64 * 1024;
    OK(loop, towline_fcgi_builder_query(big, "kib=200"));
    send_and_run(loop, client_with(loop, &address, 1, &options), big, 0, &outcome);
    CHECK(outcome.errors == 1 && outcome.error == TOWLINE_ERR_PROTOCOL);

    /* A full queue. */
    OK(loop, towline_fcgi_client_options_init(&options, sizeof options));
    options.max_connections = 1;
    options.max_pending = 2;
    client = client_with(loop, &address, 1, &options);
    towline_fcgi_callbacks callbacks = outcome_callbacks(0);
    static struct outcome queued[4];
    towline_status status = TOWLINE_OK;
    int sent = 0;
    while (status == TOWLINE_OK && sent < 4) {
        status = towline_fcgi_send(loop, client, request, &callbacks, &queued[sent], NULL);
        sent += status == TOWLINE_OK;
    }
    CHECK(sent == 3);
    REFUSED(TOWLINE_ERR_QUEUE_FULL, "full", loop, towline_fcgi_send(loop, client, request, &callbacks, &outcome, NULL));
    OK(loop, towline_loop_run(loop));
    for (int i = 0; i < sent; i++)
        CHECK(queued[i].dones == 1);

    towline_fcgi_builder_free(request);
    towline_fcgi_builder_free(silent);
    towline_fcgi_builder_free(drip);
    towline_fcgi_builder_free(big);
    towline_fcgi_builder_free(pausing);
    towline_loop_free(loop);
}

int main(int argc, char **argv)
{
    arguments(argc, argv);
    many();
    heads();
    statuses();
    bodies();
    sources();
    values();
    failures();
    return 0;
}
