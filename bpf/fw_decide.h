/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * fw_decide.h - from a frame to a verdict: parse, lifeline, fragments, rules in order, default.
 *
 * Two stages, so that each stays small for the verifier: fw_begin() until the rules, then
 * fw_decide() again and again, one run of the walk each time: the terminal rules first, then the
 * log and shadow rules that precede the one that decides. Whoever runs them calls fw_finish() once.
 */
#include "bpf/fw_event.h"
#include "bpf/fw_forest.h"
#include "bpf/fw_lifeline.h"
#include "bpf/fw_trie.h"

fw_inline _Bool fw_reason_drops(enum fw_reason reason)
{
    switch (reason) {
    case FW_REASON_PASS_DEFAULT:
    case FW_REASON_PASS_RULE:
    case FW_REASON_PASS_EXEMPT:
    case FW_REASON_PASS_DRY_RUN:
    case FW_REASON_PASS_ARP:
    case FW_REASON_PASS_NEIGHBOUR:
    case FW_REASON_PASS_MLD:
    case FW_REASON_PASS_IGMP:
    case FW_REASON_PASS_DHCP:
    case FW_REASON_PASS_DNS:
    case FW_REASON_PASS_NTP:
    case FW_REASON_PASS_MESH:
    case FW_REASON_PASS_MESH_REPLY:
    case FW_REASON_PASS_MANAGE:
    case FW_REASON_PASS_LLC:
    case FW_REASON_PASS_SLOW:
    case FW_REASON_PASS_LLDP:
    case FW_REASON_PASS_EAPOL:
    case FW_REASON_PASS_PPPOE:
    case FW_REASON_PASS_PTP:
    case FW_REASON_PASS_MACSEC:
    case FW_REASON_PASS_ETHERTYPE:
    case FW_REASON_PASS_FRAG_KEPT:
        return 0;
    default:
        return 1;
    }
}

/* ---- fragments */

fw_inline void fw_fragment_key_of(const struct fw_key *key, struct fw_fragment_key *ret_key)
{
    ret_key->source[0] = key->source[0];
    ret_key->source[1] = key->source[1];
    ret_key->target[0] = key->target[0];
    ret_key->target[1] = key->target[1];
    ret_key->id = key->fragment_id;
    ret_key->direction = FW_IN;
    ret_key->class = key->class;
    ret_key->family = key->family;
    ret_key->protocol = key->family == FW_IPV4 ? key->protocol : 0;
}

/* A later fragment gets the verdict of its first (amendment 6). */
fw_inline enum fw_reason fw_fragment_verdict(
    const struct fw_env *env, const struct fw_root *root, struct fw_key *key)
{
    struct fw_fragment_key find;
    struct fw_fragment_kept kept = {0};

    fw_fragment_key_of(key, &find);
    if (fw_fragment_find(env, &find, &kept) && kept.slot == key->slot &&
        fw_now_ns(env) < kept.until_ns) {
        key->best = FW_ID(kept.counter, 0, FW_ORDER_NONE, 0, 0);
        return kept.drops ? FW_REASON_DROP_FRAG_KEPT : FW_REASON_PASS_FRAG_KEPT;
    }
    return root->flags & FW_ROOT_L4 ? FW_REASON_DROP_FRAG_NO_FIRST : FW_REASON_NONE;
}

fw_inline void fw_fragment_remember(
    const struct fw_env *env, const struct fw_key *key, enum fw_reason reason)
{
    struct fw_fragment_key keep;
    struct fw_fragment_kept kept = {
        .until_ns = fw_now_ns(env) + FW_FRAGMENT_KEPT_NS,
        .slot = key->slot,
        .drops = fw_reason_drops(reason),
        .counter = FW_ID_COUNTER(key->best),
    };

    fw_fragment_key_of(key, &keep);
    fw_fragment_keep(env, &keep, &kept);
}

/* ---- stage 1 */

fw_inline _Bool fw_is_extra_ethertype(const struct fw_gen *gen, __u32 ethertype)
{
    FW_UNROLL
    for (__u32 i = 0; i < FW_ETHERTYPES_MAX; i++) {
        if (i < gen->ethertypes_count && gen->ethertypes[i] == ethertype)
            return 1;
    }
    return 0;
}

