/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/grace.h"
#include "base/own.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>

int grace_wait(void)
{
    const uint32_t key = 0;
    OWN(own_fd)
    int inner = bpf_map_create(
        BPF_MAP_TYPE_ARRAY, "picket_grace_in", sizeof(uint32_t), sizeof(uint32_t), 1, NULL);

    if (inner < 0)
        return inner;
    LIBBPF_OPTS(bpf_map_create_opts, options, .inner_map_fd = (uint32_t)inner);
    OWN(own_fd)
    int outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "picket_grace", sizeof(uint32_t),
        sizeof(uint32_t), 1, &options);

    if (outer < 0)
        return outer;
    return bpf_map_update_elem(outer, &key, &inner, BPF_ANY) < 0 ? -errno : 0;
}
