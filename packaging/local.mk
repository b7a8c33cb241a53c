# What gets installed beside the program, and how packages are made.
EXTRA_DIST += \
	packaging/common.sh \
	packaging/debian/alertrelay.lintian-overrides \
	packaging/debian/alertrelay.postinst \
	packaging/debian/alertrelay.postrm \
	packaging/debian/alertrelay.prerm \
	packaging/debian/changelog \
	packaging/debian/control \
	packaging/debian/copyright \
	packaging/debian/rules \
	packaging/debian/source/format \
	packaging/man/alertrelay.8.in \
	packaging/man/alertrelay-siem.7.in \
	packaging/packages \
	packaging/quickstart \
	packaging/quickstart-compare \
	packaging/systemd/alertrelay.service.in

nodist_doc_DATA = packaging/alertrelay.yaml
nodist_man_MANS = packaging/man/alertrelay.8 packaging/man/alertrelay-siem.7
nodist_systemdsystemunit_DATA = packaging/systemd/alertrelay.service

# For formats made by others: what a module includes, how it finds that, one to begin with, and where
# modules go.
formatdir = $(includedir)/$(PACKAGE)
format_HEADERS = formats/format.h formats/fields.def
pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = packaging/alertrelay-format.pc
examplesdir = $(docdir)/examples
dist_examples_DATA = packaging/examples/keyvalue.c

install-data-local:
	$(MKDIR_P) $(DESTDIR)$(pkglibdir)/formats

uninstall-local:
	-rmdir $(DESTDIR)$(pkglibdir)/formats $(DESTDIR)$(pkglibdir) $(DESTDIR)$(formatdir) \
		$(DESTDIR)$(examplesdir) 2>/dev/null

CLEANFILES += $(nodist_doc_DATA) $(nodist_man_MANS) $(nodist_systemdsystemunit_DATA) \
	packaging/man/options.mdoc packaging/man/mapping.mdoc packaging/man/presets.mdoc \
	$(PACKAGE)_*.deb

fill_in = $(SED) -e 's,[@]bindir@,$(bindir),g' -e 's,[@]sysconfdir@,$(sysconfdir),g' \
	-e 's,[@]localstatedir@,$(localstatedir),g' -e 's,[@]docdir@,$(docdir),g' \
	-e 's,[@]includedir@,$(includedir),g' -e 's,[@]moduledir@,$(pkglibdir)/formats,g' \
	-e 's,[@]PACKAGE_VERSION@,$(PACKAGE_VERSION),g'

packaging/systemd/alertrelay.service: packaging/systemd/alertrelay.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(fill_in) $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@

# The program's own tables write the sample configuration and sections of the manual.
# A program built for another machine cannot be asked.
packaging/alertrelay.yaml packaging/man/options.mdoc packaging/man/mapping.mdoc \
		packaging/man/presets.mdoc: alertrelay$(EXEEXT)
if CROSS_COMPILING
	$(AM_V_GEN)$(MKDIR_P) $(@D) && echo '# See what "alertrelay sample" prints.' >$@
else
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
		case $@ in *options.mdoc) what=manual;; *mapping.mdoc) what='manual mapping';; \
		*.mdoc) what='manual presets';; *) what=sample;; esac; \
		./alertrelay$(EXEEXT) $$what >$@.tmp && mv $@.tmp $@
endif

packaging/man/alertrelay.8: packaging/man/alertrelay.8.in packaging/man/options.mdoc \
		packaging/man/mapping.mdoc Makefile
	$(AM_V_GEN)$(fill_in) -e '/^[@]OPTIONS@$$/{' -e 'r packaging/man/options.mdoc' -e 'd' -e '}' \
		-e '/^[@]MAPPING@$$/{' -e 'r packaging/man/mapping.mdoc' -e 'd' -e '}' \
		$(srcdir)/$@.in >$@.tmp && mv $@.tmp $@

packaging/man/alertrelay-siem.7: packaging/man/alertrelay-siem.7.in packaging/man/presets.mdoc Makefile
	$(AM_V_GEN)$(SED) -e '/^[@]PRESETS@$$/{' -e 'r packaging/man/presets.mdoc' -e 'd' -e '}' \
		$(srcdir)/$@.in >$@.tmp && mv $@.tmp $@

# dpkg wants debian/ at the top, so the package is built in an unpacked copy of the distribution.
deb: dist
	rm -rf deb-build $(PACKAGE)_*.deb
	$(MKDIR_P) deb-build
	tar -xf $(distdir).tar.xz -C deb-build
	cp -R deb-build/$(distdir)/packaging/debian deb-build/$(distdir)/debian
	cd deb-build/$(distdir) && \
		test "`dpkg-parsechangelog -S Version`" = "$(PACKAGE_VERSION)-1" && \
		env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS dpkg-buildpackage -us -uc -b
	mv deb-build/$(PACKAGE)_$(PACKAGE_VERSION)-1_*.deb .
	rm -rf deb-build

.PHONY: deb
