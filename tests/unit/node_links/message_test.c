/* SPDX-License-Identifier: Apache-2.0 */
#include "node/links/message.h"
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

static struct nl_msg *device_new(uint16_t type, uint8_t family)
{
    struct nl_msg *message = nlmsg_alloc_simple(type, 0);
    struct ifinfomsg info = {
        .ifi_family = family, .ifi_index = 7, .ifi_type = ARPHRD_ETHER, .ifi_flags = IFF_UP};

    assert_non_null(message);
    assert_int_equal(nlmsg_append(message, &info, sizeof(info), NLMSG_ALIGNTO), 0);
    assert_int_equal(nla_put_string(message, IFLA_IFNAME, "v7"), 0);
    assert_int_equal(nla_put_u32(message, IFLA_MASTER, 3), 0);
    return message;
}

static enum message_kind kind_of(uint16_t type, uint8_t family)
{
    struct message parsed;
    struct nl_msg *message = device_new(type, family);

    message_parse(nlmsg_hdr(message), &parsed);
    nlmsg_free(message);
    return parsed.kind;
}

static void a_port_that_leaves_its_bridge_is_not_gone(void **state)
{
    (void)state;
    assert_int_equal(kind_of(RTM_DELLINK, AF_BRIDGE), MESSAGE_OTHER);
    assert_int_equal(kind_of(RTM_DELLINK, AF_UNSPEC), MESSAGE_DEVICE_GONE);
}

static void a_bridges_view_of_its_port_is_no_device(void **state)
{
    (void)state;
    assert_int_equal(kind_of(RTM_NEWLINK, AF_BRIDGE), MESSAGE_OTHER);
}

static void a_device_is_read_whole(void **state)
{
    struct message parsed;
    struct nl_msg *message = device_new(RTM_NEWLINK, AF_UNSPEC);
    struct nlattr *info = nla_nest_start(message, IFLA_LINKINFO);

    (void)state;
    assert_int_equal(nla_put_string(message, IFLA_INFO_KIND, "veth"), 0);
    (void)nla_nest_end(message, info);
    message_parse(nlmsg_hdr(message), &parsed);
    assert_int_equal(parsed.kind, MESSAGE_DEVICE);
    assert_int_equal(parsed.device.index, 7);
    assert_int_equal(parsed.device.master_index, 3);
    assert_int_equal(parsed.device.link_type, ARPHRD_ETHER);
    assert_true(parsed.device.is_up);
    assert_string_equal(parsed.device.name, "v7");
    assert_string_equal(parsed.device.kind, "veth");
    nlmsg_free(message);
}

static void the_own_end_of_a_point_to_point_address_counts(void **state)
{
    struct message parsed;
    struct nl_msg *message = nlmsg_alloc_simple(RTM_NEWADDR, 0);
    struct ifaddrmsg info = {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = 5};
    const uint8_t own[4] = {10, 0, 0, 1};
    const uint8_t other[4] = {10, 0, 0, 2};

    (void)state;
    assert_int_equal(nlmsg_append(message, &info, sizeof(info), NLMSG_ALIGNTO), 0);
    assert_int_equal(nla_put(message, IFA_ADDRESS, 4, other), 0);
    assert_int_equal(nla_put(message, IFA_LOCAL, 4, own), 0);
    message_parse(nlmsg_hdr(message), &parsed);
    assert_int_equal(parsed.kind, MESSAGE_ADDRESS);
    assert_memory_equal(parsed.address.address, own, 4);
    nlmsg_free(message);
}

static void a_short_message_says_nothing(void **state)
{
    struct message parsed;
    struct nl_msg *message = nlmsg_alloc_simple(RTM_NEWLINK, 0);

    (void)state;
    message_parse(nlmsg_hdr(message), &parsed);
    assert_int_equal(parsed.kind, MESSAGE_OTHER);
    nlmsg_free(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_that_leaves_its_bridge_is_not_gone),
        cmocka_unit_test(a_bridges_view_of_its_port_is_no_device),
        cmocka_unit_test(a_device_is_read_whole),
        cmocka_unit_test(the_own_end_of_a_point_to_point_address_counts),
        cmocka_unit_test(a_short_message_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
