/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * hook.h - one program on one device: as a pinned XDP link or as a tc filter. Looks at the kernel
 * each time; keeps nothing.
 */
#include <stdbool.h>
#include <stdint.h>

#define HOOK_TC_PRIORITY 1
#define HOOK_TC_HANDLE 0x7069 /* fixed, so that a new daemon finds the old one's filter */

/* The id of a program, link or map by descriptor; 0 if it cannot be had. */
uint32_t hook_program_id(int program_fd);

enum hook_look {
    HOOK_ABSENT,
    HOOK_OURS,    /* one of the programs asked for is there */
    HOOK_DEFUNCT, /* the pin is there, but its device is gone or is another */
};

/* Native XDP. pin_path is where the link is kept. 0, -EBUSY: another XDP program is there, -errno.
 */
int hook_xdp_attach(int program_fd, uint32_t index, const char *pin_path);
enum hook_look hook_xdp_look(uint32_t index, const char *pin_path);

/* The id of the program behind the pinned link; 0 if it cannot be had. */
uint32_t hook_xdp_program(const char *pin_path);

/* Puts another program behind the pinned link. */
int hook_xdp_replace(int program_fd, const char *pin_path);

/* Detaches if the device lives, and takes the pin away. */
int hook_xdp_remove(const char *pin_path);

/* Ingress of clsact, direct action, before all other filters. Replaces what is at our handle. */
int hook_tc_attach(int program_fd, uint32_t index);
enum hook_look hook_tc_look(uint32_t index, uint32_t program_id);

/* Our filter only; clsact stays, as others may use it. 0 also when there is none. */
int hook_tc_remove(uint32_t index);
