/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/credentials_internal.h"

#include "rpc/trust_internal.h"
#include "rpc/x509.h"

#include <errno.h>
#include <grpc/grpc_security_constants.h>
#include <grpc/support/alloc.h>
#include <grpc/support/string_util.h>
#include <stdlib.h>
#include <string.h>

struct rpc_credentials {
    char *chain_pem;
    char *key_pem;
    struct rpc_trust *trust;
};

struct verifier {
    grpc_tls_certificate_verifier_external external;
    struct rpc_trust *trust;
    struct rpc_note *note; /* NULL at a server */
};

/* ---- notes */

struct rpc_note *rpc_note_new(void)
{
    struct rpc_note *note = calloc(1, sizeof(*note));

    if (note)
        atomic_store(&note->refs, 1);
    return note;
}

void rpc_note_drop(struct rpc_note *note)
{
    if (note && atomic_fetch_sub(&note->refs, 1) == 1)
        free(note);
}

/* ---- the credentials */

static char *copy_text(struct bytes text)
{
    char *copy = malloc(text.len + 1);

    if (copy) {
        memcpy(copy, text.at, text.len);
        copy[text.len] = 0;
    }
    return copy;
}

static int check_pair(struct bytes chain_pem, struct bytes key_pem, struct problem *reterr_problem)
{
    uint8_t point[RPC_POINT_BYTES];
    struct rpc_certificate leaf;
    struct buffer der = {0};
    struct rpc_key *key = NULL;
    int r = rpc_certificate_from_pem(chain_pem, 0, &der);

    if (r < 0) {
        buffer_fini(&der);
        return problem_say(reterr_problem, -EINVAL, "no certificate in PEM form was found");
    }
    r = rpc_certificate_parse(buffer_bytes(&der), &leaf, reterr_problem);
    buffer_fini(&der);
    if (r < 0)
        return r;
    if (leaf.kind != RPC_CERTIFICATE_NODE && leaf.kind != RPC_CERTIFICATE_USER)
        return problem_say(reterr_problem, -EINVAL,
            "the first certificate is not a node's, operator's or client's");
    r = rpc_key_from_pem(key_pem, &key, reterr_problem);
    if (r < 0)
        return r;
    rpc_key_point(key, point);
    rpc_key_free(key);
    if (memcmp(point, leaf.point, RPC_POINT_BYTES) != 0)
        return problem_say(reterr_problem, -EINVAL,
            "the private key does not belong to the certificate of '%s'", leaf.name);
    return 0;
}

int rpc_credentials_new(struct bytes chain_pem, struct bytes key_pem, struct rpc_trust *trust,
    struct rpc_credentials **ret_credentials, struct problem *reterr_problem)
{
    struct rpc_credentials *credentials;
    int r = check_pair(chain_pem, key_pem, reterr_problem);

    if (r < 0)
        return r;
    credentials = calloc(1, sizeof(*credentials));
    if (!credentials)
        return -ENOMEM;
    credentials->trust = trust;
    credentials->chain_pem = copy_text(chain_pem);
    credentials->key_pem = copy_text(key_pem);
    if (!credentials->chain_pem || !credentials->key_pem) {
        rpc_credentials_free(credentials);
        return -ENOMEM;
    }
    *ret_credentials = credentials;
    return 0;
}

void rpc_credentials_free(struct rpc_credentials *credentials)
{
    if (!credentials)
        return;
    if (credentials->key_pem)
        explicit_bzero(credentials->key_pem, strlen(credentials->key_pem));
    free(credentials->key_pem);
    free(credentials->chain_pem);
    free(credentials);
}

struct rpc_trust *rpc_credentials_trust(const struct rpc_credentials *credentials)
{
    return credentials->trust;
}

/* ---- the verifier; any of gRPC's threads */

static struct bytes text_bytes(const char *text)
{
    return bytes_of(text, text ? strlen(text) : 0);
}

