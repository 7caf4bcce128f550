/** What the types allow and what they do not: checked by tsc, never run. */

import { commands, reads, type CommandSchemas } from "../src/index.js";

const shop = commands({ url: "http://127.0.0.1:8080" });
const shelves = reads({ url: "http://127.0.0.1:8081", token: async () => "token" });
const id = "0190d000-0000-7000-8000-00000000aaaa";

export async function allowed(): Promise<string> {
  const cart = await shop.post("/v1/carts", { body: { currency: "EUR" } }, { key: "a" });
  await shop.post("/v1/carts/{id}/abandon", { path: { id } });
  await shop.patch("/v1/products/{id}", { path: { id }, body: { title: "Tote", brand: null } });
  await shop.delete("/v1/carts/{id}/lines/{sku}", { path: { id, sku: "TOTE" } });
  const order = await shelves.get("/v1/orders/{id}", { path: { id } }, { after: cart });
  const page = await shelves.get("/v1/orders", { query: { status: "confirmed", limit: 5 } });
  await shelves.get("/v1/projections", {});
  const total: CommandSchemas["Money"] = order.data.total;
  return total.amount + page.data.items.map(({ number }) => number).join();
}

export async function refused(): Promise<void> {
  // @ts-expect-error there is no such path
  await shop.post("/v1/cart", {});
  // @ts-expect-error this path knows no GET
  await shop.get("/v1/carts", {});
  // @ts-expect-error the body must be there
  await shop.post("/v1/carts", {});
  // @ts-expect-error no currency is called so
  await shop.post("/v1/carts", { body: { currency: "XXX" } });
  // @ts-expect-error the id must be there
  await shelves.get("/v1/orders/{id}", {});
  // @ts-expect-error no order stands so
  await shelves.get("/v1/orders", { query: { status: "lost" } });
}
