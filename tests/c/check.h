/* What the C tests share. They know Towline by its header alone. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline.h>

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

/* That a call returns the status expected; says the loop's own words when it does not. */
#define STATUS(expected, loop, call) \
    do { \
        towline_status status_ = (call); \
        if (status_ != (expected)) { \
            fprintf(stderr, "%s:%d: %s: %s (%s); expected %s\n", __FILE__, __LINE__, #call, \
                    towline_status_text(status_), towline_loop_error(loop), towline_status_text(expected)); \
            exit(1); \
        } \
    } while (0)

#define OK(loop, call) STATUS(TOWLINE_OK, loop, call)

/* That a call is refused, with a word in its explanation. */
#define REFUSED(expected, word, loop, call) \
    do { \
        STATUS(expected, loop, call); \
        if (strstr(towline_loop_error(loop), word) == NULL) { \
            fprintf(stderr, "%s:%d: %s says \"%s\"; expected \"%s\" in it\n", __FILE__, __LINE__, #call, \
                    towline_loop_error(loop), word); \
            exit(1); \
        } \
    } while (0)

/* What a test is given: main(address, folder of scripts). */
static const char *address;
static const char *scripts;

static inline void arguments(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s ADDRESS SCRIPTS\n", argv[0]);
        exit(2);
    }
    address = argv[1];
    scripts = argv[2];
}

static inline towline_loop *new_loop(void)
{
    towline_loop *loop = NULL;
    OK(loop, towline_loop_new(&loop));
    return loop;
}

static inline uint64_t new_client(towline_loop *loop, uint32_t max_connections)
{
    uint64_t client = 0;
    towline_fcgi_client_options options;
    OK(loop, towline_fcgi_client_options_init(&options, sizeof options));
    options.max_connections = max_connections;
    OK(loop, towline_fcgi_client_new(loop, &address, 1, &options, &client));
    CHECK(client != 0);
    return client;
}

static inline towline_fcgi_builder *new_request(const char *script)
{
    char path[4096];
    towline_fcgi_builder *builder = NULL;
    snprintf(path, sizeof path, "%s/%s", scripts, script);
    OK(NULL, towline_fcgi_builder_new(path, &builder));
    return builder;
}

/* What has become of a request. */
struct outcome {
    unsigned heads, bodies, stderrs, dones, values, errors;
    unsigned status;
    towline_status error;
    size_t body_length;
    char body[1024];
    char text[512];
};

static inline void keep(char *to, size_t room, const char *bytes, size_t length)
{
    size_t kept = length < room - 1 ? length : room - 1;
    memcpy(to, bytes, kept);
    to[kept] = '\0';
}

static inline void outcome_head(void *user, const towline_fcgi_head *head)
{
    struct outcome *outcome = user;
    CHECK(outcome->heads == 0 && outcome->bodies == 0 && outcome->dones == 0);
    outcome->heads++;
    outcome->status = towline_fcgi_head_status(head);
}

static inline void outcome_body(void *user, const char *bytes, size_t length)
{
    struct outcome *outcome = user;
    CHECK(length > 0);
    CHECK(outcome->dones == 0 && outcome->errors == 0);
    if (outcome->body_length < sizeof outcome->body - 1)
        keep(outcome->body + outcome->body_length, sizeof outcome->body - outcome->body_length, bytes, length);
    outcome->bodies++;
    outcome->body_length += length;
}

static inline void outcome_stderr(void *user, const char *bytes, size_t length)
{
    struct outcome *outcome = user;
    (void)bytes;
    CHECK(length > 0);
    outcome->stderrs++;
}

static inline void outcome_done(void *user, const towline_fcgi_response *response)
{
    struct outcome *outcome = user;
    towline_bytes body = towline_fcgi_response_body(response);
    CHECK(outcome->dones + outcome->errors == 0);
    outcome->dones++;
    outcome->status = towline_fcgi_response_status(response);
    if (body.length > 0) {
        outcome->body_length = body.length;
        keep(outcome->body, sizeof outcome->body, body.data, body.length);
    }
}

static inline void outcome_error(void *user, towline_status status, const char *text)
{
    struct outcome *outcome = user;
    CHECK(outcome->dones + outcome->errors == 0);
    outcome->errors++;
    outcome->error = status;
    keep(outcome->text, sizeof outcome->text, text, strlen(text));
}

/* Callbacks that note the end; with `streamed` everything on the way too. */
static inline towline_fcgi_callbacks outcome_callbacks(int streamed)
{
    towline_fcgi_callbacks callbacks;
    memset(&callbacks, 0, sizeof callbacks);
    callbacks.size = sizeof callbacks;
    callbacks.on_done = outcome_done;
    callbacks.on_error = outcome_error;
    if (streamed) {
        callbacks.on_head = outcome_head;
        callbacks.on_body = outcome_body;
        callbacks.on_stderr = outcome_stderr;
    }
    return callbacks;
}

/* Ticks until the condition holds; the test runner's deadline bounds it. */
#define UNTIL(loop, condition) \
    do { \
        while (!(condition)) \
            OK(loop, towline_loop_tick(loop, -1, NULL)); \
    } while (0)

#endif
