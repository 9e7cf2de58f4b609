/* SPDX-License-Identifier: Apache-2.0 */
#include "node/daemon.h"
#include "node/admission.h"
#include "node/api/api.h"
#include "node/effects.h"
#include "node/enforce.h"
#include "node/log.h"
#include "node/metrics_http.h"
#include "node/node.h"
#include "rpc/credentials.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "store/db/db.h"
#include "store/keys/keys.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define STOP_GRACE_MS 1000
#define METHODS_MAX 64

uint64_t node_wall_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec > 0 ? (uint64_t)now.tv_sec : 0;
}

uint64_t node_time_s(const struct node *node)
{
    struct node_clock clock = node->clock; /* the step keeps it */

    return clock_read(&clock, node_wall_s());
}

/* ---- signals */

struct signals {
    struct node *node;
    struct rpc_watch *watch;
    int fd;
};

static void stop(struct node *node)
{
    api_stop(node->api);
    effects_stop(node->effects);
    enforce_stop(node->enforce);
    rpc_loop_stop(node->loop, STOP_GRACE_MS);
}

static void on_signal(void *user, int fd)
{
    struct signals *signals = user;
    struct signalfd_siginfo info;

    while (read(fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGHUP)
            continue; /* settings are read at start; the kernel keeps filtering over a restart */
        if (rpc_loop_is_stopping(signals->node->loop))
            continue;
        log_say(LOG_INFO, "stop", "stopping; the kernel keeps filtering");
        stop(signals->node);
    }
}

static int signals_open(struct signals *signals, struct problem *reterr_problem)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    signals->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (signals->fd < 0)
        return problem_say(reterr_problem, -errno, "cannot watch signals: %s", strerror(errno));
    return 0;
}

/* ---- a listener that died (gRPC stops accepting for good after one failed accept) */

#define LISTENER_CHECK_NS 5000000000ULL

struct listener_check {
    struct rpc_timer timer; /* first */
    struct node *node;
    bool is_broken;
};

static void check_listener(struct rpc_timer *timer)
{
    struct listener_check *check = (struct listener_check *)(void *)timer;

    check->is_broken = rpc_listener_is_broken();
    if (check->is_broken) {
        log_say(LOG_ERROR, "listener.broken",
            "the listener accepts nobody any more; ending, so that a new start listens again");
        stop(check->node);
        return;
    }
    rpc_timer_set(check->node->loop, timer, rpc_now_ns() + LISTENER_CHECK_NS);
}

/* One failed accept ends the listener: so strangers' connections must not use up the descriptors.
 */
#define DESCRIPTORS 8192

static void raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- systemd */

/* sd_notify(3) without its library: one datagram to a socket the manager names. */
static void notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd;

    if (!path || strlen(path) >= sizeof(to.sun_path))
        return;
    (void)strcpy(to.sun_path, path);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = '\0';
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
    (void)close(fd);
}

/* ---- opening, in order */

static int open_trust(struct node *node, struct problem *reterr_problem)
{
    struct rpc_trust_events events = admission_events(node);
    int r = rpc_trust_new(node->loop, &admission_crypto, &events, &node->trust);

    if (r < 0)
        return problem_say(reterr_problem, r, "cannot start the verifier: %s", strerror(-r));
    return rpc_credentials_new(buffer_bytes(&node->identity.chain_pem),
        buffer_bytes(&node->identity.tls_key_pem), node->trust, &node->credentials, reterr_problem);
}

static int listen_all(struct node *node, struct problem *reterr_problem)
{
    char path[256];
    int r;

    if (mkdir(node->config.run_dir, 0750) < 0 && errno != EEXIST)
        return problem_say(reterr_problem, -errno, "cannot make the folder '%s': %s",
            node->config.run_dir, strerror(errno));
    (void)snprintf(path, sizeof(path), "%s/picketd.sock", node->config.run_dir);
    r = rpc_server_listen_unix(node->server, path, reterr_problem);
    if (r < 0)
        return r;
    return rpc_server_listen_tls(
        node->server, node->config.listen, node->credentials, NULL, reterr_problem);
}

