import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withBeside, withIdentity } from './noCloud.ts';
import { parseUrlSource } from './url.ts';

describe("cloud-init's words beside a URL", () => {
  it('say the name and the instance', () => {
    assert.deepEqual(parseUrlSource('local-hostname=press-7\ninstance-id=i-7\nurl=http://h/\n')?.metaData, {
      'local-hostname': 'press-7',
      'instance-id': 'i-7',
    });
  });

  const refused: readonly (readonly [lines: string, message: RegExp])[] = [
    ['untaken=s=/cdrom/\n', /^ds=nocloud: "s=\/cdrom\/" is not taken$/],
    ['untaken=s=ftp://me:secret@h/\n', /"s=ftp:\/\/…@h\/" is not taken$/],
    ['url=http://h/\nuntaken=x=y\n', /^ds=nocloud: "x=y" is not taken$/],
    ['instance-id=i-7\n', /^ds=nocloud: "instance-id" is taken only with s=<url> beside it$/],
  ];
  for (const [lines, message] of refused)
    it(`are told when they are not taken: ${JSON.stringify(lines)}`, () => {
      assert.throws(() => parseUrlSource(lines), { name: 'UrlError', kind: 'wrong', message });
    });

  const beside = { 'local-hostname': 'press-7' };
  const merged: readonly (readonly [before: string | undefined, after: string])[] = [
    [undefined, 'local-hostname: "press-7"\n'],
    ['', 'local-hostname: "press-7"\n'],
    ['instance-id: a\n', 'instance-id: a\nlocal-hostname: "press-7"\n'],
    ['local_hostname: b\ninstance-id: a', 'instance-id: a\nlocal-hostname: "press-7"\n'],
    ['"hostname": b\n', 'local-hostname: "press-7"\n'],
  ];
  for (const [before, after] of merged)
    it(`count more than meta-data: ${JSON.stringify(before)}`, () => {
      const bytes = before === undefined ? undefined : Buffer.from(before);
      assert.equal(withBeside(bytes, beside).toString(), after);
    });

  it('are not lost in JSON', () => {
    assert.throws(() => withBeside(Buffer.from('{"instance-id": "a"}'), beside), { message: /is JSON/ });
  });
});

describe('what a machine is, in its URL', () => {
  const files: Readonly<Record<string, string>> = {
    'class/dmi/id/product_uuid': '4c4c4544-0042\n',
    'class/dmi/id/chassis_serial': 'A/7 b\n',
    'class/dmi/id/board_serial': '\xff\xff\xff\n',
    'firmware/devicetree/base/serial-number': '10000000abcd\0',
  };
  const read = (path: string): Buffer | undefined =>
    files[path] === undefined ? undefined : Buffer.from(files[path], 'latin1');
  it('is filled in, from DMI or the device tree', () => {
    assert.equal(withIdentity('http://h/__dmi.system-uuid__/', read), 'http://h/4c4c4544-0042/');
    assert.equal(
      withIdentity('http://h/?c=__dmi.chassis-serial-number__&s=__dmi.system-serial-number__', read),
      'http://h/?c=A%2F7%20b&s=10000000abcd',
    );
    assert.equal(withIdentity('http://h/__x__/', read), 'http://h/__x__/');
  });
  it('is told when it is nothing', () => {
    assert.throws(() => withIdentity('http://h/__dmi.baseboard-serial-number__/', read), {
      message: /^this machine has no baseboard-serial-number/,
    });
    const hints = {
      'serial-number': /^there are baseboard-asset-tag, /,
      'sytem-uuid': /^did you mean __dmi\.system-uuid__\?$/,
    };
    for (const [key, hint] of Object.entries(hints))
      assert.throws(() => withIdentity(`http://h/__dmi.${key}__/`, read), {
        message: /is nothing of a machine$/,
        hint,
      });
  });
});
