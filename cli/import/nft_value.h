/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* nft_value.h - what nft compares ("ip saddr") and with what. Private to cli/import/. */
#include "cli/import/alternatives.h"
#include "cli/import/nft_lex.h"

enum nft_key {
    NFT_SADDR,
    NFT_DADDR,
    NFT_SADDR6,
    NFT_DADDR6,
    NFT_PROTOCOL, /* of IPv4 */
    NFT_L4PROTO,
    NFT_SPORT,
    NFT_DPORT,
    NFT_TYPE,
    NFT_CODE,
    NFT_TYPE6,
    NFT_CODE6,
    NFT_DSCP,
    NFT_DSCP6,
    NFT_FAMILY,
    NFT_IN,
    NFT_OUT,
    NFT_STATE,
    NFT_VLAN,
    NFT_FIB,
    NFT_FLAGS,
};

struct nft_values {
    struct span *spans;
    const char **names;
    uint32_t count, capacity, names_capacity;
};

#define NFT_KEYS_MAX 6

struct nft_keys {
    enum nft_key at[NFT_KEYS_MAX];
    uint32_t protocols[NFT_KEYS_MAX]; /* of a port; 0: th */
    uint32_t count;
};

/* "tcp dport", "ip saddr . tcp dport"; false if the words at hand are no key. */
bool nft_keys_read(struct lexer *lexer, struct nft_keys *ret_keys);
/* One value of a key at hand; fails into `all`. */
void nft_value_add(
    struct alternatives *all, struct nft_values *values, enum nft_key key, const char *text);
/* The key is one of the values, or none of them. */
void nft_apply(struct alternatives *all, const struct nft_keys *keys, uint32_t index,
    const struct nft_values *values, bool is_not);
