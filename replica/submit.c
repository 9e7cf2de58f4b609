/* SPDX-License-Identifier: Apache-2.0 */
/* submit.c - records of clients: verified, judged in their order, added and stored in rounds,
 * answered. */
#include "base/check.h"
#include "replica/replica_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct replica_answer *answer_of(struct item *item)
{
    return &item->submission->answers[item - item->submission->items];
}

static void done(struct item *item, enum replica_outcome outcome)
{
    answer_of(item)->outcome = outcome;
    item->state = ITEM_DONE;
    free(item->record);
    item->record = NULL;
}

static void done_refused(struct replica *replica, struct item *item, enum ledger_reason reason)
{
    struct replica_answer *answer = answer_of(item);

    replica->counts.refused[reason]++;
    answer->reason = reason;
    if (!answer->problem.code)
        (void)problem_say(&answer->problem, -EPERM, "%s", ledger_reason_text(reason));
    if (item->record)
        replica_trace(
            replica, "submit.refused", &item->record->view, "reason", ledger_reason_word(reason));
    done(item, REPLICA_REFUSED);
}

static void done_failed(struct item *item, int code, const char *sentence)
{
    (void)problem_say(&answer_of(item)->problem, code, "%s", sentence);
    done(item, REPLICA_FAILED);
}

/* ---- arrival */

static void start_check(struct replica *replica, struct item *item)
{
    item->state = ITEM_CHECKING;
    if (replica_check(replica, item->record, MESH_LINK_NONE, item) < 0)
        done_failed(item, -EBUSY, "too many signatures are being checked; try again");
    else
        item->submission->checking_count++;
}

static void open_item(struct replica *replica, struct item *item, struct bytes bytes)
{
    struct record_view view = {.kind = item->kind};
    enum ledger_reason reason = record_open(replica->ledger, item->kind, bytes, &view);

    memcpy(answer_of(item)->id, view.id, HASH_BYTES);
    if (reason != LEDGER_OK && reason != LEDGER_UNKNOWN_PREV) {
        done_refused(replica, item, reason);
        return;
    }
    item->record = held_record_new(&view, bytes);
    if (!item->record)
        done_failed(item, -ENOMEM, "memory is short; try again");
    else if (reason == LEDGER_UNKNOWN_PREV)
        item->state = ITEM_LATER;
    else if (item->kind == RECORD_JOIN || replica_is_held(replica, &view))
        item->state = ITEM_READY; /* a join was checked at the handshake */
    else
        start_check(replica, item);
}

static struct submission *submission_new(struct replica *replica, uint64_t token, uint32_t count)
{
    struct submission *submission =
        calloc(1, sizeof(*submission) + count * sizeof(submission->items[0]));

    if (submission)
        submission->answers = calloc(count ? count : 1, sizeof(*submission->answers));
    if (!submission || !submission->answers) {
        free(submission);
        return NULL;
    }
    submission->token = token;
    submission->count = count;
    *replica->submissions_end = submission;
    replica->submissions_end = &submission->next;
    replica->submissions_count++;
    return submission;
}

static void submission_free(struct submission *submission)
{
    for (uint32_t i = 0; i < submission->count; i++)
        free(submission->items[i].record);
    free(submission->answers);
    free(submission);
}

void replica_submissions_free(struct replica *replica)
{
    while (replica->submissions) {
        struct submission *next = replica->submissions->next;

        submission_free(replica->submissions);
        replica->submissions = next;
    }
}

/* Too much at once: the whole request fails with one sentence. */
static void turn_away(struct replica *replica, uint64_t token, int code, const char *sentence)
{
    struct replica_answer answer = {.outcome = REPLICA_FAILED};
    const struct replica_effect effect = {
        .kind = REPLICA_DO_ANSWER, .token = token, .answers = &answer, .answers_count = 1};

    (void)problem_say(&answer.problem, code, "%s", sentence);
    replica_emit(replica, &effect);
}

static struct submission *enter(struct replica *replica, uint64_t token, uint64_t count)
{
    struct submission *submission = NULL;

