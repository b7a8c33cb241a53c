/* json_document.h - the module of a document of our own.
 *
 * Purpose:  open(), close(), fields() and the writing of a whole document, which are the same for
 *           each of them.
 * Owner:    json_document_open() gives what json_document_close() frees; it borrows the rules of
 *           its field map.
 * Errors:   of options, as fmt_module.open() gives them.
 * Tests:    unit/test_ecs.c, unit/test_ocsf.c */
#ifndef ALERTRELAY_FORMAT_JSON_DOCUMENT_H
#define ALERTRELAY_FORMAT_JSON_DOCUMENT_H

#include "field_json.h"
#include "json_writer.h"
#include "severity.h"

/* The options of documents and their field map. */
struct json_document {
	int original; /* the vendor's own text goes along */
	struct severity_map severity;
	struct field_json fields;
};

#define JSON_ORIGINAL_HELP                                                             \
	"yes puts the vendor's own text of the alert into the document too"

/* scale: of its option severity; SEVERITY_SCALES: it has none. */
void *json_document_open(const char *format, enum severity_scale scale,
	const struct fmt_option *options, size_t count, char *error, size_t error_size);
void json_document_close(void *self);
int json_document_fields(struct json_document *self, const char *format,
	const struct field_json_own *own, const struct fmt_rule *rules, size_t count,
	fmt_wrong *wrong, void *context);

/* Behind what is in the body already. */
typedef void json_write(struct json_writer *w, const struct json_document *self,
	const struct fmt_alert *alert);
enum fmt_result json_document_write(struct fmt_message *message, json_write *write,
	const struct json_document *self, const struct fmt_alert *alert);

#endif
