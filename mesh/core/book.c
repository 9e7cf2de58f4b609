/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/core/core_internal.h"

#include <string.h>

#define DIALS_AT_ONCE_MAX 8
#define DIAL_SPACE_MS 20       /* between two dials */
#define DIAL_GIVEN_UP_MS 60000 /* an answer the environment owes and never gave */
#define HEARSAY_FAILS_MAX 6    /* an address nobody of us ever reached is forgotten after so many */

/* host:port, printable, short enough. Whether it leads anywhere, dialling tells. */
bool mesh_address_fits(const char *text)
{
    size_t len = strlen(text);
    const char *colon = strrchr(text, ':');

    if (len >= MESH_ADDRESS_BYTES || !colon || colon == text || !colon[1])
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return true;
}

static bool is_own(const struct mesh_core *core, const char *text)
{
    for (uint32_t i = 0; i < core->own_count; i++)
        if (strcmp(core->own[i], text) == 0)
            return true;
    return false;
}

static struct mesh_address *find(struct mesh_core *core, const char *text)
{
    for (uint32_t i = 0; i < MESH_ADDRESSES_MAX; i++)
        if (core->addresses[i].is_used && strcmp(core->addresses[i].text, text) == 0)
            return &core->addresses[i];
    return NULL;
}

bool mesh_book_knows(struct mesh_core *core, const char *text)
{
    return find(core, text) || is_own(core, text);
}

/* A free place, else that of hearsay nobody is dialling now, the one that failed most. */
static struct mesh_address *make_room(struct mesh_core *core)
{
    struct mesh_address *worst = NULL;

    for (uint32_t i = 0; i < MESH_ADDRESSES_MAX; i++) {
        struct mesh_address *address = &core->addresses[i];

        if (!address->is_used)
            return address;
        if (address->is_configured || address->is_met || address->is_dialling)
            continue;
        if (!worst || address->fails > worst->fails)
            worst = address;
    }
    return worst && worst->fails ? worst : NULL;
}

struct mesh_address *mesh_book_learn(struct mesh_core *core, const char *text, const uint8_t *node)
{
    struct mesh_address *address;

    if (is_own(core, text))
        return NULL;
    address = find(core, text);
    if (!address) {
        address = make_room(core);
        if (!address)
            return NULL;
        *address = (struct mesh_address){.is_used = true, .next_ms = core->now_ms};
        strncpy(address->text, text, sizeof(address->text) - 1);
        address->next_ms += mesh_jitter(core, core->options.dial_min_ms);
    }
    /* Who is behind a configured address, dialling tells: else any neighbour could claim it, and
     * nobody would dial it while that neighbour is here. */
    if (node && !address->has_node && !address->is_configured) {
        memcpy(address->node, node, HASH_BYTES);
        address->has_node = true;
    }
    return address;
}

bool mesh_book_is_connected(const struct mesh_core *core, const struct mesh_address *address)
{
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++) {
        const struct mesh_link *link = &core->links[i];

        if (link->is_used &&
            ((address->has_node && memcmp(link->node, address->node, HASH_BYTES) == 0) ||
                ((link->is_dialled || !address->is_configured) &&
                    strcmp(link->address, address->text) == 0)))
            return true;
    }
    return false;
}

void mesh_book_link_up(
    struct mesh_core *core, const char *text, const uint8_t node[HASH_BYTES], bool is_self)
{
    struct mesh_address *address = find(core, text);

    if (!address)
        return;
    memcpy(address->node, node, HASH_BYTES);
    address->has_node = true;
    address->is_met = true;
    address->is_claimed = false;
    address->is_self = is_self;
    address->is_dialling = false;
    address->fails = 0;
    address->refused[0] = 0;
}

static bool is_said(const Picket__V1__Hello *hello, const char *text)
{
    for (size_t i = 0; i < hello->n_addresses; i++)
        if (strcmp(hello->addresses[i], text) == 0)
            return true;
    return false;
}

