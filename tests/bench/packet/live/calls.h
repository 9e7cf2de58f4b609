/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* calls.h - the datapath's calls, waited for: this program has nothing else to do. One thread. */
#include "node/datapath/datapath.h"

#include "bpf/fw_reasons.h"

struct call {
    int code; /* 0 or negative; then `why` */
    char why[240];
    uint8_t slot;
    enum device_mode mode; /* attach */
    struct datapath_count reasons[FW_REASON_COUNT];
};

const struct call *call_attach(struct datapath *datapath, const struct link_device *device);
const struct call *call_fill(struct datapath *datapath, const struct compile_tables *tables);
const struct call *call_flip(struct datapath *datapath, uint8_t slot);
const struct call *call_counters(struct datapath *datapath);
const struct call *call_remove_all(struct datapath *datapath);
