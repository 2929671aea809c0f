/** What tests of the installer share: an authority, two versions of a system, machines that run the first. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBundle } from '../bundle/find.ts';
import type { HttpOptions } from '../bundle/httpSource.ts';
import { type InstallOptions, type InstallResult, install } from '../install.ts';
import { Authority, type Signer } from './authority.ts';
import { type MadeWrong, makeBundle, noise, type Version, versionOf } from './bundles.ts';
import { type TestMachine, testMachine } from './machine.ts';

export interface UpgradeWishes extends Partial<InstallOptions> {
  readonly http?: HttpOptions;
  readonly signal?: AbortSignal;
}

export class Workshop implements AsyncDisposable {
  #count = 0;

  private constructor(
    readonly folder: string,
    readonly authority: Authority,
    readonly signer: Signer,
    readonly trust: { readonly authorities: string; readonly revoked: string },
    /** What machines run. */
    readonly one: Version,
    /** The same but for 128 KiB of its root. */
    readonly two: Version,
  ) {}

  static async open(): Promise<Workshop> {
    const folder = await mkdtemp(join(tmpdir(), 'atoll-upgrade-'));
    const authority = await Authority.make(join(folder, 'authority'), 'test authority');
    const signer = await authority.signer('signer');
    const trust = { authorities: await authority.certificate(), revoked: await authority.revoked() };
    const root = noise(4 << 20, 'root');
    const changed = Buffer.from(root);
    noise(128 << 10, 'new').copy(changed, 1 << 20);
    return new Workshop(folder, authority, signer, trust, versionOf('0.1.0', root), versionOf('0.2.0', changed));
  }

  machine(running: Version = this.one): Promise<TestMachine> {
    return testMachine(join(this.folder, `machine-${++this.#count}`), running, this.trust);
  }

  bundle(version: Version = this.two, wrong: MadeWrong = {}, signer: Signer = this.signer): Promise<Buffer> {
    return makeBundle(version, signer, this.folder, wrong);
  }

  /** In a folder of its own. */
  async file(bytes: Buffer, name = 'a.raucb'): Promise<string> {
    const path = join(await mkdtemp(join(this.folder, 'file-')), name);
    await writeFile(path, bytes);
    return path;
  }

  /** As the command does it. */
  async upgrade(machine: TestMachine, named: string, wishes: UpgradeWishes = {}): Promise<InstallResult> {
    const { http, signal = new AbortController().signal, ...options } = wishes;
    const { places, compatible } = machine;
    const bundle = await openBundle(named, { trust: places, compatible, ...(http ? { http } : {}) }, signal);
    try {
      return await install(bundle, machine, { tries: 3, ...options }, signal);
    } finally {
      await bundle.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
