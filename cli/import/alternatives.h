/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * alternatives.h - a condition while it is read: a few matches that exclude each other, one of
 * which must hold. Private to cli/import/.
 */
#include "cli/import/model.h"

#define ALTERNATIVES_MAX 256

struct alternatives {
    struct importing *in;
    const char *why; /* the first reason why this cannot be expressed; NULL */
    const struct devices *except;
    uint32_t count; /* 0: nothing matches */
    struct match at[ALTERNATIVES_MAX];
};

void alternatives_init(struct alternatives *all, struct importing *in, uint8_t families);
/* Keeps the first reason. */
__attribute__((format(printf, 2, 3))) void alternatives_fail(
    struct alternatives *all, const char *format, ...);
/* All must hold with one of the pieces. */
void alternatives_and(struct alternatives *all, const struct match *pieces, uint32_t count);
void alternatives_field(
    struct alternatives *all, enum field field, const struct spans *spans, bool is_not);
void alternatives_family(struct alternatives *all, uint8_t families);
void alternatives_address(
    struct alternatives *all, enum field field, bool is_v6, const struct spans *spans, bool is_not);
void alternatives_set(struct alternatives *all, enum field side, const char *name, bool is_not);
void alternatives_protocol(struct alternatives *all, uint32_t protocol, bool is_not);

/* Picket looks behind IPv6 headers at which netfilter stops: a rule that names nothing else cannot
 * match there and is refused, one that names more is noted. */
void alternatives_check_headers(struct alternatives *all, uint32_t line);
void alternatives_icmp(
    struct alternatives *all, bool is_v6, struct span type, struct span code, bool is_not);
void alternatives_flags(struct alternatives *all, uint8_t mask, uint8_t value, bool is_not);
void alternatives_device(struct alternatives *all, bool is_out, const char *name, bool is_not);
void alternatives_fragments(struct alternatives *all, uint8_t fragments);
void alternatives_states(struct alternatives *all, uint8_t states);
void alternatives_targets(struct alternatives *all, uint8_t targets);
/* Steps of the rule's verdict, one an alternative. */
void alternatives_emit(struct alternatives *all, struct chain *chain, const struct step *step);
