/**
 * Which QEMU and which UEFI firmware: those of the builder's tools tree (so results do not depend on the host's versions), else the
 * host's packages.
 *
 * The tree's programs are started through the tree's own dynamic loader, not through chroot or bwrap: QEMU then is a direct
 * child with the host's paths, its inherited sockets and its own pid, and needs no privilege.
 */
import { execFile } from 'node:child_process';
import { access, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ArchitectureName } from '../../builder/src/boards.ts';
import { buildHost } from '../../builder/src/build-host.ts';
import { toolsTree } from '../../builder/src/paths.ts';
import { treeCommand } from '../../builder/src/tools.ts';
import { type Platform, platforms } from './platforms.ts';

export interface Emulator {
  /** For messages: `tools tree` or `host`. */
  readonly origin: 'tools tree' | 'host';
  readonly platform: Platform;
  /** What comes before QEMU's own arguments. */
  readonly qemu: readonly string[];
  readonly qemuImg: readonly string[];
  /** For what QEMU starts itself: `busybox nc`. */
  readonly busybox: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** UEFI: read-only code, and the template of the variable store (copied per machine). */
  readonly firmwareCode: string;
  readonly firmwareVars: string;
  /** U-Boot for machines without UEFI; empty where the platform has none. */
  readonly uBoot: string;
}

/** No QEMU anywhere. */
export class EmulatorError extends Error {
  override readonly name = 'EmulatorError';
  readonly code = 'ATOLL_NO_QEMU';
}

/** @param current the tools tree, or the link to it (resolved, so a newer tree does not change a running machine) */
export async function findEmulator(
  current: string = toolsTree(),
  architecture: ArchitectureName = 'x86_64',
): Promise<Emulator> {
  const tree = await realpath(current).catch(() => current);
  const platform = platforms[architecture];
  const qemu = `/usr/bin/qemu-system-${platform.system}`;
  const { code, vars } = platform.firmware;
  const files = [qemu, '/usr/bin/qemu-img', code, vars];
  if ((await firstMissing(files.map(file => join(tree, file)))) === undefined) {
    return {
      origin: 'tools tree',
      platform,
      qemu: [
        ...treeCommand(tree, qemu),
        ...['-L', join(tree, 'usr/share/qemu'), '-L', join(tree, 'usr/share/seabios')],
      ],
      qemuImg: treeCommand(tree, '/usr/bin/qemu-img'),
      // Static: it needs no loader.
      busybox: [join(tree, 'usr/bin/busybox')],
      environment: { QEMU_MODULE_DIR: join(tree, 'usr/lib', buildHost().multiarch, 'qemu') },
      firmwareCode: join(tree, code),
      firmwareVars: join(tree, vars),
      uBoot: platform.uBoot === undefined ? '' : join(tree, platform.uBoot),
    };
  }
  const missing = await firstMissing(files);
  if (missing !== undefined) {
    throw new EmulatorError(
      `no QEMU: neither ${tree} nor this host has ${missing}. Run 'make image' once (it makes the tools tree), or ` +
        `install the Debian packages '${platform.hostPackages.join(' ')}'.`,
    );
  }
  return {
    origin: 'host',
    platform,
    qemu: [qemu],
    qemuImg: ['/usr/bin/qemu-img'],
    busybox: ['busybox'],
    environment: {},
    firmwareCode: code,
    firmwareVars: vars,
    uBoot: platform.uBoot ?? '',
  };
}

/** What QEMU says it is: `QEMU emulator version 10.0.2 (…)`. */
export async function emulatorVersion({ qemu: [program = '', ...words], environment }: Emulator): Promise<string> {
  const { stdout } = await promisify(execFile)(program, [...words, '--version'], {
    env: { ...process.env, ...environment },
  });
  return stdout.split('\n')[0] ?? '';
}

async function firstMissing(files: readonly string[]): Promise<string | undefined> {
  for (const file of files) {
    try {
      await access(file);
    } catch {
      return file;
    }
  }
  return undefined;
}
