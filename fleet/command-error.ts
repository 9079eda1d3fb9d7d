/** Something that the person at the terminal can put right: printed without a stack, exit status 2. */
export class CommandError extends Error {
  override name = "CommandError";
}
