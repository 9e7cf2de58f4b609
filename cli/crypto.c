/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/crypto.h"

#include "store/keys/keys.h"

static void hash_node(struct bytes bytes, uint8_t ret_hash[HASH_BYTES])
{
    keys_hash(HASH_NODE, bytes, ret_hash);
}

const struct rpc_crypto cli_crypto = {.hash_node = hash_node, .verify = keys_verify};
