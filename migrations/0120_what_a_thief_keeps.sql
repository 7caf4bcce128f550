-- What a thief of a password or a token must not keep.

ALTER TABLE sessions
    -- A digest of what all refresh tokens of a session have in common. One that has it, and is
    -- neither the last nor the one before, was spent: it is known as such without a list of them.
    ADD COLUMN family bytea,
    -- When the token before the last was replaced: its grace counts from then, however often it
    -- is used.
    ADD COLUMN replaced_at timestamptz,
    -- Until when access tokens are good that came with it.
    ADD COLUMN access_until timestamptz;

-- Until when a row is looked at: its last token has run out by then. Who signs out needs one for
-- hours, whose tokens were all voided for the longest life of one (30 days, and as many again for
-- who is disabled, which is what older programs get without a word).
ALTER TABLE voided_tokens
    ADD COLUMN until timestamptz NOT NULL DEFAULT now() + interval '60 days';
CREATE INDEX voided_tokens_until ON voided_tokens (until);

-- Tokens of somebody that were given out before that are worth nothing, which is looked at until
-- all of them have run out. Forgets some that nobody has to look at any more.
CREATE FUNCTION void_tokens(
    of_person uuid, at timestamptz, given_before timestamptz, good_until timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM voided_tokens WHERE person_id IN (
        SELECT person_id FROM voided_tokens WHERE until < at AND person_id <> of_person
        LIMIT 10 FOR UPDATE SKIP LOCKED);
    INSERT INTO voided_tokens AS v (person_id, before, until)
    VALUES (of_person, given_before, good_until)
    ON CONFLICT (person_id) DO UPDATE SET
        before = greatest(v.before, given_before), until = greatest(v.until, good_until);
END
$$;

-- Ends all by which somebody is let in, or would be: sessions, tokens, codes that were mailed, an
-- invitation. Called in the statement that changes by what they are let in, so that nobody who
-- hangs up leaves the one without the other.
CREATE FUNCTION shut_out(of_person uuid, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM person_codes WHERE person_id = of_person;
    DELETE FROM invitations WHERE person_id = of_person;
    DELETE FROM sessions WHERE person_id = of_person;
    PERFORM void_tokens(of_person, at, at, at + interval '30 days');
END
$$;
