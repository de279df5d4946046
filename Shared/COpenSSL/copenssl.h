// OpenSSL 3, with its macros as functions.
#pragma once
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

static inline int copenssl_ctx_minimum_version(SSL_CTX *c, int version) { return (int)SSL_CTX_set_min_proto_version(c, version); }
static inline void copenssl_ctx_mode(SSL_CTX *c, long mode) { (void)SSL_CTX_set_mode(c, mode); }
static inline void copenssl_ctx_read_ahead(SSL_CTX *c, int on) { (void)SSL_CTX_set_read_ahead(c, on); }
static inline int copenssl_set_server_name(SSL *s, const char *name) { return (int)SSL_set_tlsext_host_name(s, (char *)name); }
static inline int copenssl_err_is_system(unsigned long e) { return ERR_SYSTEM_ERROR(e); }
static inline int copenssl_err_reason(unsigned long e) { return ERR_GET_REASON(e); }
static inline void copenssl_bio_retry_read(BIO *b) { BIO_set_retry_read(b); }
static inline void copenssl_bio_retry_write(BIO *b) { BIO_set_retry_write(b); }
static inline void copenssl_bio_clear_retry(BIO *b) { BIO_clear_retry_flags(b); }
static inline void copenssl_ctx_strict_options(SSL_CTX *c) {
    (void)SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
}
