/* SPDX-License-Identifier: Apache-2.0 */
/* trust.c - the tree of trust records and the one chain of it that is in force (ledger.md L5). */
#include "store/ledger/inside.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

/* Lower wins: rotate, end, narrow, close gap, policy, level, checkpoint, lift suspension, grant. */
static unsigned rank_of(const Picket__V1__TrustBody *body)
{
    switch (body->action_case) {
    case PICKET__V1__TRUST_BODY__ACTION_ROTATE_ROOTS:
        return 0;
    case PICKET__V1__TRUST_BODY__ACTION_END:
        return 1;
    case PICKET__V1__TRUST_BODY__ACTION_NARROW:
        return 2;
    case PICKET__V1__TRUST_BODY__ACTION_CLOSE_GAP:
        return 3;
    case PICKET__V1__TRUST_BODY__ACTION_POLICY:
        return 4;
    case PICKET__V1__TRUST_BODY__ACTION_LEVEL:
        return 5;
    case PICKET__V1__TRUST_BODY__ACTION_CHECKPOINT:
        return 6;
    case PICKET__V1__TRUST_BODY__ACTION_LIFT_SUSPENSION:
        return 7;
    default:
        return 8;
    }
}

/* Does a win over b as the successor of one parent? */
static bool wins(const struct trust_record *a, const struct trust_record *b)
{
    unsigned left = rank_of(a->body), right = rank_of(b->body);

    if (a->signers != b->signers)
        return a->signers > b->signers;
    if (left != right)
        return left < right;
    return memcmp(a->id, b->id, HASH_BYTES) < 0;
}

/* best[i + 1]: the successor in force of record i; best[0]: the first record. */
static uint32_t *best_successors(const struct ledger *ledger)
{
    uint32_t *best = malloc((ledger->trust_count + 1) * sizeof(*best));

    CHECK(best, "there is memory for the reduced state");
    for (uint32_t i = 0; i <= ledger->trust_count; i++)
        best[i] = NONE;
    for (uint32_t i = 0; i < ledger->trust_count; i++) {
        const struct trust_record *record = &ledger->trust[i];
        uint32_t *slot = &best[record->prev == NONE ? 0 : record->prev + 1];

        if (*slot == NONE || wins(record, &ledger->trust[*slot]))
            *slot = i;
    }
    return best;
}

void trust_fini(struct trust_fold *fold)
{
    free(fold->positions);
    free(fold->events);
    idmap_fini(&fold->first_event);
    *fold = (struct trust_fold){0};
}

void trust_refold(struct ledger *ledger)
{
    struct trust_fold *fold = &ledger->in_force;
    uint32_t *best = best_successors(ledger);

    trust_fini(fold);
    idmap_init(&fold->first_event, KEY_BYTES, 0);
    fold->positions = calloc(ledger->trust_count + 1, sizeof(*fold->positions));
    fold->events = calloc(ledger->trust_count + 1, sizeof(*fold->events));
    CHECK(fold->positions && fold->events, "there is memory for the reduced state");
    fold->positions[0].record = NONE;
    for (uint32_t i = best[0]; i != NONE; i = best[i + 1])
        fold->positions[++fold->head].record = i;
    free(best);
    grants_fold(ledger);
}

uint64_t trust_position_of(const struct ledger *ledger, uint32_t record)
{
    /* Positions of records grow by one along a branch, so the walk ends at the common record. */
    for (; record != NONE; record = ledger->trust[record].prev) {
        uint64_t position = ledger->trust[record].position;

        if (position <= ledger->in_force.head &&
            ledger->in_force.positions[position].record == record)
            return position;
    }
    return 0;
}
