/*
 * Towline inside a loop of one's own, here poll(2): scripts named on standard input, one a line, are run while the
 * program goes on listening.
 *
 *     printf '/srv/app/a.php\n/srv/app/b.php\n' | loop_poll ADDRESS
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline.h>
#include <unistd.h>

static void on_done(void *user, const towline_fcgi_response *response)
{
    unsigned *answers = user;
    towline_bytes body = towline_fcgi_response_body(response);
    *answers += 1;
    printf("%u: %.*s\n", (unsigned)towline_fcgi_response_status(response), (int)body.length, body.data);
}

static void on_error(void *user, towline_status status, const char *text)
{
    (void)user;
    fprintf(stderr, "%s: %s\n", towline_status_text(status), text);
}

static void check(towline_loop *loop, towline_status status)
{
    if (status != TOWLINE_OK) {
        fprintf(stderr, "%s: %s\n", towline_status_text(status), towline_loop_error(loop));
        exit(2);
    }
}

static void run_script(towline_loop *loop, uint64_t client, const char *script, unsigned *answers)
{
    towline_fcgi_callbacks callbacks = {0};
    callbacks.size = sizeof callbacks;
    callbacks.on_done = on_done;
    callbacks.on_error = on_error;

    towline_fcgi_builder *request = NULL;
    check(loop, towline_fcgi_builder_new(script, &request));
    check(loop, towline_fcgi_send(loop, client, request, &callbacks, answers, NULL));
    towline_fcgi_builder_free(request);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s ADDRESS\n", argv[0]);
        return 2;
    }

    towline_loop *loop = NULL;
    uint64_t client = 0;
    unsigned answers = 0;
    const char *addresses[] = {argv[1]};
    check(loop, towline_loop_new(&loop));
    check(loop, towline_fcgi_client_new(loop, addresses, 1, NULL, &client));

    struct pollfd watched[2] = {{.events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    check(loop, towline_loop_fd(loop, &watched[0].fd));

    char line[4096];
    size_t held = 0;
    for (;;) {
        size_t pending = 0;
        int timeout = -1;
        check(loop, towline_loop_pending(loop, &pending));
        if (watched[1].fd < 0 && pending == 0)
            break;
        check(loop, towline_loop_timeout_ms(loop, &timeout));
        if (poll(watched, 2, timeout) < 0)
            continue;

        if (watched[1].revents != 0) {
            ssize_t got = read(STDIN_FILENO, line + held, sizeof line - held);
            if (got <= 0)
                watched[1].fd = -1; /* poll(2) passes over it */
            else
                held += (size_t)got;
            for (char *end; (end = memchr(line, '\n', held)) != NULL;) {
                *end = '\0';
                run_script(loop, client, line, &answers);
                held -= (size_t)(end + 1 - line);
                memmove(line, end + 1, held);
            }
            if (held == sizeof line)
                held = 0; /* no path is that long */
        }
        check(loop, towline_loop_tick(loop, 0, NULL));
    }

    printf("%u answers\n", answers);
    towline_loop_free(loop);
    return 0;
}
