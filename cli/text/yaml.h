/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * yaml.h - the file of `picket apply -f`: what an owner wants to be there (design.md section 4).
 *
 *   owner: web                      # required: what this file owns; objects of this owner not in
 * it go sets:
 *     - name: bad
 *       kind: ban                   # or plain
 *       elements: [192.0.2.0/24, 2001:db8::/32]   # or: file: bad.netset, relative to this file
 *   rules:
 *     - drop in from @bad name no-bad             # the one-line text (store/ledger/RULES.md)
 *     - name: ssh                                 # or its words as keys
 *       action: allow
 *       direction: in
 *       protocol: tcp
 *       from: [198.51.100.0/24]
 *       port: 22
 *   defaults:
 *     - {direction: in, class: external, action: drop}
 *
 * Owns:   struct desired owns everything it reaches.
 * I/O:    desired_read() reads the file and the set files it names; desired_parse() the set files
 * only. Fails:  with "FILE:LINE: sentence"; -EINVAL for nonsense, else the world's errno. The first
 * error ends it.
 */
#include "base/problem.h"
#include "store/ledger/ledger.h"
#include "store/ledger/rule.h"

struct desired_rule {
    Picket__V1__Rule
        *rule; /* passes rule_check(); named; owner set; priorities unique in the file */
    uint32_t line;
};

struct desired_set {
    Picket__V1__Set *set;         /* passes set_check(); owner set; names unique in the file */
    struct set_element *elements; /* canonical (set_content.h) */
    uint32_t elements_count;
    uint32_t line;
};

struct desired_default {
    Picket__V1__DefaultPolicy *policy; /* (direction, class, scope) unique in the file */
    uint32_t line;
};

struct desired {
    char *owner;
    struct desired_rule *rules; /* in the file's order */
    uint32_t rules_count;
    struct desired_set *sets;
    uint32_t sets_count;
    struct desired_default *defaults;
    uint32_t defaults_count;
};

/*
 * A rule's set reference of 4 bytes is, big endian, an index into desired->sets: the set is in this
 * file, which shadows the fleet's of that name. Any other name goes to set_find (may be NULL) and
 * becomes the 36-byte object id. now_s (unix seconds) turns `timeout` in set files into an expiry.
 */
struct desired_options {
    rule_set_find set_find;
    void *user;
    uint64_t now_s;
};

/* "-" is standard input; its set files are relative to the working folder. */
int desired_read(const char *path, const struct desired_options *options,
    struct desired **ret_desired, struct problem *reterr_problem);

/* path is for sentences and for relative `file:`. */
int desired_parse(const char *path, struct bytes yaml, const struct desired_options *options,
    struct desired **ret_desired, struct problem *reterr_problem);

/*
 * Replaces every index into desired->sets by references[index]: a 36-byte object id, or 4 bytes,
 * the index of the operation that creates the set in the same changeset. Once only. 0, -ENOMEM.
 */
int desired_bind_sets(struct desired *desired, const struct bytes *references);

/* Accepts NULL. */
void desired_free(struct desired *desired);
