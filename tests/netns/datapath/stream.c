/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/netns/datapath/stream.h"
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PORT 7777
#define ARRIVAL_MS 30

static void address_of_device(const char *name, uint8_t ret_address[ETH_ALEN])
{
    struct ifreq request = {0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    assert_int_equal(ioctl(fd, SIOCGIFHWADDR, &request), 0);
    (void)close(fd);
    memcpy(ret_address, request.ifr_hwaddr.sa_data, ETH_ALEN);
}

static uint16_t header_sum(const struct iphdr *ip)
{
    uint16_t words[sizeof(*ip) / 2];
    uint32_t sum = 0;

    memcpy(words, ip, sizeof(words));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        sum += words[i];
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static void build(struct stream *stream, const char *near, const char *to_text)
{
    struct ether_header ethernet = {.ether_type = htons(ETHERTYPE_IP)};
    struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP};
    struct udphdr udp = {
        .source = htons(40000), .dest = htons(PORT), .len = htons(sizeof(udp) + 4)};

    address_of_device(near, ethernet.ether_dhost);
    ethernet.ether_shost[0] = 2;
    ip.tot_len = htons(sizeof(ip) + sizeof(udp) + 4);
    assert_int_equal(inet_pton(AF_INET, to_text, &ip.daddr), 1);
    memcpy(stream->frame, &ethernet, sizeof(ethernet));
    memcpy(stream->frame + sizeof(ethernet), &ip, sizeof(ip));
    memcpy(stream->frame + sizeof(ethernet) + sizeof(ip), &udp, sizeof(udp));
    stream->frame_len = sizeof(ethernet) + sizeof(ip) + sizeof(udp) + 4;
}

void stream_open(struct stream *stream, const char *near, const char *far, const char *to_text)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int room = 4 * 1024 * 1024;

    memset(stream, 0, sizeof(*stream));
    build(stream, near, to_text);
    stream->far_index = if_nametoindex(far);
    stream->packet_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    stream->socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(stream->packet_fd >= 0 && stream->socket_fd >= 0);
    (void)setsockopt(stream->socket_fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    assert_int_equal(inet_pton(AF_INET, to_text, &to.sin_addr), 1);
    assert_int_equal(bind(stream->socket_fd, (struct sockaddr *)&to, sizeof(to)), 0);
}

void stream_close(struct stream *stream)
{
    (void)close(stream->packet_fd);
    (void)close(stream->socket_fd);
}

static unsigned arrived(struct stream *stream)
{
    struct pollfd fd = {.fd = stream->socket_fd, .events = POLLIN};
    char byte;
    unsigned count = 0;

    while (poll(&fd, 1, ARRIVAL_MS) > 0) {
        while (recv(stream->socket_fd, &byte, 1, 0) > 0)
            count++;
    }
    return count;
}

unsigned stream_send(struct stream *stream, const char *from_text, unsigned count)
{
    struct sockaddr_ll out = {
        .sll_family = AF_PACKET, .sll_ifindex = (int)stream->far_index, .sll_halen = ETH_ALEN};
    struct iphdr ip;

    memcpy(&ip, stream->frame + sizeof(struct ether_header), sizeof(ip));
    assert_int_equal(inet_pton(AF_INET, from_text, &ip.saddr), 1);
    ip.check = 0;
    ip.check = header_sum(&ip);
    memcpy(stream->frame + sizeof(struct ether_header), &ip, sizeof(ip));
    for (unsigned i = 0; i < count; i++)
        (void)sendto(stream->packet_fd, stream->frame, stream->frame_len, 0,
            (struct sockaddr *)&out, sizeof(out));
    return arrived(stream);
}
