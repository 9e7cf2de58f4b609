/* SPDX-License-Identifier: Apache-2.0 */
#include "node/links/message.h"
#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

static uint32_t attr_u32(struct nlattr *attr)
{
    return attr && nla_len(attr) >= (int)sizeof(uint32_t) ? nla_get_u32(attr) : 0;
}

static void attr_text(struct nlattr *attr, char *ret_text, size_t room)
{
    if (attr)
        (void)nla_strlcpy(ret_text, attr, room);
}

static void parse_kind(struct nlattr *attr, struct link_device *device)
{
    struct nlattr *inner[IFLA_INFO_MAX + 1];

    if (attr && nla_parse_nested(inner, IFLA_INFO_MAX, attr, NULL) == 0)
        attr_text(inner[IFLA_INFO_KIND], device->kind, sizeof(device->kind));
}

static void parse_xdp(struct nlattr *attr, struct link_device *device)
{
    static const int places[] = {
        IFLA_XDP_DRV_PROG_ID, IFLA_XDP_SKB_PROG_ID, IFLA_XDP_HW_PROG_ID, IFLA_XDP_PROG_ID};
    struct nlattr *inner[IFLA_XDP_MAX + 1];

    if (!attr || nla_parse_nested(inner, IFLA_XDP_MAX, attr, NULL) != 0)
        return;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !device->xdp_program_id; i++)
        device->xdp_program_id = attr_u32(inner[places[i]]);
}

static void parse_device(struct nlmsghdr *header, struct message *message)
{
    struct nlattr *attrs[IFLA_MAX + 1];
    struct link_device *device = &message->device;

    if (!nlmsg_valid_hdr(header, (int)sizeof(struct ifinfomsg)))
        return;
    const struct ifinfomsg *info = nlmsg_data(header);

    /* A port that leaves its bridge is told as RTM_DELLINK of AF_BRIDGE while the device lives on.
     */
    if (info->ifi_family != AF_UNSPEC || info->ifi_index <= 0)
        return;
    if (nlmsg_parse(header, (int)sizeof(*info), attrs, IFLA_MAX, NULL) < 0)
        return;
    device->index = (uint32_t)info->ifi_index;
    device->link_type = info->ifi_type;
    device->is_up = (info->ifi_flags & IFF_UP) != 0;
    device->is_loopback = (info->ifi_flags & IFF_LOOPBACK) != 0;
    device->mtu = attr_u32(attrs[IFLA_MTU]);
    device->master_index = attr_u32(attrs[IFLA_MASTER]);
    device->lower_index = attr_u32(attrs[IFLA_LINK]);
    device->is_lower_foreign = attrs[IFLA_LINK_NETNSID] != NULL;
    attr_text(attrs[IFLA_IFNAME], device->name, sizeof(device->name));
    parse_kind(attrs[IFLA_LINKINFO], device);
    parse_xdp(attrs[IFLA_XDP], device);
    message->kind = header->nlmsg_type == RTM_NEWLINK ? MESSAGE_DEVICE : MESSAGE_DEVICE_GONE;
}

static void parse_address(struct nlmsghdr *header, struct message *message)
{
    struct nlattr *attrs[IFA_MAX + 1];

    if (!nlmsg_valid_hdr(header, (int)sizeof(struct ifaddrmsg)))
        return;
    const struct ifaddrmsg *info = nlmsg_data(header);

    if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)
        return;
    if (nlmsg_parse(header, (int)sizeof(*info), attrs, IFA_MAX, NULL) < 0)
        return;
    /* IFA_LOCAL is ours; IFA_ADDRESS is the other end on a point-to-point device. */
    struct nlattr *own = attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS];
    int len = info->ifa_family == AF_INET ? 4 : 16;

    if (!own || nla_len(own) < len)
        return;
    message->address.device_index = info->ifa_index;
    message->address.family = info->ifa_family;
    message->address.prefix_bits = info->ifa_prefixlen;
    memcpy(message->address.address, nla_data(own), (size_t)len);
    message->kind = header->nlmsg_type == RTM_NEWADDR ? MESSAGE_ADDRESS : MESSAGE_ADDRESS_GONE;
}

static void parse_end(struct nlmsghdr *header, struct message *message)
{
    message->kind = header->nlmsg_type == NLMSG_DONE ? MESSAGE_DONE : MESSAGE_ERROR;
    message->error = header->nlmsg_type == NLMSG_DONE ? 0 : -EPROTO;
    if (nlmsg_datalen(header) >= (int)sizeof(int))
        memcpy(&message->error, nlmsg_data(header), sizeof(int));
}

void message_parse(struct nlmsghdr *header, struct message *ret_message)
{
    memset(ret_message, 0, sizeof(*ret_message));
    switch (header->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        parse_device(header, ret_message);
        return;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        parse_address(header, ret_message);
        return;
    case NLMSG_DONE:
    case NLMSG_ERROR:
        parse_end(header, ret_message);
        return;
    default:
        return;
    }
}
