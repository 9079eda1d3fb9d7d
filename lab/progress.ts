/** Progress of a long step: each new stage at once, and a line at least every 10 s. */

export type OnProgress = (line: string) => void;

const HEARTBEAT_MS = 8000;

export interface Progress {
  /** Sets the current stage. */
  readonly stage: (stage: string) => void;
  readonly stop: () => void;
}

/** Reports `subject: stage (N s)` through `onProgress` until stopped. */
export const startProgress = (subject: string, onProgress: OnProgress | undefined): Progress => {
  const started = performance.now();
  let current = "";
  const say = (): void =>
    onProgress?.(`${subject}: ${current} (${Math.round((performance.now() - started) / 1000)} s)`);
  let timer = setInterval(say, HEARTBEAT_MS);
  timer.unref();
  return {
    stage(stage) {
      if (stage === current) return;
      current = stage;
      clearInterval(timer);
      timer = setInterval(say, HEARTBEAT_MS);
      timer.unref();
      say();
    },
    stop: () => clearInterval(timer),
  };
};
