/* json_tight.c - a JSON text that must be changed or made to fit before it goes out. */
#include "json_tight.h"

#include "json_tell.h"
#include "json_text.h"

enum fmt_result json_write_tight(struct fmt_message *message, json_whole *write,
	const void *self, const struct fmt_alert *alert,
	const struct field_json *fields, const struct json_shedding *shedding)
{
	struct fmt_out *body = message->body, whole, fitted;
	struct json_fit fit = {.evidence_note = shedding->notes[0],
		.field_note = shedding->notes[1],
		.why = shedding->why};
	struct fmt_str text;
	enum fmt_result rc = FMT_TOO_SMALL;
	size_t limit = body->maximum > body->n ? body->maximum - body->n : 0;

	json_heap_init(&whole);
	json_heap_init(&fitted);
	if (!write(&whole, &fit, self, alert) ||
		!field_json_apply(
			fields, alert, &whole, 0, &fit, shedding->optional, message))
		goto out;
	text = (struct fmt_str){whole.p, whole.n};
	if (text.n > limit) {
		if (!json_fit_write(&fit, &fitted, text, limit, message))
			goto out;
		text = (struct fmt_str){fitted.p, fitted.n};
	}
	if (json_put(body, text.p, text.n))
		rc = FMT_OK;
	if (rc == FMT_OK && message->trace)
		json_tell(message->trace, (struct fmt_str){whole.p, whole.n}, &fit);
out:
	json_fit_clear(&fit);
	json_heap_free(&whole);
	json_heap_free(&fitted);
	return rc;
}

enum fmt_result json_written(struct fmt_message *message, size_t start)
{
	const struct fmt_str text = {
		message->body->p + start, message->body->n - start};

	if (message->trace)
		json_tell(message->trace, text, NULL);
	return FMT_OK;
}
