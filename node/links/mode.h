/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * mode.h - how a device carries our program, and the sentence that says why.
 *
 * mode_decide is pure. mode_xdp_offer asks the kernel and may wait for its lock: it belongs on the
 * datapath's thread.
 */
#include <stdbool.h>
#include <stdint.h>

struct link_device;

enum device_mode {
    DEVICE_NONE,   /* not attached, and it should be: attaching failed */
    DEVICE_NATIVE, /* XDP in the driver */
    DEVICE_TC,     /* the same headers at tc ingress */
    DEVICE_EXEMPT, /* on purpose without our program */
};

/* "none", "native", "tc", "exempt" */
const char *device_mode_name(enum device_mode mode);

/* What the driver says of XDP. */
enum xdp_offer {
    XDP_OFFER_UNKNOWN, /* the kernel cannot be asked (before 6.3): try */
    XDP_OFFER_NONE,
    XDP_OFFER_NATIVE,
};

struct mode_facts {
    const struct link_device *device;
    enum xdp_offer offer;
    bool is_xdp_foreign; /* it carries an XDP program that is not ours */
    bool wants_tc;       /* configured so */
};

struct mode_choice {
    enum device_mode mode; /* NATIVE, TC or EXEMPT */
    const char *reason;    /* a static sentence */
};

struct mode_choice mode_decide(const struct mode_facts *facts);

/* Netdev generic netlink, xdp-features of one device in this thread's namespace. Never fails:
 * UNKNOWN. */
enum xdp_offer mode_xdp_offer(uint32_t device_index);
