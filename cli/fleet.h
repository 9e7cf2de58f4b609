/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * fleet.h - the operator's folder of one fleet, ~/.config/picket/FLEET/:
 *
 *   genesis         canonical Genesis
 *   trust.log       records (files.h): the trust log as far as it is known here, verified
 *   root.key        Ed25519; may be moved away when nothing is to be granted
 *   enroller.key    Ed25519: signs invites' entries;  enroller-ca.key  P-256: signs certificates
 *   operator.key    Ed25519: signs changes of rules
 *   ca.crt          PEM: the enroller's CA certificate
 *   client.pem      PEM: the operator's certificate, the CA's, the P-256 key: for --node
 *   head-KEY tail-KEY   a key's chain (chain.h)
 *   lock            one command at a time
 *
 * Owns: struct fleet owns everything it reaches. I/O: the folder. Threads: one.
 */
#include "cli/files.h"
#include "store/keys/keys.h"
#include "store/ledger/ledger.h"

#define FLEET_GENESIS "genesis"
#define FLEET_TRUST "trust.log"
#define FLEET_ROOT_KEY "root.key"
#define FLEET_ENROLLER_KEY "enroller.key"
#define FLEET_ENROLLER_CA_KEY "enroller-ca.key"
#define FLEET_OPERATOR_KEY "operator.key"
#define FLEET_CA "ca.crt"
#define FLEET_CLIENT "client.pem"

struct fleet {
    char path[FILE_PATH_MAX];
    int lock_fd;
    struct ledger *ledger; /* genesis and trust log */
};

/* ~/.config/picket, or below $XDG_CONFIG_HOME. */
int fleet_home(char ret_path[FILE_PATH_MAX], struct problem *reterr_problem);

/*
 * given: a name below the home, a folder, or NULL: $PICKET_FLEET, else the only fleet there is.
 * -ENOENT with a sentence that lists the choice.
 */
int fleet_find(const char *given, char ret_path[FILE_PATH_MAX], struct problem *reterr_problem);

/* Waits for the lock, reads and verifies genesis and trust log. */
int fleet_open(const char *path, struct fleet **ret_fleet, struct problem *reterr_problem);
void fleet_close(struct fleet *fleet);
/* For readers that stay: others may write from now on. */
void fleet_unlock(struct fleet *fleet);

/* Verifies, adds, and makes it durable here before it returns. Known ones are 0 too. */
int fleet_add_trust(struct fleet *fleet, struct bytes record, struct problem *reterr_problem);

/* Makes a trust record with the root key of this folder, which must be the only one, and adds it.
 */
int fleet_make_trust(struct fleet *fleet, const Picket__V1__TrustBody *body, const char *passphrase,
    struct problem *reterr_problem);

/* ---- keys: NAME is a file in the folder, or a path with a slash */

int fleet_read_key(const struct fleet *fleet, const char *name, const char *passphrase,
    struct key_pair *ret_pair, struct problem *reterr_problem);
/* Folder and name instead of a fleet: for init and grants. */
int fleet_new_key(const char *path, const char *passphrase, struct key_pair *ret_pair,
    struct problem *reterr_problem);
