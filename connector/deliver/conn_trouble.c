#include "config.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "deliver/conn_parts.h"

static const char *curl_text(const struct conn *conn, CURLcode code)
{
	return conn->text[0] ? conn->text : curl_easy_strerror(code);
}

static enum rc untrusted(const struct conn *conn, CURLcode code, struct error *err)
{
	long verify = 0;

	curl_easy_getinfo(conn->transfer.easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	/* The chain is good or was not yet judged. */
	if (strstr(conn->text, "subject name"))
		return error_set(err, RC_TLS,
			"the certificate of %s is not for \"%s\": set tls_name to a "
			"name in "
			"it, or give the collector a certificate with this name (%s)",
			conn->address, conn->name, conn->text);
	switch (verify) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return error_set(err, RC_TLS,
			"the certificate of %s, or of its issuer, has expired: renew "
			"it at the collector",
			conn->address);
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return error_set(err, RC_TLS,
			"the certificate of %s is not valid yet: check the clocks of "
			"both hosts",
			conn->address);
	case X509_V_ERR_CERT_REVOKED:
		return error_set(err, RC_TLS,
			"the certificate of %s, or of its issuer, is revoked by "
			"crl_file: give the collector a new one",
			conn->address);
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
	case X509_V_ERR_CRL_SIGNATURE_FAILURE:
		return error_set(err, RC_TLS,
			"crl_file has no list of the CA that issued the certificate of "
			"%s, or of one above it (%s): put the lists of all these CAs "
			"into it",
			conn->address, X509_verify_cert_error_string(verify));
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
		return error_set(err, RC_TLS,
			"the certificate of %s cannot be looked up in crl_file (%s): "
			"get the CA's newest list",
			conn->address, X509_verify_cert_error_string(verify));
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return error_set(err, RC_TLS,
			"the certificate of %s is from an unknown CA (%s): set ca_file "
			"to the CA that "
			"issued it",
			conn->address, X509_verify_cert_error_string(verify));
	default:
		return error_set(err, RC_TLS,
			"the certificate of %s cannot be trusted: %s", conn->address,
			curl_text(conn, code));
	}
}

enum rc conn_why_not(const struct conn *conn, CURLcode code, struct error *err)
{
	long number = 0;

	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return error_set(err, RC_IO,
			"cannot find the host of %s (%s): check the name and the DNS",
			conn->address, curl_text(conn, code));
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(conn->transfer.easy, CURLINFO_OS_ERRNO, &number);
		return error_set(err, RC_IO, "cannot connect to %s: %s%s",
			conn->address,
			number ? strerror((int)number) : curl_text(conn, code),
			number == ECONNREFUSED ? ": no collector listens there" : "");
	case CURLE_OPERATION_TIMEDOUT:
		return error_set(err, RC_IO,
			"no connection to %s within %lld ms: a firewall may swallow "
			"it, or the collector "
			"does not speak TLS",
			conn->address, (long long)conn->timeout_ms);
	case CURLE_PEER_FAILED_VERIFICATION:
		return untrusted(conn, code, err);
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return error_set(err, RC_TLS,
			"the public key of %s is not one of pinned_key: if the "
			"collector has a new key, write its hash there, else somebody "
			"else answers",
			conn->address);
	case CURLE_SSL_CRL_BADFILE:
		return error_set(err, RC_TLS,
			"crl_file cannot be used (%s): it must hold PEM lists",
			curl_text(conn, code));
	case CURLE_SSL_CACERT_BADFILE:
		return error_set(err, RC_TLS, "ca_file cannot be used: %s",
			curl_text(conn, code));
	case CURLE_SSL_CERTPROBLEM:
		return error_set(err, RC_TLS,
			"cert_file or key_file cannot be used: %s",
			curl_text(conn, code));
	case CURLE_SSL_CONNECT_ERROR:
		return error_set(err, RC_TLS, "the TLS handshake with %s failed: %s",
			conn->address, curl_text(conn, code));
	default:
		return error_set(err, RC_IO, "cannot connect to %s: %s", conn->address,
			curl_text(conn, code));
	}
}
