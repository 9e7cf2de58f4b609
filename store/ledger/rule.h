/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * rule.h - the rule model (the message itself) and its one-line text.
 *
 *   drop in tcp from 192.0.2.0/24,2001:db8::/32 to any port 22,8000-8080 priority 100 name ssh
 * scope site=berlin
 *
 * Grammar in store/ledger/RULES.md; rule_print() writes what rule_parse() reads, and reading it
 * again gives the same message. Pure.
 */
#include "base/bytes.h"
#include "base/problem.h"

#include "proto/picket/v1/entry.pb-c.h"

#include <stdbool.h>

/* Every rule of the format about a Rule by itself: limits, ranges, combinations. 0, or -EINVAL and
 * a sentence. */
int rule_check(const Picket__V1__Rule *rule, struct problem *reterr_problem);
int scope_check(const Picket__V1__Scope *scope, struct problem *reterr_problem);
int set_check(const Picket__V1__Set *set, struct problem *reterr_problem);

/* NULL scope: the whole fleet. Does every node of `inner` lie in `outer`? */
bool scope_contains(const Picket__V1__Scope *outer, const Picket__V1__Scope *inner);
bool scope_matches(
    const Picket__V1__Scope *scope, Picket__V1__Label *const *labels, size_t labels_count);

/*
 * set_find maps a set name in the text (`from @bad`) to its object id, and says in its problem why
 * it cannot (no such set, ambiguous name); NULL if sets may not be used. Free with rule_free().
 * Errors quote the word.
 */
typedef int (*rule_set_find)(
    void *user, const char *name, uint8_t ret_id[OP_REF_BYTES], struct problem *reterr_problem);
int rule_parse(const char *text, rule_set_find set_find, void *user, Picket__V1__Rule **ret_rule,
    struct problem *reterr_problem);
void rule_free(Picket__V1__Rule *rule);

/* Appends without a NUL. set_name maps an id to a name; NULL prints the id in hex. 0, -ENOMEM. */
typedef const char *(*rule_set_name)(void *user, struct bytes reference);
int rule_print(
    const Picket__V1__Rule *rule, rule_set_name set_name, void *user, struct buffer *text);

/* "192.0.2.0/24", "2001:db8::1"; host bits set are an error that names the prefix meant. */
int prefix_parse(const char *text, uint8_t ret_address[16], bool *ret_is_v6, uint8_t *ret_length,
    struct problem *reterr_problem);
/* ret_text: at least 64 bytes. */
void prefix_print(const uint8_t *address, bool is_v6, uint8_t length, char *ret_text);

/* "key=value,value;key=value" <-> Scope; "fleet" or "" gives NULL. Free with scope_free(). */
int scope_parse(const char *text, Picket__V1__Scope **ret_scope, struct problem *reterr_problem);
int scope_print(const Picket__V1__Scope *scope, struct buffer *text);
void scope_free(Picket__V1__Scope *scope);

/* Words <-> enum values, for the command and YAML: "drop" <-> ACTION_DROP. -EINVAL if unknown. */
int action_parse(const char *word);
const char *action_word(Picket__V1__Action action);
