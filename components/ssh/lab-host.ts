import type { ConnectionSpec } from "./connection-schema.ts";

/** Whether a connection is to a host of the lab, which writes that ssh_config. */
export const isLabConnection = ({ sshConfig }: Pick<ConnectionSpec, "sshConfig">): boolean =>
  sshConfig?.startsWith(".lab/") === true;

/** The line that starts a host of the lab. */
export const startLabHost = (name: string): string =>
  `start the lab host: npm run lab -- up ${name}${name === "lab-xeon" ? ", or npm run demo" : ""}`;