fw_inline __u64 fw_key_word(const struct fw_key *key)
{
    return (__u64)key->protocol << FW_WORD_PROTOCOL | (__u64)key->tcp_flags << FW_WORD_TCP_FLAGS |
           (__u64)key->dscp << FW_WORD_DSCP | (__u64)key->fragment << FW_WORD_FRAGMENT |
           (__u64)(fw_is_to_self(key) ? 1 : 0) << FW_WORD_SELF |
           (__u64)key->class << FW_WORD_CLASS | (__u64)key->vlan << FW_WORD_VLAN |
           (__u64)(key->fragment != FW_FRAGMENT_LATER ? 1 : 0) << FW_WORD_L4;
}

/* Makes an empty key of this device; NULL: unknown. */
fw_inline void fw_key_open(
    struct fw_key *key, __u32 ifindex, const struct fw_device *device, __u64 slot)
{
    __builtin_memset(key, 0, FW_KEY_CLEARED);
    key->ifindex = ifindex;
    key->slot = slot;
    key->best = FW_ID_NONE;
    key->shadow = FW_ID_NONE;
    key->number = device ? device->number : 0;
    key->hit[0] = FW_COUNTER_NONE;
    if (device) {
        key->globs = device->globs;
        key->class = device->class;
        key->device_flags = device->flags;
        key->default_action = device->defaults[FW_IN];
    }
}

fw_inline enum fw_reason fw_default_reason(const struct fw_key *key)
{
    return key->default_action == FW_DROP ? FW_REASON_DROP_DEFAULT : FW_REASON_PASS_DEFAULT;
}

fw_inline _Bool fw_root_has_rules(const struct fw_root *root)
{
    return (root->forests[FW_ENFORCE].late | root->forests[FW_ENFORCE].count |
               root->forests[FW_OBSERVE].count) != 0;
}

/* FW_REASON_NONE: the rules decide. */
fw_inline enum fw_reason fw_begin(const struct fw_env *env, const struct fw_gen *gen,
    const struct fw_device *device, struct fw_key *key)
{
    const struct fw_root *root;
    enum fw_reason reason;

    if (device && (device->flags & FW_DEVICE_EXEMPT))
        return FW_REASON_PASS_EXEMPT;
    reason = fw_parse(env, key);
    if (reason == FW_REASON_DROP_ETHERTYPE && fw_is_extra_ethertype(gen, key->ethertype))
        return FW_REASON_PASS_ETHERTYPE;
    if (reason != FW_REASON_NONE)
        return reason;
    key->target_host = (__u8)fw_host_at(env, gen, key, key->target);
    reason = fw_lifeline(env, gen, key);
    if (reason != FW_REASON_NONE)
        return reason;
    if (!device || (gen->flags & FW_GEN_LIFELINE_ONLY))
        return FW_REASON_DROP_LIFELINE_ONLY;
    root = key->family == FW_IPV4 ? &gen->roots[FW_IN][FW_IPV4] : &gen->roots[FW_IN][FW_IPV6];
    if (key->fragment == FW_FRAGMENT_LATER) {
        reason = fw_fragment_verdict(env, root, key);
        if (reason != FW_REASON_NONE)
            return reason;
    }
    if (!fw_root_has_rules(root))
        return fw_default_reason(key);
    key->word = fw_key_word(key);
    return FW_REASON_NONE;
}

/* ---- stage 2 */

/* The key as numbers, for trees and short rules. */
fw_inline void fw_cut_open(struct fw_key *key, __u32 family)
{
    __u64 source = fw_be64(key->source[0]), target = fw_be64(key->target[0]);

    key->ports = FW_PORTS(key->source_port, 0, key->target_port, 0);
    key->cut[FW_CUT_PORTS] =
        (__u64)key->source_port << 48 | (__u64)key->target_port << 32 | (__u32)key->word;
    key->cut[FW_CUT_VLAN] = key->word >> 32;
    key->cut[FW_CUT_SOURCE_SETS] = 0;
    key->cut[FW_CUT_TARGET_SETS] = 0;
    if (family == FW_IPV4) {
        key->cut[0] = (source & 0xffffffff00000000ULL) | target >> 32;
        return;
    }
    key->cut[0] = source;
    key->cut[1] = fw_be64(key->source[1]);
    key->cut[2] = target;
    key->cut[3] = fw_be64(key->target[1]);
}

