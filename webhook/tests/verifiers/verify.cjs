// What a receiver in JavaScript does: verifies a webhook by standardwebhooks. Standard input is
// {"secret", "headers", "body"}; standard output the body, as JSON, or "refused".

const { readFileSync } = require("node:fs");
const { Webhook, WebhookVerificationError } = require("standardwebhooks");

const { secret, headers, body } = JSON.parse(readFileSync(0, "utf8"));
try {
  console.log(JSON.stringify(new Webhook(secret).verify(body, headers)));
} catch (error) {
  if (!(error instanceof WebhookVerificationError)) throw error;
  console.log(JSON.stringify("refused"));
}
