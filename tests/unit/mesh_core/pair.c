/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/mesh_core/pair.h"

#include <stdlib.h>
#include <string.h>

#define LINK 7

/* ---- the toy view: a root is a sum of what is held, an entry is (author, seq) written out */

static void toy_root(void *user, uint8_t ret_root[HASH_BYTES])
{
    const struct toy_node *node = user;

    memset(ret_root, 0, HASH_BYTES);
    for (uint32_t a = 0; a < TOY_AUTHORS; a++)
        for (uint32_t s = 0; s < TOY_SEQS; s++)
            ret_root[a] = (uint8_t)(ret_root[a] + node->entries[a][s].is_held);
}

static bool toy_no_hash(void *user, uint8_t ret_hash[HASH_BYTES])
{
    (void)user;
    (void)ret_hash;
    return false;
}

static bool toy_yes(void *user)
{
    (void)user;
    return true;
}

static bool toy_room(void *user)
{
    return ((const struct toy_node *)user)->is_room;
}

static uint32_t head_of(const struct toy_node *node, uint32_t author)
{
    uint32_t seq = 0;

    while (seq < TOY_SEQS && node->entries[author][seq].is_held)
        seq++;
    return seq;
}

static void fill(
    struct toy_node *node, uint32_t author, uint64_t seq, struct mesh_record *ret_record)
{
    struct toy_record *entry = &node->entries[author][seq - 1];

    memset(entry->author, (int)author + 1, KEY_BYTES);
    memset(entry->id, 0, HASH_BYTES);
    entry->id[0] = (uint8_t)author;
    entry->id[1] = (uint8_t)seq;
    memset(entry->bytes, 0xee, sizeof(entry->bytes));
    entry->bytes[0] = (uint8_t)author;
    entry->bytes[1] = (uint8_t)seq;
    *ret_record = (struct mesh_record){.kind = MESH_ENTRY,
        .id = entry->id,
        .author = entry->author,
        .seq = seq,
        .bytes = bytes_of(entry->bytes, sizeof(entry->bytes))};
}

static uint32_t toy_heads_count(void *user)
{
    uint32_t count = 0;

    for (uint32_t a = 0; a < TOY_AUTHORS; a++)
        count += head_of(user, a) > 0;
    return count;
}

static void toy_head_at(void *user, uint32_t index, struct mesh_record *ret_record)
{
    for (uint32_t a = 0; a < TOY_AUTHORS; a++)
        if (head_of(user, a) && index-- == 0) {
            fill(user, a, head_of(user, a), ret_record);
            return;
        }
}

static bool toy_head_find(void *user, const uint8_t *author, struct mesh_record *ret_record)
{
    uint32_t a = author[0] - 1U;

    if (a >= TOY_AUTHORS || !head_of(user, a))
        return false;
    fill(user, a, head_of(user, a), ret_record);
    return true;
}

static uint32_t toy_entries_count(void *user, const uint8_t *author, uint64_t seq)
{
    const struct toy_node *node = user;
    uint32_t a = author[0] - 1U;

    return a < TOY_AUTHORS && seq <= TOY_SEQS && node->entries[a][seq - 1].is_held;
}

static bool toy_entry_at(
    void *user, const uint8_t *author, uint64_t seq, uint32_t index, struct mesh_record *ret_record)
{
    if (index >= toy_entries_count(user, author, seq))
        return false;
    fill(user, author[0] - 1U, seq, ret_record);
    return true;
}

static bool toy_entry_has(void *user, const uint8_t *id)
{
    const struct toy_node *node = user;

    for (uint32_t a = 0; a < TOY_AUTHORS; a++)
        for (uint32_t i = 0; i < TOY_SEQS; i++)
            if (node->entries[a][i].is_held && memcmp(node->entries[a][i].id, id, HASH_BYTES) == 0)
                return true;
    return false;
}

