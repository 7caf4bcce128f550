-- What whoever took an address leaves behind in an account, once it is known to be somebody's who
-- reads its mails: a second factor, who they said they are, the addresses they kept. Addresses to
-- which an order goes stay for that order alone, out of the list. Called, like `shut_out`, in the
-- statement that gives the account to its owner; does nothing where nobody can have taken it.
CREATE FUNCTION clear_out(of_person uuid, was_taken boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT was_taken THEN
        RETURN;
    END IF;
    DELETE FROM second_factors WHERE person_id = of_person;
    DELETE FROM vault_records WHERE id = of_person AND kind = 'profile';
    UPDATE vault_records SET listed = false
    WHERE kind = 'address' AND listed
        AND subject IN (SELECT subject FROM vault_keys
                        WHERE subject = of_person OR customer = of_person);
    DELETE FROM vault_records
    WHERE kind = 'address' AND NOT listed AND NOT in_use
        AND subject IN (SELECT subject FROM vault_keys
                        WHERE subject = of_person OR customer = of_person);
END
$$;
