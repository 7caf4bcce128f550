//! Who may call a route. Each route says it in the line that registers it; there is no default.

use axum::http::StatusCode;
use service::Problem;

use crate::principal::{Member, Principal, Role};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody; those who work here may be shown more.
    Anyone,
    /// The shopper whose it is, and the back office.
    Shopper,
    /// The same, and those who read what happened: of them it is the document of events that they
    /// see anyway.
    ShopperOrAnalyst,
    /// Who has signed in.
    SignedIn,
    /// Who has signed in, and who must enrol a second factor before that counts.
    Enrol,
    /// The back office.
    Staff,
    /// Who sees to other people's accounts: the back office, but for programs such as a storefront.
    Accounts,
    /// Those who read what happened, and the back office.
    Analyst,
    /// The same, and programs such as a storefront.
    StaffOrAnalyst,
    /// Those who keep the programs running.
    Ops,
    /// Who owns the shop.
    Owner,
    /// A payment gateway, as its signature of the body says: no token lets anybody in.
    Gateway,
}

impl Access {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Anyone,
        Self::Shopper,
        Self::ShopperOrAnalyst,
        Self::SignedIn,
        Self::Enrol,
        Self::Staff,
        Self::Accounts,
        Self::Analyst,
        Self::StaffOrAnalyst,
        Self::Ops,
        Self::Owner,
        Self::Gateway,
    ];

    /// What it is called where routes are described.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Shopper => "shopper",
            Self::ShopperOrAnalyst => "shopper_or_analyst",
            Self::SignedIn => "signed_in",
            Self::Staff => "staff",
            Self::Accounts => "accounts",
            Self::Analyst => "analyst",
            Self::StaffOrAnalyst => "staff_or_analyst",
            Self::Ops => "ops",
            Self::Enrol => "enrol",
            Self::Owner => "owner",
            Self::Gateway => "gateway",
        }
    }

    /// Whether somebody may call such a route. Whose things they find there is another question.
    pub fn permits(self, principal: Principal) -> bool {
        let (member, role) = match principal {
            Principal::Stranger => return self == Self::Anyone,
            Principal::Guest(_) => {
                return matches!(self, Self::Anyone | Self::Shopper | Self::ShopperOrAnalyst);
            }
            Principal::Customer(_) => {
                return matches!(
                    self,
                    Self::Anyone
                        | Self::Shopper
                        | Self::ShopperOrAnalyst
                        | Self::SignedIn
                        | Self::Enrol
                );
            }
            Principal::Enrolling(_) => return matches!(self, Self::Anyone | Self::Enrol),
            Principal::Member(member, role) => (member, role),
        };
        match self {
            Self::Anyone => true,
            Self::SignedIn | Self::Enrol => matches!(member, Member::Person(_)),
            Self::Shopper | Self::Staff => {
                matches!(role, Role::Staff | Role::Service | Role::Owner)
            }
            Self::ShopperOrAnalyst | Self::StaffOrAnalyst => role != Role::Ops,
            Self::Accounts => matches!(role, Role::Staff | Role::Owner),
            Self::Analyst => matches!(role, Role::Analyst | Role::Staff | Role::Owner),
            Self::Ops => matches!(role, Role::Ops | Role::Owner),
            Self::Owner => role == Role::Owner,
            Self::Gateway => false,
        }
    }

    /// Refuses who may not.
    ///
    /// # Errors
    /// 401 `unauthorized` for who has not said who they are, 403 `forbidden` for all others.
    pub fn check(self, principal: Principal) -> Result<(), Problem> {
        if self.permits(principal) {
            return Ok(());
        }
        Err(match principal {
            Principal::Stranger => unauthorized("say who you are: Authorization: Bearer …"),
            Principal::Enrolling(_) => Problem::new(
                StatusCode::FORBIDDEN,
                "second_factor_required",
                "enrol a second factor and sign in with it: POST /v1/people/me/totp",
            ),
            _ => forbidden("this is not for those who have such a token"),
        })
    }
}

/// 401 `unauthorized`.
pub fn unauthorized(detail: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
}

/// 403 `forbidden`.
pub(crate) fn forbidden(detail: &'static str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
}

#[cfg(test)]
mod tests {
    use domain::{CustomerId, GuestId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn who_may_what() {
        let id = Uuid::nil();
        let member = |role| Principal::Member(Member::Person(id), role);
        let all = [
            (Principal::Stranger, "A-----------"),
            (Principal::Guest(GuestId(id)), "ASh---------"),
            (Principal::Customer(CustomerId(id)), "AShie-------"),
            (Principal::Enrolling(id), "A---e-------"),
            (member(Role::Analyst), "A-hie--ar---"),
            (member(Role::Ops), "A--ie----o--"),
            (member(Role::Service), "AShies--r---"),
            (member(Role::Staff), "AShiesPar---"),
            (member(Role::Owner), "AShiesParoO-"),
            (Principal::Member(Member::Key(id), Role::Staff), "ASh--sPar---"),
            (Principal::ANYONE, "ASh--sParoO-"),
        ];
        for (principal, wanted) in all {
            let letters = Access::ALL.iter().zip("AShiesParoOG".chars());
            let permitted = letters.map(|(access, letter)| {
                let may = access.check(principal).is_ok();
                if may { letter } else { '-' }
            });
            assert_eq!(permitted.collect::<String>(), wanted, "{principal:?}");
        }
    }
}