static bool toy_known(void *user, const uint8_t *author)
{
    (void)user;
    return author[0] <= TOY_AUTHORS;
}

static uint32_t toy_count(void *user, uint32_t kind)
{
    (void)user;
    (void)kind;
    return 0;
}

static bool toy_at(void *user, uint32_t kind, uint32_t index, struct mesh_record *ret_record)
{
    (void)user;
    (void)kind;
    (void)index;
    (void)ret_record;
    return false;
}

static bool toy_trust_head(void *user, uint8_t ret_id[HASH_BYTES], uint64_t *ret_position)
{
    *ret_position = 0;
    return toy_no_hash(user, ret_id);
}

static void toy_missing(
    void *user, uint32_t max, void (*want)(void *core, const uint8_t *hash), void *core)
{
    const struct toy_node *node = user;

    if (max && node->is_chunk_wanted && !node->is_chunk_taken)
        want(core, node->chunk_wanted);
    for (uint32_t i = 0, told = 0; i < node->chunks_wanted && told < max; i++) {
        const uint8_t hash[HASH_BYTES] = {(uint8_t)(100 + i)};

        if (!(node->chunks_stored & (1ULL << i))) {
            want(core, hash);
            told++;
        }
    }
}

static bool toy_chunk_has(void *user, const uint8_t *hash)
{
    (void)hash;
    return ((const struct toy_node *)user)->is_chunk_held;
}

/* ---- the toy world */

static void take(struct toy_node *node, const struct mesh_effect *effect)
{
    uint32_t author = effect->bytes.at[0], seq = effect->bytes.at[1];

    node->taken++;
    if (author < TOY_AUTHORS && seq && seq <= TOY_SEQS)
        node->entries[author][seq - 1].is_held = true;
}

static void send_to_other(struct toy_node *node, struct bytes bytes)
{
    struct toy_pair *pair = node->pair;
    struct toy_frame *frame = &pair->frames[pair->frames_last++ % TOY_FRAMES];

    *frame = (struct toy_frame){
        .to = !node->index, .bytes = bytes_copy(bytes.at, bytes.len), .len = bytes.len};
}

static void perform(void *user, const struct mesh_effect *effect)
{
    struct toy_node *node = user;

    switch (effect->kind) {
    case MESH_DO_SEND:
        if (effect->link == LINK) /* a test's third node hears nothing */
            send_to_other(node, effect->bytes);
        break;
    case MESH_DO_DIAL:
        node->dials++;
        strncpy(node->dialled, effect->address, sizeof(node->dialled) - 1);
        break;
    case MESH_DO_CLOSE:
        node->closed = effect->reason;
        break;
    case MESH_DO_PENALISE:
        node->blamed = effect->reason;
        break;
    case MESH_DO_TAKE:
        if (!node->is_deaf)
            take(node, effect);
        break;
    case MESH_DO_TAKE_CHUNK:
        node->is_chunk_taken = true;
        break;
    case MESH_DO_READ_CHUNK:
        memcpy(node->chunk_read[node->chunk_reads % TOY_SEQS], effect->hash, HASH_BYTES);
        node->chunk_reads++;
        break;
    }
}

static void trace(void *user, const char *line)
{
    struct toy_node *node = user;
    char *transcript = node->pair->transcript;
    size_t len = strlen(transcript);

    if (len + strlen(line) + 8 >= sizeof(node->pair->transcript))
        return;
    transcript[len++] = (char)('A' + node->index);
    transcript[len++] = ' ';
    memcpy(transcript + len, line, strlen(line) + 1);
    strcat(transcript, "\n");
}

void pair_event(struct toy_pair *pair, uint32_t n, struct mesh_event event)
{
    const struct mesh_effects effects = {.user = &pair->nodes[n], .fn = perform};

    event.now_ms = pair->now_ms;
    mesh_core_step(pair->nodes[n].core, &event, &effects);
}

