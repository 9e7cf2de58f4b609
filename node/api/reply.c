/* SPDX-License-Identifier: Apache-2.0 */
#include "node/api/reply.h"
#include "base/limits.h"
#include "proto/wire/wire.h"
#include "rpc/server.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct reply_owned {
    struct reply_owned *next;
    ProtobufCMessage *message;
};

void *reply_take(struct reply *reply, size_t bytes)
{
    void *piece = arena_take(&reply->arena, bytes);

    if (!piece)
        reply->is_short = true;
    return piece;
}

void *reply_message(struct reply *reply, const ProtobufCMessageDescriptor *type)
{
    void *message = reply_take(reply, type->sizeof_message);

    if (message)
        type->message_init(message);
    return message;
}

void *reply_array(struct reply *reply, size_t count)
{
    return count ? reply_take(reply, count * sizeof(void *)) : NULL;
}

char *reply_text(struct reply *reply, const char *text)
{
    static char empty[] = "";
    char *copy = arena_text(&reply->arena, text, strlen(text));

    if (!copy)
        reply->is_short = true;
    return copy ? copy : empty;
}

char *reply_print(struct reply *reply, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return reply_text(reply, text);
}

ProtobufCBinaryData reply_borrow(struct bytes bytes)
{
    return (ProtobufCBinaryData){.len = bytes.len, .data = (uint8_t *)(uintptr_t)bytes.at};
}

ProtobufCBinaryData reply_bytes(struct reply *reply, struct bytes bytes)
{
    uint8_t *copy = bytes.len ? reply_take(reply, bytes.len) : NULL;

    if (!copy)
        return (ProtobufCBinaryData){0};
    memcpy(copy, bytes.at, bytes.len);
    return (ProtobufCBinaryData){.len = bytes.len, .data = copy};
}

void *reply_unpack(struct reply *reply, const ProtobufCMessageDescriptor *type, struct bytes bytes)
{
    struct reply_owned *owned = reply_take(reply, sizeof(*owned));

    if (!owned)
        return NULL;
    if (wire_unpack(type, bytes, REQUEST_BYTES_MAX, &owned->message) != WIRE_OK)
        return NULL;
    owned->next = reply->owned;
    reply->owned = owned;
    return owned->message;
}

void reply_fini(struct reply *reply)
{
    for (struct reply_owned *owned = reply->owned; owned; owned = owned->next)
        wire_free(owned->message);
    reply->owned = NULL;
    arena_fini(&reply->arena);
}

void reply_send(struct reply *reply, struct rpc_call *call, const void *message)
{
    if (reply->is_short || !message)
        rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED, "this node is short of memory; try again");
    else
        rpc_call_reply(call, message);
    reply_fini(reply);
}
