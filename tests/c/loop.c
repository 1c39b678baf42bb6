/* The loop by itself: timers, nesting, waking, a foreign loop, another thread, a forked child. */
#include "check.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

struct state {
    towline_loop *loop;
    uint64_t timer;
    int calls;
    int limit;
};

static void count(void *user)
{
    struct state *state = user;
    state->calls++;
}

static void count_and_cancel(void *user)
{
    struct state *state = user;
    if (++state->calls == state->limit) {
        OK(state->loop, towline_loop_timer_cancel(state->loop, state->timer));
        STATUS(TOWLINE_ERR_STALE, state->loop, towline_loop_timer_cancel(state->loop, state->timer));
    }
}

static void basics(void)
{
    towline_loop *loop = new_loop();
    size_t pending = 9;
    uint32_t dispatched = 9;
    int fd = -1, timeout = 9;
    CHECK(strcmp(towline_loop_error(loop), "") == 0);
    OK(loop, towline_loop_pending(loop, &pending));
    CHECK(pending == 0);
    OK(loop, towline_loop_timeout_ms(loop, &timeout));
    CHECK(timeout == -1);
    OK(loop, towline_loop_run(loop));
    OK(loop, towline_loop_stop(loop));
    OK(loop, towline_loop_tick(loop, 0, &dispatched));
    CHECK(dispatched == 0);
    OK(loop, towline_loop_tick(loop, 0, NULL));
    OK(loop, towline_loop_fd(loop, &fd));
    CHECK(fd >= 0);
    towline_loop_free(loop);
    towline_loop_free(NULL);
}

static void misuse(void)
{
    towline_loop *loop = new_loop();
    size_t pending;
    int number;
    uint64_t timer;
    CHECK(towline_loop_new(NULL) == TOWLINE_ERR_INVALID);
    CHECK(towline_loop_run(NULL) == TOWLINE_ERR_INVALID);
    CHECK(towline_loop_tick(NULL, 0, NULL) == TOWLINE_ERR_INVALID);
    CHECK(towline_loop_stop(NULL) == TOWLINE_ERR_INVALID);
    CHECK(towline_loop_fd(NULL, &number) == TOWLINE_ERR_INVALID);
    CHECK(towline_loop_timeout_ms(NULL, &number) == TOWLINE_ERR_INVALID);
    CHECK(towline_loop_wake(NULL) == TOWLINE_ERR_INVALID);
    CHECK(towline_loop_on_wake(NULL, count, NULL) == TOWLINE_ERR_INVALID);
    CHECK(towline_loop_pending(NULL, &pending) == TOWLINE_ERR_INVALID);
    CHECK(towline_loop_timer_start(NULL, 0, count, NULL, &timer) == TOWLINE_ERR_INVALID);
    CHECK(towline_loop_timer_repeat(NULL, 1, count, NULL, &timer) == TOWLINE_ERR_INVALID);
    CHECK(towline_loop_timer_cancel(NULL, 1) == TOWLINE_ERR_INVALID);
    CHECK(towline_loop_error(NULL) != NULL);

    REFUSED(TOWLINE_ERR_INVALID, "fd is NULL", loop, towline_loop_fd(loop, NULL));
    REFUSED(TOWLINE_ERR_INVALID, "NULL", loop, towline_loop_timeout_ms(loop, NULL));
    REFUSED(TOWLINE_ERR_INVALID, "NULL", loop, towline_loop_pending(loop, NULL));
    REFUSED(TOWLINE_ERR_INVALID, "timeout_ms is -2", loop, towline_loop_tick(loop, -2, NULL));
    REFUSED(TOWLINE_ERR_INVALID, "callback is NULL", loop, towline_loop_timer_start(loop, 1, NULL, NULL, &timer));
    REFUSED(TOWLINE_ERR_INVALID, "delay_ms is -1", loop, towline_loop_timer_start(loop, -1, count, NULL, &timer));
    REFUSED(TOWLINE_ERR_INVALID, "interval_ms is 0", loop, towline_loop_timer_repeat(loop, 0, count, NULL, &timer));
    REFUSED(TOWLINE_ERR_INVALID, "interval_ms is -5", loop, towline_loop_timer_repeat(loop, -5, count, NULL, &timer));
    REFUSED(TOWLINE_ERR_STALE, "timer", loop, towline_loop_timer_cancel(loop, 0));
    REFUSED(TOWLINE_ERR_STALE, "timer", loop, towline_loop_timer_cancel(loop, 12345));
    REFUSED(TOWLINE_ERR_STALE, "timer", loop, towline_loop_timer_cancel(loop, UINT64_MAX));
    towline_loop_free(loop);
}

