/* SPDX-License-Identifier: Apache-2.0 */
/* apply.c - Rules.Apply and Rules.PutChunks: submit, then wait as far as the client asked. */
#include "base/limits.h"
#include "base/member.h"
#include "node/api/api.h"
#include "node/api/api_internal.h"
#include "node/effects.h"
#include "node/enforce.h"
#include "node/node.h"
#include "proto/wire/wire.h"
#include "rpc/loop.h"
#include "store/ledger/ledger.h"

#include "proto/picket/v1/rules.pb-c.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CHUNKS_MAX 64 /* in one request; REQUEST_BYTES_MAX holds fewer full ones */
#define WAIT_PRESET_MS 10000
#define WAIT_MS_MAX 600000
#define WAIT_POLL_NS (20 * 1000000ULL)
#define NS_PER_MS 1000000ULL

struct submission {
    struct submission *next;
    struct api *api;
    struct rpc_call *call;
    Picket__V1__ApplyRequest *apply; /* NULL: chunks */
    struct replica_answer *answers;  /* SUBMIT: all of one token; chunks: one a token */
    uint32_t answers_count, answered;
    uint64_t first_token;
    struct enforce_waiter waiter;
    struct rpc_timer timer;
    uint64_t give_up_ns;
    bool is_waiting_for_kernel;
};

static void submission_free(struct submission *submission)
{
    struct submission **slot = api_submissions(submission->api);
    struct node *node = api_node(submission->api);

    while (*slot && *slot != submission)
        slot = &(*slot)->next;
    if (*slot)
        *slot = submission->next;
    if (submission->is_waiting_for_kernel)
        enforce_wait_cancel(node->enforce, &submission->waiter);
    rpc_timer_clear(node->loop, &submission->timer);
    if (submission->apply)
        wire_free(&submission->apply->base);
    free(submission->answers);
    free(submission);
}

static struct submission *submission_new(struct api *api, struct rpc_call *call, uint32_t answers)
{
    struct submission *submission = calloc(1, sizeof(*submission));

    if (submission)
        submission->answers = calloc(answers + 1, sizeof(*submission->answers));
    if (!submission || !submission->answers) {
        free(submission);
        rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED, "this node is short of memory; try again");
        return NULL;
    }
    submission->api = api;
    submission->call = call;
    submission->answers_count = answers;
    submission->next = *api_submissions(api);
    *api_submissions(api) = submission;
    return submission;
}

void submissions_end_all(struct api *api)
{
    while (*api_submissions(api)) {
        struct submission *submission = *api_submissions(api);

        rpc_call_fail(submission->call, RPC_UNAVAILABLE,
            "this node is stopping; submit the same bytes again, here or elsewhere");
        submission_free(submission);
    }
}

/* ---- the answer */

static bool is_short_of_room(int code)
{
    return code == -EBUSY || code == -ENOMEM || code == -ENOSPC || code == -ENOBUFS;
}

static enum rpc_status status_of(const struct replica_answer *answer)
{
    /* UNAVAILABLE would read as: nobody is there. */
    if (answer->outcome == REPLICA_FAILED)
        return is_short_of_room(answer->problem.code) ? RPC_RESOURCE_EXHAUSTED : RPC_INTERNAL;
    switch ((int)answer->reason) {
    case LEDGER_MALFORMED:
    case LEDGER_OPS_MISMATCH:
    case LEDGER_OVER_LIMIT:
    case LEDGER_BAD_OPERATION:
        return RPC_INVALID_ARGUMENT;
    case LEDGER_BAD_SIGNATURE:
    case LEDGER_UNKNOWN_AUTHOR:
    case LEDGER_OUT_OF_SCOPE:
    case LEDGER_OUT_OF_BAND:
    case LEDGER_ACTION_NOT_GRANTED:
    case LEDGER_ROLE_NOT_GRANTED:
    case LEDGER_ENDED:
    case LEDGER_FROZEN:
        return RPC_PERMISSION_DENIED;
    default:
        return RPC_FAILED_PRECONDITION;
    }
}

/* The reason's word goes first, so that programs need not read sentences. */
static bool fail_if_refused(struct submission *submission)
{
    for (uint32_t i = 0; i < submission->answers_count; i++) {
        const struct replica_answer *answer = &submission->answers[i];

        if (answer->outcome == REPLICA_DURABLE)
            continue;
        if (answer->outcome == REPLICA_REFUSED)
            rpc_call_fail(submission->call, status_of(answer), "%s: %s",
                ledger_reason_word(answer->reason), answer->problem.text);
        else
            rpc_call_fail(
                submission->call, status_of(answer), "not stored: %s", answer->problem.text);
        submission_free(submission);
        return true;
    }
    return false;
}

static const struct replica_answer *newest_entry(const struct submission *submission)
{
    return submission->apply->n_entries ? &submission->answers[submission->answers_count - 1]
                                        : NULL;
}

