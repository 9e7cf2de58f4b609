/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * allowed.h - what a grant allows, asked before anything is signed: a sentence now is better than
 * a refusal by every node. Pure.
 */
#include "base/problem.h"

#include "proto/picket/v1/entry.pb-c.h"

/* was, is: the old and the new version; NULL where there is none. -EPERM with the sentence. */
int allowed_rule(const Picket__V1__Grant *grant, const Picket__V1__Rule *was,
    const Picket__V1__Rule *is, struct problem *reterr_problem);
int allowed_scope(
    const Picket__V1__Grant *grant, const Picket__V1__Scope *scope, struct problem *reterr_problem);