/* The sets that the address at cut[at] is in. */
fw_inline __u64 fw_members_at(const struct fw_env *env, const struct fw_gen *gen,
    const struct fw_key *key, __u32 family, __u32 at)
{
    const struct fw_trie *trie = &gen->tries[family];

    if (family == FW_IPV4)
        return fw_members_of(env, fw_trie_class4(env, trie, (__u32)(key->cut[0] >> (at ? 0 : 32))));
    return fw_members_of(env, fw_trie_class6(env, trie, key->cut[at], key->cut[at + 1]));
}

fw_inline enum fw_reason fw_verdict(const struct fw_key *key)
{
    if (FW_ID_ORDER(key->best) == FW_ORDER_NONE)
        return fw_default_reason(key);
    return FW_ID_ACTION(key->best) == FW_ALLOW ? FW_REASON_PASS_RULE : FW_REASON_DROP_RULE;
}

/* One run of the walk; family is a constant, and the key's. FW_REASON_NONE: call again. */
fw_inline enum fw_reason fw_decide(
    const struct fw_env *env, const struct fw_gen *gen, struct fw_key *key, __u32 family)
{
    const struct fw_root *root = &gen->roots[FW_IN][family];
    struct fw_walk walk = {.env = env,
        .root = root,
        .key = key,
        .blob = family == FW_IPV4 ? FW_BLOB_FOREST4 : FW_BLOB_FOREST6,
        .family = family};

    walk.whole = fw_blob_whole(env, walk.blob);
    if (!walk.whole)
        return FW_REASON_DROP_STAGE;
    if (key->runs == 0) {
        fw_cut_open(key, family);
        if (root->flags & FW_ROOT_SOURCE_SETS)
            key->cut[FW_CUT_SOURCE_SETS] = fw_members_at(env, gen, key, family, 0);
        if (root->flags & FW_ROOT_TARGET_SETS)
            key->cut[FW_CUT_TARGET_SETS] = fw_members_at(env, gen, key, family, 2);
        fw_walk_begin(key, FW_ENFORCE, root->forests[FW_ENFORCE].late);
    }
    key->runs++;
    if (!fw_walk_run(&walk))
        return FW_REASON_NONE;
    if (key->forest == FW_OBSERVE || root->forests[FW_OBSERVE].count == 0)
        return fw_verdict(key);
    fw_walk_begin(key, FW_OBSERVE, 0);
    return FW_REASON_NONE;
}

/* ---- the end */

fw_inline void fw_count_hits(const struct fw_env *env, const struct fw_key *key)
{
    for (__u32 i = 0; i < FW_HITS_MAX && i < key->hits; i++)
        fw_count_rule(env, key->hit[i]);
}

/* Did rules or default decide, not parser, lifeline or a kept verdict? */
fw_inline _Bool fw_is_by_rules(enum fw_reason reason)
{
    return reason == FW_REASON_PASS_RULE || reason == FW_REASON_DROP_RULE ||
           reason == FW_REASON_PASS_DEFAULT || reason == FW_REASON_DROP_DEFAULT;
}

/* Counts, keeps the verdict of a first fragment; true: the packet drops. */
fw_inline _Bool fw_finish(
    const struct fw_env *env, const struct fw_gen *gen, struct fw_key *key, enum fw_reason reason)
{
    _Bool drops = fw_reason_drops(reason);

    fw_count_reason(env, reason);
    if (FW_ID_COUNTER(key->best) != FW_COUNTER_NONE)
        fw_count_rule(env, FW_ID_COUNTER(key->best));
    if (fw_is_by_rules(reason)) {
        if (key->fragment == FW_FRAGMENT_FIRST)
            fw_fragment_remember(env, key, reason);
        fw_count_hits(env, key);
        if (key->shadow != FW_ID_NONE && (FW_ID_ACTION(key->shadow) != FW_ALLOW) != drops)
            fw_count_reason(env, FW_REASON_SHADOW_DIFFERS);
    }
    fw_emit(env, gen, key, reason, drops);
    if (drops && (gen->flags & FW_GEN_DRY_RUN)) {
        fw_count_reason(env, FW_REASON_PASS_DRY_RUN);
        drops = 0;
    }
    fw_count_device(env, key->number, drops);
    return drops;
}
