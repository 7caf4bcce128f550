//! What commands say about people goes into the vault: whose an address is, what is paid with, and
//! that nothing of it stands in the log.

use axum::http::StatusCode;
use domain::{CustomerId, GuestId};
use identity::Role;
use identity::token::Subject;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::known::Known;
use crate::shop::{Answer, Ask, ask, keyed, keyed_step, post, put};

/// Words that are told of somebody here, and must stand nowhere.
const WORDS: [&str; 6] = [
    "Xanthippe",
    "Quellenhofweg",
    "Zwiebelstadt",
    "0171 5550123",
    "xanthippe@mail.example",
    "tok_xanthippes_card",
];

impl Known {
    pub async fn staff(&self) -> String {
        self.member(Role::Staff).await
    }

    /// A tote on sale, of which there are enough.
    pub async fn sell(&self) {
        let staff = self.staff().await;
        kit::http::sell("TOTE", 100, async |step| self.done(&staff, keyed_step(step)).await.id())
            .await;
    }

    /// A cart of somebody's with a tote in it.
    pub async fn cart(&self, token: &str) -> String {
        kit::http::fill("TOTE", 1, async |step| self.done(token, keyed_step(step)).await.id()).await
    }

    pub async fn check_out(&self, token: &str, cart: &str, address: &str) -> Answer {
        let address = json!({ "address_id": address });
        self.send(token, keyed(format!("/v1/carts/{cart}/checkout"), &address)).await
    }

    pub async fn address(&self, token: &str) -> String {
        self.done(token, post("/v1/addresses", &json!({ "address": address() }))).await.id()
    }
}

pub fn address() -> Value {
    json!({"name": "Xanthippe Weiß", "lines": ["Quellenhofweg 7"], "postcode": "12345",
           "city": "Zwiebelstadt", "country": "DE", "phone": "0171 5550123",
           "email": "xanthippe@mail.example"})
}

pub fn get(path: impl Into<String>) -> Ask {
    ask(axum::http::Method::GET, path, "")
}

/// Every row of every table, as Postgres prints it.
pub async fn everything(db: &PgPool) -> String {
    let tables = "SELECT format('SELECT coalesce(string_agg(t::text, '' ''), '''') FROM %I t',
                                table_name)
                  FROM information_schema.tables
                  WHERE table_schema = 'public' AND table_type = 'BASE TABLE'";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(db).await.unwrap();
    let mut all = String::new();
    for select in tables {
        let rows: String = sqlx::query_scalar(AssertSqlSafe(select)).fetch_one(db).await.unwrap();
        all += &rows;
    }
    all
}

