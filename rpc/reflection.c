/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/grpc/reflection/v1alpha/reflection.pb-c.h"
#include "proto/wire/wire.h"
#include "rpc/server_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FILES_MAX 64
#define SERVICES_MAX 64
#define SYMBOL_BYTES_MAX 255
#define REQUEST_BUDGET 16384

typedef Grpc__Reflection__V1alpha__ServerReflectionRequest reflection_request;
typedef Grpc__Reflection__V1alpha__ServerReflectionResponse reflection_response;

/* Field numbers of google.protobuf's descriptor.proto. */
enum {
    SET_FILE = 1,
    FILE_NAME = 1,
    FILE_PACKAGE = 2,
    FILE_DEPENDENCY = 3,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    ANY_NAME = 1,
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
    SERVICE_METHOD = 2,
};

/* ---- a walk over the fields of trusted bytes: the build's own descriptors */

static size_t take_varint(struct bytes *bytes)
{
    size_t value = 0;

    for (unsigned shift = 0; bytes->len > 0 && shift < 56; shift += 7) {
        uint8_t byte = *bytes->at;

        bytes->at++;
        bytes->len--;
        value |= (size_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

/* The next length-delimited field; others are skipped. False at the end. */
static bool take_field(struct bytes *rest, uint32_t *ret_number, struct bytes *ret_content)
{
    while (rest->len > 0) {
        size_t key = take_varint(rest);
        size_t len;

        if ((key & 7) == 0) {
            (void)take_varint(rest);
            continue;
        }
        len = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : take_varint(rest);
        if (len > rest->len)
            return false;
        *ret_content = bytes_of(rest->at, len);
        *ret_number = (uint32_t)(key >> 3);
        rest->at += len;
        rest->len -= len;
        if ((key & 7) == 2)
            return true;
    }
    return false;
}

/* The first field of that number; empty if absent. */
static struct bytes find_field(struct bytes message, uint32_t number)
{
    struct bytes content;
    uint32_t found;

    while (take_field(&message, &found, &content)) {
        if (found == number)
            return content;
    }
    return (struct bytes){0};
}

static struct bytes text_of(const char *text)
{
    return bytes_of(text, strlen(text));
}

/* Does `name` follow at the start of *path, whole? Then it and its dot are taken off. */
static bool take_name(struct bytes *path, struct bytes name)
{
    if (name.len == 0 || name.len > path->len || memcmp(path->at, name.at, name.len) != 0)
        return false;
    if (name.len < path->len && path->at[name.len] != '.')
        return false;
    path->at += name.len;
    path->len -= name.len;
    if (path->len > 0) {
        path->at++;
        path->len--;
    }
    return true;
}

static bool declares(struct bytes parent, const uint32_t *numbers, size_t count, struct bytes path)
{
    struct bytes content;
    uint32_t number;

    while (take_field(&parent, &number, &content)) {
        struct bytes rest = path;

        for (size_t i = 0; i < count; i++) {
            if (number == numbers[i] && take_name(&rest, find_field(content, ANY_NAME)) &&
                rest.len == 0)
                return true;
        }
    }
    return false;
}

/* Is the symbol (package.Message, package.Service.Method, package.Message.Nested) of this file? */
static bool file_has_symbol(struct bytes file, struct bytes symbol)
{
    static const uint32_t top[] = {FILE_MESSAGE, FILE_ENUM, FILE_SERVICE};
    static const uint32_t nested[] = {MESSAGE_NESTED, MESSAGE_ENUM};
    static const uint32_t methods[] = {SERVICE_METHOD};
    struct bytes content;
    uint32_t number;

    if (!take_name(&symbol, find_field(file, FILE_PACKAGE)) || symbol.len == 0)
        return false;
    if (declares(file, top, 3, symbol))
        return true;
    while (take_field(&file, &number, &content)) {
        struct bytes rest = symbol;

        if (number != FILE_MESSAGE && number != FILE_SERVICE)
            continue;
        if (!take_name(&rest, find_field(content, ANY_NAME)) || rest.len == 0)
            continue;
        if (number == FILE_MESSAGE ? declares(content, nested, 2, rest)
                                   : declares(content, methods, 1, rest))
            return true;
    }
    return false;
}

static struct bytes find_file(struct bytes name)
{
    struct bytes set = rpc_descriptors();
    struct bytes file;
    uint32_t number;

    while (take_field(&set, &number, &file)) {
        if (number == SET_FILE && bytes_equal(find_field(file, FILE_NAME), name))
            return file;
    }
    return (struct bytes){0};
}

static struct bytes find_file_of_symbol(struct bytes symbol)
{
    struct bytes set = rpc_descriptors();
    struct bytes file;
    uint32_t number;

    while (take_field(&set, &number, &file)) {
        if (number == SET_FILE && file_has_symbol(file, symbol))
            return file;
    }
    return (struct bytes){0};
}

/* ---- answers */

static void send_response(
    struct rpc_call *call, reflection_request *request, reflection_response *response)
{
    response->valid_host = request->host;
    response->original_request = request;
    if (rpc_call_send(call, &response->base) == -ENOBUFS)
        rpc_call_fail(call, RPC_RESOURCE_EXHAUSTED, "the answers are not being read");
}

static void answer_error(
    struct rpc_call *call, reflection_request *request, enum rpc_status status, const char *text)
{
    Grpc__Reflection__V1alpha__ErrorResponse error =
        GRPC__REFLECTION__V1ALPHA__ERROR_RESPONSE__INIT;
    reflection_response response = GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__INIT;

    error.error_code = (int)status;
    error.error_message = (char *)(uintptr_t)text;
    response.message_response_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    response.error_response = &error;
    send_response(call, request, &response);
}

static bool is_listed(const ProtobufCBinaryData *files, size_t count, struct bytes file)
{
    for (size_t i = 0; i < count; i++) {
        if (files[i].data == file.at)
            return true;
    }
    return false;
}

/* The file and all it imports, each once. */
static size_t collect_files(struct bytes file, ProtobufCBinaryData files[FILES_MAX])
{
    size_t count = 0;

    files[count++] = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)file.at, .len = file.len};
    for (size_t i = 0; i < count; i++) {
        struct bytes rest = bytes_of(files[i].data, files[i].len);
        struct bytes content;
        uint32_t number;

        while (take_field(&rest, &number, &content)) {
            struct bytes needed =
                number == FILE_DEPENDENCY ? find_file(content) : (struct bytes){0};

            if (needed.len == 0 || count == FILES_MAX || is_listed(files, count, needed))
                continue;
            files[count++] =
                (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)needed.at, .len = needed.len};
        }
    }
    return count;
}

