/** The finishing steps in their order. */
import { checks } from './checks.ts';
import { unusedExports } from './exports.ts';
import { firmware } from './firmware.ts';
import { libraries } from './libraries.ts';
import {
  busyboxApplets,
  certificates,
  clock,
  emptyVar,
  identity,
  iptablesLinks,
  nameService,
  regulatoryLinks,
  skeleton,
} from './small.ts';
import type { FinishingStep } from './step.ts';
import { trim } from './trim.ts';
import { units } from './units.ts';
import { unwindTables } from './unwind.ts';
import { usersAndGroups } from './users.ts';

export const finishingSteps: readonly FinishingStep[] = [
  usersAndGroups,
  certificates,
  trim,
  emptyVar,
  skeleton,
  identity,
  nameService,
  iptablesLinks,
  regulatoryLinks,
  firmware,
  busyboxApplets,
  clock,
  units,
  libraries,
  unusedExports,
  unwindTables,
  checks,
];
