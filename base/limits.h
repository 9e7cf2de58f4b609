/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * limits.h - the maxima that decide validity, the same on every node (ledger.md L4). docs/limits.md
 * publishes them. A node's own capacity is never here.
 */

#define ENTRY_BYTES_MAX 65536 /* header + ops + signature */
#define ENTRY_OPS_MAX 256
#define HEADER_BYTES_MAX 8192
#define TRUST_BYTES_MAX 65536
#define JOIN_BYTES_MAX 4096
#define FORK_BYTES_MAX (2 * (HEADER_BYTES_MAX + 64) + 16)
#define CHUNK_BYTES 65536 /* every chunk of a set but the last */
#define SET_CONTENT_BYTES_MAX (64ULL * 1024 * 1024)
#define SET_ELEMENTS_MAX 4194304
#define NAME_BYTES_MAX 64 /* of a rule, set, person, node, fleet */
#define COMMENT_BYTES_MAX 256
#define SCOPE_TERMS_MAX 8
#define SCOPE_VALUES_MAX 32
#define LABEL_BYTES_MAX 64
#define LABELS_MAX 32
#define ROOT_KEYS_MAX 15
#define BASES_MAX 64
#define MATCH_LIST_MAX 64 /* prefixes, ports, protocols, ICMP pairs, devices in one match */
#define RULE_PRIORITY_MAX 65535

#define FRAME_BYTES_MAX (512 * 1024) /* one message between neighbours */
#define REQUEST_BYTES_MAX (4 * 1024 * 1024)
#define FLEET_LEVEL 1 /* the highest level this software understands */
