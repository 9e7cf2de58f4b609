/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
#pragma once
/*
 * fw_decide.h - from a frame to a verdict: parse, lifeline, fragments, rules in order, default.
 *
 * Two stages, so that each stays small for the verifier: fw_begin() until the rules, then fw_walk()
 * again and again, FW_RULES_A_RUN rules a time. Whoever runs them calls fw_finish() once.
 */
#include "bpf/fw_lifeline.h"

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
        key->counter = kept.counter;
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
        .counter = key->counter,
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

fw_inline void fw_find_hosts(const struct fw_env *env, struct fw_key *key)
{
    struct fw_address address = {.family = key->family};

    __builtin_memcpy(address.address, key->target, 16);
    key->target_host = (__u8)fw_host_flags(env, &address);
    __builtin_memcpy(address.address, key->source, 16);
    key->source_host = (__u8)fw_host_flags(env, &address);
}

fw_inline void fw_find_members(const struct fw_env *env, struct fw_key *key)
{
    if (key->family == FW_IPV4) {
        key->source_member = fw_member4(env, key->source);
        key->target_member = fw_member4(env, key->target);
    } else {
        key->source_member = fw_member6(env, key->source);
        key->target_member = fw_member6(env, key->target);
    }
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
    __builtin_memset(key, 0, sizeof(*key));
    key->ifindex = ifindex;
    key->slot = slot;
    key->counter = FW_COUNTER_NONE;
    key->last_counter = FW_COUNTER_NONE;
    if (device) {
        key->globs = device->globs;
        key->class = device->class;
        key->device_flags = device->flags;
    }
}

fw_inline enum fw_reason fw_default_reason(const struct fw_device *device)
{
    return device->defaults[FW_IN] == FW_DROP ? FW_REASON_DROP_DEFAULT : FW_REASON_PASS_DEFAULT;
}

/* FW_REASON_NONE: the rules decide, from key->cursor to key->end. */
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
    fw_find_hosts(env, key);
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
    if (root->count == 0)
        return fw_default_reason(device);
    if (root->flags & FW_ROOT_SETS)
        fw_find_members(env, key);
    key->word = fw_key_word(key);
    key->cursor = root->first;
    key->end = root->first + root->count;
    return FW_REASON_NONE;
}

/* ---- stage 2 */

fw_inline _Bool fw_port_matches(__u32 port, __u32 first, __u32 span)
{
    return ((port - first) & 0xffff) <= span;
}

/* 1 or 0, without branches. */
fw_inline __u64 fw_is_zero(__u64 value)
{
    return ((value | -value) >> 63) ^ 1;
}

fw_inline __u64 fw_side_matches(
    const __u64 *address, const __u64 *value, const __u64 *mask, __u64 is_not)
{
    __u64 differs = ((address[0] ^ value[0]) & mask[0]) | ((address[1] ^ value[1]) & mask[1]);

    return fw_is_zero(differs) ^ is_not;
}

fw_inline __u64 fw_member_matches(__u64 member, __u64 set)
{
    __u64 is_in = member >> (set & FW_SET_INDEX) & 1;

    return (is_in ^ (set >> 6)) | (set >> 7 ^ 1);
}

/* The first test fails most often; the rest has no branches, because the verifier walks every way
 * through the loop over the rules. */
fw_inline _Bool fw_rule_matches(const struct fw_rule *rule, const struct fw_key *key)
{
    __u64 flags = rule->flags, matches;

    if ((key->word ^ rule->word) & rule->word_mask)
        return 0;
    if (!fw_port_matches(key->target_port, rule->target_port, rule->target_port_span) ||
        !fw_port_matches(key->source_port, rule->source_port, rule->source_port_span))
        return 0;
    matches = fw_side_matches(key->source, rule->source, rule->source_mask, flags & 1) &
              fw_side_matches(key->target, rule->target, rule->target_mask, flags >> 1 & 1) &
              fw_member_matches(key->source_member, rule->source_set) &
              fw_member_matches(key->target_member, rule->target_set) & 1;
    matches &= fw_is_zero(rule->globs) | (fw_is_zero(rule->globs & key->globs) ^ 1);
    return matches != 0;
}

_Static_assert(FW_RULE_NOT_SOURCE == 1 && FW_RULE_NOT_TARGET == 2, "fw_rule_matches shifts them");
_Static_assert(
    FW_SET_NEGATE == 1 << 6 && FW_SET_PRESENT == 1 << 7, "fw_member_matches shifts them");

fw_inline _Bool fw_is_observed(const struct fw_rule *rule)
{
    return rule->action == FW_LOG || (rule->flags & FW_RULE_SHADOW);
}

/* Leaf rules of one rule count once, and there is a bound on rules counted for one packet. */
fw_inline _Bool fw_is_counted_out(const struct fw_rule *rule, const struct fw_key *key)
{
    return fw_is_observed(rule) && (key->hits >= FW_HITS_MAX || rule->counter == key->last_counter);
}

/* Looks at up to FW_RULES_A_RUN rules from the cursor on; leaves the cursor on the first match, or
 * behind the last one looked at. NULL: none of them matches. */
fw_inline const struct fw_rule *fw_walk(const struct fw_env *env, struct fw_key *key)
{
    const struct fw_rule *rule = 0;
    __u32 first = key->cursor, end = key->end, i;

    for (i = 0; i < FW_RULES_A_RUN; i++) {
        if (first + i >= end)
            break;
        rule = fw_rule_at(env, first + i);
        if (!rule || (fw_rule_matches(rule, key) && !fw_is_counted_out(rule, key)))
            break;
        rule = 0;
    }
    key->cursor = first + i;
    return rule;
}

/* A log or shadow rule counts and decides nothing. */
fw_inline void fw_observe(const struct fw_env *env, const struct fw_rule *rule, struct fw_key *key)
{
    key->cursor++;
    key->hits++;
    key->last_counter = rule->counter;
    if (rule->action != FW_LOG && key->shadow_action == 0)
        key->shadow_action = rule->action;
    fw_count_rule(env, rule->counter);
}

/* One run of the walk. FW_REASON_NONE: call again. */
fw_inline enum fw_reason fw_decide(
    const struct fw_env *env, const struct fw_device *device, struct fw_key *key)
{
    const struct fw_rule *rule = fw_walk(env, key);

    if (rule && fw_is_observed(rule)) {
        fw_observe(env, rule, key);
        return FW_REASON_NONE;
    }
    if (rule) {
        key->counter = rule->counter;
        return rule->action == FW_ALLOW ? FW_REASON_PASS_RULE : FW_REASON_DROP_RULE;
    }
    return key->cursor < key->end ? FW_REASON_NONE : fw_default_reason(device);
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
    if (key->counter != FW_COUNTER_NONE)
        fw_count_rule(env, key->counter);
    if (fw_is_by_rules(reason)) {
        if (key->fragment == FW_FRAGMENT_FIRST)
            fw_fragment_remember(env, key, reason);
        if (key->shadow_action != 0 && (key->shadow_action != FW_ALLOW) != drops)
            fw_count_reason(env, FW_REASON_SHADOW_DIFFERS);
    }
    if (drops && (gen->flags & FW_GEN_DRY_RUN)) {
        fw_count_reason(env, FW_REASON_PASS_DRY_RUN);
        return 0;
    }
    return drops;
}
