/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * message.h - a rule set as objects of a ledger: picket.v1 Rule and Set messages, for those who
 * want the whole compiler (compile_objects()). In library tests_bench_packets.
 *
 * Owns:     all its messages; messages_free(). The rule set is only read during messages_new().
 */
#include "base/arena.h"
#include "base/problem.h"
#include "store/ledger/ledger.h"
#include "tests/bench/packet/rules/rule_set.h"

struct messages {
    struct ledger_object *objects; /* ascending by id: first the sets, then the rules by object */
    uint32_t objects_count;
    uint32_t *rules_by_object; /* index of the rule whose object is i */
    uint32_t rules_count;
    uint32_t sets_count;
    struct buffer *chunks; /* content of the sets; a chunk's hash begins with its number */
    uint32_t chunks_count;
    struct arena arena;
};

/*
 * A rule with ports and any protocol becomes one for TCP, UDP and SCTP, which alone have ports: see
 * frame.h for sets in which that is not what is meant. 0; -ENOMEM; -EINVAL with a sentence for what
 * no message can say: ports of another protocol, ranges of ICMP types.
 */
int messages_new(const struct bench_rules *rules, struct messages **ret_messages,
    struct problem *reterr_problem);
void messages_free(struct messages *messages); /* accepts NULL */

/* For compile_input: user is the struct messages. */
bool messages_chunk(void *user, const uint8_t hash[HASH_BYTES], struct bytes *ret_chunk);

/* Which rule is this object's? BENCH_NO_RULE: a set, or none. */
uint32_t messages_rule_of(const struct messages *messages, const uint8_t id[OP_REF_BYTES]);
