/** Telling systemd that a service is ready (sd_notify(3)). Node.js has no datagram Unix sockets; systemd's own tool has. */
import { execFile } from 'node:child_process';

/** Does nothing outside a `Type=notify` unit. The unit needs `NotifyAccess=all`. */
export function notifyReady(status: string, env: NodeJS.ProcessEnv = process.env): void {
  if (!env.NOTIFY_SOCKET) return;
  execFile('systemd-notify', ['--ready', `--status=${status}`], () => {
    // If systemd cannot be told it will say so itself, with the unit's name.
  });
}
