/** One API: paths as its document has them, asked patiently. */

import { KEYED } from "./generated/keyed.js";
import { PATIENCE, patiently, type Patience } from "./retry.js";
import type { Asked, AnswerOf, Method, OperationOf, PathsWith } from "./types.js";

/** How an API is reached. */
export interface Settings {
  /** Where it is: `https://shop.example/commands`. */
  url: string;
  /** Who asks: a token, or what gets one before each request. */
  token?: string | (() => string | undefined | Promise<string | undefined>);
  /** How often and how patiently it is asked. */
  patience?: Partial<Patience>;
  /** What is used in place of the runtime's own. */
  fetch?: typeof fetch;
}

/** What may be said beside what is asked. */
export interface Options {
  /**
   * Under which a command takes effect once; made up once a call where none is given. What takes
   * none by its document is asked once, and never again by itself.
   */
  key?: string;
  /** The `ETag` that was read: refused with 412 if it has changed since. */
  ifMatch?: string;
  /**
   * Of a read: as new as what this answer to a command tells of, so that it shows what the command
   * has done. It waits for that as long as `wait` says.
   */
  after?: { data: { position: number } };
  /** Seconds that a read may wait to be as new as was asked; ten where it is to be. */
  wait?: number;
  /** Of a command: whether its answer is the document as the command has left it. */
  representation?: boolean;
  /** Other headers. */
  headers?: Record<string, string>;
  /** Ends it early. */
  signal?: AbortSignal;
}

/** An answer with what stands in its headers. */
export interface Answer<T> {
  data: T;
  status: number;
  etag: string | undefined;
  /** The log it is of. */
  logId: string | undefined;
  /** Whether this is what the key got first. */
  replayed: boolean;
  headers: Headers;
}

/** Seconds that a read waits for what a command has done, where nobody says. */
const WAIT = 10;

interface Anything {
  path?: object | undefined;
  query?: object | undefined;
  body?: unknown;
}

/** A client of an API whose paths are these. */
export class Client<Paths> {
  readonly #url: string;
  readonly #settings: Settings;
  readonly #patience: Patience;

  constructor(settings: Settings) {
    this.#url = settings.url.replace(/\/+$/, "");
    this.#settings = settings;
    this.#patience = { ...PATIENCE, ...settings.patience };
  }

  get<P extends PathsWith<Paths, "get">>(
    path: P,
    asked: Asked<OperationOf<Paths, P, "get">>,
    options?: Options,
  ): Promise<Answer<AnswerOf<OperationOf<Paths, P, "get">>>> {
    return this.#ask("get", path, asked, options);
  }

  post<P extends PathsWith<Paths, "post">>(
    path: P,
    asked: Asked<OperationOf<Paths, P, "post">>,
    options?: Options,
  ): Promise<Answer<AnswerOf<OperationOf<Paths, P, "post">>>> {
    return this.#ask("post", path, asked, options);
  }

  put<P extends PathsWith<Paths, "put">>(
    path: P,
    asked: Asked<OperationOf<Paths, P, "put">>,
    options?: Options,
  ): Promise<Answer<AnswerOf<OperationOf<Paths, P, "put">>>> {
    return this.#ask("put", path, asked, options);
  }

  patch<P extends PathsWith<Paths, "patch">>(
    path: P,
    asked: Asked<OperationOf<Paths, P, "patch">>,
    options?: Options,
  ): Promise<Answer<AnswerOf<OperationOf<Paths, P, "patch">>>> {
    return this.#ask("patch", path, asked, options);
  }

  delete<P extends PathsWith<Paths, "delete">>(
    path: P,
    asked: Asked<OperationOf<Paths, P, "delete">>,
    options?: Options,
  ): Promise<Answer<AnswerOf<OperationOf<Paths, P, "delete">>>> {
    return this.#ask("delete", path, asked, options);
  }

  async #ask<T>(
    method: Method,
    path: string,
    { path: places, query, body }: Anything,
    { key, ifMatch, after, wait, representation, headers: others, signal }: Options = {},
  ): Promise<Answer<T>> {
    const fresh = after === undefined ? {} : { min_position: after.data.position };
    const url = this.#url + filled(path, places) + written({ ...fresh, ...query });
    // Made once a call, whatever comes of the first try: all of them are one command. What takes no
    // key would be done once a try.
    const once = KEYED.has(`${method} ${path}`) ? (key ?? crypto.randomUUID()) : undefined;
    const tries = method === "get" || once !== undefined ? this.#patience.tries : 1;
    const headers = new Headers(others);
    if (once !== undefined) headers.set("idempotency-key", once);
    if (ifMatch !== undefined) headers.set("if-match", ifMatch);
    if (body !== undefined) headers.set("content-type", "application/json");
    if (representation) headers.set("prefer", "return=representation");
    const patience = wait ?? (after === undefined ? undefined : WAIT);
    if (patience !== undefined) headers.set("prefer", `wait=${patience}`);
    const ask = async (signal: AbortSignal) => {
      const token = await this.#token();
      if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
      const init: RequestInit = { method: method.toUpperCase(), headers, signal };
      if (body !== undefined) init.body = JSON.stringify(body);
      return (this.#settings.fetch ?? fetch)(url, init);
    };
    const answer = await patiently(ask, { ...this.#patience, tries }, { key: once, signal });
    const text = await answer.text();
    return {
      data: (text === "" ? undefined : JSON.parse(text)) as T,
      status: answer.status,
      etag: answer.headers.get("etag") ?? undefined,
      logId: answer.headers.get("log-id") ?? undefined,
      replayed: answer.headers.get("idempotent-replayed") === "true",
      headers: answer.headers,
    };
  }

  async #token(): Promise<string | undefined> {
    const { token } = this.#settings;
    return typeof token === "function" ? token() : token;
  }
}

/** A path with its parameters in it. */
function filled(path: string, parameters: object | undefined): string {
  const known = new Map(Object.entries(parameters ?? {}));
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(known.get(name))));
}

/** A query, of which a list is said once for each that is in it. */
function written(query: object | undefined): string {
  const all = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) all.append(name, String(one));
    }
  }
  const text = all.toString();
  return text === "" ? "" : `?${text}`;
}
