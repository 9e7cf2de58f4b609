/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* flavour.h - what the generator knows of access lists, firewalls and IP chains: shares in weights.
 * Measured on sets of 1,000 and 10,000 rules made from the published seeds, and rounded. */
#include <stdbool.h>
#include <stdint.h>

enum port_class { PORT_ANY, PORT_EXACT, PORT_RANGE, PORT_HIGH };

/* Protocol and classes of ports come together. */
struct flavour_service {
    uint16_t weight;
    uint8_t protocol;       /* 0: any */
    uint8_t source, target; /* enum port_class */
};

/* Lengths come in groups: everything, a provider, a company, a site, a link, a host. */
enum span { SPAN_ALL, SPAN_AREA, SPAN_NET, SPAN_SITE, SPAN_LINK, SPAN_HOST, SPAN_COUNT };

struct flavour_pair {
    uint16_t weight;
    uint8_t source, target; /* enum span */
};

/* From how many addresses the prefixes of a side are cut. */
struct flavour_pool {
    uint16_t permille; /* of the rules */
    uint16_t least;
    uint8_t power; /* how uneven their use is: draw_skewed() */
};

struct port_span {
    uint16_t first, last;
};

#define FLAVOUR_SERVICES_MAX 16
#define FLAVOUR_PAIRS_MAX 12
#define FLAVOUR_PORTS_MAX 32
#define FLAVOUR_RANGES_MAX 8

/* Tables end at weight 0, port 0. */
struct flavour {
    const char *name;
    struct flavour_service services[FLAVOUR_SERVICES_MAX];
    struct flavour_pair pairs[FLAVOUR_PAIRS_MAX];
    struct flavour_pool pools[2];             /* source, target */
    uint16_t target_ports[FLAVOUR_PORTS_MAX]; /* the most used first */
    uint16_t source_ports[FLAVOUR_PORTS_MAX];
    struct port_span ranges[FLAVOUR_RANGES_MAX];
};

/* NULL if there is none of that name. */
const struct flavour *flavour_find(const char *name);

/* Weights of the IPv4 lengths of a group. */
extern const uint16_t flavour_lengths[SPAN_COUNT][33];
