/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/loop_internal.h"

#include <grpc/support/log.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static atomic_bool listener_is_broken;

bool rpc_listener_is_broken(void)
{
    return atomic_load(&listener_is_broken);
}

/* Any thread of gRPC. A failed accept ends a listener for good (CVE-2023-4785), and says only this.
 */
static void on_complaint(gpr_log_func_args *args)
{
    if (args->severity >= GPR_LOG_SEVERITY_ERROR && strstr(args->message, "Failed accept"))
        atomic_store(&listener_is_broken, true);
}

/* No TLS 1.2 suite fits a P-256 ECDSA key with it; the TLS 1.3 suites are not touched by it. */
#define SUITES_NAME "GRPC_SSL_CIPHER_SUITES"
#define SUITES "ECDHE-RSA-AES256-GCM-SHA384"

static bool is_unwanted(const char *variable, size_t name_len)
{
    if (strncmp(variable, "GRPC_", 5) == 0)
        return strcmp(variable, SUITES_NAME "=" SUITES) != 0;
    return name_len > 6 && (strncmp(variable + name_len - 6, "_proxy", 6) == 0 ||
                               strncmp(variable + name_len - 6, "_PROXY", 6) == 0);
}

static void clean_environment(void)
{
    for (char **at = environ; at && *at;) {
        size_t name_len = strcspn(*at, "=");
        char name[64];

        if (!is_unwanted(*at, name_len) || name_len >= sizeof(name)) {
            at++;
            continue;
        }
        memcpy(name, *at, name_len);
        name[name_len] = 0;
        if (unsetenv(name) != 0)
            at++;
    }
    if (!getenv(SUITES_NAME)) /* a second loop changes nothing under the first one's threads */
        (void)setenv(SUITES_NAME, SUITES, 1);
}

void rpc_grpc_start(void)
{
    sigset_t all, before;

    (void)signal(SIGPIPE, SIG_IGN);
    clean_environment();
    gpr_set_log_function(on_complaint);
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    grpc_init();
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void rpc_grpc_end(void)
{
    grpc_shutdown();
}
