// The client against a running engine with the demo shop in it. COMMANDS_URL and READS_URL say where
// it is, TOKEN who asks.

import assert from "node:assert/strict";
import { test } from "node:test";

import { NoAnswerError, ProblemError, commands, reads } from "../dist/index.js";

const { COMMANDS_URL, READS_URL, TOKEN } = process.env;
const patience = { pause: 1 };
const shop = (fetch) => commands({ url: COMMANDS_URL, token: TOKEN, patience, ...(fetch && { fetch }) });
const shelves = reads({ url: READS_URL, token: () => TOKEN });

const cart = async (client = shop()) => {
  const made = await client.post("/v1/carts", { body: { currency: "EUR" } });
  return made.data.id;
};
const line = { sku: "TOTE-COGNAC", quantity: 1 };

test("somebody buys, and sees it", async () => {
  const id = await cart();
  await shop().post("/v1/carts/{id}/lines", { path: { id }, body: line });
  const order = await shop().post("/v1/carts/{id}/checkout", { path: { id }, body: {} });
  assert.equal(order.status, 201);
  const path = { id: order.data.id };
  const seen = await shelves.get("/v1/orders/{id}", { path }, { after: order });
  assert.equal(seen.data.lines[0].sku, line.sku);
  assert.equal(seen.data.status, "pending");
  const off = { path, body: { reason: "the customer changed their mind" } };
  const cancelled = await shop().post("/v1/orders/{id}/cancel", off, { ifMatch: seen.etag, representation: true });
  assert.equal(cancelled.data.status, "cancelled");
  await assert.rejects(shop().post("/v1/orders/{id}/cancel", off, { ifMatch: seen.etag }), (error) => {
    assert.ok(error instanceof ProblemError);
    assert.equal(error.status, 412);
    return true;
  });
});

test("an answer that is lost is asked for again under the same key", async () => {
  const keys = [];
  let lost = 0;
  const losing = async (url, init) => {
    const answer = await fetch(url, init);
    keys.push(init.headers.get("idempotency-key"));
    if (lost++ < 2) throw new TypeError("the connection broke");
    return answer;
  };
  const id = await cart();
  const added = await shop(losing).post("/v1/carts/{id}/lines", { path: { id }, body: line });
  assert.equal(added.replayed, true);
  assert.equal(new Set(keys).size, 1);
  assert.equal(keys.length, 3);
  const seen = await shelves.get("/v1/carts/{id}", { path: { id } }, { after: added });
  assert.equal(seen.data.lines[0].quantity, 1);
  const another = await shop().post("/v1/carts/{id}/lines", { path: { id }, body: line });
  assert.equal(another.replayed, false);
});

test("what takes no key is asked once", async () => {
  for (const [path, body] of [["/v1/guests", {}], ["/v1/api-keys", { name: "till", role: "staff" }]]) {
    for (const fail of [
      () => { throw new TypeError("the connection broke"); },
      () => new Response("{}", { status: 503 }),
    ]) {
      const keys = [];
      const failing = async (_, init) => {
        keys.push(init.headers.get("idempotency-key"));
        return fail();
      };
      const asked = shop(failing).post(path, { body }, { key: "one that means nothing there" });
      await assert.rejects(asked, (error) => error.key === undefined);
      assert.deepEqual(keys, [null]);
    }
  }
  let tried = 0;
  const gone = async () => {
    tried += 1;
    throw new TypeError("nobody is there");
  };
  const reading = reads({ url: READS_URL, patience, fetch: gone });
  await assert.rejects(reading.get("/v1/products", {}), NoAnswerError);
  assert.equal(tried, 6);
});

test("who is told to wait waits", async () => {
  const times = [];
  const busy = async (url, init) => {
    times.push(Date.now());
    if (times.length > 1) return fetch(url, init);
    const problem = { status: 503, code: "overloaded", title: "", detail: "", retry_after: 1 };
    const headers = { "content-type": "application/problem+json", "retry-after": "1" };
    return new Response(JSON.stringify(problem), { status: 503, headers });
  };
  await cart(shop(busy));
  assert.equal(times.length, 2);
  assert.ok(times[1] - times[0] >= 990);
});

test("what is refused is told with its code and its places", async () => {
  const refused = (asked) => asked.then(() => assert.fail("it was done"), (error) => error);
  const id = await cart();
  const empty = await refused(shop().post("/v1/carts/{id}/checkout", { path: { id }, body: {} }));
  assert.ok(empty instanceof ProblemError);
  assert.equal(empty.code, "cart_empty");
  assert.equal(typeof empty.details.position, "number");
  const wrong = await refused(shop().post("/v1/carts/{id}/lines", { path: { id }, body: { ...line, quantity: 0 } }));
  assert.equal(wrong.errors[0].pointer, "/quantity");
  const nothing = async () => { throw new TypeError("nobody is there"); };
  const silent = await refused(shop(nothing).post("/v1/carts", { body: { currency: "EUR" } }));
  assert.ok(silent instanceof NoAnswerError && silent.key);
});

test("a caller who has enough is let go", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(shop().post("/v1/carts", { body: { currency: "EUR" } }, { signal }), /enough/);
});
