/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/chain.h"

#include "base/own.h"
#include "cli/verify.h"
#include "store/ledger/author.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HEAD_WORD "picket-head-1"
#define TAIL_BYTES_MAX ((size_t)(CHAIN_TAIL_MAX + CHAIN_RECENT_MAX) * (ENTRY_BYTES_MAX + 16))

static int read_head(struct chain *chain, struct problem *reterr_problem)
{
    OWN(buffer_fini) struct buffer text = {0};
    char id[2 * HASH_BYTES + 2] = "";
    int r = file_read(chain->head_path, 256, &text, reterr_problem);

    if (r == -ENOENT)
        return 0;
    if (r == 0 && buffer_append(&text, "", 1) < 0)
        r = -ENOMEM;
    if (r < 0)
        return r;
    if (sscanf((const char *)text.at, HEAD_WORD " %" SCNu64 " %65s", &chain->head_seq, id) != 2 ||
        hex_parse(id, chain->head_id, HASH_BYTES) < 0 || !chain->head_seq)
        return problem_say(reterr_problem, -EBADMSG,
            "\"%s\" is damaged; move it away and run picket fleet catch-up", chain->head_path);
    return 0;
}

static int write_head(const struct chain *chain, struct problem *reterr_problem)
{
    char id[2 * HASH_BYTES + 1];
    char line[160];
    int len;

    hex_print(chain->head_id, HASH_BYTES, id);
    len = snprintf(line, sizeof(line), HEAD_WORD " %" PRIu64 " %s\n", chain->head_seq, id);
    return file_replace(chain->head_path, bytes_of(line, (size_t)len), 0600, reterr_problem);
}

static int write_tail(const struct chain *chain, struct problem *reterr_problem)
{
    OWN(buffer_fini) struct buffer all = {0};

    if (buffer_append(&all, chain->recent.at, chain->recent.len) < 0 ||
        buffer_append(&all, chain->tail.at, chain->tail.len) < 0)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    return file_replace(chain->tail_path, buffer_bytes(&all), 0600, reterr_problem);
}

/* One more acknowledged entry; the oldest go. */
static int remember(struct chain *chain, struct bytes entry)
{
    enum record_kind kind;
    struct bytes record;
    size_t offset = 0;
    size_t first_end = 0;
    uint32_t count = 0;

    if (records_put(&chain->recent, RECORD_ENTRY, entry) < 0)
        return -ENOMEM;
    while (records_next(buffer_bytes(&chain->recent), &offset, &kind, &record))
        if (!count++)
            first_end = offset;
    if (count > CHAIN_RECENT_MAX) {
        memmove(chain->recent.at, chain->recent.at + first_end, chain->recent.len - first_end);
        chain->recent.len -= first_end;
    }
    return 0;
}

/* An entry that stands behind chain->last. */
static int follow(struct chain *chain, struct bytes entry, struct record_view *ret_view,
    struct problem *reterr_problem)
{
    int r = verify_record(
        chain->ledger, RECORD_ENTRY, entry, "an entry of this key", ret_view, reterr_problem);
    bool is_first = chain->last_seq == 0;

    if (r < 0)
        return r;
    if (memcmp(ret_view->author, chain->key, KEY_BYTES) != 0 ||
        ret_view->seq != chain->last_seq + 1 || ret_view->has_prev == is_first ||
        (!is_first && memcmp(ret_view->prev, chain->last_id, HASH_BYTES) != 0))
        return problem_say(reterr_problem, -EBADMSG,
            "entry %" PRIu64 " does not follow entry %" PRIu64 " of this key", ret_view->seq,
            chain->last_seq);
    return 0;
}

static void move_last(struct chain *chain, const struct record_view *view)
{
    chain->last_seq = view->seq;
    memcpy(chain->last_id, view->id, HASH_BYTES);
}

static bool is_zero(struct bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.at[i])
            return false;
    return true;
}

/* Keeps what follows the head; *ret_is_cut: the file ends in the remains of an append. */
static int take_tail(
    struct chain *chain, struct bytes list, bool *ret_is_cut, struct problem *reterr_problem)
{
    enum record_kind kind;
    struct bytes entry;
    size_t offset = 0;
    size_t good = 0;

