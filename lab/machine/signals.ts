/** Cleanup when a signal ends this process in the middle of work. */
import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Runs `work`. A signal during it runs `onSignal` once, then ends this process with the signal's usual exit status.
 */
export const withSignals = async <Result>(
  onSignal: () => void | Promise<void>,
  work: () => Promise<Result>,
): Promise<Result> => {
  let ending: Promise<never> | undefined;
  const handler = (signal: NodeJS.Signals): void => {
    ending ??= (async () => {
      await onSignal();
      process.exit(128 + constants.signals[signal]);
    })();
  };
  for (const signal of SIGNALS) process.on(signal, handler);
  try {
    const result = await work();
    await ending;
    return result;
  } catch (error) {
    await ending;
    throw error;
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, handler);
  }
};
