/* SPDX-License-Identifier: Apache-2.0 */
/* A neighbour that is who it says and says anything: up to 64 frames, each after its length (2
 * bytes, big endian). */
#include "tests/unit/mesh_core/pair.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct toy_pair *pair = pair_new();

    pair_hold(pair, 0, 0, 5);
    pair_hold(pair, 1, 1, 5);
    pair_connect(pair);
    pair_deliver(pair);
    for (uint32_t i = 0; i < 64 && len >= 2; i++) {
        size_t frame_len = (size_t)at[0] << 8 | at[1];

        at += 2;
        len -= 2;
        frame_len = frame_len < len ? frame_len : len;
        pair_frame(pair, 0, at, frame_len);
        pair_run(pair, 20);
        pair_forget(pair);
        at += frame_len;
        len -= frame_len;
    }
    pair_run(pair, 200);
    pair_free(pair);
    return 0;
}