    while (records_next(list, &offset, &kind, &entry)) {
        struct record_view view;
        int r;

        if (is_zero(bytes_of(list.at + good, list.len - good)))
            break;
        r = verify_record(
            chain->ledger, RECORD_ENTRY, entry, "an entry of the tail", &view, reterr_problem);
        if (r == 0 && view.seq <= chain->head_seq) {
            r = records_put(&chain->recent, RECORD_ENTRY, entry);
        } else if (r == 0) {
            r = follow(chain, entry, &view, reterr_problem);
            if (r == 0)
                r = records_put(&chain->tail, RECORD_ENTRY, entry);
            if (r == 0)
                move_last(chain, &view);
        }
        if (r < 0)
            return r;
        good = offset;
    }
    *ret_is_cut = good < list.len;
    return 0;
}

static int read_tail(struct chain *chain, struct problem *reterr_problem)
{
    OWN(buffer_fini) struct buffer list = {0};
    struct problem why = {0};
    bool is_cut = false;
    int r = file_read(chain->tail_path, TAIL_BYTES_MAX, &list, reterr_problem);

    if (r < 0)
        return r == -ENOENT ? 0 : r;
    r = take_tail(chain, buffer_bytes(&list), &is_cut, &why);
    if (r < 0)
        return problem_say(
            reterr_problem, r, "\"%.80s\" is damaged: %.140s", chain->tail_path, why.text);
    if (is_cut)
        return write_tail(chain, reterr_problem);
    return 0;
}

int chain_open(const char *folder, const struct ledger *ledger, const uint8_t key[KEY_BYTES],
    struct chain *ret_chain, struct problem *reterr_problem)
{
    char name[32] = "head-";
    int r;

    memset(ret_chain, 0, sizeof(*ret_chain));
    ret_chain->ledger = ledger;
    memcpy(ret_chain->key, key, KEY_BYTES);
    hex_print(key, 8, name + 5);
    r = file_path(folder, name, ret_chain->head_path, reterr_problem);
    memcpy(name, "tail", 4);
    if (r == 0)
        r = file_path(folder, name, ret_chain->tail_path, reterr_problem);
    if (r == 0)
        r = read_head(ret_chain, reterr_problem);
    ret_chain->last_seq = ret_chain->head_seq;
    memcpy(ret_chain->last_id, ret_chain->head_id, HASH_BYTES);
    if (r == 0)
        r = read_tail(ret_chain, reterr_problem);
    if (r < 0)
        chain_fini(ret_chain);
    return r;
}

void chain_fini(struct chain *chain)
{
    buffer_fini(&chain->recent);
    buffer_fini(&chain->tail);
}

static uint32_t tail_count(const struct chain *chain)
{
    return (uint32_t)(chain->last_seq - chain->head_seq);
}

int chain_sign(struct chain *chain, const struct key_pair *pair, const Picket__V1__Scope *scope,
    const Picket__V1__Ops *ops, uint8_t ret_id[HASH_BYTES], struct problem *reterr_problem)
{
    OWN(buffer_fini) struct buffer entry = {0};
    OWN(buffer_fini) struct buffer record = {0};
    struct author_position at = {.seq = chain->last_seq + 1};
    uint64_t position = 0;
    struct bytes trust = ledger_trust_head(chain->ledger, &position);
    int r;

    if (tail_count(chain) >= CHAIN_TAIL_MAX)
        return problem_say(reterr_problem, -ENOBUFS,
            "%d signed changes wait for a node already; send them first (any change does)",
            CHAIN_TAIL_MAX);
    if (!trust.len)
        return problem_say(
            reterr_problem, -EPERM, "the trust log is empty: this key has no grant yet");
    memcpy(at.fleet_id, ledger_fleet_id(chain->ledger), HASH_BYTES);
    memcpy(at.prev, chain->last_id, HASH_BYTES);
    memcpy(at.trust_head, trust.at, HASH_BYTES);
    r = author_entry(&at, scope, 0, 0, ops, pair, &entry, ret_id);
    if (r < 0)
        return problem_say(reterr_problem, r, "cannot sign: %s", strerror(-r));
    if (entry.len > ENTRY_BYTES_MAX)
        return problem_say(reterr_problem, -E2BIG,
            "the change has %zu bytes; an entry holds %d, so make it in several", entry.len,
            ENTRY_BYTES_MAX);
    if (records_put(&record, RECORD_ENTRY, buffer_bytes(&entry)) < 0 ||
        buffer_reserve(&chain->tail, record.len) < 0)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    r = file_append(chain->tail_path, buffer_bytes(&record), 0600, reterr_problem);
    if (r < 0)
        return r;
    (void)buffer_append(&chain->tail, record.at, record.len);
    chain->last_seq++;
    memcpy(chain->last_id, ret_id, HASH_BYTES);
    return 0;
}

bool chain_next(const struct chain *chain, size_t *offset, struct bytes *ret_entry)
{
    enum record_kind kind;

    return records_next(buffer_bytes(&chain->tail), offset, &kind, ret_entry);
}

