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
    /// Who has signed in.
    SignedIn,
    /// The back office.
    Staff,
    /// Those who read what happened, and the back office.
    Analyst,
    /// Those who keep the programs running.
    Ops,
}

impl Access {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Anyone, Self::Shopper, Self::SignedIn, Self::Staff, Self::Analyst, Self::Ops];

    /// What it is called where routes are described.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Shopper => "shopper",
            Self::SignedIn => "signed_in",
            Self::Staff => "staff",
            Self::Analyst => "analyst",
            Self::Ops => "ops",
        }
    }

    /// Whether somebody may call such a route. Whose things they find there is another question.
    pub fn permits(self, principal: Principal) -> bool {
        let (member, role) = match principal {
            Principal::Stranger => return self == Self::Anyone,
            Principal::Guest(_) => return matches!(self, Self::Anyone | Self::Shopper),
            Principal::Customer(_) => {
                return matches!(self, Self::Anyone | Self::Shopper | Self::SignedIn);
            }
            Principal::Member(member, role) => (member, role),
        };
        match self {
            Self::Anyone => true,
            Self::SignedIn => matches!(member, Member::Person(_)),
            Self::Shopper | Self::Staff => {
                matches!(role, Role::Staff | Role::Service | Role::Owner)
            }
            Self::Analyst => matches!(role, Role::Analyst | Role::Staff | Role::Owner),
            Self::Ops => matches!(role, Role::Ops | Role::Owner),
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
            _ => Problem::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                "this is not for those who have such a token",
            ),
        })
    }
}

/// 401 `unauthorized`.
pub fn unauthorized(detail: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
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
            (Principal::Stranger, "A-----"),
            (Principal::Guest(GuestId(id)), "AS----"),
            (Principal::Customer(CustomerId(id)), "ASi---"),
            (member(Role::Analyst), "A-i-a-"),
            (member(Role::Ops), "A-i--o"),
            (member(Role::Service), "ASis--"),
            (member(Role::Staff), "ASisa-"),
            (member(Role::Owner), "ASisao"),
            (Principal::ANYONE, "AS-sao"),
        ];
        for (principal, wanted) in all {
            let letters = Access::ALL.iter().zip("ASisao".chars());
            let permitted = letters.map(|(access, letter)| {
                let may = access.check(principal).is_ok();
                if may { letter } else { '-' }
            });
            assert_eq!(permitted.collect::<String>(), wanted, "{principal:?}");
        }
    }
}
