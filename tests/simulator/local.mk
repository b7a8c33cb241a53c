# The vendor, played by a real HTTPS server.
if SIMULATOR
noinst_PROGRAMS += tests/simulator/simulator
tests_simulator_simulator_SOURCES = \
	tests/simulator/main.c \
	tests/simulator/api.c \
	tests/simulator/application.c tests/simulator/application.h \
	tests/simulator/body.c tests/simulator/body.h \
	tests/simulator/cert.c tests/simulator/cert.h \
	tests/simulator/control.c \
	tests/simulator/faults.c tests/simulator/faults.h \
	tests/simulator/form.c tests/simulator/form.h \
	tests/simulator/generate.c tests/simulator/generate.h \
	tests/simulator/imds.c tests/simulator/imds.h \
	tests/simulator/incident_json.c \
	tests/simulator/incidents.c \
	tests/simulator/index.c tests/simulator/index.h \
	tests/simulator/login.c \
	tests/simulator/moment.c tests/simulator/moment.h \
	tests/simulator/page.c \
	tests/simulator/query.c tests/simulator/query.h \
	tests/simulator/refresh.c tests/simulator/refresh.h \
	tests/simulator/report.c \
	tests/simulator/schema.c tests/simulator/schema.h \
	tests/simulator/server.c tests/simulator/server.h \
	tests/simulator/service.h \
	tests/simulator/shapes.c \
	tests/simulator/text.c tests/simulator/text.h \
	tests/simulator/token.c tests/simulator/token.h \
	tests/simulator/trickle.c tests/simulator/trickle.h \
	tests/simulator/world.c tests/simulator/world.h
tests_simulator_simulator_CPPFLAGS = $(AM_CPPFLAGS) $(MICROHTTPD_CFLAGS) $(GNUTLS_CFLAGS)
tests_simulator_simulator_LDADD = $(MICROHTTPD_LIBS) $(GNUTLS_LIBS) $(FASTJSON_LIBS) -lz -lpthread
endif
EXTRA_DIST += tests/simulator/README
