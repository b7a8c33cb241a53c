/* cert.c - a certificate authority and a server certificate for localhost. */
#include "config.h"

#include "cert.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool write_file(
	const char *dir, const char *name, mode_t mode, gnutls_datum_t *data)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, name);
	bool good = n > 0 && n < (int)sizeof(path);
	if (good)
		unlink(path);
	int fd = good ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode) : -1;
	good = fd >= 0 && write(fd, data->data, data->size) == (ssize_t)data->size;
	if (fd >= 0)
		good = !close(fd) && good;
	if (!good)
		fprintf(stderr, "simulator: cannot write %s/%s: %s\n", dir, name,
			strerror(errno));
	gnutls_free(data->data);
	data->data = NULL;
	return good;
}

static int common_parts(
	gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *name)
{
	unsigned char serial[16], id[64];
	size_t size = sizeof(id);
	time_t now = time(NULL);
	int rc = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
	serial[0] = (unsigned char)(serial[0] & 0x7f) | 1;
	if (!rc)
		rc = gnutls_x509_crt_set_version(crt, 3);
	if (!rc)
		rc = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	if (!rc)
		rc = gnutls_x509_crt_set_activation_time(crt, now - 86400);
	if (!rc)
		rc = gnutls_x509_crt_set_expiration_time(crt, now + 365 * 86400L);
	if (!rc)
		rc = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
			name, (unsigned)strlen(name));
	if (!rc)
		rc = gnutls_x509_crt_set_key(crt, key);
	if (!rc)
		rc = gnutls_x509_crt_get_key_id(crt, 0, id, &size);
	if (!rc)
		rc = gnutls_x509_crt_set_subject_key_id(crt, id, size);
	return rc;
}

static int make_ca(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	int rc = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (!rc)
		rc = common_parts(crt, key, "Simulator test CA");
	if (!rc)
		rc = gnutls_x509_crt_set_basic_constraints(crt, 1, 0);
	if (!rc)
		rc = gnutls_x509_crt_set_key_usage(
			crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
	if (!rc)
		rc = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
	return rc;
}

static int make_server(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
	gnutls_x509_crt_t ca, gnutls_x509_privkey_t ca_key)
{
	static const unsigned char v4[4] = {127, 0, 0, 1}, v6[16] = {[15] = 1};
	unsigned char id[64];
	size_t size = sizeof(id);
	int rc = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (!rc)
		rc = common_parts(crt, key, "localhost");
	if (!rc)
		rc = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	if (!rc)
		rc = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (!rc)
		rc = gnutls_x509_crt_set_key_purpose_oid(
			crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (!rc)
		rc = gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_DNSNAME, "localhost", 9, GNUTLS_FSAN_SET);
	if (!rc)
		rc = gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_IPADDRESS, v4, sizeof(v4), GNUTLS_FSAN_APPEND);
	if (!rc)
		rc = gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_IPADDRESS, v6, sizeof(v6), GNUTLS_FSAN_APPEND);
	if (!rc)
		rc = gnutls_x509_crt_get_key_id(ca, 0, id, &size);
	if (!rc)
		rc = gnutls_x509_crt_set_authority_key_id(crt, id, size);
	if (!rc)
		rc = gnutls_x509_crt_sign2(crt, ca, ca_key, GNUTLS_DIG_SHA256, 0);
	return rc;
}

bool cert_make(const char *dir)
{
	gnutls_x509_crt_t ca = NULL, crt = NULL;
	gnutls_x509_privkey_t ca_key = NULL, key = NULL;
	gnutls_datum_t pem = {NULL, 0};
	bool good = false;
	if (mkdir(dir, 0700) && errno != EEXIST) {
		fprintf(stderr, "simulator: cannot make %s: %s\n", dir,
			strerror(errno));
		return false;
	}
	int rc = gnutls_x509_crt_init(&ca);
	if (!rc)
		rc = gnutls_x509_crt_init(&crt);
	if (!rc)
		rc = gnutls_x509_privkey_init(&ca_key);
	if (!rc)
		rc = gnutls_x509_privkey_init(&key);
	if (!rc)
		rc = make_ca(ca, ca_key);
	if (!rc)
		rc = make_server(crt, key, ca, ca_key);
	if (rc) {
		fprintf(stderr, "simulator: no certificate: %s\n", gnutls_strerror(rc));
		goto out;
	}
	good = !gnutls_x509_crt_export2(ca, GNUTLS_X509_FMT_PEM, &pem) &&
	       write_file(dir, "ca.pem", 0644, &pem) &&
	       !gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem) &&
	       write_file(dir, "server.pem", 0644, &pem) &&
	       !gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem) &&
	       write_file(dir, "server.key", 0600, &pem);
out:
	gnutls_x509_crt_deinit(ca);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(ca_key);
	gnutls_x509_privkey_deinit(key);
	return good;
}
