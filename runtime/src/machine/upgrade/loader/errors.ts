/** What the loaders and the state of upgrades throw: what, where, why; and in `hint` what to do. */
export class LoaderError extends Error {
  override readonly name = 'LoaderError';
  constructor(
    /** `NOT_STAGED`: the staged kernel is not the one to be armed. `LAST`: nothing else could boot. `UNKNOWN_ENTRY`. `ENVIRONMENT`: U-Boot's. */
    readonly code: 'NOT_STAGED' | 'LAST' | 'UNKNOWN_ENTRY' | 'ENVIRONMENT',
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
