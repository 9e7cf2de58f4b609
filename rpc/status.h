/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * status.h - how a call ended: the numbers of the gRPC status codes, as errno and as words.
 */

enum rpc_status {
    RPC_OK = 0,
    RPC_CANCELLED = 1,
    RPC_UNKNOWN = 2,
    RPC_INVALID_ARGUMENT = 3,
    RPC_DEADLINE_EXCEEDED = 4,
    RPC_NOT_FOUND = 5,
    RPC_ALREADY_EXISTS = 6,
    RPC_PERMISSION_DENIED = 7,
    RPC_RESOURCE_EXHAUSTED = 8,
    RPC_FAILED_PRECONDITION = 9,
    RPC_ABORTED = 10,
    RPC_OUT_OF_RANGE = 11,
    RPC_UNIMPLEMENTED = 12,
    RPC_INTERNAL = 13,
    RPC_UNAVAILABLE = 14,
    RPC_DATA_LOSS = 15,
    RPC_UNAUTHENTICATED = 16,
};

/* 0 for RPC_OK, else a negative errno: UNAVAILABLE is -ECONNREFUSED, DEADLINE_EXCEEDED -ETIMEDOUT,
 * UNIMPLEMENTED -ENOSYS, NOT_FOUND -ENOENT, INVALID_ARGUMENT -EINVAL, PERMISSION_DENIED and
 * UNAUTHENTICATED -EACCES, RESOURCE_EXHAUSTED -ENOBUFS, FAILED_PRECONDITION -EPERM, ABORTED
 * -EAGAIN. */
int rpc_status_errno(enum rpc_status status);

/* The word of the gRPC guide: "UNAVAILABLE". Static storage. */
const char *rpc_status_word(enum rpc_status status);
