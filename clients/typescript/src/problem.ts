/** What an API refuses, as RFC 9457 has it. */

import type { components as Commands } from "./generated/command-api.js";
import type { components as Reads } from "./generated/query-api.js";

/** One thing that is wrong with a request, and where. */
export type FieldError = Commands["schemas"]["FieldError"];

/** The body of a refusal. */
export type ProblemDetails = Commands["schemas"]["Problem"] | Reads["schemas"]["Problem"];

/** An answer that says no. Go by `code`, or by `status` where the code is a new one. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";

  constructor(
    readonly status: number,
    readonly code: string,
    readonly details: ProblemDetails | undefined,
    readonly headers: Headers,
  ) {
    super(`${status} ${code}: ${details?.detail ?? "no more is known"}`);
  }

  /** Whether the same request may do better later, under the same key. */
  get passing(): boolean {
    return this.details?.["passing"] === true;
  }

  /** What is wrong with the request, each with its place. */
  get errors(): readonly FieldError[] {
    return this.details?.errors ?? [];
  }

  /** How many milliseconds to wait before it is tried again, if that was said. */
  get retryAfter(): number | undefined {
    const seconds = Number(this.headers.get("retry-after") ?? Number.NaN);
    return Number.isFinite(seconds) ? seconds * 1000 : undefined;
  }

  static async of(answer: Response): Promise<ProblemError> {
    const kind = answer.headers.get("content-type") ?? "";
    const details = kind.includes("json")
      ? ((await answer.json().catch(() => undefined)) as ProblemDetails | undefined)
      : undefined;
    const code = details?.code ?? "unknown";
    return new ProblemError(answer.status, code, details, answer.headers);
  }
}

/**
 * No answer came, however often it was asked. Whether it was done is not known: ask again under the same key,
 * where there is one.
 */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";

  constructor(
    readonly key: string | undefined,
    options: { cause: unknown },
  ) {
    super("no answer came", options);
  }
}
