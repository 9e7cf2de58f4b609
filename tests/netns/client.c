/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/netns/client.h"
#include "base/limits.h"
#include "proto/wire/wire.h"
#include "rpc/client.h"
#include "store/keys/key_file.h"

#include "proto/picket/v1/fleet.pb-c.h"
#include "proto/picket/v1/rules.pb-c.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int client_call(struct client *client, uint32_t index, const char *path,
    const ProtobufCMessage *request, struct buffer *reply, struct problem *problem)
{
    struct rpc_channel_options options = {.target = client->sockets[index]};
    struct buffer bytes = {0};
    int r = 0;

    if (!client->channels[index])
        r = rpc_blocking_open(&options, &client->channels[index], problem);
    if (r == 0)
        r = wire_pack(request, &bytes);
    if (r == 0)
        r = rpc_call_blocking(
            client->channels[index], path, buffer_bytes(&bytes), 5000, reply, problem);
    buffer_fini(&bytes);
    if (r < 0 && client->channels[index]) {
        rpc_blocking_close(client->channels[index]);
        client->channels[index] = NULL;
    }
    return r;
}

int client_apply(struct client *client, uint32_t index, const struct buffer *entries,
    uint32_t entries_count, struct problem *problem)
{
    Picket__V1__ApplyRequest request = PICKET__V1__APPLY_REQUEST__INIT;
    struct buffer reply = {0};
    int r = -ENOMEM;

    request.entries = calloc(entries_count + 1, sizeof(*request.entries));
    for (; request.entries && request.n_entries < entries_count; request.n_entries++) {
        const struct buffer *entry = &entries[request.n_entries];

        request.entries[request.n_entries] =
            picket__v1__signed_entry__unpack(NULL, entry->len, entry->at);
    }
    if (request.entries)
        r = client_call(client, index, "/picket.v1.Rules/Apply", &request.base, &reply, problem);
    for (size_t i = 0; i < request.n_entries; i++)
        picket__v1__signed_entry__free_unpacked(request.entries[i], NULL);
    free(request.entries);
    buffer_fini(&reply);
    return r;
}

int client_key(const char *path, struct key_pair *ret_key)
{
    uint8_t secret[KEY_FILE_SECRET_MAX];
    struct problem problem = {0};
    size_t len = 0;
    int r = key_file_read(path, "ed25519", NULL, secret, &len, &problem);

    if (r < 0)
        (void)fprintf(stderr, "%s\n", problem.text);
    else
        keys_pair_from_seed(secret, ret_key);
    return r;
}

int client_position(
    struct client *client, const uint8_t key[KEY_BYTES], struct author_position *ret_position)
{
    Picket__V1__FleetStatusRequest request = PICKET__V1__FLEET_STATUS_REQUEST__INIT;
    Picket__V1__FleetStatusResponse *status = NULL;
    ProtobufCMessage *message = NULL;
    struct problem problem = {0};
    struct buffer reply = {0};

    if (client_call(client, 0, "/picket.v1.Fleet/Status", &request.base, &reply, &problem) < 0 ||
        wire_unpack_lenient(&picket__v1__fleet_status_response__descriptor, buffer_bytes(&reply),
            REQUEST_BYTES_MAX, &message) != WIRE_OK) {
        (void)fprintf(stderr, "%s\n", problem.text);
        return -EIO;
    }
    status = (Picket__V1__FleetStatusResponse *)message;
    memcpy(ret_position->fleet_id, status->fleet_id.data, HASH_BYTES);
    memcpy(ret_position->trust_head, status->trust_head.data, HASH_BYTES);
    ret_position->seq = 1;
    for (size_t i = 0; i < status->n_heads; i++) {
        if (memcmp(status->heads[i]->author.data, key, KEY_BYTES) != 0)
            continue;
        ret_position->seq = status->heads[i]->seq + 1;
        memcpy(ret_position->prev, status->heads[i]->id.data, HASH_BYTES);
    }
    wire_free(message);
    buffer_fini(&reply);
    return 0;
}

void client_fini(struct client *client)
{
    for (uint32_t i = 0; i < client->sockets_count; i++)
        if (client->channels[i])
            rpc_blocking_close(client->channels[i]);
}
