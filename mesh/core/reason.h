/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* reason.h - why a link is closed or a neighbour is blamed. The words are in logs and metrics. */

#define MESH_REASONS(X)                                                              \
    X(NONE, "none", "nothing is wrong")                                              \
    X(GOODBYE, "goodbye", "the neighbour said goodbye")                              \
    X(SILENT, "silent", "the neighbour sent nothing for too long")                   \
    X(DUPLICATE, "duplicate", "another link to the same node is kept")               \
    X(SELF, "self", "the address is this node's own")                                \
    X(FULL, "full", "there is no room for another neighbour")                        \
    X(WRONG_PROTOCOL, "wrong_protocol", "it speaks another version of the protocol") \
    X(FOREIGN_FLEET, "foreign_fleet", "it belongs to another fleet")                 \
    X(WRONG_IDENTITY, "wrong_identity", "it claims to be another node than it is")   \
    X(NO_HELLO, "no_hello", "its first frame was not a hello")                       \
    X(BAD_FRAME, "bad_frame", "a frame is not in the canonical encoding")            \
    X(TOO_LARGE, "too_large", "a frame or a list in it is larger than allowed")      \
    X(BAD_RECORD, "bad_record", "it sent a record that can never be valid")          \
    X(BAD_SIGNATURE, "bad_signature", "it sent a record with a wrong signature")     \
    X(BAD_CHUNK, "bad_chunk", "it sent content nobody asked for")                    \
    X(GREEDY, "greedy", "it asks for more than its share, again and again")          \
    X(TOO_MANY_FAULTS, "too_many_faults", "it broke the protocol too often")         \
    X(NOT_ADMITTED, "not_admitted", "the node is no longer a member")

enum mesh_reason {
#define MESH_REASON_ENUM(name, word, text) MESH_##name,
    MESH_REASONS(MESH_REASON_ENUM)
#undef MESH_REASON_ENUM
        MESH_REASON_COUNT
};

const char *mesh_reason_word(enum mesh_reason reason);
const char *mesh_reason_text(enum mesh_reason reason);
