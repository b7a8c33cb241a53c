# Built-in formatters; formats/format.h is all that they see of the connector.
noinst_LTLIBRARIES += libformats.la
libformats_la_SOURCES = \
	formats/address.c \
	formats/address.h \
	formats/block.h \
	formats/cef.c \
	formats/ecs.c \
	formats/escape.c \
	formats/escape.h \
	formats/field_json.c \
	formats/field_json.h \
	formats/field_pairs.c \
	formats/field_pairs.h \
	formats/fields.def \
	formats/format.h \
	formats/json.c \
	formats/json_alert.c \
	formats/json_alert.h \
	formats/json_body.c \
	formats/json_body.h \
	formats/json_fit.c \
	formats/json_fit.h \
	formats/json_tell.c \
	formats/json_tell.h \
	formats/json_text.c \
	formats/json_text.h \
	formats/json_writer.c \
	formats/json_writer.h \
	formats/keys.c \
	formats/keys.def \
	formats/keys.h \
	formats/leef.c \
	formats/ocsf.c \
	formats/option.c \
	formats/option.h \
	formats/rule.h \
	formats/pairs.c \
	formats/pairs.h \
	formats/pick.c \
	formats/pick.def \
	formats/pick.h \
	formats/registry.c \
	formats/registry.h \
	formats/rfc5424_json.c \
	formats/severity.c \
	formats/severity.h \
	formats/text.c \
	formats/text.h \
	formats/value.c \
	formats/value.h
libconnector_la_LIBADD += libformats.la
