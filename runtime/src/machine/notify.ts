/** sd_notify(3), by systemd's own command: Node.js has no datagram sockets of the Unix family. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Tells systemd that this service is ready; nothing where it is not run by systemd as `Type=notify`. @throws where that fails */
export async function notifyReady(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  if (env.NOTIFY_SOCKET) await promisify(execFile)('systemd-notify', ['--ready'], { env });
}