static void texts(void)
{
    CHECK(strcmp(towline_version(), TOWLINE_VERSION) == 0);
    for (int status = TOWLINE_ERR_FPM; status <= TOWLINE_OK; status++)
        for (int other = TOWLINE_ERR_FPM; other < status; other++)
            CHECK(strcmp(towline_status_text((towline_status)status), towline_status_text((towline_status)other)) != 0);
    CHECK(strcmp(towline_status_text(TOWLINE_OK), "ok") == 0);
    CHECK(strcmp(towline_status_text(TOWLINE_ERR_STALE), "stale handle") == 0);
    CHECK(strcmp(towline_status_text(TOWLINE_ERR_FPM), "php-fpm did not start") == 0);
    CHECK(strcmp(towline_status_text(1), "unknown status") == 0);
    CHECK(strcmp(towline_status_text(-1000), "unknown status") == 0);
    CHECK(strcmp(towline_status_text(INT32_MIN), "unknown status") == 0);
}

static char order[8];

static void note_a(void *user) { (void)user; strcat(order, "a"); }
static void note_b(void *user) { (void)user; strcat(order, "b"); }
static void note_c(void *user) { (void)user; strcat(order, "c"); }

static void timers(void)
{
    towline_loop *loop = new_loop();
    struct state state = {loop, 0, 0, 3};
    uint64_t one = 0, other = 0;
    size_t pending = 0;
    int timeout = -1;

    /* The first one started is due last. */
    OK(loop, towline_loop_timer_start(loop, 3600 * 1000, count, &state, &other));
    OK(loop, towline_loop_timer_start(loop, 0, note_a, NULL, NULL));
    OK(loop, towline_loop_timer_start(loop, 1, note_b, NULL, NULL));
    OK(loop, towline_loop_timer_start(loop, 2, note_c, NULL, NULL));
    CHECK(order[0] == '\0');
    OK(loop, towline_loop_pending(loop, &pending));
    CHECK(pending == 4);
    UNTIL(loop, strlen(order) == 3);
    OK(loop, towline_loop_timer_cancel(loop, other));
    CHECK(strcmp(order, "abc") == 0);

    OK(loop, towline_loop_timer_repeat(loop, 1, count_and_cancel, &state, &state.timer));
    OK(loop, towline_loop_run(loop));
    CHECK(state.calls == 3);

    /* A timer that is due but cancelled is not called. */
    OK(loop, towline_loop_timer_start(loop, 0, count, &state, &one));
    OK(loop, towline_loop_timer_start(loop, 3600 * 1000, count, &state, &other));
    CHECK(one != other);
    OK(loop, towline_loop_timeout_ms(loop, &timeout));
    CHECK(timeout >= 0 && timeout <= 1);
    OK(loop, towline_loop_timer_cancel(loop, one));
    OK(loop, towline_loop_timeout_ms(loop, &timeout));
    CHECK(timeout > 3500 * 1000);
    OK(loop, towline_loop_tick(loop, 0, NULL));
    CHECK(state.calls == 3);
    OK(loop, towline_loop_timer_cancel(loop, other));
    STATUS(TOWLINE_ERR_STALE, loop, towline_loop_timer_cancel(loop, other));
    OK(loop, towline_loop_run(loop));

    /* As far as the clock goes. */
    OK(loop, towline_loop_timer_start(loop, INT64_MAX, count, &state, &one));
    OK(loop, towline_loop_timer_repeat(loop, INT64_MAX, count, &state, &other));
    OK(loop, towline_loop_tick(loop, 0, NULL));
    CHECK(state.calls == 3);
    towline_loop_free(loop);
}

static void cancel_other(void *user)
{
    struct state *state = user;
    state->calls++;
    OK(state->loop, towline_loop_timer_cancel(state->loop, state->timer));
}

static void cancelled_while_due(void)
{
    towline_loop *loop = new_loop();
    struct state first = {loop, 0, 0, 0}, second = {loop, 0, 0, 0};
    OK(loop, towline_loop_timer_start(loop, 0, cancel_other, &first, NULL));
    OK(loop, towline_loop_timer_start(loop, 0, count, &second, &first.timer));
    OK(loop, towline_loop_run(loop));
    CHECK(first.calls == 1 && second.calls == 0);
    towline_loop_free(loop);
}

