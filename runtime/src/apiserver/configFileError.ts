/** Its message is for whoever wrote the file: `FILE:LINE: what is wrong`, one line a mistake. */
export class ConfigFileError extends Error {
  override readonly name: string = 'ConfigFileError';
  constructor(
    message: string,
    /** Where the right form is described. */
    readonly hint: string,
  ) {
    super(message);
  }
}
