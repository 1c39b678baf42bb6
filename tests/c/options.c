/* Each option of a FastCGI client that no other test shows at work, and what only a server of one's own shows. */
#include "check.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un place = {.sun_family = AF_UNIX};
static char folder[96];

static uint64_t client_of(towline_loop *loop, const char *where, const towline_fcgi_client_options *options)
{
    uint64_t client = 0;
    OK(loop, towline_fcgi_client_new(loop, &where, 1, options, &client));
    return client;
}

static towline_fcgi_client_options defaults(towline_loop *loop)
{
    towline_fcgi_client_options options;
    OK(loop, towline_fcgi_client_options_init(&options, sizeof options));
    return options;
}

static towline_fcgi_stats stats_of(towline_loop *loop, uint64_t client)
{
    towline_fcgi_stats stats = {.size = sizeof stats};
    OK(loop, towline_fcgi_client_stats(loop, client, &stats));
    return stats;
}

static int is_down(towline_loop *loop, uint64_t client)
{
    towline_fcgi_upstream_stats upstream = {.size = sizeof upstream};
    OK(loop, towline_fcgi_client_upstream(loop, client, 0, &upstream));
    return (int)upstream.down;
}

static void ask(towline_loop *loop, uint64_t client, const char *script)
{
    struct outcome outcome = {0};
    towline_fcgi_callbacks callbacks = outcome_callbacks(0);
    towline_fcgi_builder *request = new_request(script);
    OK(loop, towline_fcgi_send(loop, client, request, &callbacks, &outcome, NULL));
    towline_fcgi_builder_free(request);
    UNTIL(loop, outcome.dones + outcome.errors == 1);
    CHECK(outcome.dones == 1);
}

static void connections_are_kept_or_not(void)
{
    towline_loop *loop = new_loop();
    towline_fcgi_client_options options = defaults(loop);
    options.idle_close_ms = 600000;
    for (options.keep_alive = 0; options.keep_alive <= 1; options.keep_alive++) {
        uint64_t client = client_of(loop, address, &options);
        ask(loop, client, "hello.php");
        ask(loop, client, "hello.php");
        CHECK(stats_of(loop, client).reused == options.keep_alive);
        CHECK(stats_of(loop, client).connects == 2 - options.keep_alive);
        CHECK(stats_of(loop, client).idle == options.keep_alive);
    }
    towline_loop_free(loop);
}

static void idle_ones_are_closed(void)
{
    towline_loop *loop = new_loop();
    towline_fcgi_client_options options = defaults(loop);
    options.connect_timeout_ms = options.fail_timeout_ms = 600000;
    options.idle_close_ms = 30;
    uint64_t client = client_of(loop, address, &options);
    ask(loop, client, "hello.php");
    CHECK(stats_of(loop, client).idle == 1);
    UNTIL(loop, stats_of(loop, client).idle == 0);
    towline_loop_free(loop);
}

static void one_that_refuses_is_left_alone(void)
{
    const char *both[] = {"unix:/nonexistent/towline.sock", address};
    towline_loop *loop = new_loop();
    towline_fcgi_client_options options = defaults(loop);
    uint64_t client[2] = {0};
    options.balance = TOWLINE_FCGI_ROUND_ROBIN;
    options.connect_timeout_ms = options.idle_close_ms = 600000;
    for (int n = 0; n < 2; n++) {
        options.fail_timeout_ms = n == 0 ? 30 : 600000;
        OK(loop, towline_fcgi_client_new(loop, both, 2, &options, &client[n]));
        ask(loop, client[n], "hello.php");
    }
    while (is_down(loop, client[0]))
        OK(loop, towline_loop_tick(loop, 5, NULL));
    CHECK(is_down(loop, client[1]));
    towline_loop_free(loop);
}

static int listening(int backlog)
{
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(server >= 0);
    CHECK(bind(server, (struct sockaddr *)&place, sizeof place) == 0);
    CHECK(listen(server, backlog) == 0);
    return server;
}

