/* Wrong arguments of every kind: each is refused with words, none harms. */
#include "check.h"

static ptrdiff_t no_bytes(void *user, uint8_t *buffer, size_t capacity)
{
    (void)user, (void)buffer, (void)capacity;
    return 0;
}

static void tick(void *user) { (void)user; }

static void null_loops(void)
{
    towline_fcgi_builder *request = new_request("hello.php");
    towline_fcgi_callbacks callbacks = outcome_callbacks(0);
    towline_fcgi_stats stats = {0};
    towline_fcgi_upstream_stats upstream = {0};
    uint64_t handle = 77;
    CHECK(towline_fcgi_client_new(NULL, &address, 1, NULL, &handle) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_client_close(NULL, 1) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_client_stats(NULL, 1, &stats) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_client_upstream(NULL, 1, 0, &upstream) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_send(NULL, 1, request, &callbacks, NULL, &handle) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_get_values(NULL, 1, &callbacks, NULL, &handle) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_cancel(NULL, 1) == TOWLINE_ERR_INVALID);
    CHECK(handle == 77);
    towline_fcgi_builder_free(request);
}

static void addresses(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = 77;
    const char *bad[] = {"", "nonsense", "unix:", "tcp://", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999",
                         "http://127.0.0.1:9000", "[::1:9000", ":9000", "\xff\xfe:9000"};
    const char *none[] = {address, NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        STATUS(TOWLINE_ERR_INVALID, loop, towline_fcgi_client_new(loop, &bad[i], 1, NULL, &client));
        CHECK(strlen(towline_loop_error(loop)) > 10);
    }
    REFUSED(TOWLINE_ERR_INVALID, "0 addresses", loop, towline_fcgi_client_new(loop, &address, 0, NULL, &client));
    REFUSED(TOWLINE_ERR_INVALID, "addresses is NULL", loop, towline_fcgi_client_new(loop, NULL, 1, NULL, &client));
    REFUSED(TOWLINE_ERR_INVALID, "addresses[1] is NULL", loop, towline_fcgi_client_new(loop, none, 2, NULL, &client));
    REFUSED(TOWLINE_ERR_INVALID, "client is NULL", loop, towline_fcgi_client_new(loop, &address, 1, NULL, NULL));
    CHECK(client == 77);
    towline_loop_free(loop);
}

