/* SPDX-License-Identifier: Apache-2.0 */
#include "node/metrics_http.h"
#include "base/own.h"
#include "node/metrics.h"
#include "node/node.h"
#include "rpc/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <string.h>

struct metrics_http {
    struct node *node;
    struct MHD_Daemon *server;
    struct rpc_watch *watch;
};

static enum MHD_Result answer(void *user, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *upload, size_t *upload_bytes, void **state)
{
    struct metrics_http *http = user;
    static char not_found[] = "Picket's metrics are at /metrics.\n";
    bool is_found = strcmp(url, "/metrics") == 0 && strcmp(method, "GET") == 0;
    char *text = is_found ? metrics_text(http->node) : not_found;
    struct MHD_Response *response;
    enum MHD_Result r;

    (void)version;
    (void)upload;
    (void)upload_bytes;
    (void)state;
    if (!text)
        return MHD_NO;
    response = MHD_create_response_from_buffer(
        strlen(text), text, is_found ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    (void)MHD_add_response_header(response, "Content-Type", "text/plain; version=0.0.4");
    r = MHD_queue_response(connection, is_found ? 200 : 404, response);
    MHD_destroy_response(response);
    return r;
}

static void on_ready(void *user, int fd)
{
    struct metrics_http *http = user;

    (void)fd;
    (void)MHD_run(http->server);
}

OWN_AS(own_http, struct metrics_http, metrics_http_close)

int metrics_http_open(
    struct node *node, struct metrics_http **ret_http, struct problem *reterr_problem)
{
    OWN(own_http) struct metrics_http *http = NULL;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const union MHD_DaemonInfo *info;

    if (!node->config.metrics_port)
        return 0;
    http = calloc(1, sizeof(*http));
    if (!http)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    http->node = node;
    at.sin_port = htons((uint16_t)node->config.metrics_port);
    http->server =
        MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, http, MHD_OPTION_SOCK_ADDR, &at,
            MHD_OPTION_CONNECTION_LIMIT, 8U, MHD_OPTION_CONNECTION_TIMEOUT, 10U, MHD_OPTION_END);
    if (!http->server)
        return problem_say(reterr_problem, -EADDRINUSE,
            "cannot serve metrics on 127.0.0.1:%u; is the port taken?", node->config.metrics_port);
    info = MHD_get_daemon_info(http->server, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || rpc_watch_add(node->loop, info->epoll_fd, on_ready, http, &http->watch) < 0)
        return problem_say(reterr_problem, -EIO, "cannot watch the metrics port");
    *ret_http = give(http);
    return 0;
}

void metrics_http_close(struct metrics_http *http)
{
    if (!http)
        return;
    rpc_watch_remove(http->watch);
    if (http->server)
        MHD_stop_daemon(http->server);
    free(http);
}
