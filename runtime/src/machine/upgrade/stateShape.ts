/** `state.json` from text, strictly: what is not as {@link UpgradeState} says is an error that names the place. */
import type { Before, HistoryEntry, Installed, PodBefore, Refusal, SlotName, Trial, UpgradeState } from './types.ts';

type Fields = Readonly<Record<string, unknown>>;

/** @throws Error naming the field */
export function parseState(text: string): UpgradeState {
  const state = fieldsOf(JSON.parse(text), 'state');
  if (state.format !== 1) throw new Error(`format is ${JSON.stringify(state.format)}, not 1`);
  return {
    format: 1,
    ...(state.trial === undefined ? {} : { trial: trialOf(state.trial) }),
    refused: list(state, 'refused', refusalOf),
    history: list(state, 'history', eventOf),
  };
}

function trialOf(value: unknown): Trial {
  const fields = fieldsOf(value, 'trial');
  return {
    ...installedOf(fields, 'trial'),
    id: text(fields, 'id', 'trial'),
    from: installedOf(fieldsOf(fields.from, 'trial.from'), 'trial.from'),
    armedAt: text(fields, 'armedAt', 'trial'),
    deadlineSeconds: number(fields, 'deadlineSeconds', 'trial'),
    before: beforeOf(fields.before),
    ...(fields.givenUpFor === undefined ? {} : { givenUpFor: text(fields, 'givenUpFor', 'trial') }),
  };
}

function beforeOf(value: unknown): Before {
  const place = 'trial.before';
  const fields = fieldsOf(value, place);
  return {
    role: oneOf(fields, 'role', place, ['server', 'agent', 'server-only']),
    takenAt: text(fields, 'takenAt', place),
    nodeReady: flag(fields, 'nodeReady', place),
    serverReachable: flag(fields, 'serverReachable', place),
    pods: list(fields, 'pods', podOf, place),
    failedUnits: list(fields, 'failedUnits', wordOf, place),
    ...(fields.kubernetesAnswered === undefined
      ? {}
      : { kubernetesAnswered: flag(fields, 'kubernetesAnswered', place) }),
    ...(fields.dnsAnswered === undefined ? {} : { dnsAnswered: flag(fields, 'dnsAnswered', place) }),
  };
}

function podOf(value: unknown, place: string): PodBefore {
  const fields = fieldsOf(value, place);
  return {
    namespace: text(fields, 'namespace', place),
    name: text(fields, 'name', place),
    uid: text(fields, 'uid', place),
    ready: flag(fields, 'ready', place),
    ...(fields.owner === undefined ? {} : { owner: text(fields, 'owner', place) }),
    ...(fields.containers === undefined ? {} : { containers: number(fields, 'containers', place) }),
  };
}

function refusalOf(value: unknown, place: string): Refusal {
  const fields = fieldsOf(value, place);
  return {
    ...installedOf(fields, place),
    id: text(fields, 'id', place),
    at: text(fields, 'at', place),
    check: text(fields, 'check', place),
    reason: text(fields, 'reason', place),
    ...(fields.kept === undefined ? {} : { kept: text(fields, 'kept', place) }),
    ...(fields.setAside === undefined ? {} : { setAside: text(fields, 'setAside', place) }),
  };
}

const events = ['installed', 'blessed', 'fell-back', 'rolled-back', 'set-aside'] as const;

function eventOf(value: unknown, place: string): HistoryEntry {
  const fields = fieldsOf(value, place);
  return {
    ...installedOf(fields, place),
    at: text(fields, 'at', place),
    event: oneOf(fields, 'event', place, events),
    message: text(fields, 'message', place),
  };
}

function installedOf(fields: Fields, place: string): Installed {
  const roothash = text(fields, 'roothash', place);
  if (!/^[0-9a-f]{64}$/.test(roothash)) throw new Error(`${place}.roothash is not 64 hexadecimal digits`);
  return {
    version: text(fields, 'version', place),
    roothash,
    slot: oneOf<SlotName>(fields, 'slot', place, ['a', 'b']),
  };
}

function fieldsOf(value: unknown, place: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${place} is not an object`);
  return value as Fields;
}

function list<T>(fields: Fields, name: string, item: (value: unknown, place: string) => T, place?: string): T[] {
  const at = place === undefined ? name : `${place}.${name}`;
  const value = fields[name];
  if (!Array.isArray(value)) throw new Error(`${at} is not a list`);
  return value.map((each, index) => item(each, `${at}[${index}]`));
}

function text(fields: Fields, name: string, place: string): string {
  return wordOf(fields[name], `${place}.${name}`);
}

function wordOf(value: unknown, place: string): string {
  if (typeof value !== 'string') throw new Error(`${place} is not a text`);
  return value;
}

function number(fields: Fields, name: string, place: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Error(`${place}.${name} is not a number`);
  return value;
}

function flag(fields: Fields, name: string, place: string): boolean {
  const value = fields[name];
  if (typeof value !== 'boolean') throw new Error(`${place}.${name} is neither true nor false`);
  return value;
}

function oneOf<T extends string>(fields: Fields, name: string, place: string, values: readonly T[]): T {
  const value = values.find(known => known === fields[name]);
  if (value === undefined) throw new Error(`${place}.${name} is none of ${values.join(', ')}`);
  return value;
}
