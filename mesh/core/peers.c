/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"
#include "mesh/core/core_internal.h"

#include <string.h>

/* For people: a neighbour that says of itself to live there is one row, even while the book still
 * wants to dial the address to see who answers (mesh_book_is_connected). */
static bool is_said_by_neighbour(const struct mesh_core *core, const struct mesh_address *address)
{
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++)
        if (core->links[i].is_used && strcmp(core->links[i].address, address->text) == 0)
            return true;
    return false;
}

static bool is_listed_address(const struct mesh_core *core, const struct mesh_address *address)
{
    return address->is_used && !address->is_self && !mesh_book_is_connected(core, address) &&
           !is_said_by_neighbour(core, address);
}

uint32_t mesh_core_peers_count(const struct mesh_core *core)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++)
        count += core->links[i].is_used;
    for (uint32_t i = 0; i < MESH_ADDRESSES_MAX; i++)
        count += is_listed_address(core, &core->addresses[i]);
    return count;
}

static void put_link(const struct mesh_link *link, struct mesh_peer *ret_peer)
{
    *ret_peer = (struct mesh_peer){
        .link = link->number,
        .node = link->node,
        .name = link->name,
        .address = link->address,
        .has_root = link->has_root,
        .is_root_durable = link->is_root_durable,
        .has_state_root = link->has_state_root,
        .has_digest = link->has_digest,
        .frame_ms = link->frame_ms,
        .up_ms = link->up_ms,
        .time_s = link->time_s,
        .refused = "",
    };
    memcpy(ret_peer->root, link->root, HASH_BYTES);
    memcpy(ret_peer->state_root, link->state_root, HASH_BYTES);
    memcpy(ret_peer->digest, link->digest, HASH_BYTES);
}

void mesh_core_peer_at(const struct mesh_core *core, uint32_t index, struct mesh_peer *ret_peer)
{
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++) {
        if (core->links[i].is_used && index-- == 0) {
            put_link(&core->links[i], ret_peer);
            return;
        }
    }
    for (uint32_t i = 0; i < MESH_ADDRESSES_MAX; i++) {
        const struct mesh_address *address = &core->addresses[i];

        if (!is_listed_address(core, address) || index-- != 0)
            continue;
        *ret_peer = (struct mesh_peer){
            .link = MESH_LINK_NONE,
            .node = address->has_node ? address->node : NULL,
            .name = "",
            .address = address->text,
            .refused = address->refused,
        };
        return;
    }
    CHECK(false, "index < mesh_core_peers_count()");
}
