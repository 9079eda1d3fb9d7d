/**
 * The hosts of the stack that this process runs for, asked before Pulumi is loaded: that keeps the main thread busy for
 * longer than a host takes to let us in and to answer. Pulumi.yaml has Node import this before the program (nodeargs);
 * where that is not honoured, the program does.
 */
import "./quick-load.ts";
import type { Facts } from "../components/facts/facts.ts";
import type { Connection } from "../components/ssh/connection.ts";
import { configured } from "./configured.ts";
import { dialledHosts } from "./dialled.ts";

export interface HostAnswer {
  readonly connection: Connection;
  /** rejected with what askHost throws */
  readonly facts: Promise<Facts>;
  /** whether libvirt can be connected to: known before the facts are */
  readonly libvirt: Promise<boolean>;
}

const ask = async (): Promise<ReadonlyMap<string, HostAnswer>> => {
  // the hosts are dialled meanwhile
  const [{ probeQuestion }, { askHost }, { readStack }] = await Promise.all([
    import("../components/host/host-question.ts"),
    import("../components/probe/ask.ts"),
    import("./read.ts"),
  ]);
  const stack = readStack({
    hosts: configured("hosts"),
    defaults: configured("defaults"),
    labels: configured("labels"),
    secrets: configured("secrets"),
  });
  // the program reads the same and tells what is wrong with it
  if (!stack.ok) return new Map();
  const dialled = await dialledHosts();
  return new Map(
    Object.entries(stack.value.hosts).flatMap(([name, spec]) => {
      const host = dialled.get(name);
      if (!host) return [];
      const { connection, shell } = host;
      const libvirt = Promise.withResolvers<boolean>();
      const facts = askHost(connection, probeQuestion(spec), Promise.resolve(shell), () =>
        libvirt.resolve(true),
      );
      // a failure is told to the program when it looks
      facts.then(
        () => libvirt.resolve(false),
        () => libvirt.resolve(false),
      );
      return [[name, { connection, facts, libvirt: libvirt.promise }] as const];
    }),
  );
};

/** Every host of a stack without mistakes, by name. */
export const askedHosts: ReadonlyMap<string, HostAnswer> = await ask().catch(() => new Map());