static void start_another(void *user)
{
    struct state *state = user;
    if (++state->calls < 100000)
        OK(state->loop, towline_loop_timer_start(state->loop, 0, start_another, state, NULL));
}

static void ticks_are_bounded(void)
{
    towline_loop *loop = new_loop();
    struct state state = {loop, 0, 0, 0};
    uint32_t dispatched = 0;
    OK(loop, towline_loop_timer_start(loop, 0, start_another, &state, NULL));
    UNTIL(loop, state.calls > 0);
    OK(loop, towline_loop_tick(loop, 0, &dispatched));
    CHECK(dispatched <= 2 && state.calls <= 3);
    towline_loop_free(loop);
}

static void nested(void *user)
{
    struct state *state = user;
    if (++state->calls < 4) {
        OK(state->loop, towline_loop_timer_start(state->loop, 0, nested, state, NULL));
        if (state->calls % 2)
            OK(state->loop, towline_loop_run(state->loop));
        else
            OK(state->loop, towline_loop_tick(state->loop, 1, NULL));
    }
}

/* Nests until it is refused. */
static void endless(void *user)
{
    struct state *state = user;
    towline_status status;
    state->calls++;
    OK(state->loop, towline_loop_timer_start(state->loop, 0, endless, state, NULL));
    status = towline_loop_run(state->loop);
    if (status != TOWLINE_OK)
        CHECK(status == TOWLINE_ERR_INVALID && strstr(towline_loop_error(state->loop), "256 deep"));
    OK(state->loop, towline_loop_stop(state->loop));
}

static void stop(void *user)
{
    struct state *state = user;
    state->calls++;
    OK(state->loop, towline_loop_stop(state->loop));
}

static void run_then_stop(void *user)
{
    struct state *state = user;
    struct state inner = {state->loop, 0, 0, 0};
    OK(state->loop, towline_loop_timer_start(state->loop, 0, stop, &inner, NULL));
    OK(state->loop, towline_loop_run(state->loop)); /* the stop inside ends this run, not the outer one */
    CHECK(inner.calls == 1);
    state->calls++;
}

/* What was stopped is the run around this callback, not the ticks inside it. */
static void stop_then_tick(void *user)
{
    struct state *state = user;
    struct state due = {state->loop, 0, 0, 0};
    OK(state->loop, towline_loop_stop(state->loop));
    OK(state->loop, towline_loop_timer_start(state->loop, 0, count, &due, NULL));
    UNTIL(state->loop, due.calls == 1);
    /* A stop inside of such a tick is for that run too. */
    OK(state->loop, towline_loop_timer_start(state->loop, 0, stop, &due, NULL));
    UNTIL(state->loop, due.calls == 2);
    state->calls++;
}

static void tick_that_stops(void *user)
{
    struct state *state = user;
    struct state inner = {state->loop, 0, 0, 0};
    OK(state->loop, towline_loop_timer_start(state->loop, 0, stop, &inner, NULL));
    UNTIL(state->loop, inner.calls == 1);
    state->calls++;
}