static void make_core(struct toy_pair *pair, uint32_t n)
{
    static const char *const to_b[] = {"b:1"};
    struct toy_node *node = &pair->nodes[n];
    const struct mesh_view view = {.user = node,
        .records_root = toy_root,
        .state_root = toy_no_hash,
        .digest = toy_no_hash,
        .is_durable = toy_yes,
        .has_room = toy_room,
        .heads_count = toy_heads_count,
        .head_at = toy_head_at,
        .head_find = toy_head_find,
        .entries_count = toy_entries_count,
        .entry_at = toy_entry_at,
        .entry_has = toy_entry_has,
        .is_author_known = toy_known,
        .count = toy_count,
        .at = toy_at,
        .trust_head = toy_trust_head,
        .chunks_missing = toy_missing,
        .chunk_has = toy_chunk_has};
    struct mesh_options options = {
        .seed = n, .name = n ? "b" : "a", .trace = trace, .trace_user = node, .faults_max = 3};

    node->pair = pair;
    node->index = n;
    node->is_room = true;
    options.node[0] = (uint8_t)(n + 1);
    options.dial = to_b;
    options.dial_count = n == 0;
    if (mesh_core_new(&options, &view, &node->core) < 0)
        abort();
}

struct toy_pair *pair_new(void)
{
    struct toy_pair *pair = calloc(1, sizeof(*pair));

    if (!pair)
        abort();
    pair->now_ms = 1000;
    make_core(pair, 0);
    make_core(pair, 1);
    return pair;
}

void pair_lose(struct toy_pair *pair)
{
    for (; pair->frames_first != pair->frames_last; pair->frames_first++)
        free(pair->frames[pair->frames_first % TOY_FRAMES].bytes);
}

void pair_free(struct toy_pair *pair)
{
    pair_lose(pair);
    mesh_core_free(pair->nodes[0].core);
    mesh_core_free(pair->nodes[1].core);
    free(pair);
}

void pair_connect(struct toy_pair *pair)
{
    static const uint8_t a[HASH_BYTES] = {1}, b[HASH_BYTES] = {2};

    pair_event(pair, 0,
        (struct mesh_event){.kind = MESH_ON_LINK_UP,
            .link = LINK,
            .up = {.node = b, .name = "b", .address = "b:1"}});
    pair_event(pair, 1,
        (struct mesh_event){.kind = MESH_ON_LINK_UP, .link = LINK, .up = {.node = a, .name = "a"}});
}

void pair_hold(struct toy_pair *pair, uint32_t n, uint32_t author, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        pair->nodes[n].entries[author][i].is_held = true;
}

uint64_t pair_head(const struct toy_pair *pair, uint32_t n, uint32_t author)
{
    return head_of(&pair->nodes[n], author);
}

void pair_frame(struct toy_pair *pair, uint32_t n, const void *bytes, size_t len)
{
    pair_event(pair, n,
        (struct mesh_event){.kind = MESH_ON_FRAME, .link = LINK, .frame = bytes_of(bytes, len)});
}

void pair_deliver(struct toy_pair *pair)
{
    while (pair->frames_first != pair->frames_last) {
        struct toy_frame frame = pair->frames[pair->frames_first++ % TOY_FRAMES];

        pair_frame(pair, frame.to, frame.bytes, frame.len);
        free(frame.bytes);
    }
}

void pair_run(struct toy_pair *pair, uint64_t for_ms)
{
    uint64_t until = pair->now_ms + for_ms;

    pair_deliver(pair);
    while (pair->now_ms < until) {
        pair->now_ms += 10;
        pair_event(pair, 0, (struct mesh_event){.kind = MESH_ON_TICK});
        pair_event(pair, 1, (struct mesh_event){.kind = MESH_ON_TICK});
        pair_deliver(pair);
    }
}

void pair_forget(struct toy_pair *pair)
{
    pair->transcript[0] = 0;
}