static int open_server(struct node *node, struct problem *reterr_problem)
{
    struct rpc_method methods[METHODS_MAX];
    uint32_t count = 0;
    const struct rpc_method *of_api = api_methods(node->api, &count);
    int r;

    if (count + 1 > METHODS_MAX)
        return problem_say(reterr_problem, -E2BIG, "more methods than METHODS_MAX");
    memcpy(methods, of_api, count * sizeof(*methods));
    methods[count++] = effects_method(node->effects);
    r = rpc_server_new(node->loop, methods, count, &node->server);
    if (r < 0)
        return problem_say(reterr_problem, r, "cannot make the server: %s", strerror(-r));
    r = listen_all(node, reterr_problem);
    if (r < 0)
        return r;
    (void)rpc_server_set_health(node->server, "picket.v1.Rules", true);
    (void)rpc_server_set_health(node->server, "picket.v1.Mesh", true);
    return rpc_server_start(node->server, reterr_problem);
}

static int open_all(struct node *node, struct problem *reterr_problem)
{
    int r = rpc_loop_new(&node->loop, reterr_problem);

    if (r == 0)
        r = identity_read(node->config.state_dir, &node->identity, reterr_problem);
    if (r == 0)
        r = db_open(node->config.state_dir, node->identity.fleet_id, &node->db, reterr_problem);
    if (r == 0)
        clock_open(&node->clock, node->db);
    if (r == 0)
        r = open_trust(node, reterr_problem);
    if (r == 0)
        r = effects_new(node, &node->effects, reterr_problem);
    if (r == 0)
        r = enforce_new(node, &node->enforce, reterr_problem);
    if (r == 0 && (r = api_new(node, &node->api)) < 0)
        (void)problem_say(reterr_problem, r, "out of memory");
    if (r == 0) {
        effects_plant_seed(node->effects);
        r = open_server(node, reterr_problem);
    }
    if (r == 0)
        r = metrics_http_open(node, &node->metrics_http, reterr_problem);
    return r;
}

/* Of a daemon that never ran: what was begun ends while the parts it needs are there. */
static void end_begun(struct node *node)
{
    if (node->api)
        api_stop(node->api);
    if (node->effects)
        effects_stop(node->effects);
    if (node->enforce)
        enforce_stop(node->enforce);
    if (!node->loop)
        return;
    rpc_loop_stop(node->loop, 0);
    rpc_loop_run(node->loop);
}

/* The opposite order; what was not opened is NULL. */
static void close_all(struct node *node)
{
    metrics_http_close(node->metrics_http);
    enforce_free(node->enforce);
    db_close(node->db);
    effects_halt(node->effects);
    rpc_loop_free(node->loop);
    effects_free(node->effects);
    api_free(node->api);
    rpc_credentials_free(node->credentials);
    rpc_trust_free(node->trust);
    admission_free(node->admission);
    identity_fini(&node->identity);
}

int daemon_run(struct node_config *config, struct problem *reterr_problem)
{
    struct node node = {.config = *config, .started_ns = rpc_now_ns()};
    struct signals signals = {.node = &node, .fd = -1};
    struct listener_check check = {.timer = {.fn = check_listener}, .node = &node};
    int r = keys_start();

    raise_limits();
    if (r < 0)
        return problem_say(reterr_problem, r, "libsodium cannot start");
    r = signals_open(&signals, reterr_problem);
    if (r == 0)
        r = open_all(&node, reterr_problem);
    if (r == 0)
        r = rpc_watch_add(node.loop, signals.fd, on_signal, &signals, &signals.watch);
    if (r == 0) {
        enforce_start(node.enforce);
        effects_start(node.effects);
        log_say(LOG_INFO, "start", "picketd " PICKET_VERSION ": node %s, %llu entries",
            node.identity.name, (unsigned long long)ledger_entries_count(node.ledger));
        notify("READY=1");
        check_listener(&check.timer);
        rpc_loop_run(node.loop);
        if (check.is_broken)
            r = problem_say(reterr_problem, -EIO, "the listener broke");
        notify("STOPPING=1");
    } else {
        end_begun(&node);
    }
    close_all(&node);
    if (signals.fd >= 0)
        (void)close(signals.fd);
    return r;
}

static void on_removed(struct datapath_done *done, const struct datapath_result *result)
{
    (void)done;
    if (result->code < 0)
        (void)fprintf(stderr, "picketd: %s\n", result->why);
}

int daemon_remove(const struct node_config *config, struct problem *reterr_problem)
{
    const struct datapath_options options = {.bpffs = config->bpffs_dir};
    struct datapath_done done = {on_removed};
    struct datapath *datapath = NULL;
    int r = datapath_open(&options, &datapath, reterr_problem);

    if (r < 0)
        return r;
    r = datapath_remove_all(datapath, &done);
    datapath_close(datapath); /* finishes what was queued */
    return r;
}
