/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/packet/rules/flavour.h"

#include <stddef.h>
#include <string.h>

const uint16_t flavour_lengths[SPAN_COUNT][33] = {
    [SPAN_ALL] = {[0] = 66, [1] = 30, [2] = 4},
    [SPAN_AREA] = {[3] = 1, [4] = 1, [6] = 2, [8] = 3, [9] = 1, [11] = 2, [12] = 2},
    [SPAN_NET] = {[14] = 5, [15] = 20, [16] = 42, [17] = 26, [18] = 7},
    [SPAN_SITE] = {[20] = 3, [21] = 7, [22] = 14, [23] = 26, [24] = 28, [25] = 15, [26] = 7},
    [SPAN_LINK] = {[27] = 45, [28] = 55},
    [SPAN_HOST] = {[29] = 3, [30] = 8, [31] = 28, [32] = 61},
};

#define TCP 6
#define UDP 17
#define ICMP 1
#define GRE 47
#define ESP 50

static const struct flavour flavours[] = {
    {
        .name = "acl",
        .services =
            {
                {595, TCP, PORT_ANY, PORT_EXACT},
                {170, TCP, PORT_ANY, PORT_ANY},
                {114, TCP, PORT_ANY, PORT_RANGE},
                {80, 0, PORT_ANY, PORT_ANY},
                {29, ICMP, PORT_ANY, PORT_ANY},
                {10, UDP, PORT_ANY, PORT_EXACT},
                {2, UDP, PORT_ANY, PORT_RANGE},
            },
        .pairs =
            {
                {680, SPAN_HOST, SPAN_HOST},
                {150, SPAN_HOST, SPAN_SITE},
                {120, SPAN_SITE, SPAN_HOST},
                {26, SPAN_HOST, SPAN_NET},
                {14, SPAN_HOST, SPAN_AREA},
                {6, SPAN_SITE, SPAN_SITE},
                {4, SPAN_AREA, SPAN_ALL},
            },
        .pools = {{400, 40, 2}, {40, 60, 3}},
        .target_ports = {1433, 3306, 5432, 443, 135, 8443, 1521, 9200, 6379, 389, 636, 445, 139,
            1812, 8080, 2049, 27017, 5672, 11211, 4505, 10050, 3389, 22, 21, 20, 25, 88, 464, 9042,
            1789, 5985},
        .ranges = {{1600, 1649}, {7500, 7599}, {2200, 2210}, {49152, 65535}, {30000, 30007},
            {6000, 6063}, {1024, 4999}},
    },
    {
        .name = "fw",
        .services =
            {
                {440, TCP, PORT_ANY, PORT_EXACT},
                {140, UDP, PORT_ANY, PORT_EXACT},
                {105, UDP, PORT_EXACT, PORT_ANY},
                {88, TCP, PORT_ANY, PORT_ANY},
                {50, GRE, PORT_ANY, PORT_ANY},
                {40, TCP, PORT_HIGH, PORT_HIGH},
                {38, ICMP, PORT_ANY, PORT_ANY},
                {27, UDP, PORT_EXACT, PORT_EXACT},
                {21, UDP, PORT_HIGH, PORT_HIGH},
                {20, UDP, PORT_HIGH, PORT_EXACT},
                {20, UDP, PORT_EXACT, PORT_HIGH},
                {11, 0, PORT_ANY, PORT_ANY},
                {2, UDP, PORT_HIGH, PORT_RANGE},
            },
        .pairs =
            {
                {580, SPAN_ALL, SPAN_HOST},
                {220, SPAN_HOST, SPAN_ALL},
                {60, SPAN_HOST, SPAN_HOST},
                {45, SPAN_ALL, SPAN_SITE},
                {40, SPAN_SITE, SPAN_ALL},
                {20, SPAN_LINK, SPAN_ALL},
                {20, SPAN_ALL, SPAN_LINK},
                {8, SPAN_ALL, SPAN_ALL},
                {7, SPAN_AREA, SPAN_HOST},
            },
        .pools = {{360, 40, 1}, {700, 60, 1}},
        .target_ports = {22, 80, 443, 53, 25, 123, 993, 161, 21, 514, 110, 143, 23, 587, 5060, 1194,
            500, 4500, 69, 111, 113, 119, 179, 8000, 5222, 6514, 51820, 3478, 9100, 873},
        .source_ports = {123, 53, 161, 88, 69, 514, 500, 20, 67},
        .ranges = {{33434, 33600}, {40000, 65535}, {10000, 20000}},
    },
    {
        .name = "ipc",
        .services =
            {
                {325, 0, PORT_ANY, PORT_ANY},
                {225, UDP, PORT_ANY, PORT_EXACT},
                {140, TCP, PORT_ANY, PORT_EXACT},
                {83, UDP, PORT_EXACT, PORT_ANY},
                {80, TCP, PORT_EXACT, PORT_ANY},
                {61, UDP, PORT_ANY, PORT_HIGH},
                {22, TCP, PORT_ANY, PORT_ANY},
                {17, TCP, PORT_ANY, PORT_RANGE},
                {15, TCP, PORT_RANGE, PORT_ANY},
                {10, ICMP, PORT_ANY, PORT_ANY},
                {6, UDP, PORT_ANY, PORT_RANGE},
                {5, ESP, PORT_ANY, PORT_ANY},
                {4, UDP, PORT_EXACT, PORT_EXACT},
                {4, UDP, PORT_RANGE, PORT_ANY},
                {3, UDP, PORT_HIGH, PORT_ANY},
            },
        .pairs =
            {
                {250, SPAN_SITE, SPAN_SITE},
                {220, SPAN_SITE, SPAN_HOST},
                {180, SPAN_HOST, SPAN_HOST},
                {110, SPAN_HOST, SPAN_SITE},
                {75, SPAN_ALL, SPAN_HOST},
                {50, SPAN_SITE, SPAN_NET},
                {45, SPAN_NET, SPAN_SITE},
                {30, SPAN_HOST, SPAN_ALL},
                {25, SPAN_SITE, SPAN_ALL},
                {10, SPAN_LINK, SPAN_LINK},
                {5, SPAN_ALL, SPAN_ALL},
            },
        .pools = {{160, 60, 2}, {300, 80, 2}},
        .target_ports = {69, 514, 80, 443, 53, 25, 1433, 137, 162, 22, 113, 5060, 2055, 6343, 123,
            1812, 4739, 9995, 138, 2123, 2152, 5246, 5247, 8125, 853},
        .source_ports = {161, 53, 80, 25, 1433, 443, 123, 22, 20, 389, 514, 69},
        .ranges = {{109, 110}, {20, 23}, {20, 21}, {1645, 1646}, {1812, 1813}, {5000, 5099},
            {16384, 32767}},
    },
};

const struct flavour *flavour_find(const char *name)
{
    for (size_t i = 0; i < sizeof(flavours) / sizeof(flavours[0]); i++) {
        if (strcmp(flavours[i].name, name) == 0)
            return &flavours[i];
    }
    return NULL;
}
