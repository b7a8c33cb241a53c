#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deliver/conn_parts.h"

bool conn_host_text(const char *p, size_t n)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789.-_:%";

	for (size_t i = 0; i < n; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Branch): p has n octets */
		if (!p[i] || !strchr(allowed, p[i]))
			return false;
	return n > 0 && n + 3 < CONN_HOST;
}

enum rc conn_address(
	const char *address, char host[CONN_HOST], char port[8], struct error *err)
{
	const char *colon = strrchr(address, ':');
	const char *first = address;
	size_t n = colon ? (size_t)(colon - address) : 0;
	char *end = NULL;
	long number;

	if (n > 1 && address[0] == '[' && address[n - 1] == ']') {
		first++;
		n -= 2;
	} else if (n && memchr(address, ':', n)) {
		n = 0; /* an address of IPv6 without its brackets */
	}
	number = colon && colon[1] >= '1' && colon[1] <= '9'
			 ? strtol(colon + 1, &end, 10)
			 : 0;
	if (!conn_host_text(first, n) || number < 1 || number > 65535 || *end)
		return error_set(err, RC_CONFIG,
			"\"%s\" is no address of a collector: write host:port or "
			"[IPv6]:port",
			address);
	memcpy(host, first, n);
	host[n] = '\0';
	snprintf(port, 8, "%ld", number);
	return RC_OK;
}

#define PIN_PREFIX "sha256//"
#define PIN_BASE64 44

enum rc conn_pinned_key(const char *pinned_key, struct error *err)
{
	static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = pinned_key;

	for (;;) {
		const char *hash = p + strlen(PIN_PREFIX);

		if (strncmp(p, PIN_PREFIX, strlen(PIN_PREFIX)) != 0 ||
			strspn(hash, base64) != PIN_BASE64 - 1 ||
			hash[PIN_BASE64 - 1] != '=')
			break;
		p = hash + PIN_BASE64;
		if (!*p)
			return RC_OK;
		if (*p++ != ';')
			break;
	}
	return error_set(err, RC_CONFIG,
		"pinned_key: write sha256// and the base64 of the SHA-256 of the "
		"collector's public key, several of them with ; between");
}

enum rc conn_password(const char *path, char *out, size_t size, struct error *err)
{
	FILE *file = fopen(path, "re");
	char *line;

	if (!file)
		return error_set(err, RC_TLS, "cannot read key_password_file %s: %s",
			path, strerror(errno));
	setvbuf(file, NULL, _IONBF, 0);
	line = fgets(out, (int)size, file);
	fclose(file);
	if (!line)
		return error_set(err, RC_TLS, "key_password_file %s is empty", path);
	out[strcspn(out, "\r\n")] = '\0';
	return RC_OK;
}
