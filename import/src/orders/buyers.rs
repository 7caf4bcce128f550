//! Who ordered, and where it went: kept in the vault, before an order refers to it. An order of the
//! log names both by ids alone.

use std::collections::HashMap;

use chrono::Utc;
use domain::{AddressId, CustomerId, OrderId};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use identity::people::People;
use vault::DataSubject;
use vault::records::Kind;

use super::history::PastOrder;
use crate::catalogue::READS_AT_ONCE;
use crate::csv::table::{Row, Table};
use crate::people::columns::PersonColumns;
use crate::people::{self, Acquaintance, FilePerson, UNPROVEN};
use crate::report::Report;
use crate::{Error, ids};

/// What a file calls the address that an order went to.
const ADDRESS: &str = "shipping";

/// Who is behind the orders of a file.
pub struct Buyers {
    columns: PersonColumns,
    /// By order, as the first of its rows tells that tells anything.
    by_order: HashMap<OrderId, (u64, FilePerson)>,
}

impl Buyers {
    /// Of which `table` tells.
    pub fn find(table: &Table) -> Self {
        Self { columns: PersonColumns::find(table, ADDRESS), by_order: HashMap::new() }
    }

    /// Whether the file says of an order what only the vault keeps: who ordered, by their e-mail,
    /// or where it went. A customer's number alone is no secret.
    pub fn are_personal(&self) -> bool {
        self.by_order.values().any(|(_, who)| who.email.is_some() || who.address.is_some())
    }

    /// Takes down whom a row is about.
    pub fn add(&mut self, order: &str, row: &Row, report: &mut Report) {
        let order = ids::order(order);
        let is_known = |known: &(u64, FilePerson)| known.1.tells_anything();
        if !self.by_order.get(&order).is_some_and(is_known) {
            self.by_order.insert(order, (row.line, self.columns.person(row, report)));
        }
    }

    /// Keeps who ordered, each once, and says so in the orders; but for those that were recorded
    /// before, whoever was forgotten since.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn settle(
        mut self,
        people: &People,
        orders: &mut [PastOrder],
        report: &mut Report,
    ) -> Result<(), Error> {
        let mut who = HashMap::new();
        let mut wanted = Vec::new();
        for order in orders.iter().filter(|order| !order.is_recorded) {
            let Some((line, person)) = self.by_order.get(&order.id) else { continue };
            if let Some(key) = person.key()
                && !who.contains_key(&key)
            {
                who.insert(key.clone(), Acquaintance::Nobody);
                wanted.push((*line, key, person.clone()));
            }
        }
        let now = Utc::now();
        let keep = |(line, key, person): (u64, String, FilePerson)| async move {
            people::keep(people, &person, now).await.map(|who| (line, key, who))
        };
        let mut kept = stream::iter(wanted).map(keep).buffered(READS_AT_ONCE);
        let mut new = 0;
        while let Some((line, key, is)) = kept.try_next().await? {
            match is {
                Acquaintance::New(_) => new += 1,
                Acquaintance::Colleague => report.remark(line, "who ordered works for the shop"),
                Acquaintance::Unproven => report.remark(line, UNPROVEN),
                Acquaintance::Forgotten => report.remark(line, "who ordered was forgotten here"),
                Acquaintance::Known(_) | Acquaintance::Nobody => {}
            }
            who.insert(key, is);
        }
        drop(kept);
        if new > 0 {
            report.fact(format!("{new} customers are new here"));
        }
        for order in orders.iter_mut().filter(|order| !order.is_recorded) {
            let Some((_, person)) = self.by_order.remove(&order.id) else { continue };
            let is = person.key().and_then(|key| who.get(&key).copied());
            let customer = match is {
                Some(Acquaintance::New(id) | Acquaintance::Known(id)) => Some(CustomerId(id)),
                Some(Acquaintance::Forgotten) => continue,
                // Whom the file's number names, if it has one, and nobody who is here.
                Some(Acquaintance::Colleague | Acquaintance::Unproven | Acquaintance::Nobody)
                | None => order.customer,
            };
            order.customer = customer;
            order.address = address(people, order.id, customer, &person).await?;
        }
        Ok(())
    }
}

/// Keeps where an order went. Of whom nothing is known, it is about who is in it alone.
async fn address(
    people: &People,
    order: OrderId,
    customer: Option<CustomerId>,
    person: &FilePerson,
) -> Result<Option<AddressId>, Error> {
    let Some(address) = &person.address else { return Ok(None) };
    let id = ids::address_of_order(order);
    let of = DataSubject(customer.map_or(id, |customer| customer.0));
    if !people::keep_address(people, (id, of), address, false, Utc::now()).await? {
        return Ok(None);
    }
    people.vault().take_into_use(Kind::Address, id).await?;
    Ok(Some(AddressId(id)))
}
