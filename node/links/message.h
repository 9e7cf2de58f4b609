/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * message.h - netlink bytes in, what they say out. No I/O.
 */
#include "node/links/links.h"

struct nlmsghdr;

enum message_kind {
    MESSAGE_OTHER, /* nothing that concerns us, AF_BRIDGE among it, or too short to understand */
    MESSAGE_DEVICE,
    MESSAGE_DEVICE_GONE,
    MESSAGE_ADDRESS,
    MESSAGE_ADDRESS_GONE,
    MESSAGE_DONE,
    MESSAGE_ERROR,
};

struct message {
    enum message_kind kind;
    int error; /* ERROR and DONE: 0 or a negative errno */
    struct link_device device;
    struct link_address address;
};

void message_parse(struct nlmsghdr *header, struct message *ret_message);
