//! What else of a person comes in, by others' hands: what is written of a return and a refund, who
//! is looked for by what is known of them, colleagues who leave, and people out of files.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use uuid::Uuid;

use super::markers::{digits, unmistakable};
use super::shop::{Person, Shop, id, text};
use crate::stack;

/// As Shopify exports its customers, with what people write beside them.
const CUSTOMERS: &str = "Customer ID,First Name,Last Name,Email,Default Address Company,\
    Default Address Address1,Default Address Address2,Default Address City,\
    Default Address Province Code,Default Address Country Code,Default Address Zip,Phone,Note,Tags";
/// The same of its orders.
const ORDERS: &str = "Name,Email,Financial Status,Created at,Currency,Lineitem quantity,\
    Lineitem name,Lineitem price,Lineitem sku,Shipping Name,Shipping Address1,Shipping Address2,\
    Shipping Company,Shipping City,Shipping Zip,Shipping Province,Shipping Country,Shipping Phone,\
    Notes,Note Attributes";

impl Shop {
    /// Buys once more, is not at home, sends it back twice, and is given some of the money.
    pub async fn send_back(&mut self, person: &mut Person) {
        let (owner, token) = (self.owner.clone(), person.token.clone());
        let cart = self.fill_cart(&token).await;
        let order = self.check_out(&token, &cart, &person.addresses[1]).await;
        let pay = json!({"order_id": order, "method": "cash_on_delivery"});
        let payment = id(&self.ask(&token, "/v1/payments", pay).await);
        self.until(&format!("/v1/orders/{order}"), &token, "confirmed").await;
        let parcel = id(&self.ask(&owner, "/v1/fulfilments", json!({ "order_id": order })).await);
        let away = self.personal.add("why it was not taken", unmistakable("Locked herself in "));
        for (fate, body) in [
            ("pack", json!({})),
            ("ship", json!({"carrier": "DHL"})),
            ("fail", json!({ "reason": away })),
            ("deliver", json!({})),
        ] {
            self.ask(&owner, &format!("/v1/fulfilments/{parcel}/{fate}"), body).await;
        }
        self.ask(&owner, &format!("/v1/payments/{payment}/collect"), json!({})).await;
        let refused = self.ask_back(&token, &order, "My sister wears ").await;
        let no = self.personal.add("why a return is refused", unmistakable("She wore it to "));
        self.ask(&owner, &format!("/v1/returns/{refused}/reject"), json!({ "reason": no })).await;
        let back = self.ask_back(&token, &order, "My doctor says ").await;
        self.ask(&owner, &format!("/v1/returns/{back}/approve"), json!({})).await;
        self.refund(&back, &payment).await;
        person.orders.push(order);
    }

    async fn ask_back(&mut self, token: &str, order: &str, why: &str) -> String {
        let reason = self.personal.add("reason of a return", unmistakable(why));
        let lines = json!([{"sku": "TOTE", "quantity": 1}]);
        let wanted = json!({"order_id": order, "lines": lines, "reason": reason});
        id(&self.ask(token, "/v1/returns", wanted).await)
    }

    /// Takes it in, puts that right, and gives some of its money back.
    async fn refund(&mut self, back: &str, payment: &str) {
        let owner = self.owner.clone();
        let mut note = |what, begin| self.personal.add(what, unmistakable(begin));
        let worn = note("why less is given back", "Smells of her ");
        let right = note("why a receipt is put right", "Her brother called ");
        let gives = note("reason of a refund", "Her aunt asked ");
        let less = json!({"amount": {"amount": "5.00", "currency": "EUR"}, "reason": worn});
        let came = json!([{"sku": "TOTE", "quantity": 1, "location": "main"}]);
        let receive = json!({"lines": came, "withheld": less});
        self.ask(&owner, &format!("/v1/returns/{back}/receive"), receive).await;
        let correct = json!({"lines": came, "reason": right});
        self.ask(&owner, &format!("/v1/returns/{back}/correct-receipt"), correct).await;
        let amount = json!({"amount": "1.00", "currency": "EUR"});
        let refund = json!({"amount": amount, "reason": gives});
        self.ask(&owner, &format!("/v1/payments/{payment}/refund"), refund).await;
    }

