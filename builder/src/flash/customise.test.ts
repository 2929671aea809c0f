import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BuildError } from '../errors.ts';
import { type Customisation, documentsFor } from './customise.ts';

const given = (text: string): Customisation['documents'] => ({
  'user-data': { path: 'own.yaml', bytes: Buffer.from(text) },
});
const userData = (customisation: Customisation, present = ''): string =>
  String(
    documentsFor(customisation, present === '' ? {} : { 'user-data': Buffer.from(present) }, 'a').documents[
      'user-data'
    ],
  );

for (const { what, customisation, present, text } of [
  { what: 'a name alone', customisation: { documents: {}, hostname: 'a' }, text: '#cloud-config\nhostname: a\n' },
  {
    what: 'a server makes it an agent',
    customisation: { documents: {}, server: 'https://192.0.2.1:6443', token: 'a-secret' },
    text: '#cloud-config\natoll:\n  role: agent\n  server: https://192.0.2.1:6443\n  token: a-secret\n',
  },
  {
    what: 'a document as it is, byte for byte',
    customisation: { documents: given('#cloud-config\r\nhostname:   a   # odd\r\n\r\n\r\n') },
    text: '#cloud-config\r\nhostname:   a   # odd\r\n\r\n\r\n',
  },
  {
    what: 'a document with a name over its own; the rest of it stays',
    customisation: {
      documents: given('#cloud-config\n\n# who\nhostname: old # here\natoll: {node-label: [a=b]}\n'),
      hostname: 'new',
      token: 'another',
    },
    text: '#cloud-config\n\n# who\nhostname: new # here\natoll: { node-label: [ a=b ], token: another }\n',
  },
  {
    what: 'options change what is on the image',
    customisation: { documents: {}, hostname: 'new' },
    present: '#cloud-config\n# Write here what the node shall be.\ntimezone: Europe/Oslo\n',
    text: '#cloud-config\n# Write here what the node shall be.\ntimezone: Europe/Oslo\nhostname: new\n',
  },
  {
    what: 'a document replaces what is on the image',
    customisation: { documents: given('#cloud-config\nhostname: mine\n') },
    present: '#cloud-config\ntimezone: Europe/Oslo\n',
    text: '#cloud-config\nhostname: mine\n',
  },
  {
    what: 'a section that is still empty takes what options set',
    customisation: {
      documents: given('#cloud-config\natoll:\n  # role: agent\ntimezone: UTC\n'),
      server: 'https://192.0.2.1:6443',
      token: 'another',
    },
    text: '#cloud-config\natoll:\n  role: agent\n  server: https://192.0.2.1:6443\n  token: another\n  # role: agent\ntimezone: UTC\n',
  },
  {
    what: 'options may be the half of it: a common document and the secret apart',
    customisation: {
      documents: given('#cloud-config\natoll:\n  role: agent\n'),
      server: 'https://192.0.2.1:6443',
      token: 'another',
    },
    text: '#cloud-config\natoll:\n  role: agent\n  server: https://192.0.2.1:6443\n  token: another\n',
  },
  {
    what: 'what options set may have been wrong before',
    customisation: { documents: given('#cloud-config\nhostname: to_be_set\n'), hostname: 'a' },
    text: '#cloud-config\nhostname: a\n',
  },
  {
    what: 'what means something else without quotes is put in quotes',
    customisation: { documents: {}, hostname: '0123' },
    text: '#cloud-config\nhostname: "0123"\n',
  },
] as { what: string; customisation: Customisation; present?: string; text: string }[])
  test(what, () => assert.equal(userData(customisation, present), text));