static int on_verify(void *user, grpc_tls_custom_verification_check_request *request,
    grpc_tls_on_custom_verification_check_done_cb callback, void *callback_arg,
    grpc_status_code *sync_status, char **sync_error_details)
{
    struct verifier *verifier = user;
    struct rpc_judgement judgement;

    (void)callback;
    (void)callback_arg;
    rpc_trust_admit(verifier->trust, text_bytes(request->peer_info.peer_cert),
        text_bytes(request->peer_info.peer_cert_full_chain), verifier->note != NULL, &judgement);
    if (verifier->note) {
        atomic_store(&verifier->note->refusal, (int)judgement.refusal);
        (void)atomic_fetch_add(&verifier->note->handshakes, 1);
    }
    if (judgement.refusal != RPC_REFUSED_NONE) {
        *sync_status = GRPC_STATUS_UNAUTHENTICATED;
        *sync_error_details = gpr_strdup(rpc_refusal_text(judgement.refusal));
    }
    return 1;
}

static void on_verify_cancel(void *user, grpc_tls_custom_verification_check_request *request)
{
    (void)user;
    (void)request;
}

static void on_verifier_gone(void *user)
{
    struct verifier *verifier = user;

    rpc_note_drop(verifier->note);
    free(verifier);
}

static grpc_tls_credentials_options *make_options(
    const struct rpc_credentials *credentials, struct rpc_note *note)
{
    struct verifier *verifier = calloc(1, sizeof(*verifier));
    grpc_tls_credentials_options *options;
    grpc_tls_certificate_verifier *wrapped;
    grpc_tls_identity_pairs *pairs;
    grpc_tls_certificate_provider *provider;

    if (!verifier)
        return NULL;
    verifier->external = (grpc_tls_certificate_verifier_external){
        .user_data = verifier,
        .verify = on_verify,
        .cancel = on_verify_cancel,
        .destruct = on_verifier_gone,
    };
    verifier->trust = credentials->trust;
    verifier->note = note;
    if (note)
        (void)atomic_fetch_add(&note->refs, 1);

    pairs = grpc_tls_identity_pairs_create();
    grpc_tls_identity_pairs_add_pair(pairs, credentials->key_pem, credentials->chain_pem);
    /* A root is not used, but without one gRPC loads the system's and fails where there are none.
     */
    provider = grpc_tls_certificate_provider_static_data_create(credentials->chain_pem, pairs);
    options = grpc_tls_credentials_options_create();
    grpc_tls_credentials_options_set_certificate_provider(options, provider);
    grpc_tls_credentials_options_watch_identity_key_cert_pairs(options);
    wrapped = grpc_tls_certificate_verifier_external_create(&verifier->external);
    grpc_tls_credentials_options_set_certificate_verifier(options, wrapped);
    grpc_tls_certificate_verifier_release(wrapped);
    grpc_tls_certificate_provider_release(provider);
    return options;
}

grpc_server_credentials *rpc_credentials_for_server(const struct rpc_credentials *credentials)
{
    grpc_tls_credentials_options *options = make_options(credentials, NULL);

    if (!options)
        return NULL;
    grpc_tls_credentials_options_set_cert_request_type(
        options, GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
    return grpc_tls_server_credentials_create(options);
}

grpc_channel_credentials *rpc_credentials_for_channel(
    const struct rpc_credentials *credentials, struct rpc_note *note)
{
    grpc_tls_credentials_options *options = make_options(credentials, note);

    if (!options)
        return NULL;
    grpc_tls_credentials_options_watch_root_certs(options);
    grpc_tls_credentials_options_set_verify_server_cert(options, 0);
    grpc_tls_credentials_options_set_check_call_host(options, 0);
    return grpc_tls_credentials_create(options);
}

char *rpc_peer_leaf(grpc_call *call)
{
    grpc_auth_context *context = grpc_call_auth_context(call);
    grpc_auth_property_iterator iterator;
    const grpc_auth_property *property;
    char *copy = NULL;

    if (!context)
        return NULL;
    iterator = grpc_auth_context_find_properties_by_name(context, GRPC_X509_PEM_CERT_PROPERTY_NAME);
    property = grpc_auth_property_iterator_next(&iterator);
    if (property)
        copy = copy_text(bytes_of(property->value, property->value_length));
    grpc_auth_context_release(context);
    return copy;
}
