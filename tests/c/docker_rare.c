/* What a real Engine does rarely: main(address) of one that a test has scripted. */
#include "docker.h"

/* A proxy has swallowed the upgrade. */
static void not_upgraded(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop);
    struct seen seen;
    EXEC(loop, client, "proxied", &seen, "true");
    OK(loop, towline_loop_run(loop));
    CHECK(seen.opens == 1 && seen.upgraded == 0);
    CHECK(seen.exits == 1 && seen.code == 7 && seen.truncated == 0 && strcmp(seen.out, "whole") == 0);
    towline_loop_free(loop);
}

static void broken_off(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop);
    struct seen seen;
    struct told told;
    EXEC(loop, client, "cut", &seen, "true");
    OK(loop, towline_loop_run(loop));
    CHECK(seen.opens == 1 && seen.upgraded == 1);
    CHECK(seen.exits == 1 && seen.code == 7 && seen.truncated == 1 && strcmp(seen.out, "who") == 0);

    towline_docker_run_options run = run_options("cut");
    COMMAND(&run, "true");
    begin_run(loop, client, &run, &told);
    OK(loop, towline_loop_run(loop));
    CHECK(told.errors == 1 && told.error == TOWLINE_ERR_CLOSED);
    towline_loop_free(loop);
}

/* In the midst of the output. */
static void engine_failed(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop);
    struct seen seen;
    EXEC(loop, client, "failed", &seen, "true");
    OK(loop, towline_loop_run(loop));
    CHECK(seen.errors == 1 && seen.error == TOWLINE_ERR_API && seen.http_status == 200);
    CHECK(strcmp(seen.text, "no log driver") == 0);
    towline_loop_free(loop);
}

static uint64_t live(towline_loop *loop, uint64_t client)
{
    towline_docker_stats stats;
    memset(&stats, 0, sizeof stats);
    stats.size = sizeof stats;
    OK(loop, towline_docker_client_stats(loop, client, &stats));
    return stats.live;
}

/* A signal for what has exited, while its end is held. */
static void killed_after_its_end(void)
{
    towline_loop *loop = new_loop();
    uint64_t client = new_engine(loop);
    struct seen seen;
    struct told told = {0};
    uint64_t stream = EXEC(loop, client, "whole", &seen, "true");
    OK(loop, towline_docker_pause(loop, stream));
    UNTIL(loop, live(loop, client) == 0);
    CHECK(seen.opens == 1 && !has_ended(&seen) && seen.out_length == 0);
    OK(loop, towline_docker_kill(loop, stream, "TERM", &TOLD, &told, NULL));
    CHECK(!is_over(&told)); /* not in here */
    UNTIL(loop, is_over(&told));
    CHECK(told.dones == 1 && !has_ended(&seen));
    OK(loop, towline_docker_resume(loop, stream));
    OK(loop, towline_loop_run(loop));
    CHECK(seen.exits == 1 && seen.code == 7 && strcmp(seen.out, "whole") == 0);
    towline_loop_free(loop);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    address = argv[1];
    not_upgraded();
    broken_off();
    engine_failed();
    killed_after_its_end();
    return 0;
}
