-- Who was a customer elsewhere has an account here before they have a password: they choose one by
-- having it reset. Until then nobody signs in as them.
ALTER TABLE people ALTER COLUMN password DROP NOT NULL;
