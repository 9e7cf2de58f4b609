/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/trust.h"

#include "base/check.h"
#include "rpc/loop.h"
#include "rpc/trust_internal.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

const char *rpc_refusal_word(enum rpc_refusal refusal)
{
    static const char *const words[] = {
#define RPC_REFUSAL_WORD(name, word, text) [RPC_REFUSED_##name] = word,
        RPC_REFUSALS(RPC_REFUSAL_WORD)
#undef RPC_REFUSAL_WORD
    };

    CHECK(refusal < RPC_REFUSAL_COUNT, "a refusal comes from this folder");
    return words[refusal];
}

const char *rpc_refusal_text(enum rpc_refusal refusal)
{
    static const char *const texts[] = {
#define RPC_REFUSAL_TEXT(name, word, text) [RPC_REFUSED_##name] = text,
        RPC_REFUSALS(RPC_REFUSAL_TEXT)
#undef RPC_REFUSAL_TEXT
    };

    CHECK(refusal < RPC_REFUSAL_COUNT, "a refusal comes from this folder");
    return texts[refusal];
}

int rpc_trust_new(struct rpc_loop *loop, const struct rpc_crypto *crypto,
    const struct rpc_trust_events *events, struct rpc_trust **ret_trust)
{
    struct rpc_trust *trust = calloc(1, sizeof(*trust));

    if (!trust)
        return -ENOMEM;
    trust->loop = loop;
    trust->crypto = *crypto;
    if (events)
        trust->events = *events;
    (void)pthread_mutex_init(&trust->lock, NULL);
    *ret_trust = trust;
    return 0;
}

static void free_snapshots(struct rpc_snapshot *snapshot)
{
    while (snapshot) {
        struct rpc_snapshot *older = snapshot->older;

        free((void *)(uintptr_t)snapshot->view.enrollers);
        free((void *)(uintptr_t)snapshot->view.nodes);
        free(snapshot);
        snapshot = older;
    }
}

void rpc_trust_free(struct rpc_trust *trust)
{
    if (!trust)
        return;
    CHECK(!trust->watchers, "servers and channels are gone before their trust");
    free_snapshots(atomic_load(&trust->current));
    free_snapshots(trust->older);
    (void)pthread_mutex_destroy(&trust->lock);
    free(trust);
}

/* ---- the snapshot */

static int compare_nodes(const void *a, const void *b)
{
    return memcmp(((const struct rpc_trust_node *)a)->invite,
        ((const struct rpc_trust_node *)b)->invite, HASH_BYTES);
}

static void *copy_array(const void *from, size_t count, size_t each)
{
    void *copy = calloc(count ? count : 1, each);

    if (copy && count)
        memcpy(copy, from, count * each);
    return copy;
}

static struct rpc_snapshot *copy_snapshot(const struct rpc_trust_snapshot *from)
{
    struct rpc_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    struct rpc_trust_node *nodes;

    if (!snapshot)
        return NULL;
    snapshot->view = *from;
    snapshot->view.enrollers =
        copy_array(from->enrollers, from->enrollers_count, sizeof(*from->enrollers));
    nodes = copy_array(from->nodes, from->nodes_count, sizeof(*from->nodes));
    snapshot->view.nodes = nodes;
    if (!snapshot->view.enrollers || !nodes) {
        free_snapshots(snapshot);
        return NULL;
    }
    qsort(nodes, from->nodes_count, sizeof(*nodes), compare_nodes);
    return snapshot;
}

const struct rpc_snapshot *rpc_trust_enter(struct rpc_trust *trust)
{
    (void)atomic_fetch_add(&trust->readers, 1);
    return atomic_load(&trust->current);
}

void rpc_trust_leave(struct rpc_trust *trust)
{
    (void)atomic_fetch_sub(&trust->readers, 1);
}

/* What the directory knows needs no memory of ours. */
static void forget_recorded(struct rpc_trust *trust, const struct rpc_snapshot *snapshot)
{
    uint32_t kept = 0;

    (void)pthread_mutex_lock(&trust->lock);
    for (uint32_t i = 0; i < trust->pending_count; i++) {
        const struct rpc_trust_node *node = rpc_snapshot_find(snapshot, trust->pending[i].invite);

        if (!node || node->status == RPC_NODE_INVITED)
            trust->pending[kept++] = trust->pending[i];
    }
    trust->pending_count = kept;
    trust->pending_next = kept % TRUST_PENDING_MAX;
    (void)pthread_mutex_unlock(&trust->lock);
}

int rpc_trust_publish(struct rpc_trust *trust, const struct rpc_trust_snapshot *snapshot)
{
    struct rpc_snapshot *fresh = copy_snapshot(snapshot);
    struct rpc_snapshot *replaced;

    if (!fresh)
        return -ENOMEM;
    fresh->revision = ++trust->revision;
    replaced = atomic_exchange(&trust->current, fresh);
    if (replaced) {
        replaced->older = trust->older;
        trust->older = replaced;
    }
    if (atomic_load(&trust->readers) == 0) {
        free_snapshots(trust->older);
        trust->older = NULL;
    }
    forget_recorded(trust, fresh);
    for (struct rpc_trust_watcher *watcher = trust->watchers, *next; watcher; watcher = next) {
        next = watcher->next;
        watcher->on_publish(watcher);
    }
    return 0;
}

void rpc_trust_set_time(struct rpc_trust *trust, uint64_t now_s)
{
    uint64_t before = atomic_load(&trust->now_s);

    while (before < now_s && !atomic_compare_exchange_weak(&trust->now_s, &before, now_s)) {
    }
}

