/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/* crypto.h - what rpc/ borrows from store/keys/. */
#include "rpc/trust.h"

extern const struct rpc_crypto cli_crypto;