static void nesting(void)
{
    towline_loop *loop = new_loop();
    struct state state = {loop, 0, 0, 0}, stopped = {loop, 0, 0, 0}, later = {loop, 0, 0, 0};
    OK(loop, towline_loop_timer_start(loop, 0, nested, &state, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(state.calls == 4);

    state.calls = 0;
    OK(loop, towline_loop_timer_start(loop, 0, endless, &state, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(state.calls == 256);
    towline_loop_free(loop);
    loop = state.loop = stopped.loop = new_loop();

    /* stop leaves what is due for the next run. */
    OK(loop, towline_loop_timer_start(loop, 0, stop, &stopped, NULL));
    OK(loop, towline_loop_timer_start(loop, 0, count, &later, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(stopped.calls == 1 && later.calls == 0);
    OK(loop, towline_loop_run(loop));
    CHECK(later.calls == 1);

    state.calls = 0;
    later.calls = 0;
    OK(loop, towline_loop_timer_start(loop, 0, run_then_stop, &state, NULL));
    OK(loop, towline_loop_timer_start(loop, 30, count, &later, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(state.calls == 1 && later.calls == 1);

    for (int n = 0; n < 2; n++) {
        state.calls = later.calls = 0;
        OK(loop, towline_loop_timer_start(loop, 0, n == 0 ? stop_then_tick : tick_that_stops, &state, NULL));
        OK(loop, towline_loop_timer_start(loop, 3600 * 1000, count, &later, &later.timer));
        OK(loop, towline_loop_run(loop));
        CHECK(state.calls == 1 && later.calls == 0);
        OK(loop, towline_loop_timer_cancel(loop, later.timer));
    }
    towline_loop_free(loop);
}

static void free_loop(void *user)
{
    struct state *state = user;
    int number;
    state->calls++;
    towline_loop_free(state->loop);
    towline_loop_free(state->loop);
    STATUS(TOWLINE_ERR_STALE, state->loop, towline_loop_tick(state->loop, 0, NULL));
    STATUS(TOWLINE_ERR_STALE, state->loop, towline_loop_fd(state->loop, &number));
    STATUS(TOWLINE_ERR_STALE, state->loop, towline_loop_timer_start(state->loop, 0, count, state, NULL));
}

static void free_in_nested_tick(void *user)
{
    struct state *state = user;
    OK(state->loop, towline_loop_timer_start(state->loop, 0, free_loop, state, NULL));
    towline_status status = TOWLINE_OK;
    while (status == TOWLINE_OK)
        status = towline_loop_tick(state->loop, -1, NULL);
    CHECK(status == TOWLINE_ERR_STALE);
    /* Still there until the outermost call returns. */
    STATUS(TOWLINE_ERR_STALE, state->loop, towline_loop_stop(state->loop));
}

static void freeing_inside(void)
{
    for (int way = 0; way < 3; way++) {
        struct state state = {new_loop(), 0, 0, 0}, never = {NULL, 0, 0, 0};
        OK(state.loop, towline_loop_timer_start(state.loop, 0, way ? free_in_nested_tick : free_loop, &state, NULL));
        /* Due in the same turn, or never. */
        OK(state.loop, towline_loop_timer_start(state.loop, way ? 3600 * 1000 : 0, count, &never, NULL));
        if (way == 1) {
            towline_status status = TOWLINE_OK;
            while (status == TOWLINE_OK)
                status = towline_loop_tick(state.loop, -1, NULL);
            CHECK(status == TOWLINE_ERR_STALE);
        } else {
            CHECK(towline_loop_run(state.loop) == TOWLINE_ERR_STALE);
        }
        CHECK(state.calls == 1 && never.calls == 0);
    }
}

static void *wake_it(void *user)
{
    struct state *state = user;
    CHECK(towline_loop_wake(state->loop) == TOWLINE_OK);
    CHECK(towline_loop_tick(state->loop, 0, NULL) == TOWLINE_ERR_THREAD);
    CHECK(towline_loop_stop(state->loop) == TOWLINE_ERR_THREAD);
    CHECK(strstr(towline_loop_error(state->loop), "thread") != NULL);
    towline_loop_free(state->loop); /* not from here */
    return NULL;
}

static void waking(void)
{
    towline_loop *loop = new_loop();
    struct state state = {loop, 0, 0, 0};
    pthread_t thread;

    /* Without a callback a wake just ends the wait. */
    CHECK(pthread_create(&thread, NULL, wake_it, &state) == 0);
    OK(loop, towline_loop_tick(loop, -1, NULL));
    CHECK(pthread_join(thread, NULL) == 0);

    OK(loop, towline_loop_on_wake(loop, count, &state));
    CHECK(pthread_create(&thread, NULL, wake_it, &state) == 0);
    UNTIL(loop, state.calls == 1);
    CHECK(pthread_join(thread, NULL) == 0);

    /* A wake before the wait is not lost, and several may be seen as one. */
    OK(loop, towline_loop_wake(loop));
    OK(loop, towline_loop_wake(loop));
    OK(loop, towline_loop_tick(loop, -1, NULL));
    CHECK(state.calls == 2);

    OK(loop, towline_loop_on_wake(loop, free_loop, &state));
    OK(loop, towline_loop_wake(loop));
    STATUS(TOWLINE_ERR_STALE, NULL, towline_loop_tick(loop, -1, NULL));
    CHECK(state.calls == 3);
}

static int is_readable(int fd, int timeout)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    int ready;
    do
        ready = poll(&watched, 1, timeout);
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

static void foreign_loop(void)
{
    towline_loop *loop = new_loop();
    struct state state = {loop, 0, 0, 0};
    int fd, again, timeout;
    OK(loop, towline_loop_timer_start(loop, 20, count, &state, NULL));
    OK(loop, towline_loop_fd(loop, &fd));
    OK(loop, towline_loop_fd(loop, &again));
    CHECK(fd == again);
    while (state.calls == 0) {
        OK(loop, towline_loop_timeout_ms(loop, &timeout));
        CHECK(timeout >= 0 && timeout <= 21);
#ifdef __linux__
        CHECK(is_readable(fd, 60000)); /* the descriptor tells of timers too */
#else
        is_readable(fd, timeout);
#endif
        OK(loop, towline_loop_tick(loop, 0, NULL));
    }
    while (is_readable(fd, 0))
        OK(loop, towline_loop_tick(loop, 0, NULL));
    OK(loop, towline_loop_wake(loop));
    CHECK(is_readable(fd, 60000));
    OK(loop, towline_loop_tick(loop, 0, NULL));
    CHECK(!is_readable(fd, 0));

    /* What is due and not yet called keeps it readable. */
    OK(loop, towline_loop_timer_start(loop, 0, stop, &state, NULL));
    OK(loop, towline_loop_timer_start(loop, 0, count, &state, NULL));
    state.calls = 0;
    OK(loop, towline_loop_run(loop));
    CHECK(state.calls == 1);
    OK(loop, towline_loop_timeout_ms(loop, &timeout));
    CHECK(timeout == 0);
    CHECK(is_readable(fd, 60000));
    OK(loop, towline_loop_tick(loop, 0, NULL));
    CHECK(state.calls == 2);
    towline_loop_free(loop);
}

static void forking(void)
{
    towline_loop *loop = new_loop();
    struct state state = {loop, 0, 0, 0};
    int fd, result;
    uint64_t client = new_client(loop, 2);
    struct outcome outcome = {0}, second = {0};
    towline_fcgi_callbacks callbacks = outcome_callbacks(0);
    towline_fcgi_builder *request = new_request("hello.php");
    OK(loop, towline_fcgi_send(loop, client, request, &callbacks, &outcome, NULL));
    OK(loop, towline_loop_run(loop)); /* leaves an idle connection, which both processes hold */
    CHECK(outcome.dones == 1);
    OK(loop, towline_loop_fd(loop, &fd));
    OK(loop, towline_loop_timer_start(loop, 0, count, &state, NULL));

    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        REFUSED(TOWLINE_ERR_FORKED, "forked", loop, towline_loop_tick(loop, 0, NULL));
        STATUS(TOWLINE_ERR_FORKED, loop, towline_loop_run(loop));
        STATUS(TOWLINE_ERR_FORKED, loop, towline_loop_timer_start(loop, 0, count, &state, NULL));
        STATUS(TOWLINE_ERR_FORKED, loop, towline_fcgi_send(loop, client, request, &callbacks, &second, NULL));
        STATUS(TOWLINE_ERR_FORKED, loop, towline_fcgi_client_close(loop, client));
        towline_loop_free(loop);
        towline_fcgi_builder_free(request);
        /* One of its own works. */
        loop = new_loop();
        state.calls = 0;
        OK(loop, towline_loop_timer_start(loop, 0, count, &state, NULL));
        OK(loop, towline_loop_run(loop));
        CHECK(state.calls == 1);
        towline_loop_free(loop);
        _exit(0);
    }
    CHECK(waitpid(child, &result, 0) == child);
    CHECK(WIFEXITED(result) && WEXITSTATUS(result) == 0);
    /* The parent's loop and its connection have not noticed. */
    OK(loop, towline_fcgi_send(loop, client, request, &callbacks, &second, NULL));
    OK(loop, towline_loop_run(loop));
    CHECK(state.calls == 1 && second.dones == 1);
    towline_fcgi_builder_free(request);
    towline_loop_free(loop);
}

int main(int argc, char **argv)
{
    arguments(argc, argv);
    basics();
    misuse();
    texts();
    timers();
    cancelled_while_due();
    ticks_are_bounded();
    nesting();
    freeing_inside();
    waking();
    foreign_loop();
    forking();
    return 0;
}