fn stand_in(all: &str) -> Vec<&'static str> {
    let hex =
        |word: &str| word.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let stands = |word: &&&str| all.contains(**word) || all.contains(&hex(word));
    WORDS.iter().filter(stands).copied().collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn an_address_is_for_whose_it_is(db: PgPool) {
    let open = Known::open(&db);
    open.sell().await;
    let guest = open.token(Subject::Guest(GuestId(Uuid::now_v7()))).await;
    let other = open.token(Subject::Customer(CustomerId(Uuid::now_v7()))).await;
    let staff = open.staff().await;
    let mine = open.address(&guest).await;
    let path = format!("/v1/addresses/{mine}");
    let read = open.done(&guest, get(&path)).await;
    assert_eq!(read.header("cache-control"), Some("no-store"));
    assert_eq!(read.body["name"], "Xanthippe Weiß");
    assert_eq!(open.done(&staff, get(&path)).await.body["city"], "Zwiebelstadt");
    for ask in [get(&path), ask(axum::http::Method::DELETE, &path, "")] {
        assert_eq!(open.send(&other, ask).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(open.done(&other, get("/v1/addresses")).await.body["items"], json!([]));
    let taken = json!({"id": mine, "address": address()});
    let taken = open.send(&other, post("/v1/addresses", &taken)).await;
    assert_eq!((taken.status, taken.code()), (StatusCode::CONFLICT, "already_exists"));
    // Nor may an order of somebody else's go there.
    let cart = open.cart(&other).await;
    let refused = open.check_out(&other, &cart, &mine).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, "unknown_address"));
    let cart = open.cart(&guest).await;
    let placed = open.check_out(&guest, &cart, &mine).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{placed:?}");
    // The shop may keep addresses elsewhere.
    let cart = open.cart(&staff).await;
    let elsewhere = open.check_out(&staff, &cart, &Uuid::now_v7().to_string()).await;
    assert_eq!(elsewhere.status, StatusCode::CREATED, "{elsewhere:?}");
    // Gone from the list, it is still where the order goes.
    open.done(&guest, ask(axum::http::Method::DELETE, &path, "")).await;
    assert_eq!(open.done(&guest, get("/v1/addresses")).await.body["items"], json!([]));
    open.done(&staff, get(&path)).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_wrong_with_an_address_is_said(db: PgPool) {
    let open = Known::open(&db);
    let guest = open.token(Subject::Guest(GuestId(Uuid::now_v7()))).await;
    for (member, value, pointer) in [
        ("country", json!("ZZ"), "/address/country"),
        ("email", json!("nobody"), "/address/email"),
        ("phone", json!("call me"), "/address/phone"),
        ("name", json!(""), "/address/name"),
    ] {
        let mut address = address();
        address[member] = value;
        let refused =
            open.send(&guest, post("/v1/addresses", &json!({ "address": address }))).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{refused:?}");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
    }
    let of_another = json!({"owner_id": Uuid::now_v7(), "address": address()});
    let refused = open.send(&guest, post("/v1/addresses", &of_another)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

/// Who was a guest and signs in is one person, and forgotten as one: no word of theirs is left.
#[sqlx::test(migrations = "../migrations")]
async fn who_is_forgotten_leaves_no_word(db: PgPool) {
    let open = Known::open(&db);
    open.sell().await;
    let guest_id = Uuid::now_v7();
    let guest = open.token(Subject::Guest(GuestId(guest_id))).await;
    let customer_id = Uuid::now_v7();
    let customer = open.token(Subject::Customer(CustomerId(customer_id))).await;
    let of_guest = open.address(&guest).await;
    let cart = open.cart(&guest).await;
    let take = ask(
        axum::http::Method::PUT,
        format!("/v1/carts/{cart}/customer"),
        json!({"customer_id": customer_id}).to_string(),
    );
    open.done(&customer, take.with("guest-token", guest.clone())).await;
    let order = open.check_out(&customer, &cart, &of_guest).await.id();
    let pay = json!({"order_id": order, "method": "card", "token": "tok_xanthippes_card"});
    open.done(&customer, keyed("/v1/payments", &pay)).await;
    let said = json!({"name": "Xanthippe Weiß", "phone": "0171 5550123"});
    open.done(&customer, put("/v1/people/me", &said)).await;
    let export = open.done(&customer, get("/v1/people/me/export")).await.body;
    assert_eq!(export["name"], "Xanthippe Weiß");
    assert_eq!(export["addresses"][0]["city"], "Zwiebelstadt");
    assert_eq!((&export["sign_ins"], &export["second_factor"]), (&json!([]), &json!(false)));
    assert_eq!(stand_in(&everything(&db).await), [""; 0], "sealed before");
    // While their order is under way nobody forgets them without another word.
    let waits = open.send(&customer, post("/v1/people/me/forget", &json!({}))).await;
    assert_eq!((waits.status, waits.code()), (StatusCode::CONFLICT, "orders_open"));
    assert_eq!(waits.body["order_ids"], json!([order]));
    let staff = open.staff().await;
    let by_staff = post(format!("/v1/people/{customer_id}/forget"), &json!({}));
    assert_eq!(open.send(&staff, by_staff).await.code(), "orders_open");
    let insisting = json!({"despite_open_orders": true});
    open.done(&customer, post("/v1/people/me/forget", &insisting)).await;
    assert_eq!(stand_in(&everything(&db).await), [""; 0]);
    // Nobody reads it any more, not the shop either; the order is there, without anybody's name.
    let path = format!("/v1/addresses/{of_guest}");
    assert_eq!(open.send(&customer, get(&path)).await.status, StatusCode::NOT_FOUND);
    let gone = open.send(&staff, get(&path)).await;
    assert_eq!((gone.status, gone.code()), (StatusCode::GONE, "erased"));
    let anew = open.send(&customer, post("/v1/addresses", &json!({ "address": address() }))).await;
    assert_eq!((anew.status, anew.code()), (StatusCode::GONE, "erased"));
    assert!(open.vault.erased(Uuid::nil(), 10).await.unwrap().len() == 2);
    // The shop forgets who asks it by telephone, and tells of whom it knows nothing.
    let forget = |id: Uuid| post(format!("/v1/people/{id}/forget"), &json!({}));
    let nobody = open.send(&staff, forget(Uuid::now_v7())).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    let of_phone = json!({"owner_id": Uuid::now_v7(), "address": address()});
    let to = open.done(&staff, post("/v1/addresses", &of_phone)).await.id();
    let id = of_phone["owner_id"].as_str().unwrap().parse().unwrap();
    let by_phone = open.check_out(&staff, &open.cart(&staff).await, &to).await.id();
    assert_eq!(open.send(&staff, forget(id)).await.body["order_ids"], json!([by_phone]));
    let off = keyed(format!("/v1/orders/{by_phone}/cancel"), &json!({"reason": "not wanted"}));
    open.done(&staff, off).await;
    open.done(&staff, forget(id)).await;
}

/// What the shop keeps for somebody's order without saying whose it is, is theirs by the order:
/// also where they were a guest then.
#[sqlx::test(migrations = "../migrations")]
async fn what_the_shop_says_of_somebody_is_forgotten_with_them(db: PgPool) {
    let known = Known::open(&db);
    known.sell().await;
    let staff = known.staff().await;
    let customer_id = Uuid::now_v7();
    let customer = known.token(Subject::Customer(CustomerId(customer_id))).await;
    let guest = known.token(Subject::Guest(GuestId(Uuid::now_v7()))).await;
    let mut addresses = vec![];
    for whose in [&customer, &guest] {
        let cart = known.cart(whose).await;
        let address = known.address(&staff).await;
        let order = known.check_out(&staff, &cart, &address).await.id();
        let pay = json!({"order_id": order, "method": "card", "token": "tok_xanthippes_card"});
        known.done(&staff, keyed("/v1/payments", &pay)).await;
        addresses.push(address);
        if whose == &guest {
            let mine = put(format!("/v1/orders/{order}/customer"), &json!({}));
            known.done(&customer, mine.with("guest-token", &guest)).await;
        }
    }
    let sealed = "SELECT count(*) FROM vault_records WHERE sealed IS NOT NULL";
    let count: i64 = sqlx::query_scalar(sealed).fetch_one(&db).await.unwrap();
    assert_eq!(count, 4, "two addresses, and what was paid with");
    let insisting = json!({"despite_open_orders": true});
    known.done(&customer, post("/v1/people/me/forget", &insisting)).await;
    for address in addresses {
        let gone = known.send(&staff, get(format!("/v1/addresses/{address}"))).await;
        assert_eq!((gone.status, gone.code()), (StatusCode::GONE, "erased"));
    }
    let count: i64 = sqlx::query_scalar(sealed).fetch_one(&db).await.unwrap();
    assert_eq!(count, 0);
}

/// An address that is somebody else's is not kept for good by whoever names it.
#[sqlx::test(migrations = "../migrations")]
async fn who_names_a_strangers_address_changes_nothing(db: PgPool) {
    let known = Known::open(&db);
    known.sell().await;
    let guest = async || known.token(Subject::Guest(GuestId(Uuid::now_v7()))).await;
    let (one, other) = (guest().await, guest().await);
    let address = known.address(&one).await;
    let refused = known.check_out(&other, &known.cart(&other).await, &address).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, "unknown_address"));
    let in_use: bool = sqlx::query_scalar("SELECT bool_or(in_use) FROM vault_records")
        .fetch_one(&db)
        .await
        .unwrap();
    assert!(!in_use);
}

/// Who signs in takes along what they had ordered as a guest, with its payments; the shop gives
/// nobody's order to anybody.
#[sqlx::test(migrations = "../migrations")]
async fn a_guests_order_becomes_the_customers(db: PgPool) {
    let known = Known::open(&db);
    known.sell().await;
    let [ann, bob] = std::array::from_fn(|_| Uuid::now_v7());
    let of_ann = known.token(Subject::Customer(CustomerId(ann))).await;
    let of_bob = known.token(Subject::Customer(CustomerId(bob))).await;
    let guest = known.token(Subject::Guest(GuestId(Uuid::now_v7()))).await;
    let other = known.token(Subject::Guest(GuestId(Uuid::now_v7()))).await;
    let address = known.address(&guest).await;
    let cart = known.cart(&guest).await;
    let order = known.check_out(&guest, &cart, &address).await.id();
    let pay = json!({"order_id": order, "method": "card", "token": "tok_success"});
    let payment = known.done(&guest, keyed("/v1/payments", &pay)).await.id();

    let path = format!("/v1/orders/{order}/customer");
    let assign = |id: Uuid| put(path.clone(), &json!({ "customer_id": id }));
    for ask in [
        assign(ann),
        assign(ann).with("guest-token", &other),
        assign(bob).with("guest-token", &guest),
    ] {
        let said = known.send(&of_ann, ask).await;
        assert_eq!((said.status, said.code()), (StatusCode::NOT_FOUND, "order_not_found"));
    }
    let said = known.send(&guest, assign(ann)).await;
    assert_eq!(said.code(), "order_not_found");
    let said = known.send(&known.staff().await, assign(ann)).await;
    assert_eq!((said.status, said.code()), (StatusCode::CONFLICT, "order_of_another"));

    // Who asks as a customer means themselves; the shop has to say whom.
    let nobody = put(path.clone(), &json!({}));
    let said = known.send(&known.staff().await, nobody).await;
    let said = (&said.body["errors"][0]["pointer"], &said.body["errors"][0]["code"]);
    assert_eq!(said, (&json!("/customer_id"), &json!("missing_field")));
    let mine = put(path.clone(), &json!({}));
    known.done(&of_ann, mine.with("guest-token", &guest)).await;
    let assigned = known.shop.payload(&format!("order-{order}"), "order.assigned").await;
    assert_eq!(assigned, json!({ "customer_id": ann }));
    let assigned = known.shop.payload(&format!("payment-{payment}"), "payment.assigned").await;
    assert_eq!(assigned, json!({ "customer_id": ann, "order_id": order }));
    let assigned = known.shop.payload(&format!("cart-{cart}"), "cart.assigned").await;
    assert_eq!(assigned, json!({ "customer_id": ann }));
    // Once more is nothing, and it is nobody else's any more.
    known.done(&of_ann, assign(ann).with("guest-token", &guest)).await;
    known.done(&of_ann, assign(ann)).await;
    let said = known.send(&of_bob, assign(bob).with("guest-token", &guest)).await;
    assert_eq!(said.code(), "order_not_found");
    let cancel = || keyed(format!("/v1/orders/{order}/cancel"), &json!({"reason": "no more"}));
    for token in [&guest, &of_bob] {
        assert_eq!(known.send(token, cancel()).await.code(), "order_not_found");
    }
    // What the guest had said of themselves is forgotten with the customer, who waits for nothing
    // any more.
    let forget = || post("/v1/people/me/forget", &json!({}));
    assert_eq!(known.send(&of_ann, forget()).await.body["order_ids"], json!([order]));
    known.done(&of_bob, forget()).await;
    known.done(&of_ann, cancel()).await;
    let reopen = || post(format!("/v1/carts/{cart}/reopen"), &json!({}));
    assert_eq!(known.send(&guest, reopen()).await.code(), "cart_not_found");
    known.done(&of_ann, reopen()).await;
    known.done(&of_ann, forget()).await;
    let staff = known.staff().await;
    let gone = known.send(&staff, get(format!("/v1/addresses/{address}"))).await;
    assert_eq!(gone.code(), "erased");
}

/// A token is sealed, whichever it is; one that only names another is refused.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_paid_with_is_sealed(db: PgPool) {
    let open = Known::open(&db);
    open.sell().await;
    let staff = open.staff().await;
    let cart = open.cart(&staff).await;
    let order = open.done(&staff, keyed(format!("/v1/carts/{cart}/checkout"), &json!({}))).await;
    let pay = |token: &str| json!({"order_id": order.id(), "method": "card", "token": token});
    let named = open.send(&staff, keyed("/v1/payments", &pay("vault:1"))).await;
    assert_eq!(named.status, StatusCode::BAD_REQUEST);
    assert_eq!(named.body["errors"][0]["pointer"], "/token");
    let request = keyed("/v1/payments", &pay("tok_xanthippes_card"));
    let first = open.done(&staff, request.clone()).await;
    // The same request again is the same, though what it sealed has another name.
    let again = open.done(&staff, request).await;
    assert_eq!((again.id(), again.header("idempotent-replayed")), (first.id(), Some("true")));
    let events: String = sqlx::query_scalar("SELECT string_agg(data::text, ' ') FROM events")
        .fetch_one(&db)
        .await
        .unwrap();
    assert!(events.contains(r#""vault:"#) && !events.contains("tok_xanthippes_card"));
}
