/** Asking again: what is safe to ask twice, how often, and how long to wait between. */

import { NoAnswerError, ProblemError } from "./problem.js";

/** How often and how patiently. */
export interface Patience {
  /** Tries at most, the first one included. */
  tries: number;
  /** Milliseconds before the second try; twice as many before each that follows. */
  pause: number;
  /** Milliseconds at most between two tries, whatever `Retry-After` says. */
  pauseMax: number;
  /** Milliseconds that one try may take. */
  timeout: number;
}

/** Enough for a restart of what is asked. */
export const PATIENCE: Patience = { tries: 6, pause: 100, pauseMax: 10_000, timeout: 35_000 };

/** Statuses after which the same may be asked again as it is. */
const AGAIN = new Set([408, 429, 502, 503, 504]);

/** Asks until there is an answer that is not for now alone, or patience ends. */
export async function patiently(
  ask: (signal: AbortSignal) => Promise<Response>,
  patience: Patience,
  { key, signal, random = Math.random }: {
    key?: string | undefined;
    signal?: AbortSignal | undefined;
    random?: () => number;
  } = {},
): Promise<Response> {
  for (let tried = 1; ; tried += 1) {
    let failed: ProblemError | NoAnswerError;
    let wanted: number | undefined;
    try {
      const timeout = AbortSignal.timeout(patience.timeout);
      const answer = await ask(signal ? AbortSignal.any([signal, timeout]) : timeout);
      if (answer.ok || answer.status === 304) return answer;
      const problem = await ProblemError.of(answer);
      if (!AGAIN.has(answer.status)) throw problem;
      [failed, wanted] = [problem, problem.retryAfter];
    } catch (error) {
      if (error instanceof ProblemError || signal?.aborted) throw error;
      failed = new NoAnswerError(key, { cause: error });
    }
    if (tried >= patience.tries) throw failed;
    // Not all at once: half of the pause, and some of the other half.
    const pause = patience.pause * 2 ** (tried - 1) * (0.5 + random() / 2);
    await sleep(Math.min(Math.max(pause, wanted ?? 0), patience.pauseMax), signal);
  }
}

function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