static void connecting_has_a_deadline(void)
{
    int inside[16], count = 0, server = listening(0);
    while (count < 16) {
        int guest = inside[count++] = socket(AF_UNIX, SOCK_STREAM, 0);
        CHECK(guest >= 0 && fcntl(guest, F_SETFL, O_NONBLOCK) == 0);
        if (connect(guest, (struct sockaddr *)&place, sizeof place) != 0)
            break;
    }
    CHECK(count < 16); /* full */
    towline_loop *loop = new_loop();
    towline_fcgi_client_options options = defaults(loop);
    options.idle_close_ms = options.fail_timeout_ms = 600000;
    options.connect_timeout_ms = 30;
    struct outcome outcome = {0};
    towline_fcgi_callbacks callbacks = outcome_callbacks(0);
    towline_fcgi_builder *request = new_request("hello.php");
    OK(loop, towline_fcgi_send(loop, client_of(loop, place.sun_path, &options), request, &callbacks, &outcome, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(outcome.error == TOWLINE_ERR_TIMEOUT_CONNECT && strstr(outcome.text, "0.03 s") != NULL);
    towline_fcgi_builder_free(request);
    towline_loop_free(loop);
    while (count > 0)
        close(inside[--count]);
    close(server);
    unlink(place.sun_path);
}

struct told {
    uint32_t app_status;
    uint64_t duration_us;
};

static void note_response(void *user, const towline_fcgi_response *response)
{
    struct told *told = user;
    told->app_status = towline_fcgi_response_app_status(response);
    told->duration_us = towline_fcgi_response_duration_us(response);
}

static void durations_count_the_waiting(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_client(loop, 1);
    struct told told[2] = {{0}};
    towline_fcgi_callbacks callbacks = {.size = sizeof callbacks, .on_done = note_response};
    towline_fcgi_builder *nap = new_request("nap.php");
    for (int n = 0; n < 2; n++)
        OK(loop, towline_fcgi_send(loop, client, nap, &callbacks, &told[n], NULL));
    towline_fcgi_builder_free(nap);
    OK(loop, towline_loop_run(loop));
    CHECK(told[0].duration_us >= 50000);
    CHECK(told[1].duration_us >= 100000); /* its own 50 ms come after the first one's */
    towline_loop_free(loop);
}

static void an_application_has_a_status(void)
{
    static const uint8_t answer[] = {1, 6, 0, 1, 0, 2, 0, 0, '\r', '\n', 1, 3, 0, 1, 0, 8, 0, 0, 0xff, 0, 0, 7, 0, 0, 0, 0};
    char request_bytes[4096];
    int server = listening(1);
    towline_loop *loop = new_loop();
    struct told told = {0};
    towline_fcgi_callbacks callbacks = {.size = sizeof callbacks, .on_done = note_response};
    towline_fcgi_builder *request = new_request("hello.php");
    OK(loop, towline_fcgi_send(loop, client_of(loop, place.sun_path, NULL), request, &callbacks, &told, NULL));
    towline_fcgi_builder_free(request);
    int connection = accept(server, NULL, NULL);
    CHECK(connection >= 0);
    CHECK(read(connection, request_bytes, sizeof request_bytes) > 0);
    CHECK(write(connection, answer, sizeof answer) == (ssize_t)sizeof answer);
    OK(loop, towline_loop_run(loop));
    CHECK(told.app_status == 0xff000007u);
    towline_loop_free(loop);
    close(connection);
    close(server);
    unlink(place.sun_path);
}

static void clean_up(void)
{
    unlink(place.sun_path);
    rmdir(folder);
}

int main(int argc, char **argv)
{
    const char *temporary = getenv("TMPDIR");
    arguments(argc, argv);
    snprintf(folder, sizeof folder, "%s/towline-c-XXXXXX", temporary != NULL ? temporary : "/tmp");
    CHECK(mkdtemp(folder) != NULL);
    atexit(clean_up);
    snprintf(place.sun_path, sizeof place.sun_path, "%s/peer.sock", folder);
    connections_are_kept_or_not();
    idle_ones_are_closed();
    one_that_refuses_is_left_alone();
    connecting_has_a_deadline();
    durations_count_the_waiting();
    an_application_has_a_status();
    return 0;
}
