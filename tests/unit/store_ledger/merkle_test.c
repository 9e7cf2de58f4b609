/* SPDX-License-Identifier: Apache-2.0 */
/* merkle_test.c - the tree that keeps its inner nodes equals the one computed plainly. */
#include "store/ledger/merkle.h"

#include "base/prng.h"
#include "store/keys/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LEAVES_MAX 200

/* RFC 6962, 2.1, over hashes of leaves. */
static void plain_root(uint8_t (*leaves)[HASH_BYTES], uint32_t count, uint8_t ret[HASH_BYTES])
{
    uint8_t bytes[1 + 2 * HASH_BYTES] = {1};
    uint32_t left = 1;

    if (count == 0) {
        keys_hash(HASH_STATE, bytes_of(NULL, 0), ret);
        return;
    }
    if (count == 1) {
        memcpy(ret, leaves[0], HASH_BYTES);
        return;
    }
    while (2 * left < count)
        left *= 2;
    plain_root(leaves, left, bytes + 1);
    plain_root(leaves + left, count - left, bytes + 1 + HASH_BYTES);
    keys_hash(HASH_STATE, bytes_of(bytes, sizeof(bytes)), ret);
}

static void a_changed_tree_has_the_root_of_a_new_one(void **state)
{
    static uint8_t leaves[LEAVES_MAX][HASH_BYTES];
    struct merkle tree = {0};
    struct prng prng;
    uint8_t kept[HASH_BYTES], plain[HASH_BYTES];
    uint32_t count = 0;
    (void)state;

    prng_seed(&prng, 7);
    for (int round = 0; round < 2000; round++) {
        uint32_t before = count, sets = (uint32_t)prng_below(&prng, 4);

        if (prng_below(&prng, 3) == 0)
            count = (uint32_t)prng_below(&prng, LEAVES_MAX);
        else if (prng_below(&prng, 3) == 0)
            count += count < LEAVES_MAX;
        merkle_resize(&tree, count);
        for (uint32_t i = 0; i < count; i++) {
            if (i < before && (sets == 0 || prng_below(&prng, count) >= sets))
                continue;
            leaves[i][prng_below(&prng, HASH_BYTES)] ^= (uint8_t)(1 + prng_below(&prng, 255));
            merkle_set(&tree, i, leaves[i]);
        }
        if (prng_below(&prng, 2))
            continue;
        merkle_root(&tree, kept);
        plain_root(leaves, count, plain);
        assert_memory_equal(kept, plain, HASH_BYTES);
    }
    merkle_fini(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_tree_has_the_root_of_a_new_one),
    };

    if (keys_start() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
