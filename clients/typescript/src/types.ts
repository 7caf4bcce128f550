/** What the documents of the APIs say of a path under a method, as types. */

/** The keys of `T` that are methods of a path. */
export type Method = "get" | "put" | "post" | "patch" | "delete";

/** The paths that know a method. */
export type PathsWith<Paths, M extends Method> = {
  [P in keyof Paths]: Paths[P] extends { [K in M]: infer O } ? ([O] extends [never] ? never : undefined extends O ? never : P) : never;
}[keyof Paths] & string;

/** What is known of a path under a method. */
export type OperationOf<Paths, P extends keyof Paths, M extends Method> =
  Paths[P] extends { [K in M]: infer O } ? O : never;

type Parameters<O, Place extends string> =
  O extends { parameters: infer All } ? (All extends { [K in Place]?: infer Found } ? Found : never) : never;

/** The parameters in a path. */
export type PathParameters<O> = Parameters<O, "path">;

/** The parameters in a query. */
export type QueryParameters<O> = Parameters<O, "query">;

/** The body that is sent as JSON. */
export type BodyOf<O> = O extends { requestBody?: infer B }
  ? NonNullable<B> extends { content: { "application/json": infer J } } ? J : never
  : never;

/** Whether it must be sent. */
type NeedsBody<O> = O extends { requestBody: { content: { "application/json": unknown } } } ? true : false;

type Success = 200 | 201 | 202 | 204;

/** What is answered as JSON. */
export type AnswerOf<O> = O extends { responses: infer All }
  ? {
      [S in keyof All & Success]: All[S] extends { content: { "application/json": infer J } } ? J : undefined;
    }[keyof All & Success]
  : never;

type OptionalIfEmpty<Name extends string, T> = [T] extends [never]
  ? { [K in Name]?: undefined }
  : Record<string, never> extends T ? { [K in Name]?: T } : { [K in Name]: T };

/** What is asked for under a path and a method. */
export type Asked<O> = OptionalIfEmpty<"path", PathParameters<O>> &
  OptionalIfEmpty<"query", QueryParameters<O>> &
  (NeedsBody<O> extends true ? { body: BodyOf<O> } : { body?: BodyOf<O> });
