/* SPDX-License-Identifier: Apache-2.0 */
/* submission.c - what an entry would come to, before it is kept: what Apply refuses with. */
#include "store/ledger/submission.h"

#include "proto/wire/wire.h"

#include <errno.h>

static enum ledger_reason say(struct problem *ret_problem, enum ledger_reason reason, uint32_t op)
{
    if (reason && op != NONE)
        (void)problem_say(ret_problem, -EINVAL, "operation %u: %s", op, ledger_reason_text(reason));
    else if (reason)
        (void)problem_say(ret_problem, -EINVAL, "%s", ledger_reason_text(reason));
    return reason;
}

/* Nobody is helped to make a fork. */
static bool has_number(const struct ledger *ledger, const struct record_view *view)
{
    uint32_t chain = chain_find(ledger, view->author);

    return chain != NONE && view->seq <= ledger->chains[chain].newest_count;
}

/* Judges the next entry of a chain as if it were kept. */
static enum ledger_reason judge_next(struct ledger *ledger, struct bytes bytes,
    const struct record_view *view, Picket__V1__Header *header, struct bytes ops,
    struct verdict *ret_verdict)
{
    struct tally tally = {0};

    if (entry_push(ledger, bytes, view, header, ops) < 0) {
        wire_free(&header->base);
        return LEDGER_OVER_LIMIT;
    }
    entry_judge(ledger, ledger->entries_count - 1, &tally);
    tally_fini(&tally);
    *ret_verdict = ledger->entries[ledger->entries_count - 1].verdict;
    if (ret_verdict->reason == LEDGER_OK) {
        ret_verdict->op = directory_taken(ledger, &ledger->entries[ledger->entries_count - 1]);
        ret_verdict->reason = ret_verdict->op == NONE ? LEDGER_OK : LEDGER_INVITE_VOID;
    }
    entry_pop(ledger);
    return ret_verdict->reason;
}

enum ledger_reason ledger_judge_submission(
    struct ledger *ledger, struct bytes signed_entry, uint64_t now_s, struct problem *ret_problem)
{
    struct record_view view;
    Picket__V1__Header *header = NULL;
    struct bytes ops;
    struct verdict verdict = {.op = NONE};
    enum ledger_reason reason = entry_read(ledger, signed_entry, &view, &header, &ops);
    const struct grant_event *newest;
    uint32_t op, prev;

    if (reason)
        return say(ret_problem, reason, NONE);
    directory_settle(ledger);
    reason = entry_place(ledger, &view, &prev);
    if (!reason && has_number(ledger, &view))
        reason = LEDGER_FORK;
    if (idmap_find(&ledger->entry_by_id, view.id) != IDMAP_NONE) {
        wire_free(&header->base);
        reason = ledger_entry_status(ledger, view.id, &op);
        return say(ret_problem, reason, op);
    }
    if (reason) {
        wire_free(&header->base);
        return say(ret_problem, reason, NONE);
    }
    reason = judge_next(ledger, signed_entry, &view, header, ops, &verdict);
    if (reason)
        return say(ret_problem, reason, verdict.op);
    newest = grant_at(ledger, view.author, UINT64_MAX);
    if (newest && newest->grant && newest->grant->not_after && now_s > newest->grant->not_after) {
        (void)problem_say(ret_problem, -EINVAL,
            "the grant of %s took new entries until %llu (unix seconds) only",
            newest->grant->person, (unsigned long long)newest->grant->not_after);
        return LEDGER_ENDED;
    }
    return LEDGER_OK;
}