#define OPTION(member, value) \
    do { \
        OK(loop, towline_fcgi_client_options_init(&options, sizeof options)); \
        options.member = value; \
        REFUSED(TOWLINE_ERR_INVALID, #member, loop, towline_fcgi_client_new(loop, &address, 1, &options, &client)); \
    } while (0)

static void options(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = 0;
    towline_fcgi_client_options options;
    /* As a newer program has it, with a member more. */
    struct {
        towline_fcgi_client_options known;
        uint64_t later;
    } newer;

    CHECK(towline_fcgi_client_options_init(NULL, sizeof options) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_client_options_init(&options, 0) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_client_options_init(&options, 12) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_client_options_init(&options, (size_t)1 << 40) == TOWLINE_ERR_INVALID);
    OK(loop, towline_fcgi_client_options_init(&options, sizeof options));
    CHECK(options.size == sizeof options && options.max_connections == 8 && options.max_pending == 100000);
    CHECK(options.keep_alive == 1 && options.balance == TOWLINE_FCGI_LEAST_CONNECTIONS);
    CHECK(options.idle_close_ms == 1000 && options.connect_timeout_ms == 5000 && options.timeout_ms == -1);
    CHECK(options.first_byte_timeout_ms == -1 && options.idle_timeout_ms == -1);
    CHECK(options.max_response == 64 * 1024 * 1024 && options.fail_timeout_ms == 10000);
    OK(loop, towline_fcgi_client_new(loop, &address, 1, &options, &client));

    OPTION(size, 0);
    OPTION(size, 7);
    OPTION(size, 12);
    OPTION(size, UINT32_MAX);
    OPTION(max_connections, 0);
    OPTION(max_pending, 0);
    OPTION(keep_alive, 2);
    OPTION(balance, 7);
    OPTION(balance, -1);
    OPTION(idle_close_ms, -1);
    OPTION(connect_timeout_ms, -1);
    OPTION(connect_timeout_ms, 0);
    OPTION(first_byte_timeout_ms, 0);
    OPTION(first_byte_timeout_ms, -2);
    OPTION(idle_timeout_ms, INT64_MIN);
    OPTION(timeout_ms, INT64_MAX);
    OPTION(fail_timeout_ms, -1);

    /* An older program: the members it does not have keep their defaults, and nothing behind them is touched. */
    memset(&options, 0xee, sizeof options);
    CHECK(towline_fcgi_client_options_init(&options, 16) == TOWLINE_OK);
    CHECK(options.size == 16 && options.max_connections == 8 && options.max_pending == 100000);
    CHECK(options.keep_alive == 0xeeeeeeee);
    OK(loop, towline_fcgi_client_new(loop, &address, 1, &options, &client));

    /* A newer program: what this library does not know must be unset. */
    OK(loop, towline_fcgi_client_options_init(&newer.known, sizeof newer));
    CHECK(newer.known.size == sizeof newer && newer.later == 0);
    OK(loop, towline_fcgi_client_new(loop, &address, 1, &newer.known, &client));
    newer.later = 1;
    REFUSED(TOWLINE_ERR_INVALID, "does not know", loop,
            towline_fcgi_client_new(loop, &address, 1, &newer.known, &client));
    towline_loop_free(loop);
}

static void handles(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_client(loop, 1), timer = 0, request = 0;
    struct outcome outcome = {0};
    towline_fcgi_builder *builder = new_request("hello.php");
    towline_fcgi_callbacks callbacks = outcome_callbacks(0);
    towline_fcgi_stats stats = {0};
    stats.size = sizeof stats;
    OK(loop, towline_loop_timer_start(loop, 3600 * 1000, tick, NULL, &timer));
    OK(loop, towline_fcgi_send(loop, client, builder, &callbacks, &outcome, &request));

    /* Each noun's handles are its own, and arbitrary numbers find nothing. */
    uint64_t wrong[] = {0, 1, 42, UINT64_MAX, (uint64_t)1 << 32, (uint64_t)3 << 32 | 1, (uint64_t)1 << 63};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        STATUS(TOWLINE_ERR_STALE, loop, towline_loop_timer_cancel(loop, wrong[i]));
        STATUS(TOWLINE_ERR_STALE, loop, towline_fcgi_cancel(loop, wrong[i]));
        STATUS(TOWLINE_ERR_STALE, loop, towline_fcgi_client_close(loop, wrong[i]));
        STATUS(TOWLINE_ERR_STALE, loop, towline_fcgi_client_stats(loop, wrong[i], &stats));
        STATUS(TOWLINE_ERR_STALE, loop, towline_fcgi_send(loop, wrong[i], builder, &callbacks, &outcome, NULL));
        STATUS(TOWLINE_ERR_STALE, loop, towline_fcgi_get_values(loop, wrong[i], &callbacks, &outcome, NULL));
    }
    REFUSED(TOWLINE_ERR_STALE, "timer", loop, towline_loop_timer_cancel(loop, client));
    REFUSED(TOWLINE_ERR_STALE, "timer", loop, towline_loop_timer_cancel(loop, request));
    REFUSED(TOWLINE_ERR_STALE, "request", loop, towline_fcgi_cancel(loop, client));
    REFUSED(TOWLINE_ERR_STALE, "request", loop, towline_fcgi_cancel(loop, timer));
    REFUSED(TOWLINE_ERR_STALE, "client", loop, towline_fcgi_client_close(loop, timer));
    REFUSED(TOWLINE_ERR_STALE, "client", loop, towline_fcgi_client_close(loop, request));
    OK(loop, towline_loop_timer_cancel(loop, timer));
    OK(loop, towline_loop_run(loop));
    CHECK(outcome.dones == 1);

    /* The slot of an ended request is used again; its old handle does not reach the new one. */
    uint64_t second = 0;
    OK(loop, towline_fcgi_send(loop, client, builder, &callbacks, memset(&outcome, 0, sizeof outcome), &second));
    CHECK(second != request);
    STATUS(TOWLINE_ERR_STALE, loop, towline_fcgi_cancel(loop, request));
    OK(loop, towline_loop_run(loop));
    CHECK(outcome.dones == 1);
    towline_fcgi_builder_free(builder);
    towline_loop_free(loop);
}

