//! `/v1/orders`: orders with their payments, parcels and returns.

use domain::page::order::{self, Document, FulfilmentStatus, PaymentStatus, Status};
use domain::page::order_keys::tracking_key;
use domain::{Currency, OrderId, ReadModel};
use identity::{Access, Principal};
use service::Problem;
use uuid::Uuid;
use vault::{Email, Phone};

use crate::app::App;
use crate::cursor::{Kind, in_range};
use crate::included::Include;
use crate::list::{ListQuery, query, sorts};
use crate::listing::{CREATED, Listing, SortKeys, WriteCsv, word};
use crate::one::resource;
use crate::past::Time;
use crate::people::{self, Found, PersonWanted};
use crate::resources::order_csv;
use crate::scope::ListScope;

resource! {
    /// An order.
    Order = "order", of Orders in "orders";
    stream Order(OrderId);
    document Document, by order::fold, parts order::part;
    past_is_theirs true;
    includes Products;
}

const TOTAL: SortKeys = &[("total", Kind::Amount), ("id", Kind::Id)];

sorts! {
    Oldest = "created_at", "orders", CREATED up;
    #[default]
    Newest = "-created_at", "orders -", CREATED down;
    Smallest = "total", "orders total", TOTAL up;
    Largest = "-total", "orders -total", TOTAL down;
}

query! {
    /// Which orders.
    Orders {
        /// Of this number.
        number: Option<i64>,
        /// Where they stand.
        status: Option<Status>,
        /// Where their payments stand.
        payment_status: Option<PaymentStatus>,
        /// Where their parcels stand.
        fulfilment_status: Option<FulfilmentStatus>,
        /// Whether money is still to be given back.
        to_refund: Option<bool>,
        /// Of this customer.
        customer_id: Option<Uuid>,
        /// In this currency.
        currency: Option<Currency>,
        /// With this SKU in it, spelled as it is.
        sku: Option<String>,
        /// With a parcel of this tracking code, in capitals or not, with its spaces or without.
        tracking: Option<String>,
        /// Of somebody with these words in their name, in any order: of whom it goes to, or of its
        /// customer. This, `email` and `phone` are for the back office: each may be in either.
        name: Option<String>,
        /// Of somebody with this e-mail address.
        email: Option<Email>,
        /// Of somebody with this phone number, however it is written.
        phone: Option<Phone>,
        /// Placed then or later.
        created_from: Option<Time>,
        /// Placed before.
        created_before: Option<Time>,
        sort: Sorting,
    }
}

impl ListQuery for Orders {
    const INCLUDES: Option<Include> = Some(Include::Products);
    const CSV: Option<WriteCsv> = Some(order_csv::of);

    async fn listing(self, app: &App, principal: Principal) -> Result<Listing, Problem> {
        let Self { name, email, phone, .. } = self;
        let wanted = PersonWanted { name, email, phone };
        // Whose an order is stands in no document: who may find it by that knows people.
        if wanted.is_some() {
            Access::Staff.check(principal)?;
        }
        let scope = ListScope::of_owner(principal)?;
        let by_person = if wanted.is_some() { people::find(app, &wanted).await? } else { vec![] };
        let by_parcel = self.tracking.map(|code| ("tracking_keys @>", vec![tracking_key(&code)]));
        let all = Listing::of(&scope, ReadModel::Orders, "orders", self.sort.into());
        let theirs = by_person.into_iter().fold(all, |listing, Found { addresses, profiles }| {
            listing.found_by(vec![("address_id = ANY", addresses), ("customer_id = ANY", profiles)])
        });
        Ok(theirs
            .only("number =", self.number)
            .only("status =", self.status.map(word))
            .only("payment_status =", self.payment_status.map(word))
            .only("fulfilment_status =", self.fulfilment_status.map(word))
            .whether("to_refund > 0", self.to_refund)
            .only("skus @>", self.sku.map(|sku| vec![sku]))
            .found_by(by_parcel.into_iter().collect())
            .only("customer_id =", self.customer_id)
            .only("currency =", self.currency.map(word))
            .only("created_at >=", self.created_from.map(|time| in_range(time.0)))
            .only("created_at <", self.created_before.map(|time| in_range(time.0))))
    }
}