test('what the node would refuse is refused, at its line; a secret is not shown', () => {
  const refused = (customisation: Customisation, said: RegExp): void => {
    assert.throws(
      () => documentsFor(customisation, {}, 'press-7'),
      (error: unknown) => {
        assert.ok(error instanceof BuildError);
        assert.equal(error.code, 'CONFIGURATION_INVALID');
        assert.match(error.tail ?? '', said);
        assert.doesNotMatch(error.tail ?? '', /hunter2/);
        return true;
      },
    );
  };
  refused({ documents: given('#cloud-config\nhostnam: a\n') }, /^own\.yaml:2:1: error: unknown key "hostnam"/);
  refused({ documents: given('hostname: a\n') }, /^own\.yaml:1:1: error: the first line must be #cloud-config/);
  refused({ documents: {}, hostname: 'a b' }, /hostname: must be a host name/);
  refused({ documents: {}, server: 'http://x' }, /atoll\.server: /);
  refused({ documents: {}, token: 'hunter2 with a blank' }, /atoll\.token: must be a join token without white space/);
  refused(
    { documents: given('#cloud-config\natoll:\n  token: hunter2\n  role: x\n') },
    /own\.yaml:4:9: error: atoll\.role/,
  );
});

test('with options, too, what is wrong in a document is shown in its lines, and what is wrong with an option besides', () => {
  const told = (text: string, options: Partial<Customisation>): string => {
    try {
      documentsFor({ documents: given(text), ...options }, {}, 'press-7');
    } catch (error) {
      return (error as BuildError).tail ?? '';
    }
    return 'not refused';
  };
  const both = told('#cloud-config\n\n\n# far down\ntimezon: UTC\natoll:\n  role: agent\n', {
    hostname: 'a b',
    token: 'x',
  });
  assert.match(both, /^own\.yaml:5:1: error: unknown key "timezon"/m);
  assert.match(both, /^own\.yaml:7:9: error: atoll\.role: an agent needs the server it joins/m);
  assert.match(both, /the card press-7:\d+:\d+: error: hostname: must be a host name/);
  assert.doesNotMatch(both, /needs a token/);
  for (const [text, said] of [
    ['', /^own\.yaml:1:1: error: is empty/],
    ['hostname: a\n', /^own\.yaml:1:1: error: the first line must be #cloud-config/],
    ['#cloud-config\nhostname: [a\n', /^own\.yaml:3:1: error: a bracket is not closed/],
  ] as const)
    assert.match(told(text, { hostname: 'a', token: 'x' }), said);
});

for (const [what, text, hostname, is] of [
  ['as it is given', '', 'press-7', 'press-7'],
  ['in small letters, and without its domain', '', 'Press-7.example.org', 'press-7'],
  [
    'with its domain where that is asked for',
    'prefer_fqdn_over_hostname: true\n',
    'press-7.example.org',
    'press-7.example.org',
  ],
  ['of the document, where no option gives one', 'hostname: mine\n', undefined, 'mine'],
  ['of the fqdn', 'fqdn: hall.example.org\n', undefined, 'hall'],
  ['none', 'timezone: UTC\n', undefined, undefined],
] as const)
  test(`the host name that a node will have: ${what}`, () => {
    const named = hostname === undefined ? {} : { hostname };
    assert.equal(documentsFor({ documents: given(`#cloud-config\n${text}`), ...named }, {}, 'a').hostname, is);
  });

for (const [text, said] of [
  ['preserve_hostname: true\n', /called press-7: the user-data of own\.yaml says preserve_hostname: true$/],
  [
    'fqdn: hall.example.org\nprefer_fqdn_over_hostname: true\n',
    /called press-7: it would be hall\.example\.org, as the user-data of own\.yaml says prefer_fqdn_over_hostname: true$/,
  ],
] as const)
  test(`a host name that the node would not have is refused: ${JSON.stringify(text)}`, () =>
    assert.throws(
      () => documentsFor({ documents: given(`#cloud-config\n${text}`), hostname: 'press-7' }, {}, 'press-7'),
      (error: unknown) => {
        assert.ok(error instanceof BuildError, String(error));
        assert.equal(error.code, 'CONFIGURATION_INVALID');
        assert.match(error.message, said);
        return true;
      },
    ));

test('a warning does not stop it, and is told', () => {
  const { warnings } = documentsFor({ documents: given('#cloud-config\nhostname: yes\n') }, {}, 'a');
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /warning: hostname: is the text "yes" here and true to cloud-init/);
});

for (const text of ['#cloud-config\nhostname: [a\n', '#cloud-config\n- a\n', '#cloud-config\natoll: 7\n'])
  test(`an image whose own user-data takes no options: ${JSON.stringify(text)}`, () =>
    assert.throws(
      () => documentsFor({ documents: {}, token: 'K10hunter2' }, { 'user-data': Buffer.from(text) }, 'press-7'),
      (error: unknown) => {
        assert.ok(error instanceof BuildError, String(error));
        assert.equal(error.code, 'CONFIGURATION_INVALID');
        assert.match(error.tail ?? '', /^(user-data of )?the image:\d+:\d+: error: /);
        assert.doesNotMatch(`${error.message}${error.tail}`, /hunter2/);
        return true;
      },
    ));
