/** Options of kube-apiserver that `kube-apiserver-arg` passes on, as the server that gets them judges them. */
import { apiServerArgumentNames, apiServerArgumentProblem } from '../../../apiserver/arguments.ts';

interface PassedOn {
  readonly name: string;
  /** Undefined: there is no "=". */
  readonly value: string | undefined;
}

export function passedOnOf(argument: string): PassedOn {
  const [, name = '', value] = /^-{0,2}([^=]*)(?:=([\s\S]*))?$/.exec(argument) ?? [];
  return { name, value };
}

/** What is wrong with the `at`th of several `NAME=VALUE`, by itself or beside the others. */
export function apiServerArgument(given: readonly string[], at: number): string | undefined {
  const argument = given[at] ?? '';
  const { name, value } = passedOnOf(argument);
  if (!apiServerArgumentNames.includes(name)) return `kube-apiserver's option "${name}" is not available in Atoll`;
  if (value === undefined || value === '') return `"${argument}" must be ${name}=VALUE`;
  const all = given.map(passedOnOf);
  const valuesOf = (wanted: string): readonly string[] =>
    all.flatMap(other => (other.name === wanted && other.value !== undefined ? [other.value] : []));
  const alone = (wanted: string): readonly string[] => (wanted === name ? [value] : valuesOf(wanted));
  const isLast = !all.slice(at + 1).some(other => other.name === name);
  const wrong =
    apiServerArgumentProblem(name, alone) ?? (isLast ? apiServerArgumentProblem(name, valuesOf) : undefined);
  return wrong === undefined ? undefined : `kube-apiserver's option ${name}: ${wrong}`;
}
