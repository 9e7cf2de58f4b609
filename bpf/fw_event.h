/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * fw_event.h - what those who listen are told of a packet: of one that drops, and of one that a log
 * or shadow rule matched. A packet that merely passes costs nothing here.
 */
#include "bpf/fw_env.h"
#include "bpf/fw_parse.h"

fw_inline void fw_event_fill(struct fw_event *event, const struct fw_key *key, __u32 reason)
{
    event->source[0] = key->source[0];
    event->source[1] = key->source[1];
    event->target[0] = key->target[0];
    event->target[1] = key->target[1];
    event->ifindex = key->ifindex;
    event->frame_bytes = key->frame_bytes;
    event->counter = FW_ID_COUNTER(key->best);
    event->observed = key->hit[0];
    event->source_port = key->source_port;
    event->target_port = key->target_port;
    event->ethertype = key->ethertype;
    event->vlan = key->vlan;
    event->family = key->family;
    event->protocol = key->protocol;
    event->tcp_flags = key->tcp_flags;
    event->fragment = key->fragment;
    event->reason = (__u8)reason;
    event->slot = (__u8)key->slot;
    event->observed_count = (__u8)key->hits;
}

_Static_assert(FW_EVENT_DROPPED << 1 == FW_EVENT_DRY_RUN, "fw_emit() shifts");

/* drops: before a dry run turns it into a pass. */
fw_inline void fw_emit(const struct fw_env *env, const struct fw_gen *gen, const struct fw_key *key,
    enum fw_reason reason, _Bool drops)
{
    struct fw_event *event;

    if (!drops && key->hits == 0)
        return;
    event = fw_event_open(env);
    if (!event)
        return;
    fw_event_fill(event, key, reason);
    /* Without a branch: each one is a state more for the verifier. */
    event->flags = (__u8)((__u32)drops << ((gen->flags & FW_GEN_DRY_RUN) / FW_GEN_DRY_RUN));
    fw_event_send(env, event);
}
