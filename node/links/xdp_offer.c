/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "node/links/mode.h"
#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

/* Of <linux/netdev.h>, which headers before 6.3 do not have. */
#define NETDEV_FAMILY "netdev"
#define NETDEV_DEV_GET 1
#define NETDEV_DEV_IFINDEX 1
#define NETDEV_DEV_XDP_FEATURES 3
#define NETDEV_ATTRS_MAX 16
#define NETDEV_XDP_BASIC 1U

#define ANSWER_BYTES 8192
#define ANSWER_WAIT_S 2

OWN_AS(own_nl_socket, struct nl_sock, nl_socket_free)
OWN_AS(own_nl_message, struct nl_msg, nlmsg_free)

struct answer {
    struct nlattr *attrs[NETDEV_ATTRS_MAX + 1];
    _Alignas(NLMSG_ALIGNTO) uint8_t bytes[ANSWER_BYTES];
};

static struct nl_msg *request_new(int family, uint8_t command)
{
    struct nl_msg *message = nlmsg_alloc_simple(family, NLM_F_REQUEST);
    struct genlmsghdr header = {.cmd = command, .version = 1};

    if (message && nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO) < 0) {
        nlmsg_free(message);
        return NULL;
    }
    return message;
}

/* One request, one answer. 0 or a negative errno. */
static int ask(struct nl_sock *sock, struct nl_msg *request, struct answer *ret_answer)
{
    nl_complete_msg(sock, request);
    if (nl_send(sock, request) < 0)
        return -EIO;
    ssize_t len = recv(nl_socket_get_fd(sock), ret_answer->bytes, sizeof(ret_answer->bytes), 0);

    if (len < 0)
        return -errno;
    struct nlmsghdr *header = (struct nlmsghdr *)(void *)ret_answer->bytes;

    if (!nlmsg_ok(header, (int)len) || header->nlmsg_type == NLMSG_ERROR)
        return -ENOENT;
    if (nlmsg_parse(header, GENL_HDRLEN, ret_answer->attrs, NETDEV_ATTRS_MAX, NULL) < 0)
        return -EBADMSG;
    return 0;
}

/* The number of the family, 0 if this kernel has none. */
static int family_of_netdev(struct nl_sock *sock, struct answer *answer)
{
    OWN(own_nl_message) struct nl_msg *request = request_new(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);

    if (!request || nla_put_string(request, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY) < 0 ||
        ask(sock, request, answer) < 0)
        return 0;
    struct nlattr *id = answer->attrs[CTRL_ATTR_FAMILY_ID];

    return id && nla_len(id) >= (int)sizeof(uint16_t) ? nla_get_u16(id) : 0;
}

static enum xdp_offer offer_of(struct nl_sock *sock, int family, uint32_t index)
{
    struct answer answer;
    OWN(own_nl_message) struct nl_msg *request = request_new(family, NETDEV_DEV_GET);

    if (!request || nla_put_u32(request, NETDEV_DEV_IFINDEX, index) < 0 ||
        ask(sock, request, &answer) < 0)
        return XDP_OFFER_UNKNOWN;
    struct nlattr *features = answer.attrs[NETDEV_DEV_XDP_FEATURES];

    if (!features || nla_len(features) < (int)sizeof(uint64_t))
        return XDP_OFFER_UNKNOWN;
    return nla_get_u64(features) & NETDEV_XDP_BASIC ? XDP_OFFER_NATIVE : XDP_OFFER_NONE;
}

enum xdp_offer mode_xdp_offer(uint32_t device_index)
{
    struct answer answer;
    const struct timeval wait = {.tv_sec = ANSWER_WAIT_S};
    OWN(own_nl_socket) struct nl_sock *sock = nl_socket_alloc();

    if (!sock)
        return XDP_OFFER_UNKNOWN;
    nl_socket_disable_auto_ack(sock); /* an acknowledgement would be taken for the next answer */
    if (nl_connect(sock, NETLINK_GENERIC) < 0)
        return XDP_OFFER_UNKNOWN;
    if (setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) < 0)
        return XDP_OFFER_UNKNOWN;
    int family = family_of_netdev(sock, &answer);

    return family > 0 ? offer_of(sock, family, device_index) : XDP_OFFER_UNKNOWN;
}