#define BAD(word, call) \
    do { \
        CHECK((call) == TOWLINE_ERR_INVALID); \
        CHECK(strstr(towline_fcgi_builder_error(builder), word) != NULL); \
    } while (0)

static void builders(void)
{
    towline_fcgi_builder *builder = NULL;
    CHECK(towline_fcgi_builder_new(NULL, &builder) == TOWLINE_ERR_INVALID && builder == NULL);
    CHECK(towline_fcgi_builder_new("", &builder) == TOWLINE_ERR_INVALID && builder == NULL);
    CHECK(towline_fcgi_builder_new("/x.php", NULL) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_builder_method(NULL, "GET") == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_builder_query(NULL, "") == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_builder_content_type(NULL, "") == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_builder_param(NULL, "A", "b", 1) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_builder_header(NULL, "A", "b", 1) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_builder_role(NULL, TOWLINE_FCGI_RESPONDER) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_builder_body(NULL, "b", 1) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_builder_data(NULL, "b", 1) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_builder_source(NULL, no_bytes, NULL, 1) == TOWLINE_ERR_INVALID);
    CHECK(towline_fcgi_builder_timeout(NULL, 1) == TOWLINE_ERR_INVALID);
    CHECK(strcmp(towline_fcgi_builder_error(NULL), "builder is NULL") == 0);
    towline_fcgi_builder_free(NULL);

    builder = new_request("hello.php");
    CHECK(strcmp(towline_fcgi_builder_error(builder), "") == 0);
    BAD("method is NULL", towline_fcgi_builder_method(builder, NULL));
    BAD("query is NULL", towline_fcgi_builder_query(builder, NULL));
    BAD("content_type is NULL", towline_fcgi_builder_content_type(builder, NULL));
    BAD("name is NULL", towline_fcgi_builder_param(builder, NULL, "b", 1));
    BAD("name is empty", towline_fcgi_builder_param(builder, "", "b", 1));
    BAD("value is NULL", towline_fcgi_builder_param(builder, "A", NULL, 1));
    BAD("value is said", towline_fcgi_builder_param(builder, "A", "b", SIZE_MAX));
    BAD("name is NULL", towline_fcgi_builder_header(builder, NULL, "b", 1));
    BAD("no HTTP header name", towline_fcgi_builder_header(builder, "", "b", 1));
    BAD("no HTTP header name", towline_fcgi_builder_header(builder, "A B", "b", 1));
    BAD("httpoxy", towline_fcgi_builder_header(builder, "Proxy", "b", 1));
    BAD("Content-Length", towline_fcgi_builder_header(builder, "Content-Length", "1", 1));
    BAD("UTF-8", towline_fcgi_builder_header(builder, "\xff", "1", 1));
    BAD("value is NULL", towline_fcgi_builder_header(builder, "A", NULL, 1));
    BAD("role is 0", towline_fcgi_builder_role(builder, 0));
    BAD("role is 4", towline_fcgi_builder_role(builder, 4));
    BAD("body is NULL", towline_fcgi_builder_body(builder, NULL, 1));
    BAD("data is NULL", towline_fcgi_builder_data(builder, NULL, 1));
    BAD("source is NULL", towline_fcgi_builder_source(builder, NULL, NULL, 1));
    BAD("timeout_ms is 0", towline_fcgi_builder_timeout(builder, 0));
    BAD("timeout_ms is -2", towline_fcgi_builder_timeout(builder, -2));

    /* None of that has changed it. */
    towline_loop *loop = new_loop();
    uint64_t client = new_client(loop, 1);
    struct outcome outcome = {0};
    towline_fcgi_callbacks callbacks = outcome_callbacks(0);
    OK(loop, towline_fcgi_send(loop, client, builder, &callbacks, &outcome, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(outcome.dones == 1 && outcome.status == 200);
    towline_fcgi_builder_free(builder);

    /* What only the whole shows is told when it is sent. */
    static char long_value[70000];
    memset(long_value, 'v', sizeof long_value);
    builder = new_request("hello.php");
    CHECK(towline_fcgi_builder_param(builder, "LONG", long_value, sizeof long_value) == TOWLINE_OK);
    REFUSED(TOWLINE_ERR_INVALID, "LONG", loop, towline_fcgi_send(loop, client, builder, &callbacks, &outcome, NULL));
    towline_fcgi_builder_free(builder);
    builder = new_request("hello.php");
    CHECK(towline_fcgi_builder_method(builder, "NOT A METHOD") == TOWLINE_OK);
    REFUSED(TOWLINE_ERR_INVALID, "method", loop, towline_fcgi_send(loop, client, builder, &callbacks, &outcome, NULL));
    towline_fcgi_builder_free(builder);
    builder = new_request("hello.php");
    CHECK(towline_fcgi_builder_param(builder, "HTTP_PROXY", "x", 1) == TOWLINE_OK);
    REFUSED(TOWLINE_ERR_INVALID, "httpoxy", loop, towline_fcgi_send(loop, client, builder, &callbacks, &outcome, NULL));
    towline_fcgi_builder_free(builder);
    builder = new_request("hello.php");
    CHECK(towline_fcgi_builder_body(builder, "x", 1) == TOWLINE_OK);
    CHECK(towline_fcgi_builder_role(builder, TOWLINE_FCGI_AUTHORIZER) == TOWLINE_OK);
    REFUSED(TOWLINE_ERR_INVALID, "authorizer", loop,
            towline_fcgi_send(loop, client, builder, &callbacks, &outcome, NULL));
    towline_fcgi_builder_free(builder);
    builder = new_request("hello.php");
    CHECK(towline_fcgi_builder_data(builder, "x", 1) == TOWLINE_OK);
    REFUSED(TOWLINE_ERR_INVALID, "filter", loop, towline_fcgi_send(loop, client, builder, &callbacks, &outcome, NULL));
    towline_fcgi_builder_free(builder);
    towline_loop_free(loop);
}

static void callbacks(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_client(loop, 1);
    towline_fcgi_builder *builder = new_request("hello.php");
    towline_fcgi_callbacks callbacks = outcome_callbacks(0);
    struct outcome outcome = {0};
    towline_fcgi_stats stats = {0};
    towline_fcgi_upstream_stats upstream = {0};
    size_t pending = 9;

    REFUSED(TOWLINE_ERR_INVALID, "callbacks is NULL", loop,
            towline_fcgi_send(loop, client, builder, NULL, &outcome, NULL));
    REFUSED(TOWLINE_ERR_INVALID, "builder is NULL", loop,
            towline_fcgi_send(loop, client, NULL, &callbacks, &outcome, NULL));
    REFUSED(TOWLINE_ERR_INVALID, "callbacks is NULL", loop,
            towline_fcgi_get_values(loop, client, NULL, &outcome, NULL));
    uint32_t sizes[] = {0, 4, 12, sizeof callbacks - 1, sizeof callbacks + 4, UINT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        callbacks.size = sizes[i];
        REFUSED(TOWLINE_ERR_INVALID, "towline_fcgi_callbacks", loop,
                towline_fcgi_send(loop, client, builder, &callbacks, &outcome, NULL));
    }
    /* Nothing was sent by that. */
    OK(loop, towline_loop_pending(loop, &pending));
    CHECK(pending == 0);

    /* An older program, which does not know of the last two callbacks. */
    callbacks.size = sizeof callbacks - 2 * sizeof(void (*)(void));
    OK(loop, towline_fcgi_send(loop, client, builder, &callbacks, &outcome, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(outcome.dones == 1);

    REFUSED(TOWLINE_ERR_INVALID, "towline_fcgi_stats", loop, towline_fcgi_client_stats(loop, client, &stats));
    REFUSED(TOWLINE_ERR_INVALID, "NULL", loop, towline_fcgi_client_stats(loop, client, NULL));
    REFUSED(TOWLINE_ERR_INVALID, "NULL", loop, towline_fcgi_client_upstream(loop, client, 0, NULL));
    REFUSED(TOWLINE_ERR_INVALID, "size is 0", loop, towline_fcgi_client_upstream(loop, client, 0, &upstream));
    memset(&stats, 0xee, sizeof stats);
    stats.size = 16;
    OK(loop, towline_fcgi_client_stats(loop, client, &stats));
    CHECK(stats.size == 16 && stats.sent == 1 && stats.done == 0xeeeeeeeeeeeeeeee);
    towline_fcgi_builder_free(builder);
    towline_loop_free(loop);
}

int main(int argc, char **argv)
{
    arguments(argc, argv);
    null_loops();
    addresses();
    options();
    handles();
    builders();
    callbacks();
    return 0;
}
