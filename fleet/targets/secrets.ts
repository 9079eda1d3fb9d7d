import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import { connectionSecretsSchema, type ConnectionSecrets } from "../../components/ssh/connection-schema.ts";
import { PROJECT } from "../stack/stack-file.ts";

const run = promisify(execFile);

const answerSchema = z.record(z.string(), z.object({ value: z.string() }).loose());
const secretsSchema = z.record(z.string(), connectionSecretsSchema);

/**
 * A stack's `vfio-fleet:secrets`, decrypted by the Pulumi on PATH; nothing else can decrypt them. The result is empty
 * without Pulumi, a login or the passphrase. Then hosts that need secrets report that themselves.
 */
export const stackSecrets = async (
  stack: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Readonly<Record<string, ConnectionSecrets>>> => {
  try {
    const { stdout } = await run("pulumi", ["config", "--show-secrets", "--json", "--stack", stack], {
      cwd: PROJECT,
      env: environment,
      timeout: 30_000,
    });
    const value = answerSchema.parse(JSON.parse(stdout))["vfio-fleet:secrets"]?.value;
    return value === undefined ? {} : secretsSchema.parse(JSON.parse(value));
  } catch {
    return {};
  }
};
