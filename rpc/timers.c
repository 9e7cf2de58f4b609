/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/loop_internal.h"

#include <stddef.h>

/* prev of a first child is its parent; prev of another child is its left sibling. */

static bool is_earlier(const struct rpc_timer *a, const struct rpc_timer *b)
{
    return a->deadline_ns <= b->deadline_ns;
}

struct rpc_timer *rpc_timers_merge(struct rpc_timer *a, struct rpc_timer *b)
{
    struct rpc_timer *first, *later;

    if (!a || !b)
        return a ? a : b;
    first = is_earlier(a, b) ? a : b;
    later = first == a ? b : a;
    later->next = first->child;
    if (first->child)
        first->child->prev = later;
    later->prev = first;
    first->child = later;
    return first;
}

/* Two passes: pair neighbours from the left, then fold from the right. */
static struct rpc_timer *merge_siblings(struct rpc_timer *first)
{
    struct rpc_timer *pairs = NULL;
    struct rpc_timer *root = NULL;

    while (first) {
        struct rpc_timer *a = first;
        struct rpc_timer *b = a->next;

        first = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        a = rpc_timers_merge(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct rpc_timer *rest = pairs->next;

        pairs->next = NULL;
        root = rpc_timers_merge(root, pairs);
        pairs = rest;
    }
    return root;
}

struct rpc_timer *rpc_timers_remove(struct rpc_timer *root, struct rpc_timer *timer)
{
    struct rpc_timer *children = merge_siblings(timer->child);

    timer->child = NULL;
    if (timer == root)
        return children;
    if (timer->prev->child == timer)
        timer->prev->child = timer->next;
    else
        timer->prev->next = timer->next;
    if (timer->next)
        timer->next->prev = timer->prev;
    timer->next = timer->prev = NULL;
    return rpc_timers_merge(root, children);
}
