import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod } from '../../api/generated/types/core.v1.ts';
import { StatusError } from '../../api/status.ts';
import { logLocation, type PodStream, streamLocation } from './location.ts';

const pod = (containers: string[], nodeName: string | undefined = 'n1', initContainers: string[] = []): Pod => ({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { name: 'p', namespace: 'ns' },
  spec: {
    ...(nodeName === undefined || nodeName === '' ? {} : { nodeName }),
    containers: containers.map(name => ({ name })),
    initContainers: initContainers.map(name => ({ name })),
  },
});

/** The location's path, or the error's code and message. */
function outcome(locate: () => { path: string } | undefined): string {
  try {
    return locate()?.path ?? 'nowhere';
  } catch (error) {
    if (error instanceof StatusError) return `${error.code} ${error.message}`;
    throw error;
  }
}

describe('logLocation', () => {
  const cases: [string, Pod, string, string][] = [
    ['the only container', pod(['a']), '', '/containerLogs/ns/p/a'],
    ['a named one', pod(['a', 'b']), 'container=b&tailLines=5', '/containerLogs/ns/p/b?tailLines=5'],
    ['an init container', pod(['a'], 'n1', ['i']), 'container=i', '/containerLogs/ns/p/i'],
    ['every option', pod(['a']), 'follow=true&limitBytes=9&x=1', '/containerLogs/ns/p/a?follow=true&limitBytes=9'],
    ['a pod without a node', pod(['a'], ''), '', 'nowhere'],
    [
      'no name where there are several',
      pod(['a', 'b'], 'n1', ['i']),
      '',
      '400 a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i]',
    ],
    ['an unknown name', pod(['a']), 'container=x', '400 container x is not valid for pod p'],
    [
      'a negative count',
      pod(['a']),
      'tailLines=-1',
      '422 PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'a limit of nothing',
      pod(['a']),
      'limitBytes=0',
      '422 PodLogOptions "p" is invalid: limitBytes: Invalid value: 0: must be greater than 0',
    ],
    ['what is no number', pod(['a']), 'tailLines=x', '400 strconv.ParseInt: parsing "x": invalid syntax'],
    [
      'what is no switch',
      pod(['a']),
      'follow=maybe',
      '400 invalid value for "follow": "maybe" is neither true nor false',
    ],
  ];
  for (const [what, of, query, expected] of cases) {
    it(`answers ${what}`, () =>
      assert.equal(
        outcome(() => logLocation(of, new URLSearchParams(query))),
        expected,
      ));
  }
});

describe('streamLocation', () => {
  const cases: [string, Pod, PodStream, string, string][] = [
    [
      'exec with its command',
      pod(['a']),
      'exec',
      'stdin=true&stdout=1&stderr=0&tty=true&command=sh&command=-c&command=a%26b',
      '/exec/ns/p/a?input=1&output=1&tty=1&command=sh&command=-c&command=a%26b',
    ],
    ['attach', pod(['a']), 'attach', 'stdout=true&command=x', '/attach/ns/p/a?output=1'],
    ['port-forward', pod(['a', 'b']), 'portforward', 'ports=80&ports=81', '/portForward/ns/p?port=80&port=81'],
    ['a pod without a node', pod(['a'], ''), 'exec', '', '400 pod p does not have a host assigned'],
    ['a pod without containers', pod([]), 'exec', '', '400 a container name must be specified for pod p'],
  ];
  for (const [what, of, stream, query, expected] of cases) {
    it(`answers ${what}`, () =>
      assert.equal(
        outcome(() => streamLocation(of, stream, new URLSearchParams(query))),
        expected,
      ));
  }
});
