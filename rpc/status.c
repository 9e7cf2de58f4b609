/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/status.h"

#include <errno.h>

#define STATUS_COUNT 17

static const struct {
    int code;
    const char *word;
} statuses[STATUS_COUNT] = {
    [RPC_OK] = {0, "OK"},
    [RPC_CANCELLED] = {-ECANCELED, "CANCELLED"},
    [RPC_UNKNOWN] = {-EIO, "UNKNOWN"},
    [RPC_INVALID_ARGUMENT] = {-EINVAL, "INVALID_ARGUMENT"},
    [RPC_DEADLINE_EXCEEDED] = {-ETIMEDOUT, "DEADLINE_EXCEEDED"},
    [RPC_NOT_FOUND] = {-ENOENT, "NOT_FOUND"},
    [RPC_ALREADY_EXISTS] = {-EEXIST, "ALREADY_EXISTS"},
    [RPC_PERMISSION_DENIED] = {-EACCES, "PERMISSION_DENIED"},
    [RPC_RESOURCE_EXHAUSTED] = {-ENOBUFS, "RESOURCE_EXHAUSTED"},
    [RPC_FAILED_PRECONDITION] = {-EPERM, "FAILED_PRECONDITION"},
    [RPC_ABORTED] = {-EAGAIN, "ABORTED"},
    [RPC_OUT_OF_RANGE] = {-ERANGE, "OUT_OF_RANGE"},
    [RPC_UNIMPLEMENTED] = {-ENOSYS, "UNIMPLEMENTED"},
    [RPC_INTERNAL] = {-EIO, "INTERNAL"},
    [RPC_UNAVAILABLE] = {-ECONNREFUSED, "UNAVAILABLE"},
    [RPC_DATA_LOSS] = {-EBADMSG, "DATA_LOSS"},
    [RPC_UNAUTHENTICATED] = {-EACCES, "UNAUTHENTICATED"},
};

/* The number may come from a foreign server. */
static enum rpc_status known(enum rpc_status status)
{
    return (unsigned)status < STATUS_COUNT ? status : RPC_UNKNOWN;
}

int rpc_status_errno(enum rpc_status status)
{
    return statuses[known(status)].code;
}

const char *rpc_status_word(enum rpc_status status)
{
    return statuses[known(status)].word;
}
