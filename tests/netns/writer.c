/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer - one operator who writes many entries, each to a node drawn by chance, and does not give
 * up.
 *
 *   writer KEY_FILE COUNT SEED SOCKET...
 *
 * Every entry is submitted with as much of the tail as the node lacks, with the same bytes, until
 * some node acknowledges it; then a line `SEQ ID MICROSECONDS SOCKET_INDEX` is printed. Rules are
 * made, changed and deleted in SLOTS places, so that the state stays small.
 */
#include "base/bytes.h"
#include "base/prng.h"
#include "rpc/loop.h"
#include "store/keys/keys.h"
#include "store/ledger/author.h"
#include "store/ledger/rule.h"
#include "tests/netns/client.h"

#include "proto/picket/v1/entry.pb-c.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS 40
#define TAIL_FIRST 4
#define TAIL_MAX 500
#define GIVE_UP_NS (60ULL * 1000000000ULL)

struct slot {
    uint8_t object[OP_REF_BYTES], version[OP_REF_BYTES];
    bool is_live;
};

struct writer {
    struct key_pair key;
    struct author_position at;
    struct slot slots[SLOTS];
    struct buffer *entries; /* signed, by order */
    uint32_t count, made;
    struct client client;
    struct prng chance;
};

static ProtobufCBinaryData binary(const uint8_t *at, size_t len)
{
    return (ProtobufCBinaryData){.len = len, .data = (uint8_t *)(uintptr_t)at};
}

static int operation(struct writer *writer, struct slot *slot, Picket__V1__Operation *ret_op)
{
    Picket__V1__PutRule put = PICKET__V1__PUT_RULE__INIT;
    Picket__V1__Delete gone = PICKET__V1__DELETE__INIT;
    ProtobufCBinaryData base = binary(slot->version, OP_REF_BYTES);
    uint32_t number = (uint32_t)(slot - writer->slots);
    struct problem problem = {0};
    char text[160];
    int r;

    if (slot->is_live && prng_below(&writer->chance, 3) == 0) {
        gone.object = binary(slot->object, OP_REF_BYTES);
        gone.bases = &base;
        gone.n_bases = 1;
        slot->is_live = false;
        return author_operation(PICKET__V1__OP_KIND__OP_DELETE, &gone.base, ret_op);
    }
    (void)snprintf(text, sizeof(text),
        "drop in udp from 10.99.%u.0/24 to any port %u priority %u name w%u", number,
        10000 + (unsigned)prng_below(&writer->chance, 50000), 2000 + number, number);
    if (rule_parse(text, NULL, NULL, &put.rule, &problem) < 0) {
        (void)fprintf(stderr, "writer: %s\n", problem.text);
        return -EINVAL;
    }
    if (slot->is_live) {
        put.object = binary(slot->object, OP_REF_BYTES);
        put.bases = &base;
        put.n_bases = 1;
    }
    r = author_operation(PICKET__V1__OP_KIND__OP_PUT_RULE, &put.base, ret_op);
    rule_free(put.rule);
    return r;
}

static int make_entry(struct writer *writer, uint8_t ret_id[HASH_BYTES])
{
    Picket__V1__Operation op = PICKET__V1__OPERATION__INIT, *list[] = {&op};
    Picket__V1__Ops ops = PICKET__V1__OPS__INIT;
    struct slot *slot = &writer->slots[prng_below(&writer->chance, SLOTS)];
    bool was_live = slot->is_live;
    int r = operation(writer, slot, &op);

    if (r < 0)
        return r;
    ops.n_ops = 1;
    ops.ops = list;
    r = author_entry(
        &writer->at, NULL, 0, 0, &ops, &writer->key, &writer->entries[writer->made], ret_id);
    author_operation_fini(&op);
    if (r < 0)
        return r;
    memcpy(slot->version, ret_id, HASH_BYTES);
    put_be32(slot->version + HASH_BYTES, 0);
    if (!was_live) {
        memcpy(slot->object, slot->version, OP_REF_BYTES);
        slot->is_live = true;
    }
    memcpy(writer->at.prev, ret_id, HASH_BYTES);
    writer->at.seq++;
    writer->made++;
    return 0;
}

/* The newest `tail` entries; 0, or why not. */
static int apply(struct writer *writer, uint32_t index, uint32_t tail, struct problem *problem)
{
    if (tail > writer->made)
        tail = writer->made;
    return client_apply(
        &writer->client, index, &writer->entries[writer->made - tail], tail, problem);
}

static int write_one(struct writer *writer)
{
    uint8_t id[HASH_BYTES];
    char digits[2 * HASH_BYTES + 1];
    uint64_t start = rpc_now_ns();
    uint32_t tail = TAIL_FIRST;
    int r = make_entry(writer, id);

    while (r == 0) {
        uint32_t index = (uint32_t)prng_below(&writer->chance, writer->client.sockets_count);
        struct problem problem = {0};

        if (apply(writer, index, tail, &problem) == 0) {
            hex_print(id, sizeof(id), digits);
            (void)printf("%llu %s %llu %u\n", (unsigned long long)writer->at.seq - 1, digits,
                (unsigned long long)(rpc_now_ns() - start) / 1000, index);
            return 0;
        }
        if (strncmp(problem.text, "unknown_prev", 12) == 0)
            tail = tail * 2 < TAIL_MAX ? tail * 2 : TAIL_MAX;
        else if (problem.code != -ECONNREFUSED && problem.code != -ETIMEDOUT &&
                 problem.code != -EAGAIN)
            (void)fprintf(stderr, "writer: entry %u: %s\n", writer->made, problem.text);
        if (rpc_now_ns() - start > GIVE_UP_NS)
            r = -ETIMEDOUT;
        (void)nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    (void)fprintf(stderr, "writer: gave up at entry %u\n", writer->made);
    return r;
}

int main(int argc, char **argv)
{
    struct writer writer = {.client.sockets = (const char **)argv + 4};
    const char *pause_ms = getenv("PICKET_WRITER_PAUSE_MS");
    struct timespec pause = {.tv_nsec = pause_ms ? strtol(pause_ms, NULL, 10) * 1000000 : 0};
    int r;

    if (argc < 5 || argc - 4 > CLIENT_SOCKETS_MAX || keys_start() < 0) {
        (void)fprintf(stderr, "usage: writer KEY_FILE COUNT SEED SOCKET...\n");
        return 2;
    }
    writer.client.sockets_count = (uint32_t)argc - 4;
    writer.count = (uint32_t)strtoul(argv[2], NULL, 10);
    prng_seed(&writer.chance, strtoull(argv[3], NULL, 10));
    r = client_key(argv[1], &writer.key);
    writer.entries = calloc(writer.count + 1, sizeof(*writer.entries));
    if (r == 0)
        r = writer.entries ? client_position(&writer.client, writer.key.public, &writer.at)
                           : -ENOMEM;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    while (r == 0 && writer.made < writer.count) {
        r = write_one(&writer);
        (void)nanosleep(&pause, NULL);
    }
    client_fini(&writer.client);
    for (uint32_t i = 0; writer.entries && i < writer.made; i++)
        buffer_fini(&writer.entries[i]);
    free(writer.entries);
    return r < 0;
}
