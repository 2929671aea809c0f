/**
 * Upgrades of a node as its user sees them: 1 → 2 over HTTP with its pods and data, a power cut at many writes of it, and a version that
 * does not come up: back to the one that did, with the reason.
 *
 * `ATOLL_CUTS=long` (make torture) judges every write to the boot partition and 200 other moments.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cacheDirectory } from '../../builder/src/paths.ts';
import { BundleServer } from '../src/bundle-server.ts';
import { demoDeployment } from '../src/demo.ts';
import { makeFatDisk } from '../src/fatDisk.ts';
import { AtollNode } from '../src/node.ts';
import { timeServerScript } from '../src/time-server.ts';
import { readWriteLog } from '../src/write-log.ts';
import { imageMachine } from './image.ts';
import { rolledOut } from './rolledOut.ts';
import { UpgradeCuts } from './upgradeCuts.ts';
import { builtVersion, flashed, inBundle, type Version } from './versions.ts';

const minutes = 60_000;
const long = process.env.ATOLL_CUTS === 'long';
const moments = long ? 200 : 24;
const seed = Number(process.env.ATOLL_SEED ?? 1);
const atoll = fileURLToPath(new URL('../../runtime/src/cli/bin.ts', import.meta.url));
const configMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept}\ndata: {value: from-1}\n';

describe('upgrades of a node', { timeout: 45 * minutes }, () => {
  const folder = join(cacheDirectory(), 'machines', `${process.pid}-upgrade`);
  const logFile = join(folder, 'writes.log');
  let node: AtollNode;
  let second: Version;
  let third: Version;
  let server: BundleServer;

  const guest = (command: string, timeoutMs = minutes) => node.machine.shell.output(command, { timeoutMs });
  const lines = async (command: Promise<string>) => (await command).split('\n');
  const url = ({ version }: Version) => `http://10.0.2.100:8080/vm-x86_64-${version}.raucb`;
  const entries = () => guest('ls /efi/loader/entries');
  const running = () => guest('. /etc/os-release; echo $IMAGE_VERSION');
  const eventually = async (what: string, timeoutMs: number, holds: () => Promise<boolean>): Promise<void> => {
    for (const deadline = performance.now() + timeoutMs; !(await holds()); ) {
      assert.ok(performance.now() < deadline, `${what}\n${node.machine.console.lastLines()}`);
      await new Promise(resolve => setTimeout(resolve, 1000));
    }
  };
  /** `atoll --node … WORDS`, begun. */
  const throughCluster = async (...words: string[]) => {
    const [, name = ''] = (await node.kubectlOutput(['get', 'nodes', '-o', 'name'])).split('/');
    const argv = ['--import', 'tsx', atoll, '--kubeconfig', node.kubeconfigFile, '--node', name, ...words];
    const ended = new Promise<{ code: number; text: string }>(resolve =>
      execFile(process.execPath, argv, { timeout: 30 * minutes }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code ?? -1) : 0, text: stdout + stderr }),
      ),
    );
    return { ended };
  };
  const blessed = (slot: string) =>
    eventually(`slot ${slot} is blessed`, 5 * minutes, async () =>
      (await entries()).split('\n').includes(`atoll-${slot}.conf`),
    );

  before(async () => {
    await mkdir(folder, { recursive: true });
    second = await builtVersion('0.2.0');
    third = await builtVersion('0.3.0', 'server-crashes.yaml');
    server = await BundleServer.start([second.bundle, third.bundle]);
    const stick = join(folder, 'stick.raw');
    await makeFatDisk(stick, 512 * 1024 ** 2, { 'new.raucb': await readFile(second.bundle), 'about.txt': 'bundles\n' });
    const options = imageMachine('upgrade');
    node = await AtollNode.start({
      ...options,
      disks: (options.disks ?? []).map(disk => ({ ...disk, writeLog: logFile })),
      guestForwards: { 8080: server.port },
      extraArguments: [
        ...['-drive', `if=none,id=stick,format=raw,readonly=on,file=${stick}`],
        ...['-device', 'virtio-scsi-pci', '-device', 'scsi-hd,drive=stick,removable=on'],
      ],
    });
    await node.ready();
  });
  after(async () => {
    await node?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('blesses the flashed version when the node is healthy', async () => {
    await blessed('a');
    await node.kubectlOutput(['apply', '-f', '-'], { stdin: demoDeployment });
    await node.kubectlOutput(['apply', '-f', '-'], { stdin: configMap });
    await rolledOut(node);
  });

  it('says what an upgrade would bring, and changes nothing', async () => {
    const said = await guest(`atoll upgrade --check ${url(second)}`, 3 * minutes);
    assert.match(said, /0\.2\.0/);
    const onStick = await guest('atoll upgrade --check usb', 3 * minutes);
    assert.match(onStick, /0\.2\.0/);
    assert.equal(await guest('grep -c /run/atoll/media /proc/self/mounts; ls /run/atoll/media'), '0');
    assert.equal(await entries(), 'atoll-a.conf');
  });

  it(`is whole after a power cut at ${moments} moments of an installation`, async t => {
    await guest('sync');
    const from = (await readWriteLog(logFile)).at(-1)?.endsAt ?? 0;
    await guest(`atoll upgrade --yes --no-reboot ${url(second)} 2>&1`, 8 * minutes);
    const acknowledged = (await readWriteLog(logFile)).at(-1)?.endsAt ?? 0;
    await node.machine.powerCut();
    const first = await flashed();
    const known = [first, await inBundle(second, join(folder, 'bundle'))];
    await using cuts = await UpgradeCuts.open({ node, logFile, folder, known, slots: { a: first }, seed });
    const found = await cuts.judge({ from, to: acknowledged, moments, everyBootWrite: long });
    for (const { at, boots, state } of found) {
      const where = `seed ${seed}, byte ${at} of ${from} to ${acknowledged}`;
      assert.ok(boots.version === '0.1.0' || boots.version === '0.2.0', where);
      if (boots.version === '0.2.0') {
        assert.equal(boots.triesLeft, 3, `${where}: it is a trial`);
        assert.equal(state?.trial?.roothash, second.roothash, `${where}: the machine knows that it is one`);
      }
    }
    assert.equal(found.at(-1)?.boots.version, '0.2.0', 'what was acknowledged is armed');
    const share = server.sentBytes / (await readFile(second.bundle)).length;
    t.diagnostic(`${found.length} cuts; ${(100 * share).toFixed(1)} % of the bundle was sent, with --check`);
  });

  it('comes up in the new version with its pod, its data and its identity, and blesses it', async () => {
    await node.machine.powerOn();
    await node.ready();
    assert.equal(await running(), '0.2.0');
    await blessed('b');
    await rolledOut(node);
    assert.equal(await node.kubectlOutput(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.value}']), 'from-1');
    assert.equal(await guest('systemctl --failed --no-legend --plain'), '');
    assert.match(await guest('atoll upgrade history'), /0\.2\.0.*blessed|blessed.*0\.2\.0/s);
    const left = await lines(guest('ls /var/lib/atoll/upgrade'));
    assert.ok(left.includes('blessed'));
    for (const name of ['trial', 'store-copy', 'ended']) assert.ok(!left.includes(name), `${name} is left`);
  });

  it('goes back by itself from a version whose server crashes, and says why', async () => {
    const reset = node.machine.qmpEvent('RESET', 8 * minutes);
    // Asked for from a workstation, through the cluster, and followed to its end.
    const asked = await throughCluster('upgrade', '--deadline', '150s', url(third));
    await reset;
    // The trial fails at its deadline, and restarts by itself into what ran before.
    await node.machine.qmpEvent('RESET', 10 * minutes);
    node.machine.forgetBoot();
    await node.ready();
    assert.equal(await running(), '0.2.0');
    await eventually('the fall-back is told', 3 * minutes, async () =>
      /0\.3\.0/.test(await guest('atoll upgrade history')),
    );
    const history = await guest('atoll upgrade history');
    assert.match(history, /fell[ -]back/i, history);
    assert.match(history, /atoll-server|control.plane/i, history);
    const said = await asked.ended;
    assert.equal(said.code, 1, said.text);
    assert.match(said.text, /fell back to 0\.2\.0, because 0\.3\.0 was not healthy/, said.text);
    assert.equal(await node.kubectlOutput(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.value}']), 'from-1');
    await rolledOut(node);
  });

  it('refuses that version from then on', async () => {
    const { exitCode, stdout, stderr } = await node.machine.shell.run(`atoll upgrade --yes ${url(third)}`, {
      timeoutMs: 3 * minutes,
    });
    assert.notEqual(exitCode, 0);
    assert.match(stdout + stderr, /0\.3\.0.*(refused|fell back)/s);
    assert.equal(await running(), '0.2.0');
  });

  it('tells the cluster what became of it, and keeps what the trial left', async () => {
    const [, name = ''] = (await node.kubectlOutput(['get', 'nodes', '-o', 'name'])).split('/');
    const condition = '{.status.conditions[?(@.type=="UpgradeFailed")].reason}';
    await eventually('the condition', 2 * minutes, async () => {
      return (await node.kubectlOutput(['get', 'node', name, '-o', `jsonpath=${condition}`])) === 'TrialFailed';
    });
    const ofNode = ['get', 'events', '-A', '--field-selector', 'involvedObject.kind=Node', '-o', 'jsonpath={..reason}'];
    await eventually('the Event', 2 * minutes, async () =>
      (await node.kubectlOutput(ofNode)).split(' ').includes('UpgradeFailed'),
    );
    const [trial = ''] = await lines(guest('ls -d /var/lib/atoll/upgrade/trials/0.3.0-*'));
    assert.match(await guest(`cat ${trial}/report.json`), /"check": ?"units"/);
    assert.match(await guest(`gzip -dc ${trial}/journal.gz | grep -c atoll-server`), /^[1-9]/);

    await guest(`cat > /run/time-server.js << 'END'
${timeServerScript}END
      systemd-run --quiet --unit=time-server node /run/time-server.js
      mkdir -p /run/systemd/timesyncd.conf.d
      printf '[Time]\\nNTP=127.0.0.1\\n' > /run/systemd/timesyncd.conf.d/50-test.conf
      systemctl restart systemd-timesyncd`);
    const metrics = () => lines(node.kubectlOutput(['get', '--raw', `/api/v1/nodes/${name}/proxy/metrics`]));
    const offset = /^atoll_clock_offset_seconds (\S+)$/m;
    await eventually('the clock is compared', 2 * minutes, async () => offset.test((await metrics()).join('\n')));
    const found = await metrics();
    assert.ok(Math.abs(Number(offset.exec(found.join('\n'))?.[1])) < 5);
    for (const line of [
      'atoll_slot_info{slot="b",version="0.2.0",state="blessed"} 1',
      'atoll_upgrade_refused_versions 1',
      'atoll_upgrade_events{event="fell-back"} 1',
      'atoll_upgrade_events{event="blessed"} 1',
      'atoll_clock_synchronized 1',
    ])
      assert.ok(
        found.includes(line),
        `${line}\nis not in\n${found.filter(text => text.startsWith('atoll_')).join('\n')}`,
      );
  });
});
