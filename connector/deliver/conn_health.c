#include "config.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "deliver/conn_parts.h"

/* TCP_USER_TIMEOUT would also end a connection whose peer answers but does not read (measured on Linux
 * 6.18: ETIMEDOUT with a closed window); a slow collector is waited for. conn_silent() instead. */
#define SILENT_PROBES 4

bool conn_tcp_info(const struct conn *conn, struct tcp_info *info)
{
	socklen_t size = sizeof(*info);

	memset(info, 0, sizeof(*info));
	if (conn->fd == CURL_SOCKET_BAD)
		return false;
	return getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, info, &size) == 0;
}

bool conn_progress(struct conn *conn, struct conn_progress *progress)
{
	struct tcp_info info = {0}, again;
	int outstanding = 0;

	/* An acknowledgement between the two questions would make their sum wrong. */
	for (int i = 0; i < 4; i++) {
		if (!conn_tcp_info(conn, &info) ||
			ioctl(conn->fd, SIOCOUTQ, &outstanding) != 0 ||
			!conn_tcp_info(conn, &again))
			return false;
		if (again.tcpi_bytes_acked == info.tcpi_bytes_acked)
			break;
	}
	if (again.tcpi_snd_wnd > conn->window)
		conn->window = again.tcpi_snd_wnd;
	*progress = (struct conn_progress){
		.acknowledged = again.tcpi_bytes_acked,
		.outstanding = (size_t)outstanding,
		/* If they never agreed this is too high, never too low. */
		.written = again.tcpi_bytes_acked + (uint64_t)outstanding,
		.window = conn->window,
		.established =
			again.tcpi_state == TCP_STATE_ESTABLISHED && !conn->notified,
	};
	if (!outstanding || conn->progress_acknowledged != progress->acknowledged) {
		conn->progress_acknowledged = progress->acknowledged;
		conn->progress_ms = loop_now_ms(conn->loop);
	}
	return true;
}

bool conn_stalled(struct conn *conn, struct error *err)
{
	int64_t since = loop_now_ms(conn->loop) - conn->progress_ms;

	if (since < conn->dead_after_ms)
		return false;
	error_set(err, RC_IO,
		"the collector at %s has taken nothing for %lld s (dead_after) "
		"although "
		"messages wait: it may hang, or be full",
		conn->address, (long long)conn->dead_after_ms / 1000);
	return true;
}

bool conn_silent(struct conn *conn, struct error *err)
{
	struct tcp_info info;
	int64_t since = loop_now_ms(conn->loop) - conn->progress_ms;

	if (since < conn->dead_after_ms || !conn_tcp_info(conn, &info) ||
		info.tcpi_last_ack_recv < conn->dead_after_ms)
		return false;
	/* A closed window is probed ever less often; what counts is that probes are answered. */
	if (!info.tcpi_snd_wnd && info.tcpi_probes < SILENT_PROBES)
		return false;
	error_set(err, RC_IO,
		"the connection to %s is silent: nothing was acknowledged for %lld s "
		"although the "
		"collector's host had to",
		conn->address, (long long)since / 1000);
	return true;
}
