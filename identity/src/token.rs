//! The shop's own tokens: JWTs (RFC 7519, RFC 9068 in what they say) that name a principal for a
//! while. Signed by command-api, read by all who are asked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{CustomerId, GuestId};
use jsonwebtoken::{Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use crate::keys::LIFE_MAX;
use crate::keys::{Public, Signing};
use crate::principal::{Member, Principal, Role};

/// Whom tokens are for.
pub const AUDIENCE: &str = "commerce";
/// How far clocks may be apart.
const LEEWAY: TimeDelta = TimeDelta::seconds(5);
/// Bytes of a token that is looked at.
pub const TOKEN_BYTES_MAX: usize = 4_096;
/// Bytes of one of another issuer, who may say more.
pub const FOREIGN_BYTES_MAX: usize = 8_192;
/// What sort of JWT it is.
const TYPE: &str = "at+jwt";

/// Why a token is worth nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Worthless {
    /// It is no token, or of another sort, or of somebody else, or was changed.
    #[error("this token is not one of this shop's")]
    Strange,
    /// It was one.
    #[error("this token has run out")]
    RunOut,
    /// It was one, and was withdrawn.
    #[error("this token was withdrawn")]
    Void,
}

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    role: Who,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

/// What its subject is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Who {
    Guest,
    Customer,
    Enrolling,
    #[serde(untagged)]
    Member(Role),
}

/// Whom a token can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A shopper who has not signed in.
    Guest(GuestId),
    /// A shopper who has.
    Customer(CustomerId),
    /// Somebody of the shop who has to enrol a second factor.
    Enrolling(Uuid),
    /// Somebody of the shop.
    Member(Uuid, Role),
}

/// A principal, and how long a token names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// Who.
    pub principal: Principal,
    /// When it was given out.
    pub issued: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// The mark of the key that verified it.
    pub key: [u8; 32],
}

/// Signs a token for `subject`, from `now` until `until`, which is at most [`LIFE_MAX`] away.
///
/// # Errors
/// The key cannot sign.
pub fn sign(
    signing: &Signing,
    issuer: &str,
    subject: Subject,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> jsonwebtoken::errors::Result<String> {
    crate::crypto::install();
    let (sub, role) = match subject {
        Subject::Guest(GuestId(id)) => (id, Who::Guest),
        Subject::Customer(CustomerId(id)) => (id, Who::Customer),
        Subject::Enrolling(id) => (id, Who::Enrolling),
        Subject::Member(id, role) => (id, Who::Member(role)),
    };
    let until = until.min(now + LIFE_MAX);
    let claims = Claims {
        iss: issuer.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub,
        role,
        iat: now.timestamp(),
        exp: until.timestamp(),
        jti: Uuid::now_v7(),
    };
    let mut header = Header::new(signing.algorithm);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(signing.id.to_string());
    jsonwebtoken::encode(&header, &claims, &signing.key)
}

/// Who a token says has signed it. That is not known yet: only whose keys are to be tried.
pub fn issuer_of(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        iss: String,
    }
    if token.len() > FOREIGN_BYTES_MAX {
        return None;
    }
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    serde_json::from_slice::<Claims>(&claims).ok().map(|claims| claims.iss)
}

/// What a token says of itself, as far as it may: nothing that must be understood is (RFC 7515,
/// 4.1.11), and the keys and places of keys that it brings along are nobody's.
pub(crate) fn header_of(token: &str) -> Result<Header, Worthless> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Worthless::Strange)?;
    if header.crit.is_some() { Err(Worthless::Strange) } else { Ok(header) }
}

/// The key that a token says it was signed with.
///
/// # Errors
/// It is no token of this shop's.
pub fn key_of(token: &str) -> Result<String, Worthless> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(Worthless::Strange);
    }
    let header = header_of(token)?;
    if header.typ.as_deref() != Some(TYPE) {
        return Err(Worthless::Strange);
    }
    header.kid.ok_or(Worthless::Strange)
}

/// Whom a token names, which was signed with `key`.
///
/// # Errors
/// It is worth nothing.
pub fn read(
    token: &str,
    key: &Public,
    issuer: &str,
    now: DateTime<Utc>,
) -> Result<Named, Worthless> {
    crate::crypto::install();
    // The key says which algorithm, whatever the token says.
    let mut validation = Validation::new(key.algorithm);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // By the time that came in.
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &key.key, &validation);
    let Claims { sub, role, iat, exp, jti, .. } = claims.map_err(|_| Worthless::Strange)?.claims;
    let at = |seconds| DateTime::from_timestamp(seconds, 0).ok_or(Worthless::Strange);
    let (from, until) = (at(iat)?, at(exp)?);
    if from > now + LEEWAY {
        return Err(Worthless::Strange);
    }
    if until + LEEWAY <= now {
        return Err(Worthless::RunOut);
    }
    let principal = match role {
        Who::Guest => Principal::Guest(GuestId(sub)),
        Who::Customer => Principal::Customer(CustomerId(sub)),
        Who::Enrolling => Principal::Enrolling(sub),
        Who::Member(role) => Principal::Member(Member::Person(sub), role),
    };
    Ok(Named { principal, issued: made(jti).unwrap_or(from), until, key: key.mark })
}

/// When an id was made, to the millisecond: whoever is sent away and comes back may do both within
/// one of the seconds that claims count.
fn made(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}
