# common.sh - what packaging/quickstart and tests/run share: installing packages, building, waiting.
# shellcheck shell=bash
#
# Needs:    $top (the source tree) and bash with set -eu.

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# packages_of JOB...: the packages of these jobs, one a line.
packages_of() {
	local job
	for job in "$@"; do
		sed -n "s/^$job: *//p" "$top/packaging/packages"
	done | tr ' ' '\n' | sed '/^$/d' | sort -u
}

# packages_missing JOB...: those of them that are not installed, one a line.
packages_missing() {
	local name
	packages_of "$@" | while read -r name; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
	done
}

# packages_install LOG JOB...: installs what is missing. No service is started by it, and a rsyslog
# that was not there before will not start at the next boot either.
packages_install() {
	local log=$1 missing policy=/usr/sbin/policy-rc.d
	shift
	# shellcheck disable=SC2207 # names of packages are single words
	missing=($(packages_missing "$@"))
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "this needs apt-get (Debian 12) to install: ${missing[*]}"
	[ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
		die "run this as root, or install these packages first: ${missing[*]}"
	echo "  installing ${#missing[@]} packages: ${missing[*]}"
	as_root apt-get update >>"$log" 2>&1 </dev/null || die "apt-get update failed, see $log"
	(
		if [ ! -e $policy ]; then
			trap 'as_root rm -f $policy' EXIT
			printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
			as_root chmod 755 $policy
		fi
		as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1 </dev/null
	) || {
		tail -n 20 "$log" >&2
		die "apt-get install failed, see $log"
	}
	case " ${missing[*]} " in
	*" rsyslog "*)
		command -v systemctl >/dev/null && as_root systemctl disable rsyslog.service >>"$log" 2>&1 || :
		;;
	esac
}

# bootstrap LOG: makes ./configure when it is missing or older than what it is made from.
bootstrap() {
	if [ ! -x "$top/configure" ] || [ ! -e "$top/build-aux/tap-driver.sh" ] ||
		[ -n "$(find "$top" -path "$top/build*" -prune -o \( -name configure.ac -o -name Makefile.am -o -name '*.mk' \) \
			-newer "$top/configure" -print -quit)" ]; then
		(cd "$top" && autoreconf -fi) >>"$1" 2>&1 </dev/null
	fi
}

processors() {
	nproc 2>/dev/null || echo 1
}

# wait_until SECONDS COMMAND...: looks again and again, 20 times a second, until COMMAND succeeds.
wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}