void mesh_book_forget_claims(
    struct mesh_core *core, const uint8_t node[HASH_BYTES], const Picket__V1__Hello *hello)
{
    for (uint32_t i = 0; i < MESH_ADDRESSES_MAX; i++) {
        struct mesh_address *address = &core->addresses[i];

        if (address->is_used && address->is_claimed && !address->is_configured &&
            !address->is_dialling && memcmp(address->node, node, HASH_BYTES) == 0 &&
            !is_said(hello, address->text))
            address->is_used = false;
    }
}

static void put_off(struct mesh_core *core, struct mesh_address *address, const char *sentence)
{
    uint32_t doublings = address->fails < 16 ? address->fails : 16;
    uint64_t wait_ms = (uint64_t)core->options.dial_min_ms << doublings;

    if (wait_ms > core->options.dial_max_ms)
        wait_ms = core->options.dial_max_ms;
    address->fails++;
    address->is_dialling = false;
    address->next_ms = core->now_ms + mesh_jitter(core, wait_ms);
    strncpy(address->refused, sentence ? sentence : "no connection", sizeof(address->refused) - 1);
    if (!address->is_configured && !address->is_met && address->fails > HEARSAY_FAILS_MAX)
        address->is_used = false;
}

void mesh_book_failed(struct mesh_core *core, const char *text, const char *sentence)
{
    struct mesh_address *address = find(core, text);

    if (address)
        put_off(core, address, sentence);
}

void mesh_book_link_down(
    struct mesh_core *core, const uint8_t node[HASH_BYTES], const char *sentence)
{
    for (uint32_t i = 0; i < MESH_ADDRESSES_MAX; i++) {
        struct mesh_address *address = &core->addresses[i];

        if (address->is_used && address->has_node && !address->is_dialling &&
            memcmp(address->node, node, HASH_BYTES) == 0)
            put_off(core, address, sentence);
    }
}

static bool may_dial(const struct mesh_core *core, const struct mesh_address *address)
{
    return address->is_used && !address->is_dialling && !address->is_self &&
           !mesh_book_is_connected(core, address);
}

static void dial(struct mesh_core *core, struct mesh_address *address)
{
    const struct mesh_effect effect = {.kind = MESH_DO_DIAL, .address = address->text};

    address->is_dialling = true;
    address->next_ms = core->now_ms + DIAL_GIVEN_UP_MS;
    core->dial_ms = core->now_ms + DIAL_SPACE_MS;
    core->counts.dials++;
    mesh_emit(core, &effect);
}

static uint32_t dialling_count(const struct mesh_core *core)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < MESH_ADDRESSES_MAX; i++)
        count += core->addresses[i].is_used && core->addresses[i].is_dialling;
    return count;
}

void mesh_book_tick(struct mesh_core *core)
{
    struct mesh_address *next = NULL;

    for (uint32_t i = 0; i < MESH_ADDRESSES_MAX; i++) {
        struct mesh_address *address = &core->addresses[i];

        if (address->is_used && address->is_dialling && core->now_ms >= address->next_ms)
            put_off(core, address, "no answer");
        if (may_dial(core, address) && core->now_ms >= address->next_ms &&
            (!next || address->next_ms < next->next_ms))
            next = address;
    }
    if (next && core->now_ms >= core->dial_ms && dialling_count(core) < DIALS_AT_ONCE_MAX)
        dial(core, next);
}

uint64_t mesh_book_deadline_ms(const struct mesh_core *core)
{
    bool is_busy = dialling_count(core) >= DIALS_AT_ONCE_MAX;
    uint64_t deadline = UINT64_MAX;

    for (uint32_t i = 0; i < MESH_ADDRESSES_MAX; i++) {
        const struct mesh_address *address = &core->addresses[i];
        uint64_t due_ms = address->next_ms > core->dial_ms ? address->next_ms : core->dial_ms;

        if (address->is_used && address->is_dialling)
            due_ms = address->next_ms;
        else if (is_busy || !may_dial(core, address))
            continue;
        deadline = due_ms < deadline ? due_ms : deadline;
    }
    return deadline;
}