    replica->counts.submitted += count;
    if (count > REPLICA_SUBMIT_RECORDS_MAX)
        turn_away(replica, token, -E2BIG, "a request holds at most 512 records");
    else if (replica->submissions_count == REPLICA_SUBMITS_MAX)
        turn_away(replica, token, -EBUSY, "too many requests wait for the disk; try again");
    else {
        submission = submission_new(replica, token, (uint32_t)count);
        if (!submission)
            turn_away(replica, token, -ENOMEM, "memory is short; try again");
    }
    return submission;
}

static void put_item(struct replica *replica, struct submission *submission, uint32_t index,
    enum record_kind kind, struct bytes bytes)
{
    struct item *item = &submission->items[index];

    item->submission = submission;
    item->kind = kind;
    open_item(replica, item, bytes);
}

void replica_submit(struct replica *replica, const struct replica_event *event)
{
    uint32_t trust_count = event->submit.trust_count;
    struct submission *submission =
        enter(replica, event->submit.token, (uint64_t)event->submit.entries_count + trust_count);

    if (!submission)
        return;
    for (uint32_t i = 0; i < trust_count; i++)
        put_item(replica, submission, i, RECORD_TRUST, event->submit.trust[i]);
    for (uint32_t i = 0; i < event->submit.entries_count; i++)
        put_item(replica, submission, trust_count + i, RECORD_ENTRY, event->submit.entries[i]);
}

void replica_join(struct replica *replica, const struct replica_event *event)
{
    struct submission *submission = enter(replica, event->join.token, 1);

    if (submission)
        put_item(replica, submission, 0, RECORD_JOIN, event->join.record);
}

void replica_item_checked(struct replica *replica, struct item *item, bool is_valid)
{
    CHECK(item->state == ITEM_CHECKING, "VERIFIED finds who asked");
    item->submission->checking_count--;
    if (is_valid)
        item->state = ITEM_READY;
    else
        done_refused(replica, item, LEDGER_BAD_SIGNATURE);
}

/* ---- a round */

static void wait_for_disk(struct item *item, struct unstored *unstored)
{
    item->state = ITEM_STORING;
    item->submission->storing_count++;
    item->next_storing = unstored->items;
    unstored->items = item;
}

static void take_known(struct replica *replica, struct item *item)
{
    struct unstored *unstored = replica_unstored_find(replica, item->record->view.id);

    answer_of(item)->is_known = true;
    replica->counts.known++;
    if (unstored)
        wait_for_disk(item, unstored);
    else
        done(item, REPLICA_DURABLE);
}

/* A void entry whose successor comes with it: its author cannot take it back without making a fork,
 * so it is a link of the chain (ledger.md L10). */
static bool is_link(const struct item *item, enum ledger_reason reason)
{
    const struct item *next = item + 1;

    if (reason == LEDGER_FORK || reason == LEDGER_UNKNOWN_AUTHOR || reason == LEDGER_UNKNOWN_PREV ||
        reason == LEDGER_UNKNOWN_TRUST || reason == LEDGER_UNKNOWN_BASE)
        return false;
    return next < item->submission->items + item->submission->count && next->record &&
           next->kind == RECORD_ENTRY &&
           memcmp(next->record->view.prev, item->record->view.id, HASH_BYTES) == 0;
}

/* LEDGER_OK, or why the entry may not be added now. */
static enum ledger_reason judge(struct replica *replica, struct item *item)
{
    struct bytes bytes = bytes_of(item->record->bytes, item->record->len);
    enum ledger_reason reason;

    if (item->kind != RECORD_ENTRY)
        return LEDGER_OK;
    reason =
        ledger_judge_submission(replica->ledger, bytes, replica->time_s, &answer_of(item)->problem);
    if (reason != LEDGER_OK && is_link(item, reason))
        reason = LEDGER_OK;
    if (reason != LEDGER_OK || replica_entry_has_content(replica, bytes))
        return reason;
    (void)problem_say(&answer_of(item)->problem, -ENODATA,
        "a set's content is not here: put its chunks to this node first");
    return LEDGER_WAITING_FOR_CONTENT;
}

