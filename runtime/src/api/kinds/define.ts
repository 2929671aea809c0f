import type { KindModule } from './kind.ts';

/** A kind's module, typed inside and plain outside: the index holds them all alike. */
export function defineKind<T>(module: KindModule<T>): KindModule {
  return module as unknown as KindModule;
}

/** Sets `object[field]` where it is unset. */
export function setDefault<T, K extends keyof T>(object: T, field: K, value: NonNullable<T[K]>): void {
  object[field] ??= value;
}