static uint32_t holders(struct submission *submission)
{
    struct node *node = api_node(submission->api);
    const struct replica_answer *newest = newest_entry(submission);
    struct bytes bytes = newest ? ledger_entry_find(node->ledger, newest->id) : (struct bytes){0};
    struct record_view view;

    if (!bytes.len || record_open(node->ledger, RECORD_ENTRY, bytes, &view) != LEDGER_OK)
        return 1;
    return 1 + replica_holders(node->replica, view.author, view.seq);
}

static void answer_apply(struct submission *submission, bool is_enforced)
{
    struct node *node = api_node(submission->api);
    Picket__V1__ApplyResponse response = PICKET__V1__APPLY_RESPONSE__INIT;
    struct reply reply = {0};
    uint32_t first = (uint32_t)submission->apply->n_trust;

    response.entries = reply_array(&reply, submission->answers_count);
    for (uint32_t i = first; response.entries && i < submission->answers_count; i++) {
        const struct replica_answer *answer = &submission->answers[i];
        Picket__V1__EntryAnswer *out = reply_message(&reply, &picket__v1__entry_answer__descriptor);
        uint32_t op;
        enum ledger_reason reason = ledger_entry_status(node->ledger, answer->id, &op);

        if (!out)
            break;
        out->id = reply_borrow(bytes_of(answer->id, HASH_BYTES));
        out->known = answer->is_known;
        out->status =
            reply_text(&reply, reason == LEDGER_OK ? "effective" : ledger_reason_word(reason));
        response.entries[response.n_entries++] = out;
    }
    response.durable_nodes = holders(submission);
    response.enforced_here = is_enforced;
    reply_send(&reply, submission->call, &response);
    submission_free(submission);
}

/* ---- waiting for more than this disk */

static void on_enforced(struct enforce_waiter *waiter, bool is_enforced)
{
    struct submission *submission = OWNER_OF(struct submission, waiter, waiter);

    submission->is_waiting_for_kernel = false;
    answer_apply(submission, is_enforced);
}

static void on_poll(struct rpc_timer *timer)
{
    struct submission *submission = OWNER_OF(struct submission, timer, timer);
    const Picket__V1__Wait *wait = submission->apply->wait;
    bool is_for_nodes = wait->for_ == PICKET__V1__WAIT__FOR__FOR_NODES;

    if (rpc_now_ns() >= submission->give_up_ns || rpc_call_is_cancelled(submission->call) ||
        (is_for_nodes && holders(submission) >= wait->nodes)) {
        answer_apply(submission, false);
        return;
    }
    rpc_timer_set(api_node(submission->api)->loop, timer, rpc_now_ns() + WAIT_POLL_NS);
}

static void wait_or_answer(struct submission *submission)
{
    struct node *node = api_node(submission->api);
    const Picket__V1__Wait *wait = submission->apply->wait;
    uint32_t timeout_ms = wait && wait->timeout_ms ? wait->timeout_ms : WAIT_PRESET_MS;

    if (!wait || wait->for_ == PICKET__V1__WAIT__FOR__FOR_NODE) {
        answer_apply(submission, false);
        return;
    }
    if (timeout_ms > WAIT_MS_MAX)
        timeout_ms = WAIT_MS_MAX;
    submission->give_up_ns = rpc_now_ns() + timeout_ms * NS_PER_MS;
    submission->timer.fn = on_poll;
    rpc_timer_set(node->loop, &submission->timer, rpc_now_ns() + WAIT_POLL_NS);
    if (wait->for_ == PICKET__V1__WAIT__FOR__FOR_ENFORCED) {
        submission->waiter.fn = on_enforced;
        submission->waiter.revision = ledger_revision(node->ledger);
        submission->is_waiting_for_kernel = true;
        enforce_wait(node->enforce, &submission->waiter);
    }
}

static void answer_chunks(struct submission *submission)
{
    Picket__V1__PutChunksResponse response = PICKET__V1__PUT_CHUNKS_RESPONSE__INIT;
    struct reply reply = {0};

    response.hashes = reply_take(&reply, submission->answers_count * sizeof(*response.hashes) + 1);
    for (uint32_t i = 0; response.hashes && i < submission->answers_count; i++)
        response.hashes[response.n_hashes++] =
            reply_borrow(bytes_of(submission->answers[i].id, HASH_BYTES));
    reply_send(&reply, submission->call, &response);
    submission_free(submission);
}

void api_answered(struct api *api, const struct replica_effect *effect)
{
    struct submission *submission = *api_submissions(api);
    uint64_t tokens;

    for (; submission; submission = submission->next) {
        tokens = submission->apply ? 1 : submission->answers_count;
        if (effect->token >= submission->first_token &&
            effect->token < submission->first_token + tokens)
            break;
    }
    if (!submission) /* the seed, a join record, or a client that has gone */
        return;
    if (submission->apply) {
        uint32_t count = effect->answers_count < submission->answers_count
                             ? effect->answers_count
                             : submission->answers_count;

        memcpy(submission->answers, effect->answers, count * sizeof(*effect->answers));
        submission->answered = submission->answers_count;
    } else {
        submission->answers[effect->token - submission->first_token] = effect->answers[0];
        submission->answered++;
    }
    if (submission->answered < submission->answers_count || fail_if_refused(submission))
        return;
    if (submission->apply)
        wait_or_answer(submission);
    else
        answer_chunks(submission);
}

