/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * match.h - the condition of a rule as a product of fields, and its algebra.
 *
 * Every number (address, port, protocol, ICMP type, DSCP) is a list of spans, so that "and" and
 * "not" are exact. Private to cli/import/.
 */
#include <stdbool.h>
#include <stdint.h>

struct importing;

__extension__ typedef unsigned __int128 wide;

struct span {
    wide first, last;
};

/* Ascending, disjoint, not adjacent. Never changed once made. */
struct spans {
    uint32_t count;
    struct span at[];
};

/* Sorts and joins; the list is scratch. */
const struct spans *spans_of(struct importing *in, struct span *list, uint32_t count);
const struct spans *spans_one(struct importing *in, wide first, wide last);
const struct spans *spans_and(struct importing *in, const struct spans *a, const struct spans *b);
const struct spans *spans_not(struct importing *in, const struct spans *a, wide max);
bool spans_cover(const struct spans *a, const struct spans *b); /* a holds all of b */

/* The largest prefix at the beginning of the span, which is cut off; its length. */
uint8_t span_prefix(struct span *span, uint8_t bits);
uint32_t spans_prefixes(const struct spans *spans, uint8_t bits);

enum field {
    FIELD_SOURCE, /* with exactly one family */
    FIELD_TARGET,
    FIELD_PROTOCOL,
    FIELD_SPORT,
    FIELD_DPORT,
    FIELD_TYPE,
    FIELD_CODE,
    FIELD_DSCP,
    FIELD_COUNT
};

#define FAMILY_V4 1
#define FAMILY_V6 2
#define FAMILY_BOTH 3
#define TO_SELF 1
#define TO_OTHER 2
#define FRAGMENT_WHOLE 1
#define FRAGMENT_BEGIN 2
#define FRAGMENT_REST 4
#define STATE_NEW 1
#define STATE_KNOWN 2

struct devices {
    uint32_t count;
    const char *at[]; /* names, or a beginning and '*' */
};

struct match {
    uint8_t families, targets, fragments;
    uint8_t states; /* 0: any */
    uint8_t flags_mask, flags_value;
    int32_t vlan; /* -1: any */
    bool is_out;
    const struct spans *fields[FIELD_COUNT]; /* NULL: any */
    const char *sets[2];                     /* of source and target; NULL: none */
    bool sets_not[2];
    const struct devices *devices; /* NULL: any */
};

void match_init(struct match *match, uint8_t families);
wide field_max(enum field field, uint8_t families);

enum match_answer { MATCH_SOME, MATCH_NONE, MATCH_HARD };
enum match_answer match_and(
    struct importing *in, const struct match *a, const struct match *b, struct match *ret);
/* Narrows one field. */
enum match_answer match_field(
    struct importing *in, struct match *match, enum field field, const struct spans *spans);
bool match_covers(const struct match *a, const struct match *b); /* false if not sure */
const struct devices *devices_and(
    struct importing *in, const struct devices *a, const struct devices *b);
