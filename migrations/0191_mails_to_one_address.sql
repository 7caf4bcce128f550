-- A keyed digest of the address that a mail goes to which strangers can have sent, for an hour: so
-- many go to one address in that time, from however many accounts they were asked for.
ALTER TABLE mails ADD COLUMN recipient bytea;
CREATE INDEX mails_recipient ON mails (recipient, template, created_at)
    WHERE recipient IS NOT NULL;
CREATE INDEX mails_recipient_created_at ON mails (created_at) WHERE recipient IS NOT NULL;