/* ---- the requests */

/* Each head the client expects must be exactly what this node has (ledger.md L13). */
static bool is_expected(
    struct node *node, struct rpc_call *call, const Picket__V1__ApplyRequest *request)
{
    for (size_t i = 0; i < request->n_expect; i++) {
        const Picket__V1__Expectation *expect = request->expect[i];
        uint8_t refs[BASES_MAX][OP_REF_BYTES];
        uint32_t count = 0;
        bool is_same = expect->object.len == OP_REF_BYTES;

        if (is_same)
            count = ledger_object_heads(node->ledger, expect->object.data, refs, BASES_MAX);
        is_same = is_same && count == expect->n_heads && count <= BASES_MAX;
        for (uint32_t k = 0; is_same && k < count; k++)
            is_same = expect->heads[k].len == OP_REF_BYTES &&
                      memcmp(expect->heads[k].data, refs[k], OP_REF_BYTES) == 0;
        if (!is_same) {
            rpc_call_fail(call, RPC_ABORTED,
                "expect[%zu]: the object has changed since it was read; read it again", i);
            return false;
        }
    }
    return true;
}

static int pack_all(struct buffer *store, struct bytes *ret_spans, size_t count, void *messages)
{
    ProtobufCMessage **list = messages;
    size_t at = 0;

    for (size_t i = 0; i < count; i++)
        if (wire_pack(list[i], store) < 0)
            return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        size_t len = protobuf_c_message_get_packed_size(list[i]);

        ret_spans[i] = bytes_of(store->at + at, len);
        at += len;
    }
    return 0;
}

static void submit(struct submission *submission)
{
    struct node *node = api_node(submission->api);
    Picket__V1__ApplyRequest *request = submission->apply;
    struct bytes trust[REPLICA_SUBMIT_RECORDS_MAX], entries[REPLICA_SUBMIT_RECORDS_MAX];
    struct buffer trust_bytes = {0}, entries_bytes = {0};
    struct replica_event event = {.kind = REPLICA_ON_SUBMIT};

    if (pack_all(&trust_bytes, trust, request->n_trust, request->trust) < 0 ||
        pack_all(&entries_bytes, entries, request->n_entries, request->entries) < 0) {
        rpc_call_fail(
            submission->call, RPC_RESOURCE_EXHAUSTED, "this node is short of memory; try again");
        submission_free(submission);
    } else {
        event.submit.token = submission->first_token;
        event.submit.trust = trust;
        event.submit.trust_count = (uint32_t)request->n_trust;
        event.submit.entries = entries;
        event.submit.entries_count = (uint32_t)request->n_entries;
        effects_step(node->effects, &event);
    }
    buffer_fini(&trust_bytes);
    buffer_fini(&entries_bytes);
}

void api_rules_apply(void *user, struct rpc_call *call, struct bytes bytes)
{
    struct node *node = api_node(user);
    Picket__V1__ApplyRequest *request =
        api_request(call, &picket__v1__apply_request__descriptor, bytes);
    struct submission *submission = NULL;
    size_t count = request ? request->n_entries + request->n_trust : 0;

    if (!request)
        return;
    if (!count || count > REPLICA_SUBMIT_RECORDS_MAX)
        rpc_call_fail(call, RPC_INVALID_ARGUMENT,
            "entries: a request carries 1 to %d records, not %zu", REPLICA_SUBMIT_RECORDS_MAX,
            count);
    else if (is_expected(node, call, request))
        submission = submission_new(user, call, (uint32_t)count);
    if (!submission) {
        wire_free(&request->base);
        return;
    }
    submission->apply = request;
    submission->first_token = effects_token(node->effects);
    submit(submission);
}

void api_rules_put_chunks(void *user, struct rpc_call *call, struct bytes bytes)
{
    struct node *node = api_node(user);
    Picket__V1__PutChunksRequest *request =
        api_request(call, &picket__v1__put_chunks_request__descriptor, bytes);
    struct submission *submission = NULL;
    uint64_t token;

    if (!request)
        return;
    if (!request->n_chunks || request->n_chunks > CHUNKS_MAX)
        rpc_call_fail(call, RPC_INVALID_ARGUMENT,
            "chunks: a request carries 1 to %d chunks, not %zu", CHUNKS_MAX, request->n_chunks);
    else
        submission = submission_new(user, call, (uint32_t)request->n_chunks);
    if (submission) {
        /* All tokens first: an answer may come within the step. */
        token = effects_token(node->effects);
        submission->first_token = token;
        for (size_t i = 1; i < request->n_chunks; i++)
            (void)effects_token(node->effects);
        for (size_t i = 0; i < request->n_chunks; i++) {
            struct replica_event event = {.kind = REPLICA_ON_CHUNK_SUBMIT};

            event.chunk_submit.token = token + i;
            event.chunk_submit.content = bytes_of(request->chunks[i].data, request->chunks[i].len);
            effects_step(node->effects, &event);
        }
    }
    wire_free(&request->base);
}