/* The id of the entry with this number, of head and tail; NULL if it is not here. */
static bool find_id(const struct chain *chain, uint64_t seq, uint8_t ret_id[HASH_BYTES])
{
    struct bytes entry;
    size_t offset = 0;

    if (seq == chain->head_seq && seq) {
        memcpy(ret_id, chain->head_id, HASH_BYTES);
        return true;
    }
    while (chain_next(chain, &offset, &entry)) {
        struct record_view view;

        if (record_open(chain->ledger, RECORD_ENTRY, entry, &view) != LEDGER_OK || view.seq != seq)
            continue;
        memcpy(ret_id, view.id, HASH_BYTES);
        return true;
    }
    return false;
}

int chain_check(const struct chain *chain, uint64_t seq, const uint8_t id[HASH_BYTES],
    struct problem *reterr_problem)
{
    uint8_t own[HASH_BYTES];

    if (seq > chain->last_seq)
        return problem_say(reterr_problem, -ESTALE,
            "the fleet knows %" PRIu64 " entries of this key, this folder %" PRIu64
            ": the key was used elsewhere, or the folder is an old copy; nothing was signed; run "
            "picket fleet catch-up first",
            seq, chain->last_seq);
    if (seq >= chain->head_seq && seq && find_id(chain, seq, own) &&
        memcmp(own, id, HASH_BYTES) != 0)
        return problem_say(reterr_problem, -ESTALE,
            "the fleet holds another entry %" PRIu64
            " of this key than this folder: the key was used in two places; nothing was signed; "
            "grant a new key and end this one",
            seq);
    return 0;
}

int chain_missing(const struct chain *chain, uint64_t seq, struct buffer *ret_list)
{
    enum record_kind kind;
    struct bytes entry;
    size_t offset = 0;
    size_t start = 0;

    while (records_next(buffer_bytes(&chain->recent), &offset, &kind, &entry)) {
        struct record_view view;

        if (record_open(chain->ledger, RECORD_ENTRY, entry, &view) == LEDGER_OK && view.seq > seq &&
            buffer_append(ret_list, chain->recent.at + start, offset - start) < 0)
            return -ENOMEM;
        start = offset;
    }
    return buffer_append(ret_list, chain->tail.at, chain->tail.len);
}

int chain_acknowledge(struct chain *chain, uint64_t seq, struct problem *reterr_problem)
{
    uint8_t id[HASH_BYTES];
    struct bytes entry;
    size_t offset = 0;
    size_t kept = 0;
    int r;

    if (seq <= chain->head_seq || !find_id(chain, seq, id))
        return 0;
    for (uint64_t left = seq - chain->head_seq; left && chain_next(chain, &offset, &entry);
         left--) {
        if (remember(chain, entry) < 0)
            return problem_say(reterr_problem, -ENOMEM, "out of memory");
        kept = offset;
    }
    chain->head_seq = seq;
    memcpy(chain->head_id, id, HASH_BYTES);
    r = write_head(chain, reterr_problem);
    if (r < 0)
        return r;
    if (kept < chain->tail.len)
        memmove(chain->tail.at, chain->tail.at + kept, chain->tail.len - kept);
    chain->tail.len -= kept;
    return write_tail(chain, reterr_problem);
}

int chain_adopt(struct chain *chain, struct bytes entry, struct problem *reterr_problem)
{
    uint8_t own[HASH_BYTES];
    struct record_view view;
    int r = verify_record(
        chain->ledger, RECORD_ENTRY, entry, "an entry of this key", &view, reterr_problem);

    if (r < 0 || (view.seq <= chain->head_seq && view.seq))
        return r;
    if (view.seq <= chain->last_seq) {
        if (find_id(chain, view.seq, own) && memcmp(own, view.id, HASH_BYTES) != 0)
            return problem_say(reterr_problem, -ESTALE,
                "the fleet holds another entry %" PRIu64
                " of this key than this folder: the key was used in two places; grant a new key "
                "and end this one",
                view.seq);
        return chain_acknowledge(chain, view.seq, reterr_problem);
    }
    r = follow(chain, entry, &view, reterr_problem);
    if (r < 0)
        return r;
    move_last(chain, &view);
    chain->head_seq = view.seq;
    memcpy(chain->head_id, view.id, HASH_BYTES);
    chain->tail.len = 0;
    if (remember(chain, entry) < 0)
        return problem_say(reterr_problem, -ENOMEM, "out of memory");
    r = write_head(chain, reterr_problem);
    return r < 0 ? r : write_tail(chain, reterr_problem);
}
