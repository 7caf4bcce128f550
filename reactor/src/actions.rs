//! Where at their bank a shopper confirms a payment. The gateway's address of that has a secret of
//! the payment in it, which is no event's to keep: what stands there ends before the query. The
//! whole lies sealed outside the log until it is swept.

use chrono::{DateTime, Utc};
use domain::text::MediaUrl;
use domain::{Owner, PaymentId};
use uuid::Uuid;
use vault::records::{KeptRecord, Kind, Record};
use vault::{DataSubject, Vault, VaultError};

/// Seals where a payment is confirmed, for whose it is; what of it an event may say. The next one
/// of the payment takes its place.
///
/// # Errors
/// It cannot be sealed now. Of who was forgotten nothing is.
pub async fn put_away(
    vault: &Vault,
    id: PaymentId,
    owner: Owner,
    url: &MediaUrl,
    now: DateTime<Utc>,
) -> Result<MediaUrl, VaultError> {
    let id = record_of(id);
    let subject = DataSubject::of(owner).unwrap_or(DataSubject(id));
    let record = Record { id, subject, kind: Kind::PaymentAction, lasting: false, plain: url };
    match vault.keep(record, &[], now).await {
        Ok(()) | Err(VaultError::Erased) => Ok(without_query(url)),
        Err(error) => Err(error),
    }
}

/// Where a payment is confirmed, and whose it is; none, where it was never asked for or is swept.
///
/// # Errors
/// Whose it was was forgotten, or it cannot be opened now.
pub async fn open(
    vault: &Vault,
    id: PaymentId,
) -> Result<Option<KeptRecord<MediaUrl>>, VaultError> {
    vault.kept(Kind::PaymentAction, record_of(id)).await
}

/// One record a payment.
fn record_of(id: PaymentId) -> Uuid {
    Uuid::new_v5(&id.0, b"action")
}

fn without_query(url: &MediaUrl) -> MediaUrl {
    let url = url.as_str();
    let end = url.find(['?', '#']).unwrap_or(url.len());
    url[..end].parse().expect("an address without its query is one")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_event_says_has_no_query() {
        for (whole, said) in [
            ("https://bank.example/3ds?client_secret=s_1&x=2", "https://bank.example/3ds"),
            ("https://bank.example/3ds#secret", "https://bank.example/3ds"),
            ("https://bank.example/3ds", "https://bank.example/3ds"),
            ("https://?", "https://"),
        ] {
            assert_eq!(without_query(&whole.parse().unwrap()).as_str(), said);
        }
    }
}
