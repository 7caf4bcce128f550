-- Whether whoever's tokens are void had an account. Anybody becomes a guest and leaves as often as
-- they like: of them so many are looked at by themselves, and push nobody else out.
ALTER TABLE voided_tokens ADD COLUMN has_account boolean NOT NULL DEFAULT true;
