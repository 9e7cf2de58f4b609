/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger_fuzz.c - arbitrary bytes as records of a small fleet. The input is a list of records: kind
 * (1 byte), length (2, big endian), bytes. Signatures are not checked here, so bodies are reached.
 * Afterwards the state is read, and must be what the same records give when folded only once.
 */
#include "store/ledger/author.h"
#include "store/ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void require(bool claim)
{
    if (!claim)
        abort();
}

static void pair(uint8_t number, struct key_pair *ret_pair)
{
    uint8_t seed[32] = {number, 7};

    keys_pair_from_seed(seed, ret_pair);
}

static struct ledger *new_ledger(void)
{
    Picket__V1__Genesis genesis = PICKET__V1__GENESIS__INIT;
    struct buffer bytes = {0};
    struct key_pair root;
    struct ledger *ledger = NULL;
    ProtobufCBinaryData roots[1];

    pair(200, &root);
    roots[0] = (ProtobufCBinaryData){.data = root.public, .len = KEY_BYTES};
    genesis.version = 1;
    genesis.name = (char *)(uintptr_t) "berlin";
    genesis.threshold = 1;
    genesis.root_keys = roots;
    genesis.n_root_keys = 1;
    require(author_genesis(&genesis, &bytes, NULL) == 0);
    require(ledger_new(buffer_bytes(&bytes), &ledger, NULL) == 0);
    buffer_fini(&bytes);
    return ledger;
}

static void add(struct ledger *ledger, enum record_kind kind, struct bytes bytes)
{
    struct ledger_answer answer;
    struct record_view view;
    struct buffer fork = {0};

    (void)record_open(ledger, kind, bytes, &view);
    if (kind == RECORD_ENTRY)
        (void)ledger_judge_submission(ledger, bytes, 0, NULL);
    require(ledger_add(ledger, kind, bytes, &answer, &fork) == 0);
    if (fork.len > 0) {
        require(ledger_add(ledger, RECORD_FORK, buffer_bytes(&fork), &answer, NULL) == 0);
        require(answer.outcome == LEDGER_ADDED);
    }
    buffer_fini(&fork);
}

static void read_all(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger_objects_count(ledger); i++) {
        struct ledger_object object;
        struct set_element *elements = NULL;
        uint32_t count;

        ledger_object_at(ledger, i, &object);
        require(ledger_set_additions(ledger, object.id, &elements, &count) == 0);
        free(elements);
    }
    for (uint32_t i = 0; i < ledger_nodes_count(ledger); i++) {
        struct ledger_node node;

        ledger_node_at(ledger, i, &node);
    }
}

/* Adds the records of the input; reads in between if asked to. */
static struct ledger *fold(const uint8_t *at, size_t len, bool reads_between)
{
    struct ledger *ledger = new_ledger();
    uint8_t root[HASH_BYTES];

    while (len >= 3) {
        size_t record_len = (size_t)at[1] << 8 | at[2];

        if (record_len > len - 3)
            record_len = len - 3;
        add(ledger, (enum record_kind)at[0], bytes_of(at + 3, record_len));
        if (reads_between)
            (void)ledger_state_root(ledger, root);
        at += 3 + record_len;
        len -= 3 + record_len;
    }
    read_all(ledger);
    return ledger;
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct ledger *grown, *folded;
    uint8_t a[HASH_BYTES] = {0}, b[HASH_BYTES] = {0};

    require(keys_start() == 0);
    grown = fold(at, len, true);
    folded = fold(at, len, false);
    require(ledger_state_root(grown, a) == ledger_state_root(folded, b));
    require(memcmp(a, b, HASH_BYTES) == 0);
    ledger_records_root(grown, a);
    ledger_records_root(folded, b);
    require(memcmp(a, b, HASH_BYTES) == 0);
    ledger_free(grown);
    ledger_free(folded);
    return 0;
}
