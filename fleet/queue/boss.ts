import { hostname, userInfo } from "node:os";
import { PgBoss } from "pg-boss";
import { z } from "zod";
import { backendUrl } from "../stack/clean/checkpoint.ts";
import { CommandError } from "../ground/command-error.ts";
import { databaseError, shownDatabase } from "../ground/database.ts";

/** One job: one operation on one stack. */
export const jobSchema = z.strictObject({
  stack: z.string(),
  engine: z.boolean(),
  /**
   * Digests of the program and of the stack file when the job was filed. A worker with other digests refuses the job.
   */
  program: z.string(),
  config: z.string(),
  by: z.string(),
});
export type Job = Readonly<z.infer<typeof jobSchema>>;

/** A worker's result: the state of each host, as the table shows it. */
export const outcomeSchema = z.strictObject({
  worker: z.string(),
  proved: z.boolean(),
  hosts: z.array(
    z.strictObject({
      host: z.string(),
      result: z.enum(["clean", "changes", "changed", "destroyed", "failed", "left"]),
      message: z.string(),
      changes: z.number().optional(),
    }),
  ),
});
export type Outcome = Readonly<z.infer<typeof outcomeSchema>>;

export const QUEUE = "up";

/** Steps travel by NOTIFY: every follower receives them, and nothing has to store them. */
export const CHANNEL = "vfio_fleet";

const SCHEMA = "vfio_fleet";

/** A worker without a heartbeat for this long counts as dead. pg-boss allows no less than ten. */
const HEARTBEAT_SECONDS = 15;

/** The queue's database: the one that holds Pulumi's states. */
export const databaseUrl = (given: string | undefined): string => {
  const url = given ?? backendUrl(process.env as Record<string, string>, undefined);
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new CommandError(
      `a queue needs PostgreSQL, but Pulumi's states are in ${url === "" ? "no backend yet" : shownDatabase(url)}: log in to postgres://… (pulumi login), or name a database with --database`,
      { exitCode: 1 },
    );
  const at = new URL(url);
  // a setting of Pulumi, unknown to PostgreSQL
  at.searchParams.delete("table");
  return at.href;
};

export const whoAmI = (): string => `${userInfo().username}@${hostname()} (pid ${process.pid})`;

/**
 * Connects and creates the queue. It runs one job a stack at a time, and gives the job of a dead worker to another.
 * @param trouble receives connection errors; the connection is made again by itself
 * @throws {CommandError} when the database does not answer now
 */
export const startBoss = async (url: string, trouble: (error: Error) => void): Promise<PgBoss> => {
  const boss = new PgBoss({
    connectionString: url,
    schema: SCHEMA,
    superviseIntervalSeconds: 5,
    monitorIntervalSeconds: 5,
  });
  boss.on("error", trouble);
  try {
    await boss.start();
    await boss.createQueue(QUEUE, {
      policy: "exclusive",
      heartbeatSeconds: HEARTBEAT_SECONDS,
      // An up may wait for a slow host's initramfs and reboot.
      expireInSeconds: 6 * 3600,
      retryLimit: 100,
      retryDelay: 1,
      deleteAfterSeconds: 24 * 3600,
    });
    return boss;
  } catch (error) {
    throw databaseError(url, error);
  }
};
