/** Something that the person at the terminal can put right: printed without a stack. */
export class CommandError extends Error {
  override name = "CommandError";
  /** 2 unless the command gives 2 another meaning */
  readonly exitCode: number;

  constructor(message: string, options: ErrorOptions & { readonly exitCode?: number } = {}) {
    super(message, options);
    this.exitCode = options.exitCode ?? 2;
  }
}
