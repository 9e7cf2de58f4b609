/* SPDX-License-Identifier: Apache-2.0 */
#include "node/datapath/hook.h"
#include "base/own.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <unistd.h>

uint32_t hook_program_id(int program_fd)
{
    struct bpf_prog_info info = {0};
    uint32_t len = sizeof(info);

    return bpf_obj_get_info_by_fd(program_fd, &info, &len) < 0 ? 0 : info.id;
}

int hook_xdp_attach(int program_fd, uint32_t index, const char *pin_path)
{
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_DRV_MODE);
    OWN(own_fd) int link_fd = bpf_link_create(program_fd, (int)index, BPF_XDP, &options);

    if (link_fd < 0)
        return link_fd;
    /* Not pinned would mean gone with the daemon: then rather not attached, and said so. */
    return bpf_obj_pin(link_fd, pin_path) < 0 ? -errno : 0;
}

enum hook_look hook_xdp_look(uint32_t index, const char *pin_path)
{
    struct bpf_link_info info = {0};
    uint32_t len = sizeof(info);
    OWN(own_fd) int link_fd = bpf_obj_get(pin_path);

    if (link_fd < 0)
        return HOOK_ABSENT;
    if (bpf_obj_get_info_by_fd(link_fd, &info, &len) < 0 || info.type != BPF_LINK_TYPE_XDP)
        return HOOK_DEFUNCT;
    return info.xdp.ifindex == index ? HOOK_OURS : HOOK_DEFUNCT;
}

uint32_t hook_xdp_program(const char *pin_path)
{
    struct bpf_link_info info = {0};
    uint32_t len = sizeof(info);
    OWN(own_fd) int link_fd = bpf_obj_get(pin_path);

    return link_fd >= 0 && bpf_obj_get_info_by_fd(link_fd, &info, &len) == 0 &&
                   info.type == BPF_LINK_TYPE_XDP
               ? info.prog_id
               : 0;
}

int hook_xdp_replace(int program_fd, const char *pin_path)
{
    OWN(own_fd) int link_fd = bpf_obj_get(pin_path);

    if (link_fd < 0)
        return -errno;
    return bpf_link_update(link_fd, program_fd, NULL) < 0 ? -errno : 0;
}

int hook_xdp_remove(const char *pin_path)
{
    OWN(own_fd) int link_fd = bpf_obj_get(pin_path);

    if (link_fd >= 0)
        (void)bpf_link_detach(link_fd);
    return unlink(pin_path) < 0 && errno != ENOENT ? -errno : 0;
}

int hook_tc_attach(int program_fd, uint32_t index)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)index, .attach_point = BPF_TC_INGRESS);
    LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = program_fd, .handle = HOOK_TC_HANDLE,
        .priority = HOOK_TC_PRIORITY, .flags = BPF_TC_F_REPLACE);
    int r = bpf_tc_hook_create(&hook);

    if (r < 0 && r != -EEXIST)
        return r;
    return bpf_tc_attach(&hook, &filter);
}

enum hook_look hook_tc_look(uint32_t index, uint32_t program_id)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)index, .attach_point = BPF_TC_INGRESS);
    LIBBPF_OPTS(bpf_tc_opts, filter, .handle = HOOK_TC_HANDLE, .priority = HOOK_TC_PRIORITY);

    if (bpf_tc_query(&hook, &filter) < 0)
        return HOOK_ABSENT;
    return filter.prog_id == program_id ? HOOK_OURS : HOOK_ABSENT;
}

int hook_tc_remove(uint32_t index)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)index, .attach_point = BPF_TC_INGRESS);
    LIBBPF_OPTS(bpf_tc_opts, filter, .handle = HOOK_TC_HANDLE, .priority = HOOK_TC_PRIORITY);
    int r = bpf_tc_detach(&hook, &filter);

    return r == -ENOENT || r == -EINVAL || r == -ENODEV ? 0 : r;
}
