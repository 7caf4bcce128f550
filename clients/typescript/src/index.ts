/**
 * A typed client of the commerce engine. Commands go to one API and reads to another; both are
 * asked again where that may help, a command under one key, so that it is done once.
 */

import { Client, type Settings } from "./client.js";
import type { components as CommandComponents, paths as CommandPaths } from "./generated/command-api.js";
import type { components as ReadComponents, paths as ReadPaths } from "./generated/query-api.js";

export { Client, type Answer, type Options, type Settings } from "./client.js";
export { NoAnswerError, ProblemError, type FieldError, type ProblemDetails } from "./problem.js";
export { PATIENCE, type Patience } from "./retry.js";
export type { CommandPaths, ReadPaths };

/** What commands are made of and answered with, by the names of the document. */
export type CommandSchemas = CommandComponents["schemas"];
/** What reads are answered with, by the names of the document. */
export type ReadSchemas = ReadComponents["schemas"];

/** Sends commands. */
export const commands = (settings: Settings): Client<CommandPaths> => new Client<CommandPaths>(settings);

/** Reads. */
export const reads = (settings: Settings): Client<ReadPaths> => new Client<ReadPaths>(settings);
