/** Events of events.k8s.io and of core are the same objects; these are their fields' two names (upstream: `pkg/apis/events/v1/conversion.go`). */
import type { KubeObject } from '../../object.ts';

/** By core's name. */
const NAMES: Readonly<Record<string, string>> = {
  involvedObject: 'regarding',
  message: 'note',
  reportingComponent: 'reportingController',
  source: 'deprecatedSource',
  firstTimestamp: 'deprecatedFirstTimestamp',
  lastTimestamp: 'deprecatedLastTimestamp',
  count: 'deprecatedCount',
};
const BACK = Object.fromEntries(Object.entries(NAMES).map(([core, name]) => [name, core]));

function rename(event: KubeObject, names: Readonly<Record<string, string>>): void {
  for (const [from, to] of Object.entries(names)) {
    const value = event[from];
    delete event[from];
    if (value !== undefined) event[to] = value;
  }
}

/** In place. */
export const toCoreEvent = (event: KubeObject): void => rename(event, BACK);
/** In place. */
export const fromCoreEvent = (event: KubeObject): void => rename(event, NAMES);