static void answer_file(struct rpc_call *call, reflection_request *request, struct bytes file)
{
    Grpc__Reflection__V1alpha__FileDescriptorResponse answer =
        GRPC__REFLECTION__V1ALPHA__FILE_DESCRIPTOR_RESPONSE__INIT;
    reflection_response response = GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__INIT;
    ProtobufCBinaryData files[FILES_MAX];

    if (file.len == 0) {
        answer_error(call, request, RPC_NOT_FOUND, "no file of this server declares it");
        return;
    }
    answer.file_descriptor_proto = files;
    answer.n_file_descriptor_proto = collect_files(file, files);
    response.message_response_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    response.file_descriptor_response = &answer;
    send_response(call, request, &response);
}

struct service_list {
    Grpc__Reflection__V1alpha__ServiceResponse items[SERVICES_MAX];
    Grpc__Reflection__V1alpha__ServiceResponse *pointers[SERVICES_MAX];
    char names[SERVICES_MAX][SYMBOL_BYTES_MAX + 1];
    size_t count;
};

static void list_services(struct service_list *list)
{
    struct bytes set = rpc_descriptors();
    struct bytes file, content;
    uint32_t number;

    while (take_field(&set, &number, &file)) {
        struct bytes package = find_field(file, FILE_PACKAGE);

        while (take_field(&file, &number, &content)) {
            struct bytes name = find_field(content, ANY_NAME);

            if (number != FILE_SERVICE || list->count == SERVICES_MAX)
                continue;
            (void)snprintf(list->names[list->count], sizeof(list->names[0]), "%.*s.%.*s",
                (int)package.len, (const char *)package.at, (int)name.len, (const char *)name.at);
            grpc__reflection__v1alpha__service_response__init(&list->items[list->count]);
            list->items[list->count].name = list->names[list->count];
            list->pointers[list->count] = &list->items[list->count];
            list->count++;
        }
    }
}

static void answer_services(struct rpc_call *call, reflection_request *request)
{
    Grpc__Reflection__V1alpha__ListServiceResponse answer =
        GRPC__REFLECTION__V1ALPHA__LIST_SERVICE_RESPONSE__INIT;
    reflection_response response = GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__INIT;
    struct service_list list;

    list.count = 0;
    list_services(&list);
    answer.service = list.pointers;
    answer.n_service = list.count;
    response.message_response_case =
        GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    response.list_services_response = &answer;
    send_response(call, request, &response);
}

static void answer(struct rpc_call *call, reflection_request *request)
{
    switch (request->message_request_case) {
    case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        answer_file(call, request, find_file(text_of(request->file_by_filename)));
        return;
    case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        answer_file(call, request, find_file_of_symbol(text_of(request->file_containing_symbol)));
        return;
    case GRPC__REFLECTION__V1ALPHA__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        answer_services(call, request);
        return;
    default:
        answer_error(call, request, RPC_NOT_FOUND, "this server has no extensions");
    }
}

/* ---- the calls */

static void on_message(void *user, struct rpc_call *call, struct bytes bytes)
{
    ProtobufCMessage *message = NULL;
    enum wire_fault fault =
        wire_unpack_lenient(&grpc__reflection__v1alpha__server_reflection_request__descriptor,
            bytes, REQUEST_BUDGET, &message);

    (void)user;
    if (fault != WIRE_OK) {
        rpc_call_fail(
            call, RPC_INVALID_ARGUMENT, "the request cannot be read: %s", wire_fault_text(fault));
        return;
    }
    answer(call, (reflection_request *)message);
    wire_free(message);
}

static void on_half_close(void *user, struct rpc_call *call)
{
    (void)user;
    rpc_call_end(call);
}

static void on_cancel(void *user, struct rpc_call *call)
{
    (void)user;
    rpc_call_fail(call, RPC_UNAVAILABLE, "the server is stopping");
}

static void on_info(void *user, struct rpc_call *call, struct bytes request)
{
    static const struct rpc_call_events events = {
        .on_cancel = on_cancel,
        .on_message = on_message,
        .on_half_close = on_half_close,
    };

    (void)user;
    (void)request;
    rpc_call_attach(call, &events, NULL);
}

void rpc_reflection_methods(struct rpc_method ret_methods[RPC_REFLECTION_METHODS])
{
    static const char *const paths[RPC_REFLECTION_METHODS] = {
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    };

    for (size_t i = 0; i < RPC_REFLECTION_METHODS; i++)
        ret_methods[i] = (struct rpc_method){
            .path = paths[i], .kind = RPC_BIDI, .who = RPC_MAY(RPC_LOCAL), .on_call = on_info};
}
