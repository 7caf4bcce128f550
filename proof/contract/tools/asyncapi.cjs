// Says what the parser of AsyncAPI finds wrong with a document, and fails where it finds anything.
const { readFileSync } = require("node:fs");
const { Parser } = require("@asyncapi/parser");

new Parser().validate(readFileSync(process.argv[2], "utf8")).then((found) => {
  // 0 is an error, 1 a warning; what is left is advice, such as to use a newer version.
  const wrong = found.filter(({ severity }) => severity <= 1);
  for (const { code, message, path } of wrong) console.log(code, message, path.join("."));
  process.exitCode = wrong.length > 0 ? 1 : 0;
});
