/* SPDX-License-Identifier: Apache-2.0 */
#include "node/inputs.h"
#include "node/devices.h"
#include "node/node.h"
#include "replica/replica.h"
#include "store/db/db.h"
#include "store/keys/keys.h"
#include "store/ledger/ledger.h"

#include <string.h>

int inputs_init(struct inputs *inputs, struct node *node)
{
    *inputs = (struct inputs){.node = node};
    return compile_indexes_new(&inputs->indexes);
}

void inputs_fini(struct inputs *inputs)
{
    compile_indexes_free(inputs->indexes);
    buffer_fini(&inputs->chunk);
}

static bool lend_chunk(void *user, const uint8_t hash[HASH_BYTES], struct bytes *ret_chunk)
{
    struct inputs *inputs = user;

    inputs->chunk.len = 0;
    if (!replica_chunk_has(inputs->node->replica, hash))
        return false;
    if (db_chunk_read(inputs->node->db, hash, &inputs->chunk) < 0) {
        inputs->has_lost = true;
        memcpy(inputs->lost, hash, HASH_BYTES);
        return false;
    }
    *ret_chunk = buffer_bytes(&inputs->chunk);
    return true;
}

static void hash_state(struct bytes message, uint8_t ret_hash[HASH_BYTES])
{
    keys_hash(HASH_STATE, message, ret_hash);
}

struct compile_input inputs_open(struct inputs *inputs, struct devices *devices)
{
    struct node *node = inputs->node;
    struct compile_input input = {.ledger = node->ledger,
        .time_s = node_time_s(node),
        .lifeline = devices_lifeline(devices),
        .is_dry_run = node->config.dry_run,
        .indexes = inputs->indexes,
        .chunk = lend_chunk,
        .hash = hash_state,
        .user = inputs};
    struct ledger_node self;

    if (ledger_node_find(node->ledger, node->identity.invite, &self)) {
        input.labels = self.labels;
        input.labels_count = self.labels_count;
    }
    input.devices = devices_compiled(devices, &input.devices_count);
    return input;
}
