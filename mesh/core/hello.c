/* SPDX-License-Identifier: Apache-2.0 */
#include "mesh/core/core_internal.h"

#include <string.h>

#define PROTOCOL 1
#define CONTACTS_MS 1000        /* shortest time between two lists on one link */
#define CONTACT_ADDRESSES_MAX 4 /* of one node */
#define CONTACTS_A_LINK_MAX 256 /* unheard of before, taken from one link in its life */

void mesh_send_hello(struct mesh_core *core, struct mesh_link *link)
{
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Hello body = PICKET__V1__HELLO__INIT;
    char *addresses[MESH_OWN_ADDRESSES_MAX];

    for (uint32_t i = 0; i < core->own_count; i++)
        addresses[i] = core->own[i];
    body.protocol = PROTOCOL;
    body.fleet_id = mesh_binary(core->options.fleet_id, HASH_BYTES);
    body.node = mesh_binary(core->options.node, HASH_BYTES);
    body.name = core->name;
    body.addresses = addresses;
    body.n_addresses = core->own_count;
    body.level = FLEET_LEVEL;
    frame.body_case = PICKET__V1__FRAME__BODY_HELLO;
    frame.hello = &body;
    mesh_send(core, link, &frame);
}

static enum mesh_reason judge_hello(
    const struct mesh_core *core, const struct mesh_link *link, const Picket__V1__Hello *hello)
{
    if (hello->protocol != PROTOCOL)
        return MESH_WRONG_PROTOCOL;
    if (!mesh_is_hash(hello->fleet_id) ||
        memcmp(hello->fleet_id.data, core->options.fleet_id, HASH_BYTES) != 0)
        return MESH_FOREIGN_FLEET;
    if (!mesh_is_hash(hello->node) || memcmp(hello->node.data, link->node, HASH_BYTES) != 0)
        return MESH_WRONG_IDENTITY;
    return MESH_NONE;
}

/* An address that is news may interest all others. */
static void spread_contacts(struct mesh_core *core)
{
    for (uint32_t i = 0; i < MESH_LINKS_MAX; i++)
        core->links[i].contacts_due = true;
}

/* True: nobody here had heard of it. */
static bool take_claim(struct mesh_core *core, struct mesh_link *link, const char *text)
{
    struct mesh_address *address = mesh_book_learn(core, text, link->node);
    bool is_news = address && !address->is_configured && !address->is_met &&
                   memcmp(address->node, link->node, HASH_BYTES) == 0;

    if (is_news)
        address->is_met = address->is_claimed = true;
    if (!link->address[0])
        strncpy(link->address, text, sizeof(link->address) - 1);
    return is_news;
}

void mesh_recv_hello(struct mesh_core *core, struct mesh_link *link, const Picket__V1__Hello *hello)
{
    enum mesh_reason reason = judge_hello(core, link, hello);
    bool is_news = false;

    if (reason != MESH_NONE || link->has_hello) {
        mesh_link_close(core, link, reason != MESH_NONE ? reason : MESH_BAD_FRAME);
        return;
    }
    link->has_hello = true;
    mesh_book_forget_claims(core, link->node, hello);
    for (size_t i = 0; i < hello->n_addresses && i < CONTACT_ADDRESSES_MAX; i++)
        if (mesh_address_fits(hello->addresses[i]))
            is_news |= take_claim(core, link, hello->addresses[i]);
    link->contacts_due = true;
    if (is_news)
        spread_contacts(core);
}

/* Every node we have met, with one address each; a node with two has two contacts. */
void mesh_send_contacts(struct mesh_core *core, struct mesh_link *link)
{
    Picket__V1__Frame frame = PICKET__V1__FRAME__INIT;
    Picket__V1__Contacts body = PICKET__V1__CONTACTS__INIT;
    Picket__V1__Contact items[MESH_ADDRESSES_MAX], *list[MESH_ADDRESSES_MAX];
    char *texts[MESH_ADDRESSES_MAX];

    link->contacts_due = false;
    link->contacts_ms = core->now_ms + CONTACTS_MS;
    for (uint32_t i = 0; i < MESH_ADDRESSES_MAX; i++) {
        struct mesh_address *address = &core->addresses[i];
        size_t at = body.n_contacts;

        if (!address->is_used || !address->is_met || !address->has_node || address->is_self ||
            memcmp(address->node, link->node, HASH_BYTES) == 0)
            continue;
        picket__v1__contact__init(&items[at]);
        texts[at] = address->text;
        items[at].node = mesh_binary(address->node, HASH_BYTES);
        items[at].addresses = &texts[at];
        items[at].n_addresses = 1;
        list[at] = &items[at];
        body.n_contacts++;
    }
    if (!body.n_contacts)
        return;
    body.contacts = list;
    frame.body_case = PICKET__V1__FRAME__BODY_CONTACTS;
    frame.contacts = &body;
    mesh_send(core, link, &frame);
}

void mesh_recv_contacts(
    struct mesh_core *core, struct mesh_link *link, const Picket__V1__Contacts *contacts)
{
    for (size_t i = 0; i < contacts->n_contacts; i++) {
        const Picket__V1__Contact *contact = contacts->contacts[i];

        if (!mesh_is_hash(contact->node) || contact->n_addresses > CONTACT_ADDRESSES_MAX ||
            contacts->n_contacts > MESH_ADDRESSES_MAX) {
            mesh_link_blame(core, link, MESH_BAD_FRAME);
            return;
        }
        if (memcmp(contact->node.data, core->options.node, HASH_BYTES) == 0)
            continue;
        for (size_t k = 0; k < contact->n_addresses; k++) {
            if (!mesh_address_fits(contact->addresses[k]) ||
                mesh_book_knows(core, contact->addresses[k]))
                continue;
            if (link->contacts_taken >= CONTACTS_A_LINK_MAX)
                return;
            link->contacts_taken++;
            (void)mesh_book_learn(core, contact->addresses[k], contact->node.data);
        }
    }
}