static void add(struct replica *replica, struct item *item)
{
    struct bytes bytes = bytes_of(item->record->bytes, item->record->len);
    struct ledger_answer answer;

    if (ledger_add(replica->ledger, item->kind, bytes, &answer, NULL) < 0) {
        done_failed(item, -ENOMEM, "memory is short; try again");
        return;
    }
    if (answer.outcome == LEDGER_KNOWN) {
        take_known(replica, item);
    } else if (answer.outcome != LEDGER_ADDED) {
        done_refused(replica, item, answer.reason);
    } else {
        struct record_view view = item->record->view;

        replica_trace(replica, "added", &view, "by", "client");
        item->state = ITEM_STORING;
        item->submission->storing_count++;
        replica_store(replica, &view, bytes, item);
        replica_added(replica, &view, bytes);
    }
}

static void take_turn(struct replica *replica, struct item *item)
{
    enum ledger_reason reason;

    if (replica->counts.is_disk_failing) {
        done_failed(item, -EIO, "this node's disk fails; nothing is confirmed until it works");
        return;
    }
    if (replica_is_held(replica, &item->record->view)) {
        take_known(replica, item);
        return;
    }
    reason = judge(replica, item);
    if (reason != LEDGER_OK)
        done_refused(replica, item, reason);
    else
        add(replica, item);
}

/* A trust record whose parent may have come in the meantime. */
static void reopen(struct replica *replica, struct item *item)
{
    struct held_record *record = item->record;
    enum ledger_reason reason = record_open(
        replica->ledger, item->kind, bytes_of(record->bytes, record->len), &record->view);

    if (reason != LEDGER_OK)
        done_refused(replica, item, reason);
    else
        start_check(replica, item);
}

/* A request goes into a round when all its signatures are checked: a chain is one commit. */
static bool advance(struct replica *replica, struct submission *submission)
{
    bool has_moved = false;

    while (!submission->checking_count && submission->turn < submission->count &&
           replica->round_pending < REPLICA_ROUND_MAX) {
        struct item *item = &submission->items[submission->turn];

        if (item->state == ITEM_LATER)
            reopen(replica, item);
        if (item->state == ITEM_READY)
            take_turn(replica, item);
        if (item->state == ITEM_CHECKING)
            break;
        submission->turn++;
        has_moved = true;
    }
    return has_moved;
}

static bool advance_all(struct replica *replica)
{
    bool has_moved = false;

    for (struct submission *s = replica->submissions; s; s = s->next)
        has_moved |= advance(replica, s);
    return has_moved;
}

void replica_item_stored(struct replica *replica, struct item *item, int result)
{
    CHECK(item->state == ITEM_STORING, "STORED finds who waits");
    item->submission->storing_count--;
    replica_trace(replica, "stored", &item->record->view, "result", result < 0 ? "failed" : "ok");
    /* What is on disk may hang on what is not: nothing is confirmed until all is. */
    if (result == 0 && replica->counts.is_disk_failing)
        result = -EIO;
    if (result < 0)
        done_failed(item, result, "this node's disk failed; it is tried again");
    else
        done(item, REPLICA_DURABLE);
}

static void answer(struct replica *replica, struct submission *submission)
{
    const struct replica_effect effect = {.kind = REPLICA_DO_ANSWER,
        .token = submission->token,
        .answers = submission->answers,
        .answers_count = submission->count};

    replica->counts.answered += submission->count;
    replica_emit(replica, &effect);
}

static void answer_done(struct replica *replica)
{
    struct submission **at = &replica->submissions;

    while (*at) {
        struct submission *submission = *at;

        if (submission->turn < submission->count || submission->storing_count) {
            at = &submission->next;
            continue;
        }
        *at = submission->next;
        replica->submissions_count--;
        answer(replica, submission);
        submission_free(submission);
    }
    replica->submissions_end = at;
}

static void show_state(struct replica *replica)
{
    const struct replica_effect effect = {.kind = REPLICA_DO_STATE};
    uint64_t revision = ledger_revision(replica->ledger);

    if (!replica->state_owed && replica->state_revision == revision)
        return;
    replica->state_owed = false;
    replica->state_revision = revision;
    replica_emit(replica, &effect);
}

void replica_settle(struct replica *replica)
{
    while (!replica->round_pending) {
        show_state(replica);
        answer_done(replica);
        if (!advance_all(replica))
            break;
    }
}
