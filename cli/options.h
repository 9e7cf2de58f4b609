/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * options.h - the words of a command line, taken apart by one table of options.
 *
 * Pure: reads argv, prints nothing. Sentences quote the word at fault.
 */
#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>

/* name, letter, what its value is (NULL: a flag), may stand several times, one line of help */
#define CLI_OPTIONS(X)                                                                           \
    X(HELP, "help", 'h', NULL, false, "show this text")                                          \
    X(JSON, "json", 0, NULL, false, "print JSON")                                                \
    X(NODE, "node", 0, "HOST:PORT", true, "talk to this node over TLS; again for one more node") \
    X(SOCKET, "socket", 0, "PATH", false, "talk to the daemon of this box")                      \
    X(FLEET, "fleet", 0, "NAME|DIR", false,                                                      \
        "the fleet: a name below ~/.config/picket, or a folder")                                 \
    X(OPERATOR, "operator", 0, "KEYFILE", false, "sign with this key (preset: operator.key)")    \
    X(PASSPHRASE_FILE, "passphrase-file", 0, "FILE", false, "read the keys' passphrase here")    \
    X(WAIT, "wait", 0, "WHAT", false, "node, nodes=K or enforced: what an answer must mean")     \
    X(DIR, "dir", 0, "DIR", false, "where to put the fleet's files")                             \
    X(PERSON, "person", 0, "NAME", false, "who you are (preset: your login name)")               \
    X(KEY, "key", 0, "FILE|HEX", false, "the public key to grant, or its key file")              \
    X(NEW_KEY, "new-key", 0, "FILE", false, "make a key and write it here")                      \
    X(SCOPE, "scope", 0, "SCOPE", false, "key=value,value;key=value over node labels")           \
    X(ACTIONS, "actions", 0, "LIST", false, "allow,drop,reject,limit,log (preset: all)")         \
    X(BAND, "band", 0, "A-B", false, "priorities that may be used (preset: 0-65535)")            \
    X(BUDGET, "budget", 0, "E,O,N", false, "lifetime entries, live objects, live set elements")  \
    X(LABEL, "label", 0, "KEY=VALUE", true, "a label of the node; again for one more")           \
    X(JOIN_BY, "join-by", 0, "DURATION", false, "how long the invite may be used (preset: 7d)")  \
    X(PEER, "peer", 0, "HOST:PORT", true, "a node the new one should dial; again for one more")  \
    X(OUT, "out", 'o', "FILE", false, "the file to write")                                       \
    X(STATE, "state", 0, "DIR", false, "the daemon's folder (preset: /var/lib/picket)")          \
    X(KIND, "kind", 0, "plain|ban", false, "ban sets feed only drop and reject")                 \
    X(FILE, "file", 'f', "FILE", false, "the file to apply")                                     \
    X(DRY_RUN, "dry-run", 'n', NULL, false, "show what would change, sign nothing")              \
    X(BATCHES, "batches", 0, NULL, false,                                                        \
        "more than one changeset holds: in several, not at once")                                \
    X(FOLLOW, "follow", 0, NULL, false, "keep printing what arrives")                            \
    X(EXPIRES, "expires", 0, "DURATION", false, "when the elements leave the set by themselves") \
    X(LIMIT, "limit", 0, "N", false, "at most this many, the newest")

enum cli_option {
#define CLI_OPTION_ENUM(id, name, letter, value, is_many, help) OPT_##id,
    CLI_OPTIONS(CLI_OPTION_ENUM)
#undef CLI_OPTION_ENUM
        OPT_COUNT
};

#define OPT(id) (UINT64_C(1) << OPT_##id)
#define OPTION_VALUES_MAX 64
#define WORDS_MAX 256

struct option_row {
    const char *name;
    char letter;
    const char *value; /* NULL: a flag */
    bool is_many;
    const char *help;
};
extern const struct option_row option_rows[OPT_COUNT];

/* Borrows argv. */
struct words_given {
    const char *words[WORDS_MAX]; /* what is no option, in order */
    uint32_t count;
    const char *values[OPT_COUNT][OPTION_VALUES_MAX];
    uint32_t values_count[OPT_COUNT]; /* flags: 1 if given */
    const char *spelled[OPT_COUNT];   /* as typed, for sentences */
};

/* Takes all words apart; `--` ends the options. -EINVAL with the sentence. */
int options_parse(
    int argc, char *const *argv, struct words_given *ret_given, struct problem *reterr_problem);

/* -EINVAL names the first option that is not in `allowed`. */
int options_check(const struct words_given *given, uint64_t allowed, const char *command,
    struct problem *reterr_problem);

/* The value (of the first), or NULL. */
const char *option_value(const struct words_given *given, enum cli_option option);
bool option_is_given(const struct words_given *given, enum cli_option option);

/* ---- values */

/* "90s", "15m", "12h", "7d", "2w". */
int duration_parse(const char *text, uint64_t *ret_seconds, struct problem *reterr_problem);
int band_parse(
    const char *text, uint32_t *ret_min, uint32_t *ret_max, struct problem *reterr_problem);
int budget_parse(const char *text, uint64_t ret_three[3], struct problem *reterr_problem);
/* Bits (1 << action) of "drop,reject". */
int actions_parse(const char *text, uint32_t *ret_bits, struct problem *reterr_problem);

enum wait_kind { WAIT_NODE, WAIT_NODES, WAIT_ENFORCED };
struct wait_wish {
    enum wait_kind kind;
    uint32_t nodes;
};
int wait_parse(const char *text, struct wait_wish *ret_wish, struct problem *reterr_problem);
int number_value(const char *what, const char *text, uint64_t max, uint64_t *ret_number,
    struct problem *reterr_problem);
