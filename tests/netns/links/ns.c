/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/netns/links/ns.h"
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

static char bpffs[64];

static _Noreturn void skip(const char *what)
{
    fprintf(stderr, "skipped: %s: %s\n", what, strerror(errno));
    exit(77);
}

void ns_enter(void)
{
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
        skip("need_root: own network and mount namespaces are not permitted");
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        skip("need_root: private mounts are not permitted");
    if (sh("ip link set dev lo up") != 0)
        skip("need_tool ip");
}

const char *ns_bpffs(void)
{
    (void)snprintf(bpffs, sizeof(bpffs), "/tmp/picket-bpffs-XXXXXX");
    if (!mkdtemp(bpffs))
        skip("a temporary folder cannot be made");
    if (mount("bpf", bpffs, "bpf", 0, NULL) < 0) {
        (void)rmdir(bpffs);
        skip("need_bpf: a bpffs cannot be mounted");
    }
    return bpffs;
}

void ns_leave(void)
{
    if (!bpffs[0])
        return;
    (void)umount2(bpffs, MNT_DETACH);
    (void)rmdir(bpffs);
    bpffs[0] = 0;
}

int sh(const char *format, ...)
{
    char command[1024];
    char line[1100];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    (void)snprintf(line, sizeof(line), "{ %s; } >/dev/null 2>&1", command);
    return system(line); /* NOLINT(concurrency-mt-unsafe): a test's own fixed commands */
}

bool ns_has_kind(const char *kind)
{
    bool is_made = sh("ip link add name kindprobe type %s", kind) == 0;

    (void)sh("ip link del dev kindprobe");
    return is_made;
}

uint32_t ns_index(const char *name)
{
    return if_nametoindex(name);
}

uint64_t ns_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
