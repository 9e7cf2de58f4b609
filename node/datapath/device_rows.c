/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/device_rows.h"
#include "base/own.h"
#include "node/compile/compile.h"
#include "node/datapath/tables.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

void device_rows_none(struct device_rows *ret_rows)
{
    *ret_rows = (struct device_rows){.near_fd = -1, .far_fd = -1};
}

void device_rows_close(struct device_rows *rows)
{
    own_fd(&rows->near_fd);
    own_fd(&rows->far_fd);
    device_rows_none(rows);
}

int device_rows_open(
    int (*open_fn)(void *user, const char *name), void *user, struct device_rows *ret_rows)
{
    ret_rows->near_fd = open_fn(user, "fw_devices");
    ret_rows->far_fd = open_fn(user, "fw_devices_far");
    if (ret_rows->near_fd >= 0 && ret_rows->far_fd >= 0)
        return 0;
    device_rows_close(ret_rows);
    return -ENOENT;
}

static int update(int fd, uint32_t index, const struct fw_device *device)
{
    return bpf_map_update_elem(fd, &index, device, BPF_ANY) < 0 ? -errno : 0;
}

int device_rows_fill(
    const struct device_rows *rows, const struct compile_device_row *devices, size_t count)
{
    OWN(own_memory) struct fw_device *near = calloc(FW_DEVICES_NEAR, sizeof(*near));
    int r = near ? tables_clear_map(rows->far_fd, sizeof(uint32_t)) : -ENOMEM;

    for (size_t i = 0; r == 0 && i < count; i++) {
        if (devices[i].index < FW_DEVICES_NEAR)
            near[devices[i].index] = devices[i].device;
        else
            r = update(rows->far_fd, devices[i].index, &devices[i].device);
    }
    return r == 0 ? tables_put_array(rows->near_fd, near, sizeof(*near), FW_DEVICES_NEAR) : r;
}

/* An entry is two words, each written at once; a reader takes the first only if the second, with
 * the flags, says that there is one. So the flags go before, and come after, the globs. */
int device_rows_put(const struct device_rows *rows, uint32_t index, const struct fw_device *device)
{
    struct fw_device now = {0};

    if (index >= FW_DEVICES_NEAR)
        return update(rows->far_fd, index, device);
    if (bpf_map_lookup_elem(rows->near_fd, &index, &now) < 0)
        return -errno;
    int r = 0;

    if ((now.flags & FW_DEVICE_KNOWN) && now.globs != device->globs) {
        struct fw_device none = {.globs = now.globs};

        r = update(rows->near_fd, index, &none);
    }
    if (r == 0 && now.globs != device->globs) {
        struct fw_device none = {.globs = device->globs};

        r = update(rows->near_fd, index, &none);
    }
    return r == 0 ? update(rows->near_fd, index, device) : r;
}

void device_rows_drop(const struct device_rows *rows, uint32_t index)
{
    static const struct fw_device none;

    if (index < FW_DEVICES_NEAR)
        (void)update(rows->near_fd, index, &none);
    else
        (void)bpf_map_delete_elem(rows->far_fd, &index);
}
