/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * invite_file.h - what `picket node invite` writes and `picket node join` reads: all a box needs to
 * become a member, in one file. Whoever holds it may join once under the name it says.
 *
 * Text: the line `picket-invite-1`, then lines `WORD VALUE`, in this order; byte strings in base64:
 *   genesis BASE64        once
 *   trust BASE64          canonical SignedTrust, ascending by position
 *   entry BASE64          canonical SignedEntry: the enroller's chain from its newest acknowledged
 *                         entry through the entry of this invite
 *   certificate BASE64    the invite's certificate, DER
 *   key BASE64            the invite's P-256 key, PKCS#8 DER
 *   ca BASE64             the enroller's CA certificate, DER
 *   peer HOST:PORT        any number
 *   end
 * A line for people may follow each `#`.
 *
 * Joining leaves in the state folder (0700), each file written whole before the last, `node.crt`:
 *   node.key      key_file line, ed25519, plain
 *   node.tls.key  PEM, the leaf's P-256 key, 0600
 *   node.crt      PEM: leaf, invite, CA
 *   genesis       canonical Genesis
 *   seed          records: kind (1 byte, enum record_kind), length (4, big endian), bytes;
 *                 the trust records, then the entries
 *   peers         one host:port a line
 *
 * Owns: struct invite_file owns its buffers. I/O: the named files. Threads: any.
 */
#include "base/bytes.h"
#include "base/limits.h"
#include "base/problem.h"

#define STATE_NODE_KEY "node.key"
#define STATE_NODE_TLS_KEY "node.tls.key"
#define STATE_NODE_CERTIFICATE "node.crt"
#define STATE_GENESIS "genesis"
#define STATE_SEED "seed"
#define STATE_PEERS "peers"

/* Of an invite file, one trust log or one tail. */
#define INVITE_RECORDS_MAX 4096
#define INVITE_PEERS_MAX 64
#define INVITE_FILE_BYTES_MAX (16 * 1024 * 1024)

struct invite_file {
    struct buffer genesis;
    struct buffer *trust;
    uint32_t trust_count;
    struct buffer *entries;
    uint32_t entries_count;
    struct buffer certificate; /* DER, as the next two */
    struct buffer key;
    struct buffer ca;
    char **peers;
    uint32_t peers_count;
};

void invite_file_fini(struct invite_file *invite);

/* For building one: copies. 0, -ENOMEM or -E2BIG. */
int invite_file_add_trust(struct invite_file *invite, struct bytes record);
int invite_file_add_entry(struct invite_file *invite, struct bytes entry);
int invite_file_add_peer(struct invite_file *invite, const char *peer);

/* Appends the text. */
int invite_file_print(const struct invite_file *invite, struct buffer *text);
/* name: for sentences. -EINVAL with "NAME:LINE: sentence". */
int invite_file_parse(const char *name, struct bytes text, struct invite_file *ret_invite,
    struct problem *reterr_problem);

/*
 * Verifies the trust log from its genesis, that its enroller signed the entry and the certificate
 * and that the key belongs to it. ret_name: who it invites; ret_join_by: unix seconds.
 */
int invite_file_verify(const struct invite_file *invite, char ret_name[NAME_BYTES_MAX + 1],
    uint64_t *ret_join_by, struct problem *reterr_problem);

/* Makes the keys and the leaf and fills the state folder; -EEXIST if a node already lives there. */
int invite_file_join(const struct invite_file *invite, const char *state_dir, uint64_t now_s,
    struct problem *reterr_problem);
