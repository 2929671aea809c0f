/** `unreachable`: nobody answered, which says nothing of the configuration. `wrong`: somebody did, and it cannot be used. */
export class UrlError extends Error {
  override readonly name = 'UrlError';
  readonly kind: 'unreachable' | 'wrong';
  readonly hint: string | undefined;
  constructor(kind: 'unreachable' | 'wrong', message: string, hint?: string) {
    super(message);
    this.kind = kind;
    this.hint = hint;
  }
}
