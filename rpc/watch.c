/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "base/member.h"
#include "rpc/loop_internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 16

/*
 * A watch that is removed may still have a post under way. It leaves by a second post that the
 * descriptor thread makes after its last event for it: the queue is in order, so it comes last.
 */
struct rpc_watch {
    struct rpc_tag ready; /* first */
    struct rpc_tag gone;
    struct rpc_watchers *watchers;
    int fd;
    bool is_removed;
    void (*fn)(void *user, int fd);
    void *user;
    struct rpc_watch *next, *prev; /* all */
    struct rpc_watch *leaving;     /* under the lock */
};

struct rpc_watchers {
    struct rpc_loop *loop;
    int epoll_fd;
    int wake_fd;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* leaving, is_ending */
    struct rpc_watch *leaving;
    bool is_ending;
    struct rpc_watch *all;
};

static void wake(struct rpc_watchers *watchers)
{
    uint64_t one = 1;

    (void)!write(watchers->wake_fd, &one, sizeof(one));
}

/* Returns false when the thread should end. */
static bool take_orders(struct rpc_watchers *watchers)
{
    struct rpc_watch *leaving;
    bool is_ending;
    uint64_t count;

    (void)!read(watchers->wake_fd, &count, sizeof(count));
    (void)pthread_mutex_lock(&watchers->lock);
    leaving = watchers->leaving;
    watchers->leaving = NULL;
    is_ending = watchers->is_ending;
    (void)pthread_mutex_unlock(&watchers->lock);
    while (leaving) {
        struct rpc_watch *next = leaving->leaving;

        (void)rpc_post(
            watchers->loop, &leaving->gone); /* refused at the end: freed with the rest */
        leaving = next;
    }
    return !is_ending;
}

static void *watch_thread(void *argument)
{
    struct rpc_watchers *watchers = argument;
    struct epoll_event events[EVENTS_AT_ONCE];

    for (;;) {
        bool has_orders = false;
        int count = epoll_wait(watchers->epoll_fd, events, EVENTS_AT_ONCE, -1);

        for (int i = 0; i < count; i++) {
            struct rpc_watch *watch = events[i].data.ptr;

            if (watch)
                (void)rpc_post(watchers->loop, &watch->ready);
            else
                has_orders = true;
        }
        if (has_orders && !take_orders(watchers))
            return NULL;
    }
}

int rpc_watchers_new(struct rpc_loop *loop, struct rpc_watchers **ret_watchers)
{
    struct rpc_watchers *watchers = calloc(1, sizeof(*watchers));
    struct epoll_event event = {.events = EPOLLIN};
    sigset_t all, before;
    int r;

    if (!watchers)
        return -ENOMEM;
    watchers->loop = loop;
    (void)pthread_mutex_init(&watchers->lock, NULL);
    watchers->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watchers->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (watchers->epoll_fd < 0 || watchers->wake_fd < 0 ||
        epoll_ctl(watchers->epoll_fd, EPOLL_CTL_ADD, watchers->wake_fd, &event) < 0) {
        r = -errno;
        rpc_watchers_free(watchers);
        return r;
    }
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    r = -pthread_create(&watchers->thread, NULL, watch_thread, watchers);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r < 0) {
        rpc_watchers_free(watchers);
        return r;
    }
    watchers->has_thread = true;
    *ret_watchers = watchers;
    return 0;
}

void rpc_watchers_join(struct rpc_watchers *watchers)
{
    if (!watchers->has_thread)
        return;
    (void)pthread_mutex_lock(&watchers->lock);
    watchers->is_ending = true;
    (void)pthread_mutex_unlock(&watchers->lock);
    wake(watchers);
    (void)pthread_join(watchers->thread, NULL);
    watchers->has_thread = false;
}

void rpc_watchers_free(struct rpc_watchers *watchers)
{
    if (!watchers)
        return;
    while (watchers->all) {
        struct rpc_watch *watch = watchers->all;

        watchers->all = watch->next;
        free(watch);
    }
    if (watchers->epoll_fd >= 0)
        (void)close(watchers->epoll_fd);
    if (watchers->wake_fd >= 0)
        (void)close(watchers->wake_fd);
    (void)pthread_mutex_destroy(&watchers->lock);
    free(watchers);
}

static void on_ready(struct rpc_tag *tag, int ok)
{
    struct rpc_watch *watch = (struct rpc_watch *)tag;
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = watch};

    (void)ok;
    if (watch->is_removed)
        return;
    watch->fn(watch->user, watch->fd);
    if (!watch->is_removed)
        (void)epoll_ctl(watch->watchers->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

static void on_gone(struct rpc_tag *tag, int ok)
{
    struct rpc_watch *watch = OWNER_OF(struct rpc_watch, gone, tag);

    (void)ok;
    if (watch->prev)
        watch->prev->next = watch->next;
    else
        watch->watchers->all = watch->next;
    if (watch->next)
        watch->next->prev = watch->prev;
    free(watch);
}

int rpc_watch_add(struct rpc_loop *loop, int fd, void (*fn)(void *user, int fd), void *user,
    struct rpc_watch **ret_watch)
{
    struct rpc_watchers *watchers = rpc_loop_watchers(loop);
    struct rpc_watch *watch = calloc(1, sizeof(*watch));
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = watch};

    if (!watch)
        return -ENOMEM;
    watch->ready.fn = on_ready;
    watch->gone.fn = on_gone;
    watch->watchers = watchers;
    watch->fd = fd;
    watch->fn = fn;
    watch->user = user;
    watch->next = watchers->all;
    if (watch->next)
        watch->next->prev = watch;
    watchers->all = watch;
    if (epoll_ctl(watchers->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        int r = -errno;

        on_gone(&watch->gone, 1);
        return r;
    }
    *ret_watch = watch;
    return 0;
}

void rpc_watch_remove(struct rpc_watch *watch)
{
    struct rpc_watchers *watchers;

    if (!watch)
        return;
    CHECK(!watch->is_removed, "a watch is removed once");
    watchers = watch->watchers;
    watch->is_removed = true;
    (void)epoll_ctl(watchers->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    (void)pthread_mutex_lock(&watchers->lock);
    watch->leaving = watchers->leaving;
    watchers->leaving = watch;
    (void)pthread_mutex_unlock(&watchers->lock);
    wake(watchers);
}