uint64_t rpc_trust_refused_count(const struct rpc_trust *trust, enum rpc_refusal refusal)
{
    return atomic_load(&trust->refused[refusal]);
}

void rpc_trust_watch(struct rpc_trust *trust, struct rpc_trust_watcher *watcher)
{
    watcher->prev = NULL;
    watcher->next = trust->watchers;
    if (watcher->next)
        watcher->next->prev = watcher;
    trust->watchers = watcher;
}

void rpc_trust_unwatch(struct rpc_trust *trust, struct rpc_trust_watcher *watcher)
{
    if (watcher->prev)
        watcher->prev->next = watcher->next;
    else
        trust->watchers = watcher->next;
    if (watcher->next)
        watcher->next->prev = watcher->prev;
}

/* ---- reports from any thread into the loop */

struct report {
    struct rpc_tag tag; /* first */
    struct rpc_trust *trust;
    bool is_admission;
    bool we_dialled;
    enum rpc_refusal refusal;
    struct rpc_identity identity;
    struct buffer leaf;
    uint8_t key_signature[SIGNATURE_BYTES];
};

static void free_report(struct report *report)
{
    buffer_fini(&report->leaf);
    free(report);
}

static void tell_admission(const struct report *report)
{
    struct rpc_admission admission = {.leaf = buffer_bytes(&report->leaf)};

    memcpy(admission.invite, report->identity.invite, HASH_BYTES);
    memcpy(admission.name, report->identity.name, sizeof(admission.name));
    memcpy(admission.leaf_key, report->identity.leaf_key, RPC_POINT_BYTES);
    memcpy(admission.node_key, report->identity.node_key, KEY_BYTES);
    memcpy(admission.key_signature, report->key_signature, SIGNATURE_BYTES);
    report->trust->events.on_admission(report->trust->events.user, &admission);
}

static void on_report(struct rpc_tag *tag, int ok)
{
    struct report *report = (struct report *)tag;
    struct rpc_trust *trust = report->trust;

    (void)ok;
    if (report->is_admission) {
        tell_admission(report);
    } else {
        (void)atomic_fetch_sub(&trust->reports, 1);
        trust->events.on_refused(
            trust->events.user, report->refusal, report->identity.name, report->we_dialled);
    }
    free_report(report);
}

/* Takes leaf. */
static void post_report(struct rpc_trust *trust, const struct rpc_judgement *judgement,
    bool we_dialled, struct buffer *leaf, const uint8_t *key_signature)
{
    struct report *report = calloc(1, sizeof(*report));

    if (!report) {
        buffer_fini(leaf);
        return;
    }
    report->tag.fn = on_report;
    report->trust = trust;
    report->is_admission = judgement->refusal == RPC_REFUSED_NONE;
    report->we_dialled = we_dialled;
    report->refusal = judgement->refusal;
    report->identity = judgement->identity;
    report->leaf = *leaf;
    memcpy(report->key_signature, key_signature, SIGNATURE_BYTES);
    if (!report->is_admission && atomic_fetch_add(&trust->reports, 1) >= TRUST_REPORTS_MAX) {
        (void)atomic_fetch_sub(&trust->reports, 1);
        free_report(report);
        return;
    }
    if (rpc_post(trust->loop, &report->tag) < 0)
        free_report(report);
}

void rpc_trust_admit(struct rpc_trust *trust, struct bytes leaf_pem, struct bytes chain_pem,
    bool we_dialled, struct rpc_judgement *ret_judgement)
{
    uint8_t key_signature[SIGNATURE_BYTES] = {0};
    struct buffer leaf = {0};
    bool is_refused;

    rpc_judge(trust, leaf_pem, chain_pem, we_dialled, ret_judgement, &leaf, key_signature);
    is_refused = ret_judgement->refusal != RPC_REFUSED_NONE;
    if (is_refused)
        (void)atomic_fetch_add(&trust->refused[ret_judgement->refusal], 1);
    if (trust->loop && ((is_refused && trust->events.on_refused) ||
                           (ret_judgement->is_first && trust->events.on_admission)))
        post_report(trust, ret_judgement, we_dialled, &leaf, key_signature);
    else
        buffer_fini(&leaf);
}

void rpc_trust_judge(struct rpc_trust *trust, struct bytes leaf_pem, struct bytes chain_pem,
    bool we_dialled, struct rpc_judgement *ret_judgement)
{
    rpc_judge(trust, leaf_pem, chain_pem, we_dialled, ret_judgement, NULL, NULL);
}

void rpc_trust_recheck(struct rpc_trust *trust, struct bytes leaf_pem, bool we_dialled,
    struct rpc_judgement *ret_judgement)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    struct rpc_trust_cached *cached;

    (void)SHA256(leaf_pem.at, leaf_pem.len, hash);
    hash[0] = (uint8_t)((hash[0] & 0xfe) | (we_dialled ? 1 : 0));
    cached = &trust->cache[hash[1] % TRUST_CACHE_SLOTS];
    if (cached->revision == trust->revision && cached->revision != 0 &&
        memcmp(cached->leaf_hash, hash, sizeof(hash)) == 0) {
        *ret_judgement = (struct rpc_judgement){.identity = cached->identity};
        return;
    }
    rpc_judge(trust, leaf_pem, (struct bytes){0}, we_dialled, ret_judgement, NULL, NULL);
    if (ret_judgement->refusal != RPC_REFUSED_NONE) {
        (void)atomic_fetch_add(&trust->refused[ret_judgement->refusal], 1);
        return;
    }
    memcpy(cached->leaf_hash, hash, sizeof(hash));
    cached->revision = trust->revision;
    cached->identity = ret_judgement->identity;
}
