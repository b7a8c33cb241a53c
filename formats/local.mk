# Built-in formatters; formats/format.h is all that they see of the connector.
noinst_LTLIBRARIES += libformats.la
libformats_la_SOURCES = \
	formats/format.h
libconnector_la_LIBADD += libformats.la