    /// The back office looks for them, who have forgotten their password.
    pub async fn look_for(&self, person: &Person) {
        let me = self.get(self.commands("/v1/people/me"), &person.token).await.1;
        let me: Value = serde_json::from_str(&me).unwrap();
        let known = |name: &str| text(&me, name);
        let wanted =
            [("email", person.email.clone()), ("name", known("name")), ("phone", known("phone"))];
        for (name, word) in wanted {
            let url = self.stack.query.url("/v1/orders");
            let ask = self.client.get(url).query(&[(name, &word)]).bearer_auth(&self.owner);
            let found = self.done(ask, name).await;
            assert!(!found["items"].as_array().unwrap().is_empty(), "{name} finds nobody");
        }
        let unknown = format!("{}@shop.example", unmistakable("nobody"));
        for email in [&person.email, &unknown] {
            self.ask("", "/v1/people/reset", json!({ "email": email })).await;
        }
    }

    /// Somebody who works here, and then does not.
    pub async fn colleague(&mut self) {
        let owner = self.owner.clone();
        let email = format!("{}@shop.example", unmistakable("clerkib"));
        let email = self.personal.add("e-mail of a colleague", email);
        let password = self.secret.add("password of a colleague", unmistakable("Correct mule "));
        let invited = json!({"email": email, "role": "staff"});
        let invited = self.ask(&owner, "/v1/staff", invited).await;
        let lets_in = self.secret.add("invitation", text(&invited, "invitation"));
        let join = json!({"invitation": lets_in, "password": password});
        self.ask("", "/v1/staff/join", join).await;
        let me = json!({"email": email, "password": password});
        let me = self.ask("", "/v1/sessions", me).await;
        self.secret.add("token of a colleague", text(&me, "token"));
        let path = format!("/v1/staff/{}", text(&me, "id"));
        self.ask(&owner, &format!("{path}/disable"), json!({})).await;
        let gone = self.commands(&path);
        self.done(self.client.delete(gone).bearer_auth(&owner), "a colleague leaves").await;
    }

    /// People out of files.
    pub fn people_of_files(&mut self) {
        let customers = self.customer_of_a_file();
        self.import("customers", &format!("{CUSTOMERS}\n{customers}\n"));
        let orders = self.order_of_a_file();
        self.import("orders", &format!("{ORDERS}\n{orders}\n"));
    }

    fn customer_of_a_file(&mut self) -> String {
        let mut word = |what, begin| self.personal.add(what, unmistakable(begin));
        let (first, last) = (word("imported first name", "Zdenk"), word("imported name", "Quill"));
        let email = word("imported e-mail", "zdenka") + "@quill.example";
        let company = word("imported company", "Quillandco");
        let (street, door) = (word("imported street", "Marrowg"), word("imported line", "Hofib"));
        let (town, region) = (word("imported town", "Grazib"), word("imported region", "Steierib"));
        let (note, tag) = (word("imported note", "likes "), word("imported tag", "vip-of-"));
        let phone = digits(9);
        let phone = self.personal.add("imported phone", format!("151{phone}"));
        format!(
            "7001,{first},{last},{email},{company},{street},{door},{town},{region},DE,12345,\
             +49{phone},{note},{tag}"
        )
    }

    fn order_of_a_file(&mut self) -> String {
        let mut word = |what, begin| self.personal.add(what, unmistakable(begin));
        let email = word("e-mail of an imported order", "ursula") + "@plinth.example";
        let name = word("name of an imported order", "Ursula Plinth");
        let (street, door) = (word("street of an order", "Kelprow"), word("its line", "Backyard"));
        let (company, town) = (word("its company", "Plinthandco"), word("its town", "Dovrib"));
        let (region, note) = (word("its region", "Kentib"), word("its note", "ring twice "));
        let more = word("its attributes", "birthday ");
        let phone = digits(9);
        let phone = self.personal.add("phone of an imported order", format!("151{phone}"));
        format!(
            "#1001,{email},paid,2024-05-01 10:00:00 +0200,EUR,1,Tote,20.00,TOTE,{name},{street},\
             {door},{company},{town},12345,{region},DE,+49{phone},{note},{more}"
        )
    }

    fn import(&self, what: &str, csv: &str) {
        let file = std::env::temp_dir().join(format!("{what}-{}.csv", Uuid::now_v7().simple()));
        fs::write(&file, csv).unwrap();
        let mut command = Command::new(harness::built("command-api"));
        command.args(["import", what]).arg(&file).envs(self.told.iter().cloned());
        if what == "orders" {
            command.args(["--currency", "EUR"]);
        }
        let output = command.env("DATABASE_URL", stack::database(&self.db)).output().unwrap();
        fs::remove_file(&file).unwrap();
        let said = [output.stdout, output.stderr].concat();
        let told = String::from_utf8_lossy(&said);
        assert!(output.status.success(), "{what}: {told}");
        assert!(told.contains('1'), "{what}: nothing was taken in: {told}");
        self.problems.borrow_mut().push((format!("what an import of {what} says"), said));
    }
}
